// SPDX-License-Identifier: Apache-2.0
#include "audit/worker_launch.h"

#include <algorithm>

#include "audit/machine.h"
#include "audit/platform_evidence.h"
#include "base/text.h"

namespace assay::audit {
namespace {

Json make_request(const WorkerLaunch& l, const fs::path& scratch) {
  Json latency;
  if (l.samples > 0) {
    latency = {{"samples", l.samples},     {"warmup_runs", l.warmup_runs},
               {"warmup_ms", l.warmup_ms}, {"slots", l.slots},
               {"seed", l.seed},           {"max_seconds", l.timeout_s * 0.8}};
  }
  Json out{{"protocol", 1},
           {"action", "launch"},
           {"runner", l.runner.string()},
           {"library", l.library.string()},
           {"engine_dir", l.engine_dir.string()},
           {"device", l.device},
           {"precision", l.precision},
           {"threads", l.threads},
           {"cpu", l.measure_cpu},
           {"sampler_cpu", l.other_cpu},
           {"options", l.options},
           {"build_index", l.build_index},
           {"launch_index", l.launch_index},
           {"dataset", l.dataset.string()},
           {"outputs", {{"count", l.outputs}, {"dir", (scratch / "outputs").string()}}},
           {"checks", l.checks},
           {"latency", latency},
           {"loaded", l.loaded},
           {"threads_all", l.threads > 1}};
  if (l.samples > 0) {
    Json machine = platform::to_json(platform::roots_from_environment());
    machine["dir"] = (scratch / "platform").string();
    machine["idle_ms"] = l.idle_ms;
    out["platform"] = std::move(machine);
  }
  if (!l.tensors.empty())
    out["tensors"] = {
        {"names", l.tensors}, {"items", l.tensor_items}, {"dir", (scratch / "tensors").string()}};
  if (l.layer_runs > 0) out["layer_times"] = {{"runs", l.layer_runs}};
  return out;
}

// A file that the worker announced: below `folder`, of the size that type, shape and n give.
Status announced_file(const Json& e, const fs::path& folder, TensorSpec& spec, int64_t& n,
                      fs::path& file) {
  const std::string what = get_string(e, "event");
  ASSAY_TRY(spec, tensor_spec_from_json(e, what + " event"));
  ASSAY_TRY(file, path_inside(folder, get_string(e, "file")));
  n = get_int(e, "n", -1);
  std::error_code ec;
  if (!fs::is_regular_file(fs::symlink_status(file, ec)))
    return bad_input(fmt::format("announced an {} file that is not there", what));
  const auto size = static_cast<int64_t>(fs::file_size(file, ec));
  const int64_t item = spec.bytes();
  if (n < 0 || (item > 0 && n > (int64_t{1} << 50) / item) || size != n * item) {
    return bad_input(fmt::format("{} \"{}\" has {} bytes, expected {} inputs of {}", what,
                                 one_line(spec.name), size, n, item));
  }
  return {};
}

Status collect_tensor(const Json& e, const fs::path& folder, WorkerResult& r) {
  WorkerTensor t;
  t.name = get_string(e, "name");
  t.error = one_line(get_string(e, "error"));
  if (t.error.empty()) ASSAY_CHECK(announced_file(e, folder, t.spec, t.n, t.file));
  r.tensors.push_back(std::move(t));
  return {};
}

Status collect_layer_time(const Json& e, WorkerResult& r) {
  WorkerLayerTimes t{
      get_int(e, "ordinal", -2), get_string(e, "layer"), get_string(e, "kernel"), {}};
  for (const Json& time : get_array(e, "time_ns")) {
    if (!time.is_number_integer() || time.get<int64_t>() < 0)
      return bad_input(fmt::format("a time of layer \"{}\" is {}", one_line(t.layer, 80),
                                   one_line(dump_json(time), 40)));
    t.time_ns.push_back(time.get<int64_t>());
  }
  if (t.ordinal < -1) return bad_input("a layer_time event without an ordinal");
  if (t.time_ns.empty()) {
    r.layer_times_error = one_line(get_string(e, "error", "no times"));
  } else {
    r.layer_times.push_back(std::move(t));
  }
  return {};
}

Status collect_loaded(const Json& e, WorkerResult& r) {
  for (const Json& file : get_array(e, "files")) {
    WorkerFile f{get_string(file, "path"), get_string(file, "how")};
    if (f.path.empty() || f.path[0] != '/')
      return bad_input(
          fmt::format("a loaded file \"{}\" is no absolute path", one_line(f.path, 80)));
    r.loaded.push_back(std::move(f));
  }
  return {};
}

// What the worker told, checked.
Status collect(const fs::path& scratch, WorkerResult& r) {
  for (const Json& e : r.log.events) {
    const std::string event = get_string(e, "event");
    if (event == "kernel") r.kernels.push_back(kernel_from_json(e));
    if (event == "tensor") ASSAY_CHECK(collect_tensor(e, scratch / "tensors", r));
    if (event == "layer_time") ASSAY_CHECK(collect_layer_time(e, r));
    if (event == "loaded") ASSAY_CHECK(collect_loaded(e, r));
    if (event == "platform") {
      ASSAY_TRY(r.platform, read_announced(e, scratch / "platform"));
      // Where it was told to read is known here better than to the child.
      r.platform->record.real =
          r.platform->record.real && platform::roots_from_environment().real();
    }
    if (event != "output") continue;
    WorkerOutput o;
    ASSAY_CHECK(announced_file(e, scratch / "outputs", o.spec, o.n, o.file));
    o.role = get_string(e, "role", "main");
    r.outputs.push_back(std::move(o));
  }
  std::stable_sort(r.layer_times.begin(), r.layer_times.end(),
                   [](const auto& a, const auto& b) { return a.ordinal < b.ordinal; });
  std::sort(r.loaded.begin(), r.loaded.end(),
            [](const auto& a, const auto& b) { return a.path < b.path; });
  std::stable_sort(r.kernels.begin(), r.kernels.end(),
                   [](const Kernel& a, const Kernel& b) { return a.ordinal < b.ordinal; });
  return {};
}

}  // namespace

WorkerLaunch recipe_launch(const Plan& plan, const PreparedRecipe& recipe,
                           const vision::Dataset& data, const fs::path& engine_dir) {
  const auto cpus = allowed_cpus();
  WorkerLaunch l;
  l.runner = recipe.installation.runner;
  l.library = recipe.installation.library;
  l.env = child_environment(recipe.compiler, recipe.plan.device);
  l.device = recipe.plan.device;
  l.engine_dir = engine_dir;
  l.dataset = data.folder;
  l.precision = recipe.plan.precision;
  l.threads = plan.threads;
  l.measure_cpu = cpus.empty() ? 0 : cpus.back();
  l.other_cpu = cpus.empty() ? 0 : cpus.front();
  l.options = recipe.plan.options;
  l.warmup_runs = plan.warmup_runs;
  l.warmup_ms = plan.warmup_ms;
  l.idle_ms = plan.idle_ms;
  l.slots = std::min(plan.slots, data.n);
  l.timeout_s = plan.launch_timeout_s;
  l.memory_limit_bytes = plan.memory_limit_bytes;
  return l;
}

Result<WorkerResult> launch_worker(const WorkerLaunch& l, const fs::path& scratch) {
  for (const char* name : {"home", "outputs", "tensors", "platform"})
    ASSAY_CHECK(make_dirs(scratch / name));
  ASSAY_TRY(worker::SampleBuffer buffer,
            worker::SampleBuffer::create(std::max<int64_t>(l.samples, 1)));
  WorkerResult r;
  worker::ChildSpec spec;
  spec.argv = {(executable_dir() / "assay-worker").string()};
  spec.env = l.env;
  spec.stdin_text = dump_json(make_request(l, scratch));
  spec.scratch = scratch / "home";
  spec.stdout_file = scratch / "stdout";
  spec.stderr_file = scratch / "stderr";
  spec.writable = {scratch / "outputs", scratch / "tensors", scratch / "platform"};
  spec.timeout_s = l.timeout_s;
  spec.memory_limit_bytes =
      l.memory_limit_bytes > 0 ? l.memory_limit_bytes : default_memory_limit_bytes();
  // One inference thread: every thread an engine makes inherits the measuring CPU; only the sampler
  // moves away.
  if (l.threads == 1) spec.cpus = {l.measure_cpu};
  spec.samples_fd = buffer.fd();
  spec.on_event = [&](std::string_view line) { r.log.add(line); };
  spec.cancel = l.cancel;
  ASSAY_TRY(r.child, worker::run_child(spec));
  r.outcome = judge(r.child, r.log);
  r.samples = buffer.samples();
  r.slots = buffer.slots();
  Status collected = collect(scratch, r);
  if (!collected) {
    r.outputs.clear();
    r.tensors.clear();
    r.layer_times.clear();
    r.loaded.clear();
    r.platform.reset();
    if (r.outcome.outcome == "ok") r.outcome = {"lied", one_line(collected.error().message)};
  }
  return r;
}

}  // namespace assay::audit
