// SPDX-License-Identifier: Apache-2.0
// Builds of a recipe that a lock fixes, and what of them does not fit the lock.
#pragma once

#include <string>
#include <vector>

#include "audit/builder_launch.h"
#include "audit/lock/check.h"
#include "audit/lock/folder.h"
#include "audit/worker_launch.h"

namespace assay::audit {

struct LockedBuild {
  BuilderResult result;
  std::string made_by;  // recorded | rebuilt | replayed
  std::vector<LockCheck> checks;
};

// `l`: the recipe's builder launch. Recorded and replayed engines are copied from the lock and no
// builder runs. `scratch` as for launch_builder.
Result<LockedBuild> build_from_lock(const LockFolder& lock, BuilderLaunch l, bool recorded,
                                    const FileRoots& roots, const Allowed& allowed,
                                    const fs::path& scratch);

// The files that a launch of the lock's engine mapped.
Result<std::vector<LockCheck>> check_launch(const Lock& lock, const WorkerResult& r,
                                            const FileRoots& roots, const Allowed& allowed);

// Rows of lock_check: what does not hold as it is, and the number of all.
Status store_checks(store::RunFolder& run, const std::string& build_id,
                    const std::string& launch_id, const std::vector<LockCheck>& checks);

}  // namespace assay::audit
