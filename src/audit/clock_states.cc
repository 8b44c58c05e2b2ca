// SPDX-License-Identifier: Apache-2.0
#include "audit/clock_states.h"

#include <algorithm>
#include <set>

#include "base/text.h"
#include "platform/cuda.h"

namespace assay::audit {
namespace {

constexpr std::string_view kDefault = "default", kFixed = "fixed";

// Refusals of many CPUs are one fact: the first, and how many.
std::string refused_text(const platform::FixPlan& plan) {
  if (plan.refused.empty()) return "";
  return plan.refused.size() == 1
             ? plan.refused[0]
             : fmt::format("{} (and {} more)", plan.refused[0], plan.refused.size() - 1);
}

bool takes_builds(const Prepared& prepared, const Job& job) {
  return job.kind == JobKind::build && engine_source(prepared, job.recipe).has_value();
}

}  // namespace

Result<std::vector<RecipePlan>> in_clock_states(std::vector<RecipePlan> recipes,
                                                const std::vector<std::string>& states) {
  std::set<std::string> seen;
  for (const std::string& s : states) {
    if (s != kDefault && s != kFixed)
      return bad_input(fmt::format("clock state \"{}\" is unknown", one_line(s)),
                       "use default, fixed");
    if (!seen.insert(s).second)
      return bad_input(fmt::format("clock state {} stands twice", s), "name each once");
  }
  if (states.empty()) return recipes;
  std::vector<RecipePlan> out;
  for (RecipePlan& r : recipes) {
    // The yardstick of outputs: its latency is no subject.
    if (r.compiler == "reference" && recipes.size() > 1) {
      out.push_back(std::move(r));
      continue;
    }
    for (const std::string& s : states) {
      out.push_back(r);
      out.back().dvfs = s;
    }
  }
  return out;
}

std::optional<size_t> engine_source(const Prepared& prepared, size_t recipe) {
  const PreparedRecipe& a = prepared.recipes[recipe];
  if (a.plan.dvfs != kFixed) return std::nullopt;
  for (size_t i = 0; i < prepared.recipes.size(); ++i) {
    const PreparedRecipe& b = prepared.recipes[i];
    if (b.plan.dvfs == kDefault && a.model == b.model && a.plan.compiler == b.plan.compiler &&
        a.plan.precision == b.plan.precision && a.plan.options == b.plan.options &&
        a.plan.device == b.plan.device && a.plan.lock_mode == b.plan.lock_mode &&
        a.plan.lock_proof == b.plan.lock_proof)
      return i;
  }
  return std::nullopt;
}

void order_copies(const Prepared& prepared, std::vector<Job>& jobs) {
  for (auto first = jobs.begin(); first != jobs.end();) {
    const auto last =
        std::find_if(first, jobs.end(), [&](const Job& j) { return j.block != first->block; });
    std::stable_partition(first, last, [&](const Job& j) { return !takes_builds(prepared, j); });
    first = last;
  }
  for (size_t i = 0; i < jobs.size(); ++i) jobs[i].position = static_cast<int64_t>(i);
}

Result<JobOutcome> take_build(const Context& ctx, const Job& job, const std::string& recipe_id) {
  auto& db = ctx.run.db();
  ASSAY_TRY(auto source,
            db.first("SELECT build_id, outcome, reason, isolation_json FROM build WHERE "
                     "recipe_id=? AND build_index=? AND outcome<>'interrupted' ORDER BY rowid DESC "
                     "LIMIT 1",
                     {recipe_id, job.build_index}));
  if (!source) {
    ASSAY_CHECK(record_event(
        ctx, job.job_id, "done",
        {{"outcome", "not_run"}, {"reason", "the recipe at default clocks has no such build"}}));
    return JobOutcome{"not_run", "the recipe at default clocks has no such build"};
  }
  const std::string from = source->text(0), id = random_id();
  ASSAY_TRY(Json isolation, parse_json(source->text(3), "build.isolation_json"));
  isolation["engine_of"] = from;
  ASSAY_TRY(auto transaction, store::Transaction::begin(db));
  ASSAY_CHECK(db.run(
      "INSERT INTO build SELECT ?, ?, ?, build_index, ?, outcome, reason, wall_ns, cpu_ns, "
      "peak_memory_bytes, memory_method, engine_bytes, engine_sha256, artifact_sha256, "
      "kernel_map_sha256, compiler_version, manifest_blob, stdout_blob, stderr_blob, events_blob, "
      "trials_json, ? FROM build WHERE build_id=?",
      {id, job.job_id, ctx.prepared.recipes[job.recipe].recipe_id, ctx.attempt_id,
       dump_json(isolation), from}));
  for (const char* copy :
       {"INSERT INTO engine_file SELECT ?, path, role, bytes, blob FROM engine_file WHERE "
        "build_id=?",
        "INSERT INTO kernel SELECT ?, ordinal, layer, kernel, source_sha256, precision, origin "
        "FROM kernel WHERE build_id=?",
        "INSERT INTO candidate SELECT ?, number, layer, candidate, ok, times_json, error FROM "
        "candidate WHERE build_id=?",
        "INSERT INTO locked_build SELECT ?, made_by FROM locked_build WHERE build_id=?",
        "INSERT INTO lock_check(build_id, launch_id, name, state, expected, found) SELECT ?, '', "
        "name, state, expected, found FROM lock_check WHERE launch_id='' AND build_id=?"})
    ASSAY_CHECK(db.run(copy, {id, from}));
  ASSAY_CHECK(
      record_event(ctx, job.job_id, "done", {{"outcome", source->text(1)}, {"engine_of", from}}));
  ASSAY_CHECK(transaction.commit());
  return JobOutcome{source->text(1), source->text(2)};
}

Clocks::Clocks(const Prepared& prepared, int64_t gpu_mhz)
    : gpu_mhz_(static_cast<int>(gpu_mhz)), roots_(platform::roots_from_environment()) {
  for (const PreparedRecipe& r : prepared.recipes) asked_ = asked_ || r.plan.dvfs == kFixed;
}

Status Clocks::enter(const Context& ctx, const Job& job, const RecipePlan& recipe) {
  if (!asked_) return {};
  // Only a GPU that runs the engine is locked.
  const bool on_gpu = recipe.device != "cpu";
  const platform::FixPlan plan = platform::plan_fixed_clocks(roots_, on_gpu ? gpu_mhz_ : 0,
                                                             platform::cuda_index(recipe.device));
  std::string why = refused_text(plan);
  const auto also = [&](std::string_view more) {
    why += fmt::format("{}{}", why.empty() ? "" : "; ", more);
  };
  // The engine runs at a clock that nobody set, however the CPU's stand.
  const bool gpu_free = on_gpu && gpu_mhz_ == 0;
  if (gpu_free) also("GPU clocks: no --gpu-mhz");
  Json detail{{"state", recipe.dvfs}, {"real", roots_.real()}};
  const auto tell = [&](std::string_view clocks, const std::string& reason) {
    detail["clocks"] = clocks;
    if (!reason.empty()) detail["why"] = reason;
    return record_event(ctx, job.job_id, "clocks", detail);
  };
  if (recipe.dvfs != kFixed) return tell(plan.changes.empty() && why.empty() ? "fixed" : "own", "");
  if (plan.changes.empty() && !plan.refused.empty()) return tell("own", why);
  auto held = platform::Settings::apply(roots_, plan, platform::settings_state());
  if (!held) {
    if (held.error().code != ExitCode::missing)
      return tl::unexpected<Error>(std::move(held).error());
    return tell("own", held.error().message);
  }
  held_.emplace(std::move(*held));
  Json changes = Json::array();
  for (const platform::Change& c : held_->changes())
    changes.push_back({{"path", c.path}, {"before", c.before}, {"after", c.after}});
  detail["changes"] = std::move(changes);
  if (const auto& moving = held_->not_fixed(); !moving.empty())
    also(moving.size() == 1 ? moving[0]
                            : fmt::format("{} (and {} more)", moving[0], moving.size() - 1));
  return tell(why.empty() ? "fixed" : "partly", why);
}

Status Clocks::leave() {
  if (!held_) return {};
  const Status status = held_->restore();
  held_.reset();
  return status;
}

}  // namespace assay::audit
