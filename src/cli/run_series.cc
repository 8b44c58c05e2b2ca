// SPDX-License-Identifier: Apache-2.0
#include "cli/run_series.h"

#include "audit/evidence.h"

namespace assay::cli {
namespace {

std::optional<int64_t> integer_of(const Json& j, const char* key) {
  if (!j.contains(key) || !j[key].is_number()) return std::nullopt;
  return get_int(j, key);
}
std::optional<bool> flag_of(const Json& j, const char* key) {
  if (!j.contains(key) || !j[key].is_boolean()) return std::nullopt;
  return get_bool(j, key);
}

stats::MachineEvidence machine_of(const audit::LaunchEvidence& l) {
  stats::MachineEvidence m;
  m.throttle_events = integer_of(l.sampler, "throttle_events");
  m.involuntary_switches = integer_of(l.sampler, "involuntary_switches");
  m.major_faults = integer_of(l.sampler, "major_faults");
  m.migrations = integer_of(l.sampler, "migrations");
  m.steal_ticks = integer_of(l.sampler, "steal_ticks");
  m.pinned = flag_of(l.environment, "pinned");
  m.memory_locked = flag_of(l.environment, "memory_locked");
  m.scripted = l.clock != "monotonic";
  m.censored = l.censored;
  return m;
}

}  // namespace

Result<std::vector<RecipeSeries>> read_run(const fs::path& folder) {
  ASSAY_TRY(store::RunFolder run, store::RunFolder::open_for_reading(folder));
  ASSAY_TRY(audit::RunEvidence evidence, audit::load_evidence(run));
  std::vector<RecipeSeries> out;
  for (audit::RecipeEvidence& recipe : evidence.recipes) {
    RecipeSeries r;
    r.label = recipe.label;
    for (audit::BuildEvidence& b : recipe.builds)
      for (audit::LaunchEvidence& l : b.launches) {
        if (l.samples.empty() || l.outcome != "ok") continue;
        report::WcetLaunch launch;
        launch.machine = machine_of(l);
        launch.input.name = fmt::format("build {}/launch {}", b.build_index, l.launch_index);
        launch.input.format = "run";
        launch.input.unit = "ns";
        launch.input.launch = l.launch_index;
        launch.input.group = b.build_index;
        launch.input.samples = std::move(l.samples);
        r.launches.push_back(std::move(launch));
      }
    if (!r.launches.empty()) out.push_back(std::move(r));
  }
  if (out.empty())
    return bad_input(fmt::format("run {} holds no latencies", folder.string()),
                     "run the audit to its end, or name another run");
  return out;
}

}  // namespace assay::cli
