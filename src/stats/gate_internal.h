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

// A second mode in the tail: the largest gap among the top 1 % that has 10 samples or more above
// it. The spacings k ln((x_(k) - median)/(x_(k+1) - median)) of a Pareto tail are iid exponential
// (Renyi), of lighter tails smaller towards the top; their mean is taken over the top 5 %. p:
// chance of the largest of those tested. One tick is taken off each gap, so that a coarse clock
// shows none.
struct TailGap {
  TestValue test;     // statistic: the largest spacing over their mean
  double share = 0;   // gap over the median
  int64_t above = 0;  // samples above it
};
TailGap tail_gap(std::span<const int64_t> sorted, double tick);

// b/a - 1; latencies are positive, for anything else the difference over its own size.
double shift(int64_t a, int64_t b);

struct TwoQuantiles {
  int64_t median = 0, p99 = 0;
};
// By selection in a copy of the part, 8 bytes a value. Empty: zeros.
TwoQuantiles two_quantiles(std::span<const int64_t> part);

// How much of MSER-5's cut is a warm-up: as far as windows of 50 samples from the first on have
// ranks above those of the rest, by twice the standard deviation of their mean. MSER-5 would as
// gladly drop all that stands before the end of a burst, or before the step at which the clock
// fell: those faults must stay in view.
int64_t slow_front(std::span<const float> ranks, int64_t cut);

// A burst, which moves the level of the ranks as a step would: the stretch where values above
// `threshold` (a rank) are densest, in fortieths of the series, is slower than what stands before
// it by three times or more than what stands after it is. Memory 8n bytes.
bool comes_and_goes(std::span<const int64_t> part, std::span<const float> ranks, float threshold);

}  // namespace assay::stats
