// SPDX-License-Identifier: Apache-2.0
// Lines and fields of a mapped text file, as views: nothing is copied.
#pragma once

#include <cstdint>
#include <cstring>
#include <string_view>

#include "series/decimal.h"

namespace assay::series {

inline std::string_view trimmed(std::string_view s) {
  const auto blank = [](char c) { return c == ' ' || c == '\t' || c == '\r'; };
  while (!s.empty() && blank(s.front())) s.remove_prefix(1);
  while (!s.empty() && blank(s.back())) s.remove_suffix(1);
  return s;
}

// Records of a CSV file: lines, or several where a quoted field holds a newline. Blank lines and
// those that start with "#" are passed over.
class Lines {
 public:
  // `plain`: neither quotes nor comments mean anything.
  explicit Lines(std::string_view bytes, bool plain = false)
      : rest_(bytes), plain_(plain), quotes_(!plain && bytes.find('"') != std::string_view::npos) {}

  // False at the end of the file, or when a quote is still open there (unclosed()).
  bool next() {
    while (!rest_.empty()) {
      line_ = next_line_;
      size_t end = newline(0);
      if (quotes_ && !trimmed(rest_.substr(0, end)).starts_with('#')) {
        bool open = odd_quotes(0, end);
        while (open && end < rest_.size()) {
          ++next_line_;
          const size_t from = end + 1;
          end = newline(from);
          open = open != odd_quotes(from, end);
        }
        if (open) {
          unclosed_ = true;
          rest_ = {};
          return false;
        }
      }
      text_ = trimmed(rest_.substr(0, end));
      rest_.remove_prefix(end < rest_.size() ? end + 1 : end);
      ++next_line_;
      if (!text_.empty() && (plain_ || text_.front() != '#')) return true;
    }
    return false;
  }
  std::string_view text() const { return text_; }
  int64_t line() const { return line_; }  // from 1
  bool unclosed() const { return unclosed_; }

 private:
  size_t newline(size_t from) const {
    const auto* p = static_cast<const char*>(
        from < rest_.size() ? std::memchr(rest_.data() + from, '\n', rest_.size() - from)
                            : nullptr);
    return p ? static_cast<size_t>(p - rest_.data()) : rest_.size();
  }
  bool odd_quotes(size_t from, size_t to) const {
    bool odd = false;
    for (size_t i = from; i < to; ++i) odd = odd != (rest_[i] == '"');
    return odd;
  }

  std::string_view rest_, text_;
  bool plain_, quotes_, unclosed_ = false;
  int64_t line_ = 0, next_line_ = 1;
};

// Fields of one record. `separator` 0: the whole record is one field; ' ': runs of blanks.
class Fields {
 public:
  Fields(std::string_view record, char separator) : rest_(record), separator_(separator) {}

  // The next field without blanks around it and without its quotes; false behind the last.
  bool next(std::string_view& field) {
    if (done_) return false;
    size_t end = rest_.size();
    if (separator_ != 0) {
      bool quoted = false;
      for (size_t i = 0; i < rest_.size(); ++i) {
        const char c = rest_[i];
        if (c == '"') quoted = !quoted;
        if (!quoted && (c == separator_ || (separator_ == ' ' && c == '\t'))) {
          end = i;
          break;
        }
      }
    }
    field = trimmed(rest_.substr(0, end));
    if (field.size() >= 2 && field.front() == '"' && field.back() == '"')
      field = trimmed(field.substr(1, field.size() - 2));
    done_ = end >= rest_.size();
    rest_.remove_prefix(done_ ? end : end + 1);
    if (separator_ == ' ')
      while (!rest_.empty() && (rest_.front() == ' ' || rest_.front() == '\t'))
        rest_.remove_prefix(1);
    return true;
  }

 private:
  std::string_view rest_;
  char separator_;
  bool done_ = false;
};

// A number and the unit behind it, if any.
struct Value {
  NumberKind kind = NumberKind::none;
  Decimal number;
  std::string_view tail;  // what follows the number
  std::optional<Unit> unit;
  bool whole() const { return kind != NumberKind::none && (tail.empty() || unit); }
};
inline Value scan_value(std::string_view field) {
  Value v;
  size_t length = 0;
  v.kind = scan_number(field, v.number, length);
  if (length < field.size()) {
    v.tail = trimmed(field.substr(length));
    if (v.kind != NumberKind::none) v.unit = parse_unit(v.tail);
  }
  return v;
}

// Newlines in `bytes`, eight at a time.
inline size_t count_newlines(std::string_view bytes) {
  constexpr uint64_t kLow = 0x7f7f7f7f7f7f7f7f, kNewlines = 0x0a0a0a0a0a0a0a0a;
  size_t count = 0, i = 0;
  for (; i + 8 <= bytes.size(); i += 8) {
    uint64_t x;
    std::memcpy(&x, bytes.data() + i, 8);
    x ^= kNewlines;                                           // a newline is now a byte of 0
    const uint64_t zero = ~(((x & kLow) + kLow) | x | kLow);  // its high bit, and no other
    count += ((zero >> 7) * 0x0101010101010101) >> 56;
  }
  for (; i < bytes.size(); ++i) count += bytes[i] == '\n';
  return count;
}

}  // namespace assay::series
