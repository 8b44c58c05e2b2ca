// SPDX-License-Identifier: Apache-2.0
// Verifies a lock: first what is here against what it records, then an audit of engines rebuilt
// from it beside the engine it recorded. The audit's run folder is the evidence.
#pragma once

#include <string>
#include <vector>

#include "audit/lock/check.h"
#include "audit/lock/folder.h"
#include "audit/plan.h"

namespace assay::audit {

struct VerifyOptions {
  int64_t builds = 3;
  int64_t launches = 0, samples = 0;  // 0: the lock's
  bool latency = true;
  Allowed allowed;
};

// Machine, packages (asked from the builder) and every recorded file, held against the lock. Error
// `missing` when the compiler is not installed, usage when an allowed item is no item of the lock
// (files aside: a rebuild may use others than were recorded).
// `scratch`: existing empty folder.
Result<std::vector<LockCheck>> check_before_building(const LockFolder& lock, const Allowed& allowed,
                                                     const fs::path& scratch);

// The audit that verifies: model and inputs are laid out below `folder` (may exist: a verification
// that goes on). Profile standard, the lock's margin.
Result<Plan> verification_plan(const LockFolder& lock, const fs::path& folder,
                               const VerifyOptions& options);

}  // namespace assay::audit
