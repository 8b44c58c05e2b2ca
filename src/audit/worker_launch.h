// SPDX-License-Identifier: Apache-2.0
// One launch of one engine folder through assay-worker: spawn, listen, check what came back.
// Records nothing.
#pragma once

#include <atomic>
#include <string>
#include <vector>

#include "audit/engine.h"
#include "audit/evidence.h"
#include "audit/job.h"
#include "worker/child.h"

namespace assay::audit {

struct WorkerLaunch {
  fs::path runner, library, engine_dir, dataset;
  std::map<std::string, std::string> env;  // the compiler's [env]
  std::string precision = "fp32", device = "cpu";
  int64_t threads = 1;
  int measure_cpu = 0, other_cpu = 0;
  Json options = Json::object();
  int64_t build_index = 0, launch_index = 0;
  int64_t outputs = 0;  // inputs whose outputs are wanted
  std::vector<std::string> checks;
  int64_t samples = 0;  // 0: no timing
  int64_t warmup_runs = 20, warmup_ms = 200, slots = 16;
  uint64_t seed = 1;
  std::vector<std::string> tensors;  // layers whose tensors are wanted; {"*"}: all
  int64_t tensor_items = 1;          // of so many inputs
  int64_t layer_runs = 0;            // instrumented runs with the time of every layer; 0: none
  bool loaded = false;               // the files that the launch really mapped
  int64_t idle_ms = 0;               // of rest before the warm-up, where something tells of power
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

struct WorkerTensor {
  std::string name;   // as asked for
  std::string error;  // why it could not be read; then the rest is empty
  TensorSpec spec;    // of one input
  int64_t n = 0;
  fs::path file;
};
struct WorkerLayerTimes {
  int64_t ordinal = 0;  // -1: the whole
  std::string layer, kernel;
  std::vector<int64_t> time_ns;  // one a run, or one mean
};
struct WorkerFile {
  std::string path, how;  // absolute; "mapped" | "imported" | "program"
};

struct WorkerResult {
  worker::ChildResult child;
  EventLog log;
  JobOutcome outcome;
  std::vector<WorkerOutput> outputs;
  std::vector<Kernel> kernels;
  std::vector<int64_t> samples, slots;
  std::vector<WorkerTensor> tensors;
  std::vector<WorkerLayerTimes> layer_times;  // in order of ordinal, the whole first
  std::string layer_times_error;              // why there are none
  std::vector<WorkerFile> loaded;             // sorted
  std::optional<PlatformEvidence> platform;   // what the machine did around the timed loop
};

// What a launch of the recipe's engine has by its plan; nothing is measured or wanted yet.
WorkerLaunch recipe_launch(const Plan& plan, const PreparedRecipe& recipe,
                           const vision::Dataset& data, const fs::path& engine_dir);

// `scratch`: existing empty folder; gets home/, outputs/, tensors/, platform/, stdout,
// stderr. An Error means
// the child could not be run at all.
Result<WorkerResult> launch_worker(const WorkerLaunch& launch, const fs::path& scratch);

}  // namespace assay::audit
