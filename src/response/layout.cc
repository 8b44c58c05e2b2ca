// SPDX-License-Identifier: Apache-2.0
#include "response/layout.h"

#include <algorithm>

#include "base/mix.h"

namespace assay::response {
namespace {

// Seeds of one camera: equal for all tasks, recipes and conditions, so that all see the same.
uint64_t mixed(uint64_t seed, uint64_t a, uint64_t b) {
  const uint64_t z = seed + kGolden * (a + 1) + 0xd1b54a32d192ed03u * (b + 1);
  return scramble(z) >> 1;  // fits an int64, which JSON readers like
}

stream::ReleaseSpec release_of(const Plan& plan, const stream::Cell& cell, int camera,
                               int repetition, const std::vector<int64_t>& stamps) {
  stream::ReleaseSpec r;
  r.scenario = cell.scenario;
  r.period_ns = cell.period_ns;
  if (cell.scenario == stream::Scenario::constant_stream && plan.staggered && stamps.empty())
    r.offset_ns = cell.period_ns * camera / cell.cameras;
  r.jitter_ns = plan.jitter_ns;
  r.idle_every = plan.idle_every;
  r.idle_gap_ns = plan.idle_gap_ns;
  r.seed = mixed(plan.seed, static_cast<uint64_t>(camera), static_cast<uint64_t>(repetition) + 1);
  r.time_stamps = stamps;
  return r;
}

// The task, and the one that its cascade reaches behind it.
std::vector<size_t> tasks_for(const Plan& plan, const std::vector<size_t>& streaming) {
  std::vector<size_t> out = streaming;
  for (const size_t t : streaming)
    for (size_t n = 0; n < plan.tasks.size(); ++n)
      if (plan.tasks[n].name == plan.tasks[t].next &&
          std::find(out.begin(), out.end(), n) == out.end())
        out.push_back(n);
  return out;
}

frames::TaskSpec task_spec(const Plan& plan, const Recipe& recipe, size_t t,
                           const std::vector<size_t>& members) {
  const TaskPlan& task = plan.tasks[t];
  const Engine& engine = recipe.engines[t];
  frames::TaskSpec s;
  s.name = task.name;
  s.runner = engine.runner;
  s.engine_dir = engine.folder;
  s.library = engine.library.string();
  s.precision = engine.precision;
  s.device = engine.device;
  s.threads = plan.threads;
  s.options = engine.options;
  s.pre = task.pre;
  s.detector = task.detector;
  s.max_crops = task.max_crops;
  for (size_t i = 0; i < members.size(); ++i)
    if (!task.next.empty() && plan.tasks[members[i]].name == task.next)
      s.next = static_cast<int>(i);
  return s;
}

ProcessLayout process_of(const Plan& plan, const Recipe& recipe, const stream::Cell& cell,
                         int repetition, const std::vector<int64_t>& stamps,
                         const std::vector<std::pair<int, size_t>>& streams) {
  ProcessLayout p;
  std::vector<size_t> streaming;
  for (const auto& [camera, task] : streams)
    if (std::find(streaming.begin(), streaming.end(), task) == streaming.end())
      streaming.push_back(task);
  const std::vector<size_t> members = tasks_for(plan, streaming);
  frames::FrameRequest& r = p.request;
  for (const size_t t : members) {
    r.tasks.push_back(task_spec(plan, recipe, t, members));
    for (const auto& [key, value] : recipe.engines[t].env) p.env[key] = value;
  }
  for (const auto& [camera, task] : streams) {
    frames::StreamSpec s;
    s.name = fmt::format("camera {} / {}", camera, plan.tasks[task].name);
    s.camera = camera;
    s.task = static_cast<int>(std::find(members.begin(), members.end(), task) - members.begin());
    s.source = plan.source;
    s.source.cache = frames::cache_from(cell.cache).value_or(frames::SourceSpec::Cache::warm);
    s.source.seed = mixed(plan.seed, static_cast<uint64_t>(camera), 0);
    s.release = release_of(plan, cell, camera, repetition, stamps);
    r.streams.push_back(s);
    p.streams.push_back(
        {s.name, plan.tasks[task].name, camera, plan.tasks[task].deadline_ns, plan.frames});
  }
  r.policy = cell.policy;
  r.scenario = cell.scenario;
  r.frames = plan.frames;
  r.warmup_frames = plan.warmup_frames;
  r.max_seconds = plan.max_seconds;
  r.priority = cell.priority;
  return p;
}

}  // namespace

std::vector<ProcessLayout> layout(const Plan& plan, const Recipe& recipe, const stream::Cell& cell,
                                  int repetition, const std::vector<int64_t>& stamps) {
  std::vector<std::pair<int, size_t>> streams;
  for (int camera = 0; camera < cell.cameras; ++camera)
    for (const size_t t : streaming_tasks(plan)) streams.emplace_back(camera, t);
  std::vector<ProcessLayout> out;
  if (cell.mode == "processes") {
    for (size_t i = 0; i < streams.size(); ++i) {
      ProcessLayout p = process_of(plan, recipe, cell, repetition, stamps, {streams[i]});
      // One inference thread: every thread an engine makes inherits the CPU. More: they need all.
      p.cpus = plan.threads == 1 ? std::vector<int>{cell.cpus[i % cell.cpus.size()]} : cell.cpus;
      if (plan.threads == 1) p.request.cpus = p.cpus;
      out.push_back(std::move(p));
    }
    return out;
  }
  ProcessLayout p = process_of(plan, recipe, cell, repetition, stamps, streams);
  p.request.workers = cell.mode == "threads" ? static_cast<int>(streams.size()) : 1;
  p.cpus = cell.cpus;
  if (plan.threads == 1) p.request.cpus = cell.cpus;
  if (plan.threads == 1 && p.request.workers == 1) p.cpus = p.request.cpus = {cell.cpus[0]};
  out.push_back(std::move(p));
  return out;
}

double planned_s(const Plan& plan, const std::vector<int64_t>& stamps) {
  double s = plan.max_seconds;
  if (stream::open_loop(plan.scenario)) {
    const auto frames = static_cast<double>(plan.frames);
    double run = frames * static_cast<double>(period_ns(plan)) / 1e9;
    if (!stamps.empty()) run = static_cast<double>(stamps.back()) / 1e9;
    if (plan.idle_every > 0)
      run += frames / static_cast<double>(plan.idle_every) * static_cast<double>(plan.idle_gap_ns) /
             1e9;
    s = s > 0 ? std::min(s, run) : run;
  }
  return s;
}

}  // namespace assay::response
