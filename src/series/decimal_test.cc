// SPDX-License-Identifier: Apache-2.0
#include "series/decimal.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "series/lines.h"
#include "series/series.h"

namespace assay::series {
namespace {

std::optional<int64_t> ns_of(std::string_view text, int power, bool* inexact = nullptr) {
  Decimal d;
  size_t length = 0;
  EXPECT_EQ(scan_number(text, d, length), NumberKind::finite) << text;
  EXPECT_EQ(length, text.size()) << text;
  bool rounded = false;
  const auto out = scaled(d, power, rounded);
  if (inexact) *inexact = rounded;
  return out;
}

TEST(Decimal, KeepsEveryDigit) {
  const struct {
    const char* text;
    int power;
    int64_t ns;
  } cases[] = {
      {"1.5", 6, 1'500'000},
      {"0.1", 9, 100'000'000},
      {"0.000000001", 9, 1},
      {"1.2345678e-2", 9, 12'345'678},
      {"1.2345678E+2", 6, 123'456'780},
      {"+7", 0, 7},
      {".5", 3, 500},
      {"5.", 3, 5000},
      {"0", 9, 0},
      {"-0.0", 9, 0},
      {"0e999999999999", 9, 0},
      {"4611686018427387904", 0, kLargestNs},
      {"4611686018.427387904", 9, kLargestNs},
      {"4611686018.4273879040000000000000000", 9, kLargestNs},
      {"9007199254740993", 0, 9007199254740993},  // 2^53 + 1: no double holds it
      {"9007199254.740993", 6, 9007199254740993},
      {"000000000000000000000000000012", 0, 12},
      {"0.00000000000000000000000000001e29", 0, 1},
  };
  for (const auto& c : cases) {
    bool inexact = false;
    EXPECT_EQ(ns_of(c.text, c.power, &inexact), c.ns) << c.text;
    EXPECT_FALSE(inexact) << c.text;
  }
}

TEST(Decimal, RoundsHalfUpAndSaysSo) {
  const struct {
    const char* text;
    int power;
    int64_t ns;
  } cases[] = {
      {"0.4999999999999999999999999", 0, 0},
      {"0.5", 0, 1},
      {"1.49", 0, 1},
      {"1.5", 0, 2},
      {"1234567890123456789.4999", 0, 1234567890123456789},
      {"1234567890123456789.5", 0, 1234567890123456790},
      {"1e-30", 9, 0},
      {"1e-1000000000000", 9, 0},
      {"0.0000000005", 9, 1},
      {"5e-20", 0, 0},
      {"0.00000000099999999999999999999", 9, 1},
  };
  for (const auto& c : cases) {
    bool inexact = false;
    EXPECT_EQ(ns_of(c.text, c.power, &inexact), c.ns) << c.text;
    EXPECT_TRUE(inexact) << c.text;
  }
}

TEST(Decimal, RefusesWhatIsTooLarge) {
  for (const char* text :
       {"4611686018427387905", "4611686018427387904.5", "1e19", "1e400", "99999999999999999999999",
        "18446744073709551616", "1e1000000000000000000000"})
    EXPECT_EQ(ns_of(text, 0), std::nullopt) << text;
  EXPECT_EQ(ns_of("4611686018.427387905", 9), std::nullopt);
  bool inexact = false;
  EXPECT_EQ(scaled(decimal_of(UINT64_MAX), 0, inexact), std::nullopt);
  EXPECT_EQ(scaled(decimal_of(uint64_t{1} << 62), 0, inexact), kLargestNs);
}

TEST(Decimal, TakesOnlyTheNumber) {
  const struct {
    const char* text;
    NumberKind kind;
    size_t length;
    int64_t last_place;
  } cases[] = {
      {"1.250 ms", NumberKind::finite, 5, -3},
      {"12e", NumberKind::finite, 2, 0},
      {"12e+", NumberKind::finite, 2, 0},
      {"1.2.3", NumberKind::finite, 3, -1},
      {"1.5e-3x", NumberKind::finite, 6, -4},
      {"1,5", NumberKind::finite, 1, 0},
      {"", NumberKind::none, 0, 0},
      {"-", NumberKind::none, 0, 0},
      {".", NumberKind::none, 0, 0},
      {"e5", NumberKind::none, 0, 0},
      {"ms", NumberKind::none, 0, 0},
      {"NaN", NumberKind::nan, 3, 0},
      {"-inf", NumberKind::infinite, 4, 0},
      {"Infinity", NumberKind::infinite, 8, 0},
  };
  for (const auto& c : cases) {
    Decimal d;
    size_t length = 99;
    EXPECT_EQ(scan_number(c.text, d, length), c.kind) << c.text;
    EXPECT_EQ(length, c.length) << c.text;
    EXPECT_EQ(d.last_place, c.last_place) << c.text;
  }
}

TEST(Unit, OfColumnNames) {
  const struct {
    const char* name;
    const char* unit;  // "": none
  } cases[] = {
      {"latency_ms", "ms"},
      {"latency (ms)", "ms"},
      {"latencyMs", "ms"},
      {"latency [us]", "us"},
      {"time_ns", "ns"},
      {"time_s", "s"},
      {"Time_US", "us"},
      {"total-ms", "ms"},
      {"latency ms", "ms"},
      {"ms", "ms"},
      {"elapsed_seconds", "s"},
      {"latencySec", "s"},
      {"latency (\xC2\xB5s)", "us"},
      {"latency_\xCE\xBCs", "us"},
      {"t_milliseconds", "ms"},
      {"latency", ""},
      {"items", ""},
      {"params", ""},
      {"class", ""},
      {"timeS", ""},
      {"frames_per_s", ""},
      {"MB/s", ""},
      {"rate (1/s)", ""},
      {"perMs", ""},
      {"", ""},
      {"LATENCYMS", ""},
      {"s)", ""},
      {"columns", ""},
      {"upper_s", "s"},
      {"framesPerSec", ""},
  };
  for (const auto& c : cases) {
    const auto unit = unit_of_name(c.name);
    EXPECT_EQ(unit ? unit->name : "", std::string_view(c.unit)) << c.name;
  }
}

TEST(Lines, CountsNewlinesOfAnyLength) {
  std::string text;
  for (int i = 0; i < 300; ++i) {
    EXPECT_EQ(count_newlines(text),
              static_cast<size_t>(std::count(text.begin(), text.end(), '\n')));
    text += i * 7919 % 5 < 2 ? '\n' : static_cast<char>(i % 2 ? 0x8a : i);
  }
}

}  // namespace
}  // namespace assay::series
