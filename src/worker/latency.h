// SPDX-License-Identifier: Apache-2.0
// Warm-up, the null loop and the timed loop of one launch.
#pragma once

#include "worker/session.h"

namespace assay::worker {

struct LatencyContext {
  bool pinned = false;
  std::vector<int> launch_cpus;  // CPU set the process was given
  int samples_fd = -1;           // shared sample buffer, -1 = private memory
};

// Sends `environment` (after the warm-up), `series`, `sampler` and `platform`. Samples go to the
// buffer one by one.
LaunchStatus measure_latency(Session& session, const LatencyContext& context);
// The `environment` event; `clock` is "monotonic" or "scripted".
void send_environment(Session& session, bool pinned, bool memory_locked, const char* clock);

}  // namespace assay::worker
