// SPDX-License-Identifier: Apache-2.0
// What the gate reads off the sorted values. Internal to stats.
#pragma once

#include <cstdint>
#include <span>

#include "stats/stationarity.h"

namespace assay::stats {

struct ValueFacts {
  int64_t distinct = 0;
  double tick = 0;  // smallest step between distinct values; 0 when there is one value
  double median = 0, iqr = 0;
};
ValueFacts value_facts(std::span<const int64_t> sorted);

// A second mode in the tail: the largest gap among the top 0.5 % that has 10 samples or more above
// it. The spacings k ln((x_(k) - median)/(x_(k+1) - median)) of a Pareto tail are iid exponential
// (Renyi), of lighter tails smaller towards the top; their mean is taken over the top 5 %. p:
// chance of the largest of those tested. One tick is taken off each gap, so that a coarse clock
// shows none.
struct TailGap {
  TestValue test;     // statistic: the largest spacing over their mean
  double share = 0;   // gap over the median
  int64_t above = 0;  // samples above it
};
TailGap tail_gap(std::span<const int64_t> sorted);

}  // namespace assay::stats
