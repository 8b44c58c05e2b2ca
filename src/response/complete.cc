// SPDX-License-Identifier: Apache-2.0
// A plan as it was asked for, found, filled in and checked.
#include <fmt/ranges.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "audit/catalog.h"
#include "base/text.h"
#include "frames/buffer.h"
#include "frames/priority.h"
#include "frames/source.h"
#include "model/onnx_model.h"
#include "response/checks.h"
#include "response/complete_source.h"
#include "response/plan.h"

namespace assay::response {
namespace {

bool plain_name(const std::string& name) {
  return !name.empty() && name.size() <= 100 && name != "." && name != ".." &&
         std::none_of(name.begin(), name.end(),
                      [](unsigned char c) { return c < 0x20 || c == 0x7f || c == '/'; });
}

// The model of a task: a name of the catalog, or a file.
Status find_model(TaskPlan& t) {
  std::error_code ec;
  if (!fs::exists(t.model, ec)) {
    ASSAY_TRY(auto catalog, audit::load_models());
    std::vector<std::string> names;
    for (const audit::CatalogModel& c : catalog) {
      if (c.model.empty()) continue;
      names.push_back(c.name);
      if (c.name != t.model) continue;
      if (!fs::exists(c.model, ec))
        return missing(fmt::format("model {} has not been made yet", t.model),
                       "run: ./assay-up models " + t.model);
      t.model_file = c.model;
      return {};
    }
    return bad_input(fmt::format("task {}: model {} is neither a file nor a known name", t.name,
                                 one_line(t.model)),
                     fmt::format("give an .onnx file or one of: {}", fmt::join(names, ", ")));
  }
  t.model_file = fs::canonical(t.model, ec);
  t.model = t.model_file.string();  // one plan, however the path was written
  return {};
}

Status find_parts(TaskPlan& t) {
  if (!t.model.empty() && !t.engines.empty())
    return bad_input(fmt::format("task {}: both a model and engines are given", t.name),
                     "give the model (engines are then built), or engine folders");
  if (t.model.empty() && t.engines.empty())
    return bad_input(fmt::format("task {}: neither a model nor an engine is given", t.name),
                     "add model = \"FILE.onnx\" or engines = [\"FOLDER\"]");
  if (!t.model.empty()) ASSAY_CHECK(find_model(t));
  std::error_code ec;
  for (fs::path& engine : t.engines) {
    if (!fs::exists(engine / "manifest.json", ec))
      return bad_input(
          fmt::format("{} is not an engine folder: it has no manifest.json", engine.string()),
          "make one with: assay build MODEL --compiler NAME --out DIR");
    engine = fs::canonical(engine, ec);
  }
  if (!t.detector && !t.model_file.empty()) {
    ASSAY_TRY(t.detector, vision::detector_beside(t.model_file));
  }
  ASSAY_TRY(const auto inputs, task_inputs(t));
  if (inputs.size() != 1)
    return bad_input(
        fmt::format("task {}: the network has {} inputs, a frame fills one", t.name, inputs.size()),
        "use a network with one image input");
  // ImageNet's three means and deviations say nothing of a network that sees one channel.
  const auto& shape = inputs[0].shape;
  const bool grey = shape.size() >= 3 && (shape[shape.size() - 3] == 1 || shape.back() == 1);
  Json pre = t.pre_said;
  if (grey && !pre.contains("mean")) pre["mean"] = {0.0};
  if (grey && !pre.contains("std")) pre["std"] = {1.0};
  ASSAY_TRY(t.pre, vision::pre_spec_from_json(pre, fmt::format("task {}: pre", t.name)));
  return {};
}

Status check_tasks(const Plan& p) {
  if (p.tasks.empty() || p.tasks.size() > 16)
    return bad_input(fmt::format("{} tasks, expected 1 to 16", p.tasks.size()), "add a [[task]]");
  std::set<std::string> names, reached;
  for (const TaskPlan& t : p.tasks) {
    if (!plain_name(t.name))
      return bad_input(fmt::format("\"{}\" is no name of a task", one_line(t.name, 80)),
                       "use 1 to 100 bytes without / and control characters");
    if (!names.insert(t.name).second)
      return bad_input(fmt::format("two tasks are named \"{}\"", t.name), "give one another name");
  }
  for (const TaskPlan& t : p.tasks) {
    if (t.next.empty()) continue;
    const auto next = std::find_if(p.tasks.begin(), p.tasks.end(),
                                   [&](const TaskPlan& o) { return o.name == t.next; });
    const std::string at = fmt::format("task {}: next is \"{}\"", t.name, one_line(t.next, 80));
    if (next == p.tasks.end() || t.next == t.name)
      return bad_input(at + ", which is no other task", "name a [[task]] of this plan");
    if (!next->next.empty())
      return bad_input(at + ", which is a cascade itself", "a cascade has two stages");
    if (!t.detector)
      return bad_input(at + ", but only a detector has boxes to crop",
                       "add detector = \"FILE.json\", or MODEL.detector.json beside the model");
    reached.insert(t.next);
  }
  for (const TaskPlan& t : p.tasks)
    if (!t.streams && !reached.contains(t.name))
      return bad_input(fmt::format("task {}: streams is false and no cascade reaches it", t.name),
                       "leave it out, or name it in another task's next");
  if (streaming_tasks(p).empty())
    return bad_input("no task sees a camera", "one task needs streams = true");
  return {};
}

Status check_recipes(const Plan& p) {
  size_t folders = 0, built = 0;
  for (const TaskPlan& t : p.tasks) {
    built += t.engines.empty();
    if (t.engines.size() > 1 && folders > 1 && t.engines.size() != folders)
      return bad_input(
          fmt::format("task {} has {} engines, another has {}", t.name, t.engines.size(), folders),
          "give as many of each, or one for all");
    folders = std::max(folders, t.engines.size());
  }
  if (built > 0 && folders > 1)
    return bad_input("some tasks have several engine folders, others have a model",
                     "give engines to all, or one engine to the task that is not built");
  if (built > 0 && p.compilers.empty())
    return bad_input("no compiler is named", "add --compiler NAME, or [recipes] compilers");
  if (built == 0 && !p.compilers.empty())
    return bad_input("compilers are named, but all tasks have engines", "leave the compilers out");
  for (const std::string& c : p.compilers) ASSAY_CHECK(audit::find_compiler(c));
  for (const auto& [name, options] : p.options.items()) {
    ASSAY_TRY(const audit::Compiler c, audit::find_compiler(name));
    ASSAY_CHECK(audit::complete_options(c, options));
  }
  if (p.precisions.empty()) return bad_input("no precision is named", "leave it out for fp32");
  for (const auto& [names, what] :
       {std::pair{&p.compilers, "compiler"}, std::pair{&p.precisions, "precision"}}) {
    std::set<std::string> seen;
    for (const std::string& name : *names)
      if (!seen.insert(name).second)
        return bad_input(fmt::format("{} {} stands twice", what, one_line(name, 80)),
                         "name each once; several builds of one are made by --builds, or builds "
                         "in [recipes]");
  }
  return {};
}

Status check_releases(Plan& p) {
  const bool open = stream::open_loop(p.scenario);
  const std::string name(stream::word(p.scenario));
  if (!p.time_stamps.empty()) {
    if (p.scenario != stream::Scenario::constant_stream)
      return bad_input("time stamps are given, but the scenario is " + name, "use ConstantStream");
    if (p.jitter_ns > 0 || p.idle_every > 0)
      return bad_input("jitter and idle gaps do not go with time stamps", "leave them out");
    ASSAY_TRY(const auto stamps, read_time_stamps(p.time_stamps));
    const auto n = static_cast<int64_t>(stamps.size());
    if (p.duration_s > 0) {  // what the camera takes in that time
      p.frames = std::lower_bound(stamps.begin(), stamps.end(), std::llround(p.duration_s * 1e9)) -
                 stamps.begin();
      p.duration_s = 0;
    }
    if (p.frames == 0) p.frames = n;
    p.frames = std::min(p.frames, n);
    if (p.fps == 0 && n > 1 && stamps.back() > 0)
      p.fps = static_cast<double>(n - 1) * 1e9 / static_cast<double>(stamps.back());
  }
  if (open && !(p.fps > 0))
    return bad_input(name + " needs a frame rate", "add --fps 30, or fps in [response]");
  if (!open && p.fps > 0)
    return bad_input(name + " takes a frame when the last is done and has no frame rate",
                     "use ConstantStream, or leave fps out");
  if (open && !(p.fps >= 1e9 / static_cast<double>(stream::kLongestDurationNs) && p.fps <= 1e6))
    return bad_input(fmt::format("fps is {:g}, expected 0.001 to 1e6", p.fps),
                     "use frames a second of one camera, e.g. 30");
  if (p.idle_gap_ns > stream::kLongestDurationNs)
    return bad_input(fmt::format("the idle gap is {}, expected at most 1000 s",
                                 format_ns(static_cast<double>(p.idle_gap_ns))),
                     "write it as 50ms or 2s");
  if (!open && (p.policies.size() != 1 || p.policies[0] != stream::Policy::queue))
    return bad_input(name + " never finds a server busy: a policy has no meaning",
                     "use ConstantStream or Server, or leave the policy out");
  if (p.jitter_ns > 0 &&
      (p.scenario != stream::Scenario::constant_stream || p.jitter_ns * 2 >= period_ns(p)))
    return bad_input(
        fmt::format("jitter is {}, but it goes with ConstantStream and stays below half a period",
                    format_ns(static_cast<double>(p.jitter_ns))),
        "use ConstantStream with a smaller jitter, or leave it out");
  if ((p.idle_every > 0) != (p.idle_gap_ns > 0))
    return bad_input(
        "idle_every and idle_gap go together",
        "write idle_every = 100 and idle_gap = \"50ms\" in [response], or --idle-every 100 "
        "--idle-gap 50ms");
  if (p.scenario == stream::Scenario::multi_stream && p.cameras != std::vector<int>{1} &&
      std::find(p.modes.begin(), p.modes.end(), "processes") != p.modes.end())
    return bad_input("MultiStream asks one process for all streams at once",
                     "use mode threads or one-server");
  return {};
}

// That a frame can be made into what each network takes, before anything is built for it.
Status check_tensors(const Plan& p) {
  for (const TaskPlan& t : p.tasks) {
    ASSAY_TRY(const auto inputs, task_inputs(t));
    auto pre = vision::FramePre::create(t.pre, inputs[0], p.source.max_width, p.source.max_height);
    if (pre) continue;
    Error e = std::move(pre).error();
    e.message = fmt::format("task {}: {}", t.name, e.message);
    return tl::unexpected<Error>(std::move(e));
  }
  return {};
}

}  // namespace

Result<std::vector<TensorSpec>> task_inputs(const TaskPlan& t) {
  if (!t.model_file.empty()) {
    ASSAY_TRY(auto info, model::inspect(t.model_file, {}));
    return info.inputs;
  }
  ASSAY_TRY(std::string text, read_file(t.engines.at(0) / "manifest.json", 64 << 20));
  ASSAY_TRY(Json manifest, parse_json(text, (t.engines[0] / "manifest.json").string()));
  std::vector<TensorSpec> out;
  for (const Json& j : get_array(manifest, "inputs")) {
    ASSAY_TRY(TensorSpec spec, tensor_spec_from_json(j, "manifest.json"));
    out.push_back(std::move(spec));
  }
  return out;
}

Result<Plan> complete_plan(Plan p) {
  if (!plain_name(p.name))
    return bad_input(fmt::format("\"{}\" is no name of a plan", one_line(p.name, 80)),
                     "use 1 to 100 bytes without / and control characters");
  for (TaskPlan& t : p.tasks) ASSAY_CHECK(find_parts(t));
  ASSAY_CHECK(check_tasks(p));
  ASSAY_CHECK(check_recipes(p));
  if (p.duration_s > 0 && p.frames > 0)
    return bad_input("both frames and a duration are given", "give one of them");
  if (!(p.duration_s <= 1e7)) return bad_input("the duration is too long", "at most 1e7 seconds");
  ASSAY_CHECK(check_releases(p));
  if (p.duration_s > 0) {
    if (stream::open_loop(p.scenario))
      p.frames = std::max<int64_t>(1, std::llround(p.duration_s * p.fps));
    else
      p.max_seconds = p.duration_s;
    p.duration_s = 0;
  }
  if (p.frames == 0) p.frames = 500;
  for (TaskPlan& t : p.tasks)
    if (t.deadline_ns == 0 && t.streams) t.deadline_ns = period_ns(p);
  ASSAY_CHECK(complete_source(p));
  ASSAY_CHECK(check_tensors(p));
  ASSAY_CHECK(check_factors(p));
  ASSAY_CHECK(check_numbers(p));
  return p;
}

}  // namespace assay::response
