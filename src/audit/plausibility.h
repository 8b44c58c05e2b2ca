// SPDX-License-Identifier: Apache-2.0
// Can a measured latency be true? Against the least time that the model's work takes on the
// machine's peaks, and against what the launch's own checks say of its outputs.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "audit/evidence.h"
#include "platform/roofline.h"

namespace assay::audit {

// One build's least time. Not known without a cost of the model, peaks of its device and threads,
// or where nothing of them binds; `why` then says which.
struct PhysicalBound {
  platform::Work work;
  platform::Bound bound;
  std::string why;
  bool known() const { return bound.known; }
};
// `build` (or null) tells the precisions of its kernels: the lowest that any of them runs, or that
// was asked for, so that the bound is never too high.
PhysicalBound physical_bound(const RecipeEvidence& recipe, const BuildEvidence* build);

// What a plan can say before anything runs: the model's work, and the least time in `precision`.
std::string floor_text(const model::Cost& cost, const std::string& precision,
                       const std::optional<platform::Peaks>& peaks);

// Bytes of one element; of a word that is not known those of int8, the least.
double precision_bytes(const std::string& precision);

// Reasons why the launch's latencies cannot be those of its results, each beginning with a fixed
// phrase: "below the physical bound:" (of the median, else of the fastest sample), "early return:"
// and "outputs change in the timed loop:". Real clocks only: a scripted one claims nothing.
std::vector<std::string> implausibilities(const RecipeEvidence& recipe, const BuildEvidence& build,
                                          const LaunchEvidence& launch);

// Sum over the layers of the median of their `layer_time` events (lines of JSON, untrusted); 0 when
// there are none.
double layer_sum_of_events(const std::string& events);

// The element-wise highest of several measurements of the same device and threads: a bound must not
// be too low. Absent when there is none.
std::optional<platform::Peaks> highest_peaks(const std::vector<platform::Peaks>& all,
                                             const std::string& device, int64_t threads);

// statistic_json["roofline"] of the latency verdict (docs/plausibility.md); null when the evidence
// has neither a cost of the model nor peaks, as that of older runs.
struct PlacedBuild {
  const BuildEvidence* build = nullptr;
  std::vector<double> launch_medians;  // ns
};
Json roofline_json(const RecipeEvidence& recipe, const std::vector<PlacedBuild>& builds,
                   bool scripted);

}  // namespace assay::audit
