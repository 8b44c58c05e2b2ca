// SPDX-License-Identifier: Apache-2.0
// One call of a compiler's builder: spawn, listen, prove what it handed over. Records nothing.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "audit/engine.h"
#include "audit/evidence.h"
#include "audit/job.h"

namespace assay::audit {

struct BuilderLaunch {
  std::vector<std::string> argv;
  std::map<std::string, std::string> env;
  Json request;  // complete but for engine_dir and scratch
  std::vector<TensorSpec> model_inputs;
  std::vector<int> cpus;
  double timeout_s = 3600;
  int64_t memory_limit_bytes = 0;
  int recorder_cpu = -1;  // where the machine is watched from; -1: anywhere
  bool gpu = false;       // GPUs are watched too
  const std::atomic<bool>* cancel = nullptr;
  std::function<void(const Json&)> on_event;  // each event that is one, as it comes; may be empty
};

struct BuilderResult {
  worker::ChildResult child;
  EventLog log;
  JobOutcome outcome;
  std::optional<Engine> engine;  // of an ok build or rebuild
  PlatformEvidence platform;     // what the machine did meanwhile
};

// The recipe's builder with the request of action `build`, seed 0.
BuilderLaunch base_builder_launch(const Plan& plan, const PreparedModel& model,
                                  const PreparedRecipe& recipe);

// Turns it into a rebuild from `files` below the existing folder `decisions`.
Status ask_rebuild(BuilderLaunch& launch, const fs::path& decisions,
                   const std::vector<std::string>& files);

// `scratch`: existing empty folder; gets home/, engine/, stdout, stderr. An Error means the child
// could not be run at all.
Result<BuilderResult> launch_builder(const BuilderLaunch& launch, const fs::path& scratch);

}  // namespace assay::audit
