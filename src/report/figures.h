// SPDX-License-Identifier: Apache-2.0
// Numbers as people read them, the same words in every printer. Never a rate without its
// denominator, never zero without its bound, never a percentile that n cannot carry.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/json.h"
#include "stats/intervals.h"

namespace assay::report {

struct Recipe;

using stats::Interval;
using stats::Proportion;

// JSON of evidence-format.md; absent when it is null or of another form.
std::optional<Interval> interval_from(const Json& j);
std::optional<Proportion> proportion_from(const Json& j);
std::optional<Interval> interval_at(const Json& j, const char* key);
std::optional<Proportion> proportion_at(const Json& j, const char* key);

std::string time_text(double ns);  // four significant digits: "12.34 ms"; "unknown" when negative
std::string range_text(double low_ns, double high_ns);  // "12.31 to 12.40 ms"
std::string bytes_text(int64_t bytes);                  // "unknown" unless positive
std::string cost_text(int64_t ns);                      // time_text; "unknown" unless positive
// "REJECTED: step: ...; drift: ..." of the latency verdict; "" when it is TRUSTED or not told.
std::string trust_line(const Recipe& recipe);
// "NVIDIA H100 80GB HBM3, driver 580.159.04 (CUDA 13.0), power limit 700 W" of each GPU of a
// machine record, "; " between them; "" when it has none.
std::string gpus_text(const Json& machine);
std::string count_text(int64_t n);       // "1 000 000"
std::string number_text(double v);       // "1.2e-06", "0.53", "inf"
std::string percent_text(double share);  // "12.3 %"

// "12.34 ms [12.30, 12.41]"; "not available (n >= 368)" when n cannot carry it; "unknown" when
// absent.
std::string interval_text(const std::optional<Interval>& i);
bool carried(const Interval& i);  // both bounds are there

// "4 of 500 inputs" and what bounds it: "at most 13.3 % of 21 clusters (0 of 21, confidence 0.95)",
// or "exact for this fixed set (no bound)".
std::string count_of(const Proportion& p);
std::string bound_text(const Proportion& p);
// The upper bound alone, for cells of a summary: "at most 0.6 % of inputs (95 %)".
std::string short_bound(const Proportion& p);
std::string proportion_text(const std::optional<Proportion>& p);  // both, "; " between

std::string short_hash(std::string_view hash);  // first 12 digits, "unknown" when empty
// Value of `key` as text whatever its type: "unknown" when absent or empty.
std::string fact(const Json& j, const char* key);
std::string scalar_text(const Json& j);  // one line; objects and arrays as compact JSON

}  // namespace assay::report
