// SPDX-License-Identifier: Apache-2.0
// What a launch tells about the inside of its engine, after everything else and outside of any
// timing (docs/formats.md, worker protocol): files mapped, intermediate tensors, times of layers.
#pragma once

#include <string>
#include <vector>

#include "worker/session.h"

namespace assay::worker {

// All that the request asks for, in that order.
LaunchStatus look_inside(Session& session);

// `loaded` events: regular files that this process has mapped, sorted, without those of the engine
// folder (its manifest has their hashes), in pieces far below the limit of an event line.
void send_loaded(Session& session);

// A `tensor` event for each name: its file, or why it cannot be read. Only a file that cannot be
// written ends the launch.
LaunchStatus send_tensors(Session& session);

// A `layer_time` event for each layer and, of ordinal -1, for the whole. A runner that cannot take
// them: one event of ordinal -1 without times, with the reason.
LaunchStatus send_layer_times(Session& session);

// Exposed for tests: the files that /proc/self/maps text `maps` names, sorted, each once.
std::vector<std::string> mapped_files(const std::string& maps);

}  // namespace assay::worker
