// SPDX-License-Identifier: Apache-2.0
#include "series/decimal.h"

#include <algorithm>
#include <array>
#include <string>

#include "series/series.h"

namespace assay::series {
namespace {

constexpr int kMantissaDigits = 19;  // 10^19 - 1 fits uint64_t
constexpr int64_t kExponentLimit = 1'000'000;

constexpr std::array<uint64_t, 20> powers_of_ten() {
  std::array<uint64_t, 20> out{};
  uint64_t p = 1;
  for (auto& o : out) {
    o = p;
    p *= 10;
  }
  return out;
}
constexpr auto kPowers = powers_of_ten();

constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }
constexpr char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

bool starts_with_word(std::string_view text, std::string_view word) {
  if (text.size() < word.size()) return false;
  for (size_t i = 0; i < word.size(); ++i)
    if (lower(text[i]) != word[i]) return false;
  return true;
}

// Digits into the mantissa as far as they fit; leading zeros take no room in it.
struct DigitSink {
  Decimal& d;
  int used = 0;
  bool has_next = false;

  void add(int digit, bool fraction) {
    if (used < kMantissaDigits) {
      d.mantissa = d.mantissa * 10 + static_cast<uint64_t>(digit);
      used += d.mantissa != 0;
      d.exponent -= fraction;
    } else {
      d.exponent += !fraction;
      if (!has_next)
        d.next = digit;
      else
        d.more = d.more || digit != 0;
      has_next = true;
    }
  }
};

struct Spelling {
  std::string_view word;
  Unit unit;
};
constexpr Unit kNs{"ns", 0}, kUs{"us", 3}, kMs{"ms", 6}, kS{"s", 9};
// Longest first where one ends in another, for unit_of_name().
constexpr Spelling kSpellings[] = {
    {"nanoseconds", kNs},  {"nanosecond", kNs},
    {"nanos", kNs},        {"nsec", kNs},
    {"ns", kNs},           {"microseconds", kUs},
    {"microsecond", kUs},  {"micros", kUs},
    {"usec", kUs},         {"\xC2\xB5s", kUs},
    {"\xCE\xBCs", kUs},    {"us", kUs},
    {"milliseconds", kMs}, {"millisecond", kMs},
    {"millis", kMs},       {"msec", kMs},
    {"ms", kMs},           {"seconds", kS},
    {"second", kS},        {"secs", kS},
    {"sec", kS},           {"s", kS},
};

std::string lowered(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), lower);
  return out;
}

std::string_view trim(std::string_view s) {
  while (!s.empty() && (s.front() == ' ' || s.front() == '\t')) s.remove_prefix(1);
  while (!s.empty() && (s.back() == ' ' || s.back() == '\t')) s.remove_suffix(1);
  return s;
}

}  // namespace

NumberKind scan_number(std::string_view text, Decimal& out, size_t& length) {
  out = {};
  length = 0;
  const char* const begin = text.data();
  const char* const end = begin + text.size();
  const char* p = begin;
  if (p < end && (*p == '-' || *p == '+')) out.negative = *p++ == '-';
  if (p < end && !is_digit(*p) && *p != '.') {
    const std::string_view rest(p, static_cast<size_t>(end - p));
    const auto taken = [&](size_t word) { return static_cast<size_t>(p - begin) + word; };
    if (starts_with_word(rest, "nan")) return length = taken(3), NumberKind::nan;
    if (starts_with_word(rest, "infinity")) return length = taken(8), NumberKind::infinite;
    if (starts_with_word(rest, "inf")) return length = taken(3), NumberKind::infinite;
    return NumberKind::none;
  }
  DigitSink sink{out};
  const char* digits = p;
  while (p < end && is_digit(*p)) sink.add(*p++ - '0', false);
  int64_t count = p - digits;
  if (p < end && *p == '.') {
    digits = ++p;
    while (p < end && is_digit(*p)) sink.add(*p++ - '0', true);
    out.last_place = -(p - digits);
    count += p - digits;
  }
  if (count == 0) return NumberKind::none;
  if (p < end && (*p == 'e' || *p == 'E')) {
    const char* q = p + 1;
    bool minus = false;
    if (q < end && (*q == '-' || *q == '+')) minus = *q++ == '-';
    if (q < end && is_digit(*q)) {
      int64_t exponent = 0;
      for (; q < end && is_digit(*q); ++q)
        exponent = std::min(kExponentLimit, exponent * 10 + (*q - '0'));
      out.exponent += minus ? -exponent : exponent;
      out.last_place += minus ? -exponent : exponent;
      p = q;
    }
  }
  length = static_cast<size_t>(p - begin);
  return NumberKind::finite;
}

Decimal decimal_of(uint64_t value, bool negative) {
  Decimal d;
  d.negative = negative;
  // 20 digits: the last goes where scan_number() would put it.
  if (value >= kPowers[kMantissaDigits]) {
    d.next = static_cast<int>(value % 10);
    d.exponent = 1;
    value /= 10;
  }
  d.mantissa = value;
  return d;
}

std::optional<int64_t> scaled(const Decimal& d, int power, bool& inexact) {
  constexpr auto kMost = static_cast<uint64_t>(kLargestNs);
  if (d.mantissa == 0) return 0;  // `next` and `more` are only filled behind 19 digits
  const int64_t p = d.exponent + power;
  uint64_t whole = 0;
  bool up = false;
  if (p >= 0) {
    // Cut digits mean a mantissa of 10^18 or more: with p > 0 it is too large anyway.
    if (p >= kMantissaDigits || d.mantissa > kMost / kPowers[static_cast<size_t>(p)])
      return std::nullopt;
    whole = d.mantissa * kPowers[static_cast<size_t>(p)];
    up = d.next >= 5;
    inexact = inexact || d.next != 0 || d.more;
  } else if (p < -kMantissaDigits) {
    inexact = true;  // below 10^19 / 10^20
  } else {
    const uint64_t divisor = kPowers[static_cast<size_t>(-p)];
    whole = d.mantissa / divisor;
    const uint64_t rest = d.mantissa % divisor;
    up = rest >= divisor / 2;  // a power of ten is even
    inexact = inexact || rest != 0 || d.next != 0 || d.more;
  }
  whole += up;
  if (whole > kMost) return std::nullopt;
  return static_cast<int64_t>(whole);
}

std::optional<Unit> parse_unit(std::string_view word) {
  const std::string l = lowered(trim(word));
  for (const auto& s : kSpellings)
    if (l == s.word) return s.unit;
  return std::nullopt;
}

std::optional<Unit> unit_of_name(std::string_view name) {
  name = trim(name);
  if (auto whole = parse_unit(name)) return whole;
  if (!name.empty() && (name.back() == ')' || name.back() == ']')) {
    const size_t open = name.rfind(name.back() == ')' ? '(' : '[');
    if (open == std::string_view::npos) return std::nullopt;
    return parse_unit(name.substr(open + 1, name.size() - open - 2));
  }
  for (const auto& s : kSpellings) {
    if (name.size() <= s.word.size()) continue;
    const std::string_view head = name.substr(0, name.size() - s.word.size());
    const std::string_view tail = name.substr(head.size());
    if (lowered(tail) != s.word) continue;
    const char before = head.back();
    if (before == '_' || before == '-' || before == '.' || before == ' ') {
      const std::string rest = lowered(trim(head.substr(0, head.size() - 1)));
      const bool rate = rest == "per" || (rest.size() > 3 && rest.ends_with("per") &&
                                          std::string_view("_-. ").find(rest[rest.size() - 4]) !=
                                              std::string_view::npos);
      return rate ? std::nullopt : std::optional(s.unit);
    }
    // latencyMs: a capital behind a small letter. One letter ("timeS") is too little to go by.
    if (s.word.size() > 1 && tail[0] >= 'A' && tail[0] <= 'Z' && before >= 'a' && before <= 'z') {
      return lowered(head).ends_with("per") ? std::nullopt : std::optional(s.unit);
    }
  }
  return std::nullopt;
}

}  // namespace assay::series
