// SPDX-License-Identifier: Apache-2.0
// Walks the grid of a response plan: builds or takes engines, starts the processes of each cell at
// one common time, records their frames. The only writer of the run folder.
#pragma once

#include <atomic>
#include <functional>
#include <string>

#include "audit/audit.h"
#include "response/plan.h"
#include "store/run_folder.h"

namespace assay::response {

struct Recipe {
  RecipeName name;
  std::vector<fs::path> engines;  // one a task of the plan
};
struct Prepared {
  std::vector<Recipe> recipes;
  std::vector<stream::Cell> cells;
  std::vector<int> cpus;  // that this process may use
  std::vector<std::string> notes;
};
struct Options {
  std::vector<std::string> argv;
  const std::atomic<bool>* cancel = nullptr;
  std::function<void(const audit::Progress&)> on_progress;
};
// Resolves models, data and detectors; builds the engines that are not there (jobs of the run, so
// that they resume); checks that every engine takes what its task makes. Exit codes as the audit's.
Result<Prepared> prepare(const Plan& plan, store::RunFolder& run, const Options& options);
double estimate_s(const Plan& plan, const Prepared& prepared);

struct RunResult {
  int64_t blocks_run = 0, blocks_resumed = 0, blocks_failed = 0;
  bool interrupted = false;
  double wall_s = 0, children_s = 0;
};
// Repetition by repetition, the cells of each in a seeded random order. Usage error when the folder
// holds another plan or another machine's evidence (fix: --fresh).
Result<RunResult> run_grid(const Plan& plan, const Prepared& prepared, store::RunFolder& run,
                           const Options& options);

}  // namespace assay::response
