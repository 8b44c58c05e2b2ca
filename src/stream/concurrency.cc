// SPDX-License-Identifier: Apache-2.0
#include "stream/concurrency.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <tuple>

#include "stats/intervals.h"
#include "stats/stationarity.h"

namespace assay::stream {
namespace {

// A cell with one stream of each task: alone in the sense of the paper.
bool one_camera(const Cell& c) { return c.cameras == 1; }

// One repetition a side: quantiles of two single runs, which says nothing of the next run.
void by_single_runs(Slowdown& s, const Pool& one, const Pool& many, const AnalyseOptions& options) {
  const stats::QuantileEquality e =
      stats::compare_quantile(durations(one.frames, s.stage), durations(many.frames, s.stage), s.q,
                              options.equality_margin, 1 - options.confidence);
  s.ratio.n_a = s.ratio.n_b = 1;
  if (!e.reason.empty()) {
    s.note = "one repetition a side, and no interval within it: " + e.reason;
    return;
  }
  s.ratio.ratio = e.ratio;
  s.ratio.lower = e.lower_wide;
  s.ratio.upper = e.upper_wide;
  s.ratio.tost_lower = e.lower;
  s.ratio.tost_upper = e.upper;
  s.ratio.equality = e.equality;
  s.note.assign(
      "one repetition a side: the interval is within these runs (MOVER) and says nothing "
      "about the next");
}

// Rising over N, in cells of the condition; without those oversubscribed where two are left.
double trend_of(const std::map<int, std::vector<double>>& fair,
                const std::map<int, std::vector<double>>& all) {
  std::vector<std::vector<double>> groups;
  for (const auto& [n, v] : fair.size() >= 2 ? fair : all) groups.push_back(v);
  const stats::Trend t = stats::jonckheere_terpstra(groups);
  return t.computed ? t.p_up : 1;
}

// Each sorted once, however many rows ask for it.
class Memo {
 public:
  const std::vector<double>& of(const CellLog& log, const Pool& pool, Stage stage, double q) {
    const auto [it, fresh] = known_.try_emplace({&pool, stage, q});
    if (fresh) it->second = repetition_quantiles(log, pool, stage, q);
    return it->second;
  }

 private:
  std::map<std::tuple<const Pool*, Stage, double>, std::vector<double>> known_;
};

struct Line {
  std::map<int, std::vector<double>> fair, all;
};
Line line_of(std::span<const CellView> cells, const CellView& one, const CellView& like,
             std::string_view task, Stage stage, double q, Memo& memo) {
  Line out;
  for (const CellView& c : cells) {
    if (!same_but_streams(c.log->cell, like.log->cell)) continue;
    // Without a cell of one camera on these CPUs its baseline is on others (alone_of).
    if (c.log->cell.cpus != like.log->cell.cpus && &c != &one) continue;
    const CellView::Task* t = c.find(task);
    if (t == nullptr) continue;
    for (const double v : memo.of(*c.log, t->pool, stage, q)) {
      out.all[c.log->cell.streams].push_back(v);
      if (!c.log->cell.oversubscribed) out.fair[c.log->cell.streams].push_back(v);
    }
  }
  return out;
}

std::optional<Slowdown> compare(const CellView& one, const CellView& many,
                                const CellView::Task& task_one, const CellView::Task& task_many,
                                Stage stage, double q, Memo& memo, const AnalyseOptions& options) {
  const Pool &pool_one = task_one.pool, &pool_many = task_many.pool;
  const std::vector<double>&a = memo.of(*one.log, pool_one, stage, q),
        &b = memo.of(*many.log, pool_many, stage, q);
  const auto positive = [](const std::vector<double>& v) {
    return !v.empty() && *std::min_element(v.begin(), v.end()) > 0;
  };
  if (!positive(a) || !positive(b)) return std::nullopt;
  Slowdown s;
  const Cell& c = many.log->cell;
  s.recipe = c.recipe;
  s.mode = c.mode;
  s.co_runner = c.co_runner;
  s.cache = c.cache;
  s.policy = c.policy;
  s.priority = c.priority;
  s.cpus = c.cpus;
  s.stage = stage;
  s.streams = c.streams;
  s.q = q;
  s.task = task_many.task;
  s.oversubscribed = c.oversubscribed;
  s.trust = std::max(task_one.trust(stage), task_many.trust(stage));
  if (a.size() == 1 && b.size() == 1) {
    by_single_runs(s, pool_one, pool_many, options);
  } else {
    s.ratio = stats::compare_log_ratio(a, b, options.equality_margin, 1 - options.confidence);
    if (a.size() < 2 || b.size() < 2) s.note.assign("one side has a single repetition");
  }
  if (c.cpus != one.log->cell.cpus)
    s.note += fmt::format("{}one camera was measured on other CPUs", s.note.empty() ? "" : "; ");
  if (c.oversubscribed != one.log->cell.oversubscribed) {
    s.note += fmt::format(
        "{}oversubscribed: more inference threads than CPUs, so the ratio is not "
        "that of concurrency alone",
        s.note.empty() ? "" : "; ");
    if (s.ratio.equality == stats::Equality::equivalent)
      s.ratio.equality = stats::Equality::inconclusive;
  }
  if (s.trust == Trust::rejected) {
    s.ratio.equality = stats::Equality::inconclusive;
    s.note += fmt::format("{}a series of this stage is {}: no verdict", s.note.empty() ? "" : "; ",
                          word(s.trust));
  }
  return s;
}

}  // namespace

const CellView::Task* CellView::find(std::string_view task) const {
  for (const Task& t : tasks)
    if (t.task == task) return &t;
  return nullptr;
}

Trust CellView::Task::trust(Stage stage) const {
  if (result != nullptr)
    for (const StageResult& s : result->stages)
      if (s.stage == stage) return s.gate.trust;
  return Trust::rejected;
}

std::vector<CellView> views_of(std::span<const CellLog> logs, std::span<const CellResult> cells) {
  std::vector<CellView> out;
  for (size_t i = 0; i < logs.size(); ++i) {
    CellView v{&logs[i], {}};
    for (const TaskResult& t : cells[i].tasks)
      v.tasks.push_back({t.task, pool_of(logs[i], t.task), &t});
    out.push_back(std::move(v));
  }
  return out;
}

bool same_but_recipe(const Cell& a, const Cell& b) {
  return a.streams == b.streams && a.cameras == b.cameras && a.mode == b.mode &&
         a.co_runner == b.co_runner && a.cache == b.cache && a.scenario == b.scenario &&
         a.policy == b.policy && a.period_ns == b.period_ns && a.priority == b.priority &&
         a.cpus == b.cpus && a.oversubscribed == b.oversubscribed;
}

bool same_but_streams(const Cell& a, const Cell& b) {
  return a.recipe == b.recipe && a.compiler == b.compiler && a.build == b.build &&
         a.mode == b.mode && a.co_runner == b.co_runner && a.cache == b.cache &&
         a.scenario == b.scenario && a.policy == b.policy && a.period_ns == b.period_ns &&
         a.priority == b.priority;
}

const CellView* alone_of(std::span<const CellView> cells, const CellView& cell) {
  const CellView* found = nullptr;
  for (const CellView& c : cells) {
    if (!one_camera(c.log->cell) || !same_but_streams(c.log->cell, cell.log->cell)) continue;
    if (c.log->cell.cpus == cell.log->cell.cpus) return &c;
    if (found == nullptr) found = &c;
  }
  return found;
}

std::vector<double> repetition_quantiles(const CellLog& log, const Pool& pool, Stage stage,
                                         double q) {
  const int64_t fewest = q > .5 ? 100 : 20;
  std::vector<double> out;
  for (size_t r = 0; r < pool.ends.size(); ++r) {
    const auto frames = pool.of_repetition(r);
    if (log.repetitions[r].outcome != "ok" || std::ssize(frames) < fewest) continue;
    out.push_back(static_cast<double>(
        stats::quantile_point(stats::sorted_copy(durations(frames, stage)), q)));
  }
  return out;
}

std::vector<Slowdown> slowdowns_of(std::span<const CellView> cells, const AnalyseOptions& options) {
  std::vector<Slowdown> out;
  Memo memo;
  std::vector<Stage> stages(std::begin(kStages), std::end(kStages));
  stages.push_back(Stage::response);
  for (const CellView& many : cells) {
    const CellView* one = alone_of(cells, many);
    if (one == nullptr || one == &many || one_camera(many.log->cell)) continue;
    for (const CellView::Task& t : many.tasks) {
      const CellView::Task* base = one->find(t.task);
      if (base == nullptr) continue;
      for (const Stage stage : stages)
        for (const double q : {.5, .99}) {
          auto s = compare(*one, many, *base, t, stage, q, memo, options);
          if (!s) continue;
          const Line line = line_of(cells, *one, many, t.task, stage, q, memo);
          s->p_trend = trend_of(line.fair, line.all);
          out.push_back(std::move(*s));
        }
    }
  }
  return out;
}

}  // namespace assay::stream
