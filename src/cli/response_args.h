// SPDX-License-Identifier: Apache-2.0
// The flags of `assay response` and the plan that they make.
#pragma once

#include "cli/cli.h"
#include "response/plan.h"

namespace assay::cli {

struct ResponseFlags {
  std::vector<std::string> targets;
  std::string compilers, precisions;
  std::vector<std::string> options;  // "null.base_ns=7"
  int64_t builds = 0;
  std::string images, video, raw, camera, size, pixel_format;
  bool scaled_decode = false;
  std::string detector, resize_rule, fit, mean, std;
  int64_t resize = -1;
  std::string scenario, deadline, idle_gap, jitter, time_stamps, duration;
  double fps = 0;
  std::string streams, modes, policies, cpus, priorities, co_runners, caches, replay_fps, margin;
  int64_t frames = 0, repetitions = 0, warmup_frames = -1, threads = 0, idle_every = 0, seed = -1;
  std::string memory_limit;
};
void add_response_flags(CLI::App& sub, ResponseFlags& flags);
// Words of --fail-on: missed, unstable, invalid.
Result<std::vector<std::string>> response_words(const std::string& text);
// A use case (*.toml), one model with its compilers, or engine folders. Flags override a use case's
// [response]; what describes tasks, pictures and recipes stands in the file alone.
Result<response::Plan> response_plan(const ResponseFlags& flags);

}  // namespace assay::cli
