// SPDX-License-Identifier: Apache-2.0
// The intervention: the engine of one lock, rebuilt with single decisions taken from another lock
// of the same recipe. What changes then is caused by those decisions.
#pragma once

#include <atomic>
#include <string>
#include <vector>

#include "audit/lock/folder.h"

namespace assay::audit {

// Layers (as lock.choices names them) whose choice differs between the locks, or that only one has.
std::vector<std::string> differing_choices(const Lock& a, const Lock& b);

// Rebuilds lock `a` with the decisions of `layers` taken from `b` into scratch/engine. Usage error
// when the locks are of different models or recipes, or not of class recompiled; `verdict` when the
// build fails. `scratch`: existing empty folder.
Result<Engine> rebuild_swapped(const LockFolder& a, const LockFolder& b,
                               const std::vector<std::string>& layers, const fs::path& scratch,
                               const std::atomic<bool>* cancel);

}  // namespace assay::audit
