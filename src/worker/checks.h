// SPDX-License-Identifier: Apache-2.0
// Outputs on the data set and the checks in which an engine can contradict itself
// (docs/formats.md). Each check sends one `check` event; an error of the engine while checking ends
// the launch.
#pragma once

#include "worker/session.h"

namespace assay::worker {

// Runs the first outputs.count items (and at least the items that checks need), writes
// main.<index>.bin for each output, sends `output` events, and makes the early_return check on the
// first items. Fills session.expected.
LaunchStatus write_outputs(Session& session);
LaunchStatus check_repeat(Session& session);
LaunchStatus check_batch_rows(Session& session);
// Remembers what each slot gives now; to be called just before the timed loop.
LaunchStatus expect_slots(Session& session);
// After the timed loop: what the slots hold from their last timed run, and the first items run once
// more.
LaunchStatus check_after(Session& session);
// Closes the engine, opens it again and compares; last, since the first engine is gone then.
LaunchStatus check_reload(Session& session);

}  // namespace assay::worker
