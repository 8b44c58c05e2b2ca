// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include "base/json.h"
#include "series/series.h"

namespace assay::series {
namespace {

// ns spelled in a unit of 10^power ns, with all digits.
std::string spelled(int64_t ns, int power) {
  std::string digits = std::to_string(ns);
  if (power == 0) return digits;
  const auto p = static_cast<size_t>(power);
  if (digits.size() <= p) digits.insert(0, p + 1 - digits.size(), '0');
  return digits.insert(digits.size() - p, ".");
}

rc::Gen<std::vector<int64_t>> latencies() {
  return rc::gen::nonEmpty(rc::gen::container<std::vector<int64_t>>(rc::gen::oneOf(
      rc::gen::inRange<int64_t>(0, kLargestNs), rc::gen::inRange<int64_t>(0, 1'000'000'000),
      rc::gen::element<int64_t>(0, 1, 999, 1000, (int64_t{1} << 53) + 1, kLargestNs))));
}

RC_GTEST_PROP(RoundTrip, CsvInEveryUnit, ()) {
  const auto list = *latencies();
  const auto power = *rc::gen::element(0, 3, 6, 9);
  const auto style = *rc::gen::inRange(0, 4);
  const char* const unit = power == 0 ? "ns" : power == 3 ? "us" : power == 6 ? "ms" : "s";
  const std::string end = *rc::gen::element<std::string>("\n", "\r\n");
  std::string text;
  if (style == 1) text = fmt::format("latency_{}{}", unit, end);
  if (style == 2) text = fmt::format("run;time ({}){}", unit, end);
  for (size_t i = 0; i < list.size(); ++i) {
    if (style == 2) text += fmt::format("{};", i);
    text += spelled(list[i], power);
    if (style == 3) text += fmt::format(" {}", unit);
    text += end;
  }
  ReadOptions o;
  if (style == 0) o.unit = unit;
  const auto r = parse_series(text, "f.csv", o);
  RC_ASSERT(r.has_value());
  RC_ASSERT(r->size() == 1u);
  RC_ASSERT((*r)[0].samples == list);
  RC_ASSERT((*r)[0].unit == unit);
  RC_ASSERT((*r)[0].tick_ns == 1.0);
}

RC_GTEST_PROP(RoundTrip, Int64, ()) {
  const auto list = *latencies();
  ReadOptions o;
  o.format = Format::int64;
  const auto r =
      parse_series({reinterpret_cast<const char*>(list.data()), list.size() * 8}, "f", o);
  RC_ASSERT(r.has_value());
  RC_ASSERT((*r)[0].samples == list);
}

RC_GTEST_PROP(RoundTrip, Bench, ()) {
  const auto list = *latencies();
  Json j = Json::array();
  for (size_t i = 0; i < list.size(); ++i)
    j.push_back({{"launch", i % 2},
                 {"latencyMs", static_cast<double>(list[i]) / 1e6},
                 {"latency_ns", list[i]}});
  const auto r = parse_series(dump_json(j, 1), "f", {});
  RC_ASSERT(r.has_value());
  for (size_t i = 0; i < list.size(); ++i) RC_ASSERT((*r)[i % 2].samples[i / 2] == list[i]);
}

// The shortest text of a double, as Python, Rust and C++ write it, comes back to within its ulp.
RC_GTEST_PROP(RoundTrip, MillisecondsOfADouble, ()) {
  const auto ns = *rc::gen::inRange<int64_t>(0, int64_t{1} << 50);
  const auto r =
      parse_series(fmt::format("[{{\"latencyMs\": {}}}]", static_cast<double>(ns) / 1e6), "f", {});
  RC_ASSERT(r.has_value());
  RC_ASSERT((*r)[0].samples[0] == ns);
}

}  // namespace
}  // namespace assay::series
