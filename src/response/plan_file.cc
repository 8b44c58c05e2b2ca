// SPDX-License-Identifier: Apache-2.0
// A response plan as a person writes it in a file (docs/response.md).
#include <algorithm>

#include "audit/toml.h"
#include "base/text.h"
#include "response/plan.h"
#include "response/table.h"

namespace assay::response {
namespace {

fs::path beside(const fs::path& folder, const std::string& text) {
  return text.empty() || fs::path(text).is_absolute() ? fs::path(text) : folder / text;
}

// A model is a name of the catalog, or a file that is relative to the plan when it stands there.
std::string model_beside(const fs::path& folder, const std::string& text) {
  std::error_code ec;
  const fs::path file = beside(folder, text);
  return !text.empty() && fs::exists(file, ec) ? file.lexically_normal().string() : text;
}

Status read_source(const Json& given, const fs::path& folder, const std::string& where, Plan& p) {
  if (given.empty()) {
    p.source.kind = frames::SourceSpec::Kind::synthetic;
    return {};
  }
  Json j = given;
  p.data_name = get_string(j, "name");
  if (j.contains("name") && !j["name"].is_string())
    return bad_input(where + ": name must be a text");
  j.erase("name");
  if (j.contains("images")) {
    if (!j["images"].is_string() || j.contains("path") || j.contains("kind"))
      return bad_input(where + ": images is a text, in the place of kind and path",
                       "write images = \"FOLDER\" or a name of `assay models`");
    ASSAY_TRY(const fs::path images, find_images(j["images"].get<std::string>(), folder));
    if (p.data_name.empty()) p.data_name = fs::path(j["images"].get<std::string>()).filename();
    j.erase("images");
    j["kind"] = "folder";
    j["path"] = images.string();
  }
  if (j.contains("cache"))
    return bad_input(where + ": unknown key \"cache\"", "write caches = [...] in [response]");
  for (const char* key : {"bt709", "full_range"}) {
    if (!j.contains(key)) continue;
    j["yuv"][key] = j[key];
    j.erase(key);
  }
  if (j.contains("path") && j["path"].is_string()) {
    std::error_code ec;
    j["path"] =
        fs::absolute(beside(folder, j["path"].get<std::string>()), ec).lexically_normal().string();
  }
  // A synthetic camera without a size gets the tensor's; the reader below wants one.
  const bool sized = j.contains("width") || j.contains("height");
  if (get_string(j, "kind") == "synthetic" && !sized) j["width"] = j["height"] = 2;
  ASSAY_TRY(p.source, frames::source_from_json(j, where));
  if (p.source.kind == frames::SourceSpec::Kind::synthetic && !sized)
    p.source.width = p.source.height = 0;
  return {};
}

Status read_task(const Json& j, const fs::path& folder, const std::string& where, Plan& p) {
  TaskPlan task;
  TableReader t(j, where);
  t.text("name", task.name);
  t.text("model", task.model);
  std::vector<std::string> engines;
  t.texts("engines", engines);
  t.time("deadline", task.deadline_ns);
  t.text("next", task.next);
  t.whole("max_crops", task.max_crops, 1, 64);
  t.flag("streams", task.streams);
  std::string detector;
  t.text("detector", detector);
  if (const Json* pre = t.table("pre")) task.pre_said = *pre;
  ASSAY_CHECK(t.end());
  if (task.name.empty()) return bad_input(where + ": name is missing", "add name = \"detect\"");
  task.model = model_beside(folder, task.model);
  for (const std::string& e : engines) task.engines.push_back(beside(folder, e));
  if (!detector.empty()) {
    const fs::path file = beside(folder, detector);
    ASSAY_TRY(const std::string text, read_file(file, 64 << 20));
    ASSAY_TRY(const Json spec, parse_json(text, file.string()));
    ASSAY_TRY(task.detector, vision::detector_from_json(spec, file.string()));
  }
  p.tasks.push_back(std::move(task));
  return {};
}

Status read_response(const Json& j, const fs::path& folder, const std::string& where, Plan& p) {
  TableReader t(j, where);
  t.text("name", p.name);
  std::string scenario, time_stamps, offsets = "staggered";
  std::vector<std::string> policies;
  t.text("scenario", scenario);
  t.real("fps", p.fps, 0, 1e6);
  t.text("offsets", offsets);
  t.texts("policies", policies);
  t.texts("modes", p.modes);
  t.texts("co_runners", p.co_runners);
  t.texts("caches", p.caches);
  t.texts("priorities", p.priorities);
  t.integers("cameras", p.cameras);
  t.integer_lists("cpus", p.cpu_sets);
  t.whole("frames", p.frames, 1, int64_t{1} << 40);
  t.time_s("duration", p.duration_s);
  t.real("max_seconds", p.max_seconds, 0, 1e7);
  t.whole("repetitions", p.repetitions, 1, 10'000);
  t.whole("warm_up", p.warmup_frames, 0, 1 << 20);
  t.whole("seed", p.seed, 0, INT64_MAX);
  t.whole("threads", p.threads, 1, 1024);
  t.whole("idle_every", p.idle_every, 0, INT64_MAX);
  t.time("idle_gap", p.idle_gap_ns);
  t.time("jitter", p.jitter_ns);
  t.text("time_stamps", time_stamps);
  t.whole("memory_limit_bytes", p.memory_limit_bytes, 0, INT64_MAX);
  t.real("equality_margin", p.equality_margin, 0, 1);
  t.reals("replay_fps", p.replay_fps);
  ASSAY_CHECK(t.end());
  if (!scenario.empty()) {
    const auto s = stream::scenario_from(scenario);
    if (!s)
      return bad_input(fmt::format("{}: scenario \"{}\" is unknown", where, one_line(scenario, 80)),
                       "use SingleStream, MultiStream, Offline, Server or ConstantStream");
    p.scenario = *s;
  }
  if (offsets != "staggered" && offsets != "together")
    return bad_input(fmt::format("{}: offsets is \"{}\"", where, one_line(offsets, 80)),
                     "use staggered or together");
  p.staggered = offsets == "staggered";
  if (!policies.empty()) p.policies.clear();
  for (const std::string& text : policies) {
    const auto policy = stream::policy_from(text);
    if (!policy)
      return bad_input(fmt::format("{}: policy \"{}\" is unknown", where, one_line(text, 80)),
                       "use queue, drop-oldest or skip-if-busy");
    p.policies.push_back(*policy);
  }
  if (!time_stamps.empty()) p.time_stamps = beside(folder, time_stamps);
  return {};
}

Result<Plan> read_plan(const fs::path& file, const std::function<Status(Plan&)>& change) {
  ASSAY_TRY(const Json j, audit::read_toml(file));
  std::error_code ec;
  const fs::path folder = fs::absolute(file, ec).parent_path();
  const std::string where = file.string();
  Plan p;
  p.name = file.stem().string();
  TableReader t(j, where);
  const Json* response = t.table("response");
  const Json* source = t.table("source");
  const Json* recipes = t.table("recipes");
  const Json* compiler = t.table("compiler");
  const Json* tasks = t.list("task");
  ASSAY_CHECK(t.end());
  static const Json none = Json::object();
  ASSAY_CHECK(read_response(response ? *response : none, folder, where + " [response]", p));
  ASSAY_CHECK(read_source(source ? *source : none, folder, where + " [source]", p));
  for (size_t i = 0; tasks && i < tasks->size(); ++i)
    ASSAY_CHECK(read_task((*tasks)[i], folder, fmt::format("{} [[task]] {}", where, i + 1), p));
  TableReader r(recipes ? *recipes : none, where + " [recipes]");
  r.texts("compilers", p.compilers);
  r.texts("precisions", p.precisions);
  r.whole("builds", p.builds, 1, 1000);
  ASSAY_CHECK(r.end());
  for (const auto& [name, options] : (compiler ? *compiler : none).items()) {
    if (!options.is_object())
      return bad_input(fmt::format("{}: compiler.{} is no table of options", where, one_line(name)),
                       "write [compiler.NAME] and its options below");
    p.options[name] = options;
  }
  if (change) ASSAY_CHECK(change(p));
  return complete_plan(std::move(p));
}

}  // namespace

Result<Plan> plan_from_toml(const fs::path& file, const std::function<Status(Plan&)>& change) {
  auto plan = read_plan(file, change);
  if (plan || plan.error().message.find(file.string()) != std::string::npos) return plan;
  Error e = std::move(plan).error();
  e.message = file.string() + ": " + e.message;
  return tl::unexpected<Error>(std::move(e));
}

}  // namespace assay::response
