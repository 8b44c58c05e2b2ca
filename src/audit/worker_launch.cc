// SPDX-License-Identifier: Apache-2.0
#include "audit/worker_launch.h"

#include <algorithm>

#include "audit/machine.h"
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
  return {{"protocol", 1},
          {"action", "launch"},
          {"runner", l.runner.string()},
          {"library", l.library.string()},
          {"engine_dir", l.engine_dir.string()},
          {"device", "cpu"},
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
}

// Output files as the worker announced them: below the outputs folder, of the size that type, shape
// and n give.
Status collect(const fs::path& folder, WorkerResult& r) {
  for (const Json& e : r.log.events) {
    const std::string event = get_string(e, "event");
    if (event == "kernel") r.kernels.push_back(kernel_from_json(e));
    if (event != "output") continue;
    WorkerOutput o;
    ASSAY_TRY(o.spec, tensor_spec_from_json(e, "output event"));
    ASSAY_TRY(o.file, path_inside(folder, get_string(e, "file")));
    o.role = get_string(e, "role", "main");
    o.n = get_int(e, "n", -1);
    std::error_code ec;
    if (!fs::is_regular_file(fs::symlink_status(o.file, ec)))
      return bad_input("announced an output file that is not there");
    const auto size = static_cast<int64_t>(fs::file_size(o.file, ec));
    const int64_t item = o.spec.bytes();
    if (o.n < 0 || (item > 0 && o.n > (int64_t{1} << 50) / item) || size != o.n * item) {
      return bad_input(fmt::format("output \"{}\" has {} bytes, expected {} inputs of {}",
                                   one_line(o.spec.name), size, o.n, item));
    }
    r.outputs.push_back(std::move(o));
  }
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
  l.env = recipe.compiler.env;
  l.engine_dir = engine_dir;
  l.dataset = data.folder;
  l.precision = recipe.plan.precision;
  l.threads = plan.threads;
  l.measure_cpu = cpus.empty() ? 0 : cpus.back();
  l.other_cpu = cpus.empty() ? 0 : cpus.front();
  l.options = recipe.plan.options;
  l.warmup_runs = plan.warmup_runs;
  l.warmup_ms = plan.warmup_ms;
  l.slots = std::min(plan.slots, data.n);
  l.timeout_s = plan.launch_timeout_s;
  l.memory_limit_bytes = plan.memory_limit_bytes;
  return l;
}

Result<WorkerResult> launch_worker(const WorkerLaunch& l, const fs::path& scratch) {
  for (const char* name : {"home", "outputs"}) ASSAY_CHECK(make_dirs(scratch / name));
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
  spec.writable = {scratch / "outputs"};
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
  Status collected = collect(scratch / "outputs", r);
  if (!collected) {
    r.outputs.clear();
    if (r.outcome.outcome == "ok") r.outcome = {"lied", one_line(collected.error().message)};
  }
  return r;
}

}  // namespace assay::audit
