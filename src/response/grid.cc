// SPDX-License-Identifier: Apache-2.0
#include "response/plan.h"
#include "stream/cell.h"

namespace assay::response {

std::vector<stream::Cell> grid(const Plan& plan, const std::vector<RecipeName>& recipes,
                               const std::vector<int>& cpus) {
  const auto tasks = static_cast<int>(streaming_tasks(plan).size());
  const auto sets = plan.cpu_sets.empty() ? std::vector<std::vector<int>>{cpus} : plan.cpu_sets;
  std::vector<stream::Cell> out;
  for (const RecipeName& recipe : recipes)
    for (const std::string& mode : plan.modes)
      for (const int cameras : plan.cameras)
        for (const stream::Policy policy : plan.policies)
          for (const std::string& co_runner : plan.co_runners)
            for (const std::string& cache : plan.caches)
              for (const std::string& priority : plan.priorities)
                for (const std::vector<int>& set : sets) {
                  stream::Cell c;
                  c.recipe = recipe.label;
                  c.compiler = recipe.compiler;
                  c.build = recipe.build;
                  c.cameras = cameras;
                  c.streams = cameras * tasks;
                  c.mode = mode;
                  c.scenario = plan.scenario;
                  c.policy = policy;
                  c.period_ns = period_ns(plan);
                  c.co_runner = co_runner;
                  c.cache = cache;
                  c.priority = priority;
                  c.cpus = set;
                  const int servers = mode == "one-server" ? 1 : c.streams;
                  c.oversubscribed = servers * plan.threads > static_cast<int>(set.size());
                  c.id = stream::cell_id(c);
                  out.push_back(std::move(c));
                }
  return out;
}

}  // namespace assay::response
