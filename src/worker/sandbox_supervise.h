// SPDX-License-Identifier: Apache-2.0
// The supervisor's inner part: starts the child, reaps everything, kills on request, tells how it
// ended.
#pragma once

#include "worker/sandbox_job.h"
#include "worker/sandbox_namespaces.h"

namespace assay::worker {

// Runs in the first process of the pid namespace, or in a subreaper where there is none. Returns
// the exit status of the supervisor: 0 when `ended` or `failed` was sent.
int supervise(const SandboxJob& job, const Isolation& isolation);

}  // namespace assay::worker
