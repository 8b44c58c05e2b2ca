// SPDX-License-Identifier: Apache-2.0
// One assay-frames process from its request to its last event (docs/response.md).
#pragma once

#include "frames/buffer.h"
#include "frames/request.h"
#include "worker/events.h"

namespace assay::frames {

// Opens sources and engines, warms up, sets ready, runs when told to. Events: hello and opened a
// task, ready, environment, stream_end a stream, then done or error. SIGTERM stops like the
// buffer's own flag: after the current frame. Returns the exit status.
int run_frames(const FrameRequest& request, FrameBuffer& buffer, worker::EventWriter& events);

}  // namespace assay::frames
