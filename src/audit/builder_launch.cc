// SPDX-License-Identifier: Apache-2.0
#include "audit/builder_launch.h"

#include "audit/catalog.h"
#include "audit/machine.h"
#include "base/text.h"

namespace assay::audit {
namespace {

constexpr int kRecordEveryMs = 100;

Json tensor_list(const std::vector<TensorSpec>& specs) {
  Json out = Json::array();
  for (const TensorSpec& s : specs) out.push_back(to_json(s));
  return out;
}

// An engine of another compiler, precision or thread count than was asked for is a lie, however
// well it is formed.
Status check_request(const Engine& engine, const Json& request) {
  const Json& m = engine.manifest;
  if (get_string(m, "compiler") != get_string(request, "compiler"))
    return bad_input("its manifest names another compiler");
  if (get_string(m, "precision") != get_string(request, "precision"))
    return bad_input("its manifest names another precision");
  if (get_int(m, "threads", -1) != get_int(request, "threads"))
    return bad_input("its manifest names another number of threads");
  // Of the kind alone: an engine for one GPU may run on another of the machine.
  if (device_kind(get_string(m, "device")) != device_kind(get_string(request, "device", "cpu")))
    return bad_input("its manifest names another device");
  return {};
}

}  // namespace

BuilderLaunch base_builder_launch(const Plan& plan, const PreparedModel& m,
                                  const PreparedRecipe& recipe) {
  Json shapes = Json::object();
  for (const TensorSpec& s : m.info.inputs) shapes[s.name] = s.shape;
  Json outputs = Json::array();
  for (size_t i = 0; i < m.info.outputs.size(); ++i)
    if (m.info.output_shape_known[i]) outputs.push_back(to_json(m.info.outputs[i]));
  const std::vector<int> allowed = allowed_cpus();
  const int last = allowed.empty() ? 0 : allowed.back();
  BuilderLaunch l;
  l.argv = recipe.installation.builder_argv;
  l.env = child_environment(recipe.compiler, recipe.plan.device);
  l.env["PYTHONDONTWRITEBYTECODE"] = "1";  // builders never write beside their source
  l.request = {{"protocol", 1},
               {"action", "build"},
               {"compiler", recipe.plan.compiler},
               {"model", m.info.path.string()},
               {"precision", recipe.plan.precision},
               {"device", recipe.plan.device},
               {"threads", plan.threads},
               {"cpus", plan.threads == 1 ? Json::array({last}) : Json(allowed)},
               {"seed", 0},
               {"build_index", 0},
               {"shapes", shapes},
               {"inputs", tensor_list(m.info.inputs)},
               {"outputs", outputs},
               {"options", recipe.plan.options}};
  l.model_inputs = m.info.inputs;
  l.recorder_cpu = allowed.empty() ? -1 : allowed.front();
  l.gpu = recipe.plan.device != "cpu";
  l.timeout_s = plan.build_timeout_s;
  l.memory_limit_bytes = plan.memory_limit_bytes;
  // A tuner that measures candidates gets the CPUs that the launches will get; compiling may use
  // the machine.
  if (recipe.compiler.search && plan.threads == 1) l.cpus = {last};
  return l;
}

Status ask_rebuild(BuilderLaunch& l, const fs::path& decisions,
                   const std::vector<std::string>& files) {
  std::error_code ec;
  l.request["action"] = "rebuild";
  l.request["decisions"] = {{"dir", fs::canonical(decisions, ec).string()}, {"files", files}};
  if (ec) return internal_error("no folder of decisions: " + decisions.string());
  return {};
}

Result<BuilderResult> launch_builder(const BuilderLaunch& l, const fs::path& scratch) {
  ASSAY_CHECK(make_dirs(scratch / "home"));
  ASSAY_CHECK(make_dirs(scratch / "engine"));
  Json request = l.request;
  request["engine_dir"] = (scratch / "engine").string();
  request["scratch"] = (scratch / "home").string();
  BuilderResult r;
  worker::ChildSpec spec;
  spec.argv = l.argv;
  spec.env = l.env;
  const std::string action = get_string(request, "action");
  if (action == "rebuild") {
    // What is imported is then the source that the lock has hashed, not a __pycache__ beside it;
    // and sets iterate in one order.
    spec.env["PYTHONPYCACHEPREFIX"] = (scratch / "home" / "pycache").string();
    spec.env["PYTHONHASHSEED"] = "0";
  }
  spec.stdin_text = dump_json(request);
  spec.scratch = scratch / "home";
  spec.stdout_file = scratch / "stdout";
  spec.stderr_file = scratch / "stderr";
  spec.writable = {scratch / "engine"};
  spec.timeout_s = l.timeout_s;
  spec.memory_limit_bytes =
      l.memory_limit_bytes > 0 ? l.memory_limit_bytes : default_memory_limit_bytes();
  spec.cpus = l.cpus;
  spec.on_event = [&](std::string_view line) {
    const size_t before = r.log.events.size();
    r.log.add(line);
    if (l.on_event && r.log.events.size() > before) l.on_event(r.log.events.back());
  };
  spec.cancel = l.cancel;
  platform::ProbeSpec probe;
  probe.roots = platform::roots_from_environment();
  probe.gpu = l.gpu;
  platform::Recorder recorder(platform::Probe::open(probe), kRecordEveryMs, l.recorder_cpu,
                              probe.roots.real());
  recorder.start();
  r.platform.begin_ns = monotonic_ns();
  auto child = worker::run_child(spec);
  r.platform.end_ns = monotonic_ns();
  r.platform.record = recorder.stop();
  if (!child) return tl::unexpected(child.error());
  r.child = std::move(*child);
  r.outcome = judge(r.child, r.log);
  if (r.outcome.outcome != "ok" || (action != "build" && action != "rebuild")) return r;
  auto engine = open_engine(scratch / "engine", l.model_inputs);
  Status as_asked = engine ? check_request(*engine, request) : Status();
  if (engine && as_asked)
    r.engine = std::move(*engine);
  else
    r.outcome = {"lied", "reported done, but " +
                             one_line((engine ? as_asked.error() : engine.error()).message)};
  return r;
}

}  // namespace assay::audit
