// SPDX-License-Identifier: Apache-2.0
// A table of the words of an enum, read both ways: the word stands once, and `word(e)` and
// `from(text)` cannot disagree.
#pragma once

#include <array>
#include <optional>
#include <string_view>
#include <utility>

namespace assay {

template <class E, size_t N>
using WordTable = std::array<std::pair<E, std::string_view>, N>;

// "unknown" for a value that the table lacks (a number read from elsewhere).
template <class E, size_t N>
constexpr std::string_view word_of(const WordTable<E, N>& table, E value) {
  for (const auto& [e, text] : table)
    if (e == value) return text;
  return "unknown";
}

template <class E, size_t N>
constexpr std::optional<E> value_of(const WordTable<E, N>& table, std::string_view word) {
  for (const auto& [e, text] : table)
    if (text == word) return e;
  return std::nullopt;
}

}  // namespace assay
