// SPDX-License-Identifier: Apache-2.0
// The worker's action `peaks`: what a GPU can do at most, measured in a process of its own, so that
// assay itself never holds a context on it.
#pragma once

#include "base/json.h"
#include "worker/events.h"

namespace assay::worker {

// True when the request asks for this action (and is JSON at all).
bool asks_for_peaks(std::string_view request);
// Sends `peaks` and `done`, or `error`; the result is the exit code. docs/formats.md.
int run_peaks(std::string_view request, EventWriter& events);

}  // namespace assay::worker
