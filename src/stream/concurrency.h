// SPDX-License-Identifier: Apache-2.0
// Cells against each other: N streams against one, compilers and builds against each other.
// Internal to the analysis.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "stream/pool.h"

namespace assay::stream {

// A cell with what the comparisons ask of it again and again.
struct CellView {
  const CellLog* log = nullptr;
  struct Task {
    std::string task;
    Pool pool;
    const TaskResult* result = nullptr;  // of analyse_cell()
    Trust trust(Stage stage) const;
  };
  std::vector<Task> tasks;
  const Task* find(std::string_view task) const;
};
// `cells`: results of the logs, in their order.
std::vector<CellView> views_of(std::span<const CellLog> logs, std::span<const CellResult> cells);

// Same recipe, mode, co-runner, cache, scenario, policy, period and priority; N differs.
bool same_but_streams(const Cell& a, const Cell& b);
// Same but for recipe, compiler and build.
bool same_but_recipe(const Cell& a, const Cell& b);
// The cell with one camera that `cell` is held against: with the same CPUs where there is one.
const CellView* alone_of(std::span<const CellView> cells, const CellView& cell);

// Quantile of a stage in each repetition that ended well and has the frames for it (20 for a
// median, 100 for p99), ns.
std::vector<double> repetition_quantiles(const CellLog& log, const Pool& pool, Stage stage,
                                         double q);

std::vector<Slowdown> slowdowns_of(std::span<const CellView> cells, const AnalyseOptions& options);
std::vector<StageEquality> equalities_of(std::span<const CellView> cells,
                                         const AnalyseOptions& options);

}  // namespace assay::stream
