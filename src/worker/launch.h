// SPDX-License-Identifier: Apache-2.0
// One launch: load, first run, outputs, checks, timing, in the order that docs/formats.md lists.
#pragma once

#include "worker/events.h"
#include "worker/request.h"

namespace assay::worker {

// Sends every event of the protocol, `done` or `error` last. Returns the exit status: 0 after done,
// 1 after error.
int run_launch(const LaunchRequest& request, EventWriter& events, int samples_fd);

}  // namespace assay::worker
