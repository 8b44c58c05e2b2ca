// SPDX-License-Identifier: Apache-2.0
#include "cli/run_series.h"

#include <map>

#include "audit/judged.h"
#include "base/text.h"

namespace assay::cli {

Result<std::vector<RecipeSeries>> read_run(const fs::path& folder) {
  ASSAY_TRY(store::RunFolder run, store::RunFolder::open_for_reading(folder));
  ASSAY_TRY(audit::RunEvidence evidence, audit::load_evidence(run));
  ASSAY_TRY(std::string plan_text, run.meta("plan_json"));
  ASSAY_TRY(Json plan, parse_json(plan_text, "plan_json"));
  const int64_t planned = get_int(plan, "samples");
  ASSAY_TRY(auto models, run.db().query("SELECT model_id, name FROM model"));
  std::map<std::string, std::string> names;
  for (const auto& m : models) names[m.text(0)] = one_line(m.text(1), 80);
  std::vector<RecipeSeries> out;
  for (audit::RecipeEvidence& recipe : evidence.recipes) {
    RecipeSeries r;
    r.label = recipe.label;
    if (names.size() > 1) r.label += " of " + names[recipe.model_id];
    for (audit::BuildEvidence& b : recipe.builds)
      for (audit::LaunchEvidence& l : b.launches) {
        if (l.samples.empty() || l.outcome != "ok") continue;
        report::WcetLaunch launch;
        launch.machine = audit::machine_evidence(l, planned);
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
