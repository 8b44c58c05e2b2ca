// SPDX-License-Identifier: Apache-2.0
// Where the time between two engines goes: times of layers, taken under instrumentation, held
// against the difference of the un-instrumented engines. Pure; the launch is the unit.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "diff/pairing.h"
#include "stats/intervals.h"

namespace assay::diff {

// One launch. All times in ns; lists are never empty.
struct TimedLaunch {
  std::vector<std::vector<int64_t>> layers;  // by number in execution order: one time a run
  std::vector<int64_t> whole;                // the same runs as a whole, instrumented
  std::vector<int64_t> samples;              // un-instrumented runs of the same launch
};

struct DeltaOptions {
  double confidence = 0.95;
  // The layers explain the difference when what they leave is within this part of it.
  double tolerance = 0.25;
};

struct DeltaRow {
  size_t pair = 0;            // of the pairs given
  double a_ns = 0, b_ns = 0;  // mean over launches of the launch's median; 0: no layer on that side
  stats::Interval delta;      // b - a
  double p = 1;               // of "the delta is 0", adjusted over all rows (Holm)
  bool differs = false;       // p and interval both say so
};

enum class Explained {
  no_difference,  // the engines' latencies are not shown to differ
  explained,      // the layers' deltas add up to the difference
  elsewhere,      // they do not, and the instrumentation is not the reason: time between layers
  overhead,       // the instrumentation itself changes the difference
  undecided       // the intervals are too wide
};
// "no difference shown" "explained by layers" "outside of layers" "changed by instrumentation"
// "undecided"
std::string_view word(Explained e);

struct LayerDeltas {
  std::vector<DeltaRow> rows;               // one a pair, in the order given
  int64_t launches = 0;                     // pairs of launches
  stats::Interval sum;                      // of all rows' deltas
  stats::Interval end_to_end;               // b - a of the un-instrumented medians
  stats::Interval rest;                     // end_to_end - sum
  stats::Interval overhead_a, overhead_b;   // instrumented whole - un-instrumented median
  stats::Interval overhead_difference;      // overhead_b - overhead_a
  double median_a_ns = 0, median_b_ns = 0;  // un-instrumented, mean over launches
  int64_t tick_a_ns = 1, tick_b_ns = 1;     // step of the profilers' numbers
  Explained explained = Explained::undecided;
  std::vector<std::string> notes;
};

// Launch i of A and launch i of B were taken side by side, in an order drawn for each i: a drift of
// the machine falls out of their difference. Intervals are Student's t over those differences
// (stats/mean_interval.h), widened by the step of a profiler that counts in coarse units: a median
// may be a step too small on either side, in each layer. Error: no launches, unequal numbers of
// them, a pair that names a layer which a launch lacks, an empty or negative list.
Result<LayerDeltas> layer_deltas(std::span<const TimedLaunch> a, std::span<const TimedLaunch> b,
                                 std::span<const LayerPair> pairs,
                                 const DeltaOptions& options = {});

std::string sentence(const LayerDeltas& d);
Json to_json(const LayerDeltas& d);

}  // namespace assay::diff
