// SPDX-License-Identifier: Apache-2.0
// The measured frames of a cell, in the orders that the statistics want. Internal to the analysis.
// Pointers are into the log, which must outlive the pool.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "stream/analyse.h"
#include "stream/misses.h"
#include "stream/record_check.h"

namespace assay::stream {

using Frames = std::vector<const FrameRecord*>;

// Done and not a warm-up: what a series is made of.
inline bool measured(const FrameRecord& r) {
  return r.fate == static_cast<int64_t>(Fate::done) && (r.flags & kWarmUp) == 0;
}

// Frames that should have come, held against a row that says nonsense: it sizes memory.
inline int64_t planned_of(const StreamLog& s) {
  return std::clamp<int64_t>(s.planned, 0, kMostRecords);
}

// One stream in one repetition: frames by completion.
struct Series {
  const StreamLog* log = nullptr;
  size_t repetition = 0;  // index into CellLog::repetitions
  Frames frames;
};
struct Pool {
  std::vector<Series> series;  // by repetition, then stream
  Frames frames;               // of all: by repetition, then completion, then stream
  std::vector<size_t> ends;    // frames[ends[r-1], ends[r]) are of repetition r
  std::span<const FrameRecord* const> of_repetition(size_t r) const {
    const size_t from = r == 0 ? 0 : ends[r - 1];
    return std::span(frames).subspan(from, ends[r] - from);
  }
};
// Streams of `task`; empty: all streams.
Pool pool_of(const CellLog& log, std::string_view task);
// Tasks of a cell, in the order they first come.
std::vector<std::string> tasks_of(const CellLog& log);

std::vector<int64_t> durations(std::span<const FrameRecord* const> frames, Stage stage);

// Every planned frame once (result.h). A frame that no record mentions is pending when its
// repetition did not end well and no later frame of its stream is mentioned, else lost.
Accounting account(const CellLog& log, std::string_view task, std::vector<std::string>* refusals);

// n, moments, quantiles of a pooled series (ns, in time order).
StageResult summary(Stage stage, std::span<const int64_t> pooled, const AnalyseOptions& options);
// Gate of a stage: each stream of each repetition by itself, the worst of them. A stage that takes
// no time at all is not there: trusted, nothing to judge.
stats::Gate stage_gate(const Pool& pool, Stage stage);
stats::GateOptions gate_options();

// kStages, then response, with their shares.
std::vector<StageResult> stage_results(const Pool& pool, const AnalyseOptions& options);

// Frames by number, [repetition] then [stream][frame], for deadlines; warm-up is cut from all
// streams of a repetition alike.
struct Outcomes {
  std::vector<std::string> names;            // of streams, as in the first repetition
  std::vector<std::vector<int64_t>> limits;  // [repetition][stream], 0: none
  std::vector<TimeSeries> responses;         // INT64_MAX: dropped, skipped, failed, lost, or
                                             // censored past its deadline
  std::vector<TimeSeries> services;          // of done and failed frames: done - start
  bool any_limit() const;
};
// A frame that the run did not reach ends its stream here when its deadline was not over, or when
// it was never released (closed loops, a camera that stopped).
Outcomes outcomes_of(const CellLog& log, std::string_view task);
// The frame sets of those: one stream, the largest response of each number.
Outcomes frame_sets_of(const Outcomes& streams);

// The quantiles of every table.
inline constexpr double kQuantiles[] = {.5, .9, .99, .999};

}  // namespace assay::stream
