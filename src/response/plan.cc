// SPDX-License-Identifier: Apache-2.0
#include "response/plan.h"

#include <algorithm>
#include <cmath>

#include "base/text.h"

namespace assay::response {

int64_t period_ns(const Plan& plan) {
  if (!stream::open_loop(plan.scenario) || plan.fps <= 0) return 0;
  return std::llround(1e9 / plan.fps);
}

std::vector<size_t> streaming_tasks(const Plan& plan) {
  std::vector<size_t> out;
  for (size_t t = 0; t < plan.tasks.size(); ++t)
    if (plan.tasks[t].streams) out.push_back(t);
  return out;
}

Json to_json(const Plan& p) {
  Json tasks = Json::array();
  for (const TaskPlan& t : p.tasks) {
    Json engines = Json::array();
    for (const fs::path& e : t.engines) engines.push_back(e.string());
    tasks.push_back({{"name", t.name},
                     {"model", t.model},
                     {"model_file", t.model_file.string()},
                     {"engines", engines},
                     {"pre", vision::to_json(t.pre)},
                     {"detector", t.detector ? vision::to_json(*t.detector) : Json()},
                     {"deadline_ns", t.deadline_ns},
                     {"next", t.next},
                     {"max_crops", t.max_crops},
                     {"streams", t.streams}});
  }
  Json policies = Json::array();
  for (const stream::Policy policy : p.policies) policies.push_back(stream::word(policy));
  return {{"name", p.name},
          {"tasks", tasks},
          {"compilers", p.compilers},
          {"precisions", p.precisions},
          {"builds", p.builds},
          {"options", p.options},
          {"source", frames::to_json(p.source)},
          {"data_name", p.data_name},
          {"scenario", stream::word(p.scenario)},
          {"policies", policies},
          {"fps", p.fps},
          {"staggered", p.staggered},
          {"jitter_ns", p.jitter_ns},
          {"idle_every", p.idle_every},
          {"idle_gap_ns", p.idle_gap_ns},
          {"time_stamps", p.time_stamps.string()},
          {"cameras", p.cameras},
          {"modes", p.modes},
          {"co_runners", p.co_runners},
          {"caches", p.caches},
          {"priorities", p.priorities},
          {"cpu_sets", p.cpu_sets},
          {"threads", p.threads},
          {"frames", p.frames},
          {"repetitions", p.repetitions},
          {"warmup_frames", p.warmup_frames},
          {"max_seconds", p.max_seconds},
          {"seed", p.seed},
          {"memory_limit_bytes", p.memory_limit_bytes},
          {"equality_margin", p.equality_margin},
          {"replay_fps", p.replay_fps}};
}

}  // namespace assay::response
