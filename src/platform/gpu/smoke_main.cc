// SPDX-License-Identifier: Apache-2.0
// Prints as JSON what this machine's GPU tells by each way of this room, what the readings cost,
// the peaks, and kernel times beside event times. For a look at a new machine; not installed.
//   assay_gpu_smoke [--reads N] [--interval-ms N] [--seconds S] [--device N] [--ptx FOLDER]
// --ptx writes the texts of all kernels into a folder and ends (to try them with ptxas).
// Libraries as in platform/roots.h. Exit code 0; 3 when something is missing (its reason is in
// the JSON); 2 for a flag that is not known.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <thread>

#include "base/files.h"
#include "base/json.h"
#include "base/text.h"
#include "platform/cuda.h"
#include "platform/gpu/cupti.h"
#include "platform/gpu/driver.h"
#include "platform/gpu/ptx.h"
#include "platform/peaks.h"
#include "platform/probe.h"

namespace assay::platform {
namespace {

struct Options {
  int reads = 200, interval_ms = 20, device = 0;
  double seconds = 2;
  std::string ptx;
};

bool some_missing = false;

Json error_json(const Error& e) {
  some_missing = true;
  return {{"error", e.message}, {"fix", e.fix}};
}

Json facts_json(const Roots& roots) {
  const auto facts = gpu_facts(roots);
  if (!facts) return error_json(facts.error());
  Json all = Json::array();
  for (const GpuFacts& f : *facts)
    all.push_back({{"index", f.index},
                   {"name", f.name},
                   {"driver", f.driver},
                   {"cuda_driver", f.cuda_driver},
                   {"compute_capability", f.compute_capability},
                   {"persistence", f.persistence},
                   {"compute_mode", f.compute_mode},
                   {"mig", f.mig},
                   {"mps", f.mps},
                   {"uuid_known", f.uuid != "unknown"},
                   {"pci_known", f.pci != "unknown"},
                   {"memory_bytes", f.memory_bytes},
                   {"max_sm_mhz", f.max_sm_mhz},
                   {"max_mem_mhz", f.max_mem_mhz},
                   {"application_sm_mhz", f.application_sm_mhz},
                   {"power_limit_mw", f.power_limit_mw},
                   {"processes", f.processes},
                   {"throttle", f.throttle},
                   {"throttle_words", throttle_words(f.throttle)},
                   {"can_lock_clocks", f.can_lock_clocks}});
  return all;
}

Json cost_json(std::vector<int64_t>& ns) {
  if (ns.empty()) return nullptr;
  std::sort(ns.begin(), ns.end());
  const auto rank = [&](double q) {
    return ns[std::min(ns.size() - 1, static_cast<size_t>(q * static_cast<double>(ns.size())))];
  };
  return {
      {"reads", ns.size()}, {"p50_ns", rank(0.5)}, {"p99_ns", rank(0.99)}, {"max_ns", ns.back()}};
}

// Reads every source `reads` times; cost counts only rounds in which the source gave a value.
Json channels_json(const Roots& roots, const Options& o) {
  ProbeSpec spec;
  spec.roots = roots;
  std::vector<Missing> missing;
  const int64_t begin = monotonic_ns();
  const Sources sources = nvml_sources(spec, missing);
  Json j = {{"open_ns", monotonic_ns() - begin}, {"sources", Json::array()}};
  std::vector<std::vector<int64_t>> cost(sources.size()), last(sources.size()), row(sources.size());
  for (int n = 0; n < o.reads; ++n) {
    for (size_t i = 0; i < sources.size(); ++i) {
      row[i].assign(sources[i]->channels().size(), kUnknown);
      const int64_t t = monotonic_ns();
      sources[i]->read(t, row[i].data());
      const int64_t took = monotonic_ns() - t;
      if (std::all_of(row[i].begin(), row[i].end(), [](int64_t v) { return v == kUnknown; }))
        continue;
      cost[i].push_back(took);
      last[i] = row[i];
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(o.interval_ms));
  }
  for (size_t i = 0; i < sources.size(); ++i) {
    Json values = Json::object();
    const auto channels = sources[i]->channels();
    for (size_t c = 0; c < channels.size() && c < last[i].size(); ++c)
      values[channels[c].name] = last[i][c] == kUnknown ? Json(nullptr) : Json(last[i][c]);
    j["sources"].push_back({{"last", values}, {"cost", cost_json(cost[i])}});
  }
  j["missing"] = Json::array();
  for (const Missing& m : missing) j["missing"].push_back({{"what", m.what}, {"why", m.why}});
  if (sources.empty()) some_missing = true;
  return j;
}

Json peaks_json(const Roots& roots, const Options& o) {
  const auto p = measure_gpu_peaks(roots, o.device, o.seconds);
  if (!p) return error_json(p.error());
  return {{"device", p->device},
          {"isa", p->isa},
          {"multiprocessors", p->threads},
          {"flops_fp32_fma", p->flops_fp32_fma},
          {"flops_fp32", p->flops_fp32},
          {"flops_fp16", p->flops_fp16},
          {"ops_int8", p->flops_int8},
          {"read_bytes_per_s", p->read_bytes_per_s},
          {"cache_bytes_per_s", p->cache_bytes_per_s},
          {"last_cache_bytes", p->last_cache_bytes},
          {"repetitions", p->repetitions}};
}

// A context, our fp32 kernel in it, and what it needs.
struct Load {
  static Result<Load> open(const Roots& roots, int device) {
    ASSAY_TRY(auto driver, CudaDriver::open(roots.cuda));
    ASSAY_TRY(CudaContext context, CudaContext::open(driver, device));
    Load l{.context = std::move(context), .kernel = ptx_fma_f32()};
    ASSAY_TRY(l.stream, l.context.stream());
    ASSAY_TRY(l.begin, l.context.event());
    ASSAY_TRY(l.end, l.context.event());
    l.blocks = static_cast<unsigned>(l.context.facts().multiprocessors * l.kernel.blocks_per_sm);
    ASSAY_TRY(l.out, l.context.allocate(size_t{4} * l.blocks *
                                        static_cast<size_t>(l.kernel.block_threads)));
    ASSAY_TRY(l.module, l.context.load(l.kernel.text));
    ASSAY_TRY(l.function, l.context.function(l.module, l.kernel.name.c_str()));
    return l;
  }
  Status launch(uint32_t iterations) {
    return context.launch(function, blocks, static_cast<unsigned>(kernel.block_threads), stream,
                          {&out.address, &iterations});
  }
  // Milliseconds of `launches` launches by events.
  Result<double> timed(uint32_t iterations, int launches) {
    ASSAY_CHECK(context.record(begin, stream));
    for (int i = 0; i < launches; ++i) ASSAY_CHECK(launch(iterations));
    ASSAY_CHECK(context.record(end, stream));
    ASSAY_CHECK(context.synchronize(stream));
    return context.elapsed_ms(begin, end);
  }

  CudaContext context;
  PtxKernel kernel;
  CudaHandle stream{}, begin{}, end{};
  CudaMemory out{};
  CudaHandle module{};
  void* function = nullptr;
  unsigned blocks = 0;
};

Result<Json> trace_of(const Roots& roots, const Options& o) {
  ASSAY_TRY(KernelTracer tracer, KernelTracer::open(roots));
  ASSAY_CHECK(tracer.start());
  ASSAY_TRY(Load load, Load::open(roots, o.device));
  constexpr int kLaunches = 20;
  ASSAY_TRY(const double ms, load.timed(20000, kLaunches));
  ASSAY_TRY(const KernelTrace trace, tracer.stop());
  Json j = {{"cupti_version", trace.version},  {"launches", kLaunches},
            {"kernels", trace.kernels.size()}, {"dropped", trace.dropped},
            {"refused", trace.refused},        {"events_ns", ms * 1e6},
            {"kernel_ns", trace.kernel_ns()},  {"busy_ns", trace.busy_ns()},
            {"first", Json::array()}};
  for (size_t i = 0; i < std::min<size_t>(3, trace.kernels.size()); ++i) {
    const KernelActivity& k = trace.kernels[i];
    j["first"].push_back({{"name", one_line(k.name)},
                          {"ns", k.end_ns - k.start_ns},
                          {"grid", k.grid},
                          {"block", k.block},
                          {"device", k.device},
                          {"stream", k.stream}});
  }
  return j;
}

// The channels while our kernel keeps the GPU busy.
Result<Json> busy_channels(const Roots& roots, const Options& o) {
  ASSAY_TRY(Load load, Load::open(roots, o.device));
  constexpr uint32_t kIterations = 200000;
  ASSAY_TRY(double ms, load.timed(kIterations, 1));
  ASSAY_TRY(ms, load.timed(kIterations, 1));  // at the clock that the first one raised
  const double wanted_ms = 1.2 * o.reads * (o.interval_ms + 1) + 200;
  const int launches = static_cast<int>(std::clamp(wanted_ms / std::max(ms, 0.1), 1.0, 1000.0));
  for (int i = 0; i < launches; ++i) ASSAY_CHECK(load.launch(kIterations));
  Json j = channels_json(roots, o);
  ASSAY_CHECK(load.context.synchronize(load.stream));
  j["load"] = {{"launch_ms", ms}, {"launches", launches}};
  return j;
}

Json or_error(Result<Json> j) { return j ? std::move(*j) : error_json(j.error()); }

int write_ptx(const fs::path& folder) {
  if (const Status made = make_dirs(folder); !made) {
    std::fprintf(stderr, "%s\n", made.error().message.c_str());
    return 2;
  }
  using T = TensorType;
  for (const PtxKernel& k :
       {ptx_fma_f32(), ptx_fma_f16x2(), ptx_mma(T::f16), ptx_mma(T::tf32), ptx_mma(T::s8),
        ptx_wgmma(T::f16), ptx_wgmma(T::tf32), ptx_wgmma(T::s8), ptx_read()}) {
    if (const Status s = write_file_atomic(folder / (k.name + ".ptx"), k.text); !s) {
      std::fprintf(stderr, "%s\n", s.error().message.c_str());
      return 2;
    }
  }
  return 0;
}

int run(int argc, char** argv) {
  Options o;
  for (int i = 1; i < argc; i += 2) {
    const std::string flag = argv[i];
    const char* value = i + 1 < argc ? argv[i + 1] : nullptr;
    if (value && flag == "--reads") {
      o.reads = std::max(1, std::atoi(value));
    } else if (value && flag == "--interval-ms") {
      o.interval_ms = std::max(0, std::atoi(value));
    } else if (value && flag == "--seconds") {
      o.seconds = std::atof(value);
    } else if (value && flag == "--device") {
      o.device = std::atoi(value);
    } else if (value && flag == "--ptx") {
      o.ptx = value;
    } else {
      std::fprintf(stderr, "unknown flag, or a flag without a value: %s\n", flag.c_str());
      return 2;
    }
  }
  if (!o.ptx.empty()) return write_ptx(o.ptx);
  const Roots roots = roots_from_environment();
  Json j = {{"roots", to_json(roots)}, {"real", roots.real()}};
  j["facts"] = facts_json(roots);
  j["idle"] = channels_json(roots, o);  // nothing of CUDA is initialised yet
  j["peaks"] = peaks_json(roots, o);
  j["busy"] = or_error(busy_channels(roots, o));
  j["trace"] = or_error(trace_of(roots, o));
  std::cout << dump_json(j, 1) << "\n";
  return some_missing ? 3 : 0;
}

}  // namespace
}  // namespace assay::platform

int main(int argc, char** argv) { return assay::platform::run(argc, argv); }
