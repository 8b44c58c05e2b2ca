// SPDX-License-Identifier: Apache-2.0
// Locks of an audit's own recipes: recorded before its first build, kept in its run folder.
#pragma once

#include "audit/plan.h"

namespace assay::cli {

// A lock in `folder` for every recipe whose mode is record or verified, unless it is there from an
// earlier attempt; names it in the plan where builds are made from it.
Status record_locks(audit::Plan& plan, const fs::path& folder, const fs::path& data);

}  // namespace assay::cli
