// SPDX-License-Identifier: Apache-2.0
// Records a lock: builds (and searches), makes the engine once more from the decisions alone, runs
// it, writes down all that made it what it is.
#pragma once

#include <atomic>
#include <functional>
#include <string>

#include "audit/lock/folder.h"
#include "audit/prepare.h"

namespace assay::audit {

struct RecordOptions {
  fs::path out, key;  // key: private, empty for no signature
  Proof proof = Proof::recompiled;
  bool stable_selection = false;  // re-measure near-ties before choosing (select.h)
  double selection_margin = 0.02;
  double margin = 0.05, atol = 0, rtol = 0;
  int64_t launches = 5, samples = 300, inputs = 100;
  const LockFolder* from = nullptr;  // a lock whose tuning is used instead of tuning again
  const std::atomic<bool>* cancel = nullptr;
  std::function<void(const std::string&)> on_progress;  // one line, what is being done
};

// Of recipe `recipe` of what was prepared. Errors: usage when its compiler offers no such proof,
// `verdict` when a build or launch fails, interrupted. Nothing is left at `out` then.
Result<Lock> record_lock(const Plan& plan, const Prepared& prepared, size_t recipe,
                         const RecordOptions& options);

}  // namespace assay::audit
