// SPDX-License-Identifier: Apache-2.0
// What a launch does to its own process before timing, and what it can say about the outcome.
#pragma once

#include <vector>

#include "base/json.h"

namespace assay::worker {

// Pins the calling thread to `cpu`; false when the kernel refuses.
bool pin_this_thread(int cpu);
// Locks all memory, future memory too where no small limit could make a later mapping fail. False
// when refused. `as_touched`: each page when it is first touched, not all of them now; for
// processes that reserve more address space than there is memory, as the drivers of GPUs make them
// do.
bool lock_memory(bool as_touched = false);
// CPUs that the calling thread may use.
std::vector<int> allowed_cpus();
// [{"tid": 1, "cpus": "0-1"}] of every thread of this process.
Json thread_affinities();

}  // namespace assay::worker
