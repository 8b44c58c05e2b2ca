// SPDX-License-Identifier: Apache-2.0
// Are read, decode, pre and post the same whatever compiler made the engine? The paper assumes it;
// here it is an equivalence test with a margin fixed beforehand (statistics.md, 7.1).
#include <algorithm>
#include <cmath>
#include <map>

#include "stream/concurrency.h"

namespace assay::stream {
namespace {

// "openvino fp32 build 2" -> "openvino fp32".
std::string stem(const std::string& recipe) { return recipe.substr(0, recipe.find(" build ")); }
std::string name_of_build(const Cell& c) {
  return stem(c.recipe) + " build " + std::to_string(c.build);
}

constexpr Stage kAround[] = {Stage::read, Stage::decode, Stage::pre, Stage::post};

// Sides in the order they come: a name, and the medians of its repetitions. Where several engines
// stand for a side its units are the engines, each with the geometric mean of its repetitions:
// repetitions of one engine share what its build made of it (statistics.md, 2).
struct Sides {
  std::vector<std::string> names;
  std::vector<std::vector<double>> medians;
  std::vector<std::vector<std::vector<double>>> engines;
  void add(const std::string& name, const std::vector<double>& v) {
    const auto it = std::find(names.begin(), names.end(), name);
    const auto at = static_cast<size_t>(it - names.begin());
    if (it == names.end()) {
      names.push_back(name);
      engines.emplace_back();
    }
    engines[at].push_back(v);
  }
  void settle() {
    for (const auto& side : engines) {
      auto& values = medians.emplace_back();
      if (side.size() == 1) values = side[0];
      for (const auto& engine : side) {
        if (side.size() == 1 || engine.empty()) continue;
        double logs = 0;
        for (const double v : engine) logs += std::log(v);
        values.push_back(std::exp(logs / static_cast<double>(engine.size())));
      }
    }
  }
  bool comparable() const {
    if (names.size() < 2) return false;
    for (const auto& side : medians)
      if (side.empty() || *std::min_element(side.begin(), side.end()) <= 0) return false;
    return true;
  }
};

void judge(StageEquality& e, const Sides& sides, const AnalyseOptions& options) {
  e.margin = options.equality_margin;
  e.sides = sides.names;
  const double alpha = 1 - options.confidence;
  std::vector<stats::LogRatio> pairs;
  for (size_t a = 0; a < sides.names.size(); ++a)
    for (size_t b = a + 1; b < sides.names.size(); ++b) {
      pairs.push_back(
          stats::compare_log_ratio(sides.medians[a], sides.medians[b], e.margin, alpha));
      const stats::LogRatio& r = pairs.back();
      if (r.n_a < 2 || r.n_b < 2) continue;
      e.ratio_low = std::min(e.ratio_low, r.ratio);
      e.ratio_high = std::max(e.ratio_high, r.ratio);
    }
  e.all = stats::all_equal(pairs, alpha);
}

// Cells that `first` may be compared with; empty when an earlier cell stands for the group.
std::vector<const CellView*> group_of(std::span<const CellView> cells, size_t first,
                                      bool same_compiler) {
  std::vector<const CellView*> out;
  const Cell& like = cells[first].log->cell;
  for (size_t i = 0; i < cells.size(); ++i) {
    const Cell& c = cells[i].log->cell;
    if (!same_but_recipe(c, like)) continue;
    if (same_compiler && (c.compiler != like.compiler || stem(c.recipe) != stem(like.recipe)))
      continue;
    if (i < first) return {};
    out.push_back(&cells[i]);
  }
  return out;
}

// A compiler; with its precision where the group has it in several, which are engines that differ.
std::string side_of(const std::vector<const CellView*>& group, const Cell& c) {
  const bool several = std::any_of(group.begin(), group.end(), [&](const CellView* o) {
    return o->log->cell.compiler == c.compiler && stem(o->log->cell.recipe) != stem(c.recipe);
  });
  return several ? stem(c.recipe) : c.compiler;
}

void compare_group(const std::vector<const CellView*>& group, bool builds,
                   const AnalyseOptions& options, std::vector<StageEquality>& out) {
  if (group.size() < 2) return;
  const Cell& like = group[0]->log->cell;
  for (const CellView::Task& task : group[0]->tasks)
    for (const Stage stage : kAround) {
      Sides sides;
      Trust trust = Trust::trusted;
      for (const CellView* c : group)
        if (const CellView::Task* t = c->find(task.task)) {
          trust = std::max(trust, t->trust(stage));
          sides.add(builds ? name_of_build(c->log->cell) : side_of(group, c->log->cell),
                    repetition_quantiles(*c->log, t->pool, stage, .5));
        }
      sides.settle();
      if (!sides.comparable()) continue;
      StageEquality e;
      e.stage = stage;
      e.task = task.task;
      e.mode = like.mode;
      e.co_runner = like.co_runner;
      e.cache = like.cache;
      e.policy = like.policy;
      e.priority = like.priority;
      e.cpus = like.cpus;
      e.streams = like.streams;
      e.over.assign(builds ? "builds" : "compilers");
      if (builds) e.compiler = like.compiler;
      judge(e, sides, options);
      e.trust = trust;
      if (trust == Trust::rejected) e.all.equality = stats::Equality::inconclusive;
      out.push_back(std::move(e));
    }
}

}  // namespace

std::vector<StageEquality> equalities_of(std::span<const CellView> cells,
                                         const AnalyseOptions& options) {
  std::vector<StageEquality> out;
  for (const bool builds : {false, true})
    for (size_t i = 0; i < cells.size(); ++i)
      compare_group(group_of(cells, i, builds), builds, options, out);
  return out;
}

}  // namespace assay::stream
