// SPDX-License-Identifier: Apache-2.0
#include "response/engines.h"

#include <algorithm>

#include "audit/audit.h"
#include "audit/engine.h"
#include "base/text.h"

namespace assay::response {
namespace {

std::string recipe_label(const std::string& compiler, int build, int64_t builds) {
  return builds > 1 ? fmt::format("{} build {}", compiler, build) : compiler;
}

// The builds of all tasks as an audit's builds: the same isolation, evidence and resumption.
Result<audit::Plan> build_plan(const Plan& plan) {
  audit::Request request;
  request.builds = plan.builds;
  request.launches = 1;
  request.threads = plan.threads;
  request.seed = plan.seed;
  request.reference = false;
  request.memory_limit_bytes = plan.memory_limit_bytes;
  for (const auto& [name, options] : plan.options.items()) request.options[name] = options;
  // int8 is calibrated with the model's own data; all else needs none.
  const bool calibrated = std::any_of(plan.precisions.begin(), plan.precisions.end(),
                                      [](const std::string& p) { return p == "int8"; });
  for (const TaskPlan& t : plan.tasks) {
    if (!t.engines.empty()) continue;
    audit::Request::Model m;
    m.model = t.model;
    m.name = t.name;
    if (!calibrated) m.data = "synthetic";
    m.inputs = calibrated ? 500 : 1;
    m.compilers = plan.compilers;
    m.precisions = plan.precisions;
    request.models.push_back(std::move(m));
  }
  return audit::make_plan(request);
}

// Builds what is not there. (recipe, task, build) -> folder of the engine; absent: it failed.
struct BuiltFolders {
  std::map<std::tuple<std::string, std::string, int64_t>, fs::path> folders;
  std::map<std::tuple<std::string, std::string, int64_t>, std::string> reasons;
  bool interrupted = false;
};
Result<BuiltFolders> build(const Plan& plan, store::RunFolder& run, const Options& options) {
  ASSAY_TRY(const audit::Plan builds, build_plan(plan));
  ASSAY_TRY(store::RunFolder inner,
            store::RunFolder::open_for_writing(run.folder() / "engines.run"));
  ASSAY_TRY(const audit::Prepared prepared, audit::prepare(builds, inner.folder() / "data", true));
  audit::AuditOptions o;
  o.argv = options.argv;
  o.cancel = options.cancel;
  o.on_progress = options.on_progress;
  o.launches = false;
  ASSAY_TRY(const audit::AuditResult result, audit::run_audit(builds, prepared, inner, o));
  BuiltFolders out;
  out.interrupted = result.interrupted;
  if (out.interrupted) return out;
  ASSAY_TRY(const auto rows,
            inner.db().query("SELECT b.build_id, r.compiler || ' ' || r.precision, m.name, "
                             "b.build_index, b.outcome, b.reason FROM build b JOIN recipe r "
                             "USING(recipe_id) JOIN model m ON m.model_id=r.model_id "
                             "ORDER BY b.rowid"));
  std::error_code ec;
  for (const auto& r : rows) {
    const std::tuple key{r.text(1), r.text(2), r.integer(3)};
    if (r.text(4) != "ok") {
      out.reasons[key] = r.text(4) + ": " + r.text(5);
      continue;
    }
    std::string recipe = r.text(1);
    std::replace(recipe.begin(), recipe.end(), ' ', '-');
    const fs::path to =
        run.folder() / "engines" / fmt::format("{}-{}-{}", r.text(2), recipe, r.integer(3));
    fs::remove_all(to, ec);
    ASSAY_CHECK(audit::materialise(inner, r.text(0), to));
    out.folders[key] = fs::canonical(to, ec);
  }
  return out;
}

}  // namespace

Result<Engine> open_engine_of(const fs::path& folder, int threads) {
  ASSAY_TRY(const std::string text, read_file(folder / "manifest.json", 64 << 20));
  ASSAY_TRY(const Json manifest, parse_json(text, (folder / "manifest.json").string()));
  std::vector<TensorSpec> inputs;  // checked against themselves: there is no model to compare with
  for (const Json& j : get_array(manifest, "inputs")) {
    ASSAY_TRY(TensorSpec spec, tensor_spec_from_json(j, "manifest.json"));
    inputs.push_back(std::move(spec));
  }
  ASSAY_TRY(const audit::Engine opened, audit::open_engine(folder, inputs));
  ASSAY_TRY(const audit::Compiler compiler, audit::find_compiler(get_string(manifest, "compiler")));
  ASSAY_TRY(const std::string device,
            audit::resolve_device(compiler, get_string(manifest, "device", "cpu")));
  ASSAY_TRY(const audit::Installation installation, audit::find_installation(compiler, device));
  const int64_t built = std::max<int64_t>(1, get_int(manifest, "threads", threads));
  if (built != threads)
    return bad_input(fmt::format("engine {} was built for {} threads, the plan measures with {}",
                                 folder.string(), built, threads),
                     fmt::format("add --threads {}, or threads in [response]", built));
  Engine e;
  e.folder = folder;
  e.runner = installation.runner;
  e.library = installation.library;
  e.packages_key = installation.packages_key;
  e.precision = get_string(manifest, "precision", "fp32");
  e.sha256 = opened.engine_sha256;
  e.device = device;
  e.env = audit::child_environment(compiler, device);
  for (const auto& [key, value] : get_object(manifest, "options").items())
    e.options.emplace_back(key, value.is_string() ? value.get<std::string>() : dump_json(value));
  e.inputs = opened.inputs;
  e.outputs = opened.outputs;
  return e;
}

Result<std::vector<RecipeName>> recipe_names(const Plan& plan) {
  std::vector<RecipeName> out;
  for (const std::string& c : plan.compilers)
    for (const std::string& precision : plan.precisions)
      for (int b = 0; b < plan.builds; ++b) {
        const std::string compiler = c + " " + precision;
        out.push_back({recipe_label(compiler, b, plan.builds), compiler, b});
      }
  if (!out.empty()) return out;
  // Folders: compiler and precision of the task with the most of them; equal ones are its builds.
  const auto most = std::max_element(plan.tasks.begin(), plan.tasks.end(), [](auto& a, auto& b) {
    return a.engines.size() < b.engines.size();
  });
  std::map<std::string, int> seen;
  for (const fs::path& folder : most->engines) {
    ASSAY_TRY(const std::string text, read_file(folder / "manifest.json", 64 << 20));
    ASSAY_TRY(const Json manifest, parse_json(text, (folder / "manifest.json").string()));
    const std::string compiler = fmt::format("{} {}", get_string(manifest, "compiler", "unknown"),
                                             get_string(manifest, "precision", "fp32"));
    out.push_back({"", one_line(compiler, 80), seen[compiler]++});
  }
  for (RecipeName& r : out) r.label = recipe_label(r.compiler, r.build, seen[r.compiler]);
  return out;
}

Result<Built> make_engines(const Plan& plan, store::RunFolder& run, const Options& options) {
  Built out;
  ASSAY_TRY(const auto names, recipe_names(plan));
  BuiltFolders built;
  if (!plan.compilers.empty()) {
    ASSAY_TRY(built, build(plan, run, options));
  }
  out.interrupted = built.interrupted;
  if (out.interrupted) return out;
  for (size_t i = 0; i < names.size(); ++i) {
    Recipe recipe{names[i], {}};
    for (const TaskPlan& t : plan.tasks) {
      fs::path folder;
      if (!t.engines.empty()) {
        folder = t.engines[t.engines.size() > 1 ? i : 0];
      } else {
        const std::tuple key{names[i].compiler, t.name, int64_t{names[i].build}};
        folder = built.folders[key];
        if (folder.empty()) {
          out.notes.push_back(fmt::format("{} left out: no engine of task {} ({})", names[i].label,
                                          t.name, one_line(built.reasons[key], 200)));
          break;
        }
      }
      ASSAY_TRY(Engine engine, open_engine_of(folder, plan.threads));
      recipe.engines.push_back(std::move(engine));
    }
    if (recipe.engines.size() == plan.tasks.size()) out.recipes.push_back(std::move(recipe));
  }
  return out;
}

}  // namespace assay::response
