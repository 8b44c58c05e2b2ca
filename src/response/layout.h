// SPDX-License-Identifier: Apache-2.0
// Which processes measure a cell, with which streams, tasks and CPUs. Pure.
#pragma once

#include "response/run.h"

namespace assay::response {

// A stream as the evidence names it.
struct StreamPlace {
  std::string name, task;
  int camera = 0;
  int64_t deadline_ns = 0, planned = 0;
};
struct ProcessLayout {
  frames::FrameRequest request;
  std::map<std::string, std::string> env;
  std::vector<int> cpus;             // of the process
  std::vector<StreamPlace> streams;  // in the order of request.streams
};

// processes: one a stream; threads: one with a worker a stream; one-server: one with one worker.
// The time stamps of the plan, where it has some, are read before (`stamps`).
std::vector<ProcessLayout> layout(const Plan& plan, const Recipe& recipe, const stream::Cell& cell,
                                  int repetition, const std::vector<int64_t>& stamps);

// Seconds that a block is planned to take after its start; 0: a closed loop without a limit.
double planned_s(const Plan& plan, const std::vector<int64_t>& stamps);

}  // namespace assay::response
