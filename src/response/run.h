// SPDX-License-Identifier: Apache-2.0
// Walks the grid of a response plan: builds or takes engines, starts the processes of each cell at
// one common time, records their frames. The only writer of the run folder.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <string>

#include "audit/audit.h"
#include "response/plan.h"
#include "store/run_folder.h"

namespace assay::response {

// An engine as a task uses it.
struct Engine {
  fs::path folder, runner, library;
  std::string precision = "fp32", device = "cpu", sha256, packages_key;
  std::map<std::string, std::string> env;
  std::vector<std::pair<std::string, std::string>> options;
  std::vector<TensorSpec> inputs, outputs;
};
struct Recipe {
  RecipeName name;
  std::vector<Engine> engines;  // one a task of the plan
};
struct Prepared {
  std::vector<Recipe> recipes;
  std::vector<stream::Cell> cells;
  std::vector<int> cpus;  // that this process may use, the last one first
  std::vector<std::string> notes;
  bool interrupted = false;  // while engines were built
};
struct Options {
  std::vector<std::string> argv;
  const std::atomic<bool>* cancel = nullptr;
  std::function<void(const audit::Progress&)> on_progress;
};
// Resolves models, data and detectors; builds the engines that are not there (jobs of the run, so
// that they resume); checks that every engine takes what its task makes. Exit codes as the audit's.
// Interrupted: no recipes. Recipes that gave no engine are left out with a note.
Result<Prepared> prepare(const Plan& plan, store::RunFolder& run, const Options& options);
// The same without engines, for a plan that is only looked at.
Result<Prepared> preview(const Plan& plan);
// Seconds of all blocks, without builds; rough.
double estimate_s(const Plan& plan, const Prepared& prepared);

struct RunResult {
  int64_t blocks_run = 0, blocks_resumed = 0;
  int64_t blocks_failed = 0;  // of both
  std::string first_failure;
  bool interrupted = false;
  double wall_s = 0, children_s = 0;
};
// Repetition by repetition, the cells of each in a seeded random order. Usage error when the folder
// holds another plan or another machine's evidence (fix: --fresh).
Result<RunResult> run_grid(const Plan& plan, const Prepared& prepared, store::RunFolder& run,
                           const Options& options);

}  // namespace assay::response
