// SPDX-License-Identifier: Apache-2.0
// Decimal numbers as files spell them, to whole ns without a detour over binary fractions: "1.5" ms
// is 1500000 ns, and 0.1 + 0.2 of rounding never enters.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace assay::series {

// mantissa * 10^exponent, of which digits after the 19th are known only as `next` and `more`.
struct Decimal {
  uint64_t mantissa = 0;
  int64_t exponent = 0;    // of the mantissa's last digit
  int64_t last_place = 0;  // of the last digit written: -3 for "1.250"
  int next = 0;            // first digit that does not fit the mantissa
  bool more = false;       // a digit after `next` is not 0
  bool negative = false;
  bool zero() const { return mantissa == 0 && next == 0 && !more; }
};

enum class NumberKind { none, finite, nan, infinite };

// Reads a number at the start of `text` ([+-]digits[.digits][e[+-]digits], or nan, inf, infinity in
// any case); `length` is what it takes of it, 0 for none.
NumberKind scan_number(std::string_view text, Decimal& out, size_t& length);
Decimal decimal_of(uint64_t value, bool negative = false);

// The value times 10^power, rounded half up to a whole number; the sign is ignored. nullopt when it
// would exceed kLargestNs. `inexact` becomes true when digits were rounded away, else is left.
std::optional<int64_t> scaled(const Decimal& d, int power, bool& inexact);

// Units, by the power of ten that makes them ns.
struct Unit {
  std::string_view name;  // "ns", "us", "ms", "s"
  int power = 0;
};
// "ns", "us", "µs", "ms", "s" and the words people write for them ("msec", "milliseconds"), in any
// case; nullopt for anything else.
std::optional<Unit> parse_unit(std::string_view word);
// The unit that a column's name ends in: "latency_ms", "latency (ms)", "latency [ms]", "latencyMs",
// "ms". Not rates: "frames_per_s", "MB/s".
std::optional<Unit> unit_of_name(std::string_view name);

}  // namespace assay::series
