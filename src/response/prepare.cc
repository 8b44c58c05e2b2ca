// SPDX-License-Identifier: Apache-2.0
#include <fmt/ranges.h>

#include <algorithm>

#include "audit/machine.h"
#include "base/text.h"
#include "response/engines.h"
#include "response/record.h"
#include "response/run.h"

namespace assay::response {
namespace {

// The last CPU first: interrupts and the parent live on the first one.
Result<std::vector<int>> usable_cpus(const Plan& plan) {
  std::vector<int> cpus = audit::allowed_cpus();
  std::reverse(cpus.begin(), cpus.end());
  if (cpus.empty()) return missing("this process may use no CPU", "see taskset -p $$");
  for (const auto& set : plan.cpu_sets)
    for (const int c : set)
      if (std::find(cpus.begin(), cpus.end(), c) == cpus.end())
        return bad_input(fmt::format("CPU {} is not one that this process may use", c),
                         fmt::format("use some of {}", fmt::join(audit::allowed_cpus(), ",")));
  return cpus;
}

// That each engine takes what its task makes of a frame, and gives what its detector reads.
Status check_fits(const Plan& plan, const Recipe& recipe) {
  for (size_t t = 0; t < plan.tasks.size(); ++t) {
    const TaskPlan& task = plan.tasks[t];
    const Engine& engine = recipe.engines[t];
    const std::string at = fmt::format("{} of task {}", recipe.name.label, task.name);
    const auto named = [&](Error e) {
      e.message = at + ": " + e.message;
      return tl::unexpected<Error>(std::move(e));
    };
    if (engine.inputs.size() != 1)
      return bad_input(
          fmt::format("{}: the engine has {} inputs, a frame fills one", at, engine.inputs.size()));
    auto pre = vision::FramePre::create(task.pre, engine.inputs[0], plan.source.max_width,
                                        plan.source.max_height);
    if (!pre) return named(std::move(pre).error());
    if (!task.detector) continue;
    auto boxes =
        vision::BoxDecoder::create(*task.detector, engine.outputs, pre->width(), pre->height());
    if (!boxes) return named(std::move(boxes).error());
  }
  return {};
}

std::vector<RecipeName> names_of(const std::vector<Recipe>& recipes) {
  std::vector<RecipeName> out;
  for (const Recipe& r : recipes) out.push_back(r.name);
  return out;
}

void add_notes(const Plan& plan, Prepared& p) {
  const auto over = std::count_if(p.cells.begin(), p.cells.end(),
                                  [](const stream::Cell& c) { return c.oversubscribed; });
  if (over > 0)
    p.notes.push_back(
        fmt::format("{} of {} conditions have more inference threads than CPUs: marked "
                    "oversubscribed, kept apart from the others",
                    over, p.cells.size()));
  if (plan.repetitions < 5)
    p.notes.push_back(fmt::format("{} repetition{}: slowdowns and equality want at least 5",
                                  plan.repetitions, plan.repetitions == 1 ? "" : "s"));
}

}  // namespace

Result<Prepared> preview(const Plan& plan) {
  Prepared out;
  ASSAY_TRY(out.cpus, usable_cpus(plan));
  ASSAY_TRY(const auto names, recipe_names(plan));
  for (const std::string& name : plan.compilers) {
    ASSAY_TRY(const audit::Compiler c, audit::find_compiler(name));
    ASSAY_CHECK(audit::find_installation(c));
  }
  for (const RecipeName& name : names) out.recipes.push_back({name, {}});
  out.cells = grid(plan, names, out.cpus);
  add_notes(plan, out);
  return out;
}

Result<Prepared> prepare(const Plan& plan, store::RunFolder& run, const Options& options) {
  Prepared out;
  ASSAY_CHECK(check_folder(plan, run));
  ASSAY_TRY(out.cpus, usable_cpus(plan));
  ASSAY_TRY(Built built, make_engines(plan, run, options));
  out.notes = std::move(built.notes);
  out.interrupted = built.interrupted;
  if (out.interrupted) return out;
  if (built.recipes.empty())
    return fail(
        ExitCode::verdict,
        out.notes.empty() ? std::string("no recipe gave an engine") : out.notes.front(),
        fmt::format("see the builds: assay report {}", (run.folder() / "engines.run").string()));
  for (const Recipe& recipe : built.recipes) ASSAY_CHECK(check_fits(plan, recipe));
  out.recipes = std::move(built.recipes);
  out.cells = grid(plan, names_of(out.recipes), out.cpus);
  add_notes(plan, out);
  return out;
}

}  // namespace assay::response
