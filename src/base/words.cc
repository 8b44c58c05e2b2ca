// SPDX-License-Identifier: Apache-2.0
#include "base/words.h"

#include <array>

namespace assay {
namespace {

constexpr std::array<std::string_view, 3> kVerdicts = {"SAME", "DIFFERENT", "INCONCLUSIVE"};
constexpr std::array<std::string_view, 3> kTrusts = {"TRUSTED", "DEGRADED", "REJECTED"};
constexpr std::array<std::string_view, 3> kSamplings = {"independent", "clustered", "fixed"};

template <class E>
std::optional<E> lookup(const std::array<std::string_view, 3>& words, std::string_view s) {
  for (size_t i = 0; i < words.size(); ++i)
    if (words[i] == s) return static_cast<E>(i);
  return std::nullopt;
}

}  // namespace

std::string_view word(Verdict v) { return kVerdicts[static_cast<size_t>(v)]; }
std::string_view word(Trust t) { return kTrusts[static_cast<size_t>(t)]; }
std::string_view word(Sampling s) { return kSamplings[static_cast<size_t>(s)]; }
std::optional<Verdict> verdict_from(std::string_view s) { return lookup<Verdict>(kVerdicts, s); }
std::optional<Trust> trust_from(std::string_view s) { return lookup<Trust>(kTrusts, s); }
std::optional<Sampling> sampling_from(std::string_view s) {
  return lookup<Sampling>(kSamplings, s);
}

}  // namespace assay
