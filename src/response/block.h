// SPDX-License-Identifier: Apache-2.0
// One repetition of one cell: all its processes started, let go at one time, watched to their end.
// Records nothing.
#pragma once

#include <optional>

#include "audit/job.h"
#include "response/layout.h"

namespace assay::response {

struct ProcessEnd {
  worker::ChildResult child;
  audit::EventLog log;
  audit::JobOutcome outcome;
  std::vector<std::vector<stream::FrameRecord>> records;  // of each stream
  fs::path stderr_file, results_file;                     // results_file: empty when there is none
};
struct BlockEnd {
  std::string outcome = "ok", reason;  // of the worst process
  int64_t t0_ns = 0;                   // of CLOCK_MONOTONIC; 0: never let go
  int64_t wall_ns = 0;                 // from t0 to the last completion
  std::vector<ProcessEnd> processes;
  Json co_runner;  // null: none
};
struct BlockLimits {
  double ready_s = 600;  // until all are loaded and warmed up
  double run_s = 0;      // planned after the start; 0: not known
  double stall_s = 60;   // without a single new frame of a process: it hangs
  double slack_s = 60;
  std::vector<int> cpus;  // that this run may use: co-runners take those that are free
};

// `scratch`: existing empty folder; what a process leaves lies below it. Error: a child could not
// be run at all.
Result<BlockEnd> run_block(const Plan& plan, const stream::Cell& cell,
                           const std::vector<ProcessLayout>& processes, const BlockLimits& limits,
                           const fs::path& scratch, const std::atomic<bool>* cancel);

// What the end and the events of a process say about it, in the words of response_block.outcome.
audit::JobOutcome judge_process(const worker::ChildResult& child, const audit::EventLog& log,
                                bool stalled);
// The worst of two outcomes.
bool worse(std::string_view a, std::string_view b);

}  // namespace assay::response
