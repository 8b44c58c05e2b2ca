// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "stats/intervals.h"
#include "stats/random.h"
#include "stats/stationarity.h"
#include "stream/composition.h"
#include "stream/deadlines.h"
#include "stream/frame_sets.h"
#include "stream/pool.h"
#include "stream/validity.h"
#include "stream/wcet.h"

namespace assay::stream {
namespace {

void add_composition(TaskResult& t, const Pool& pool, const AnalyseOptions& options) {
  std::vector<StageColumn> columns;
  for (const Stage s : kStages) columns.push_back({s, durations(pool.frames, s)});
  ComposeOptions how;
  how.confidence = options.confidence;
  how.seed = options.seed;
  t.composition = compose(columns, .99, how);
  Composition rare = compose(columns, .999, how);
  if (rare.joint) t.composition_999 = std::move(rare);
}

std::optional<TaskResult::Release> release_jitter(const CellLog& log, const Pool& pool) {
  if (!open_loop(log.cell.scenario)) return std::nullopt;
  std::vector<int64_t> late;
  for (const FrameRecord* f : pool.frames)
    if (f->idle_ns > 0) late.push_back(f->start_ns - f->release_ns);
  if (late.empty()) return std::nullopt;
  late = stats::sorted_copy(late);
  return TaskResult::Release{std::ssize(late), stats::quantile_point(late, .5),
                             stats::quantile_point(late, .99), late.back()};
}

void add_counts(TaskResult& t, const Pool& pool) {
  int64_t objects = 0;
  for (const FrameRecord* f : pool.frames) {
    t.own_allocations += f->own_allocations;
    t.compiler_allocations += f->compiler_allocations;
    objects += f->objects;
  }
  if (!pool.frames.empty())
    t.objects_per_frame = static_cast<double>(objects) / static_cast<double>(pool.frames.size());
}

std::optional<StageResult> after_idle(const Pool& pool, const AnalyseOptions& options) {
  Pool first;
  for (const Series& s : pool.series) {
    Series& kept = first.series.emplace_back(Series{s.log, s.repetition, {}});
    for (const FrameRecord* f : s.frames)
      if ((f->flags & kFirstAfterIdle) != 0) kept.frames.push_back(f);
  }
  for (const FrameRecord* f : pool.frames)
    if ((f->flags & kFirstAfterIdle) != 0) first.frames.push_back(f);
  if (first.frames.empty()) return std::nullopt;
  std::erase_if(first.series, [](const Series& s) { return s.frames.empty(); });
  StageResult out = summary(Stage::response, durations(first.frames, Stage::response), options);
  out.gate = stage_gate(first, Stage::response);
  return out;
}

TaskResult analyse_task(const CellLog& log, const std::string& task, const Outcomes& all,
                        const Stability& stability, const AnalyseOptions& options,
                        std::vector<std::string>& refusals) {
  TaskResult t;
  t.task = task;
  const Pool pool = pool_of(log, task);
  t.accounting = account(log, task, &refusals);
  t.stages = stage_results(pool, options);
  add_composition(t, pool, options);
  t.wcet = wcet_of(pool, t.stages, options);
  if (log.cell.cameras == 1) add_equation(t.wcet, pool, &pool, options);
  t.release_jitter = release_jitter(log, pool);
  t.after_idle = after_idle(pool, options);
  add_counts(t, pool);
  const Outcomes outcomes = outcomes_of(log, task);
  t.deadline = judge_deadline(outcomes, options);
  if (!t.deadline) return t;
  // On a shared server the frames of other tasks take their turn too.
  const bool shared = log.cell.mode == "one-server";
  const Stability load = shared ? stability : stability_of(log, outcomes);
  refuse_rate(*t.deadline, load);
  if (can_replay(log.cell))
    t.deadline->replays = replays_of(log, shared ? all : outcomes, options);
  else
    refusals.push_back(
        fmt::format("{}: no other rates: servers that share CPUs slow each other, and services "
                    "measured at one rate do not show how much at another",
                    task));
  if (load.unstable) {
    refuse_model(*t.deadline, t.wcet.pwcet);
    return t;
  }
  add_model(*t.deadline, durations(pool.frames, Stage::response), t.wcet.pwcet,
            t.stages.back().gate.trust, options);
  return t;
}

double throughput(const CellLog& log, const Pool& pool) {
  double ns = 0, frames = 0;
  for (size_t r = 0; r < log.repetitions.size(); ++r) {
    const auto done = pool.of_repetition(r);
    if (done.empty()) continue;
    int64_t from = INT64_MAX, to = 0;
    for (const FrameRecord* f : done) {
      from = std::min(from, f->release_ns);
      to = std::max(to, f->done_ns);
    }
    frames += static_cast<double>(done.size());
    ns += static_cast<double>(to - from);
  }
  return ns > 0 ? frames * 1e9 / ns : 0;
}

void say_refusals(CellResult& c) {
  for (const TaskResult& t : c.tasks) {
    for (const StageResult& s : t.stages)
      if (s.stage == Stage::response)
        for (const stats::QuantileRow& q : s.quantiles)
          if (!q.carried())
            c.refusals.push_back(
                fmt::format("{}: p{:g} of the response: {}", t.task, q.q * 100, q.refusal));
    if (t.wcet.pwcet.refused && !t.wcet.pwcet.reasons.empty())
      c.refusals.push_back(
          fmt::format("{}: no pWCET of the response: {}", t.task, t.wcet.pwcet.reasons.front()));
    if (t.deadline && !t.deadline->observed.refusal.empty())
      c.refusals.push_back(fmt::format("{}: {}", t.task, t.deadline->observed.refusal));
  }
}

}  // namespace

CellResult analyse_cell(const CellLog& log, const AnalyseOptions& options) {
  CellResult c;
  c.cell = log.cell;
  c.repetitions = std::ssize(log.repetitions);
  for (const Repetition& r : log.repetitions) c.failed_repetitions += r.outcome != "ok";
  for (const Repetition& r : log.repetitions) {
    if (r.scaled && !c.scaled) c.scaled = r.scaled;
    if (r.outcome != "ok" && c.failure.empty())
      c.failure = r.reason.empty() ? r.outcome : r.outcome + ": " + r.reason;
  }
  const Outcomes all = outcomes_of(log, "");
  c.stability = stability_of(log, all);
  for (const std::string& task : tasks_of(log))
    c.tasks.push_back(analyse_task(log, task, all, c.stability, options, c.refusals));
  const Pool pool = pool_of(log, "");
  c.streams = stream_results(pool, options);
  c.fairness = fairness_of(c.streams);
  c.throughput_fps = throughput(log, pool);
  c.frame_set = frame_set_result(log, options);
  c.frame_sets = account_frame_sets(log);
  c.frame_set_deadline = judge_deadline(frame_sets_of(all), options);
  if (c.frame_set_deadline) refuse_rate(*c.frame_set_deadline, c.stability);
  judge_validity(log, c);
  say_refusals(c);
  return c;
}

}  // namespace assay::stream
