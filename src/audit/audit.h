// SPDX-License-Identifier: Apache-2.0
// The audit: opens or resumes a run folder, works off the schedule, derives verdicts. The only
// writer of evidence.
#pragma once

#include <atomic>
#include <functional>
#include <string>

#include "audit/job.h"
#include "audit/peaks.h"
#include "audit/plan.h"
#include "audit/prepare.h"
#include "store/run_folder.h"

namespace assay::audit {

// What a person watching sees; called on the audit's thread.
struct Progress {
  size_t done = 0, total = 0;
  double elapsed_s = 0,
         left_s =
             0;  // left: from what jobs of the same kind and recipe took, else the plan's estimate
  std::string now;  // "build 2/3 openvino fp32 (digits)"
  std::string
      note;  // not empty: something to keep on the screen ("build 1 of faulty fp32 crashed: ...")
};

struct AuditOptions {
  std::vector<std::string> argv;
  const std::atomic<bool>* cancel = nullptr;
  std::function<void(const Progress&)> on_progress;
  bool launches = true;      // false: builds only (`assay build`)
  bool layer_times = false;  // taken after the series in launch 1 of build 0 of each recipe
  PeakOptions peaks;         // of the machine, measured before the first launch
};

struct AuditResult {
  int64_t jobs_run = 0, jobs_resumed = 0;  // resumed: found done
  int64_t usable_recipes = 0, recipes = 0;
  bool interrupted = false;
  double wall_s = 0,
         children_s = 0;  // children: sum of the wall times of builds and launches of this attempt
};

// Seconds the plan will take on a machine like the small one the estimates were made on; rough,
// said so.
double estimate_s(const Plan& plan, const Prepared& prepared);

// Usage error when the folder holds another plan, or evidence of another machine or package set
// (fix: --fresh).
Result<AuditResult> run_audit(const Plan& plan, const Prepared& prepared, store::RunFolder& run,
                              const AuditOptions& options);

}  // namespace assay::audit
