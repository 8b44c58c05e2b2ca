// SPDX-License-Identifier: Apache-2.0
// One launch of one engine folder through assay-worker: spawn, listen, check what came back.
// Records nothing.
#pragma once

#include <atomic>
#include <string>
#include <vector>

#include "audit/engine.h"
#include "audit/job.h"
#include "worker/child.h"

namespace assay::audit {

struct WorkerLaunch {
  fs::path runner, library, engine_dir, dataset;
  std::map<std::string, std::string> env;  // the compiler's [env]
  std::string precision = "fp32";
  int64_t threads = 1;
  int measure_cpu = 0, other_cpu = 0;
  Json options = Json::object();
  int64_t build_index = 0, launch_index = 0;
  int64_t outputs = 0;  // inputs whose outputs are wanted
  std::vector<std::string> checks;
  int64_t samples = 0;  // 0: no timing
  int64_t warmup_runs = 20, warmup_ms = 200, slots = 16;
  uint64_t seed = 1;
  bool loaded = false;  // the files it mapped are wanted (events `loaded`)
  double timeout_s = 900;
  int64_t memory_limit_bytes = 0;
  const std::atomic<bool>* cancel = nullptr;
};

struct WorkerOutput {
  std::string role;
  TensorSpec spec;  // of one input
  int64_t n = 0;
  fs::path file;
};

struct WorkerResult {
  worker::ChildResult child;
  EventLog log;
  JobOutcome outcome;
  std::vector<WorkerOutput> outputs;
  std::vector<Kernel> kernels;
  std::vector<int64_t> samples, slots;
};

// What a launch of the recipe's engine has by its plan; nothing is measured or wanted yet.
WorkerLaunch recipe_launch(const Plan& plan, const PreparedRecipe& recipe,
                           const vision::Dataset& data, const fs::path& engine_dir);

// `scratch`: existing empty folder; gets home/, outputs/, stdout, stderr. An Error means the child
// could not be run at all.
Result<WorkerResult> launch_worker(const WorkerLaunch& launch, const fs::path& scratch);

}  // namespace assay::audit
