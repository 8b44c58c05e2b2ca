// SPDX-License-Identifier: Apache-2.0
// Runner of the faulty compiler: the null runner (compiled in under another name) with one fault
// around it.
#include <signal.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <limits>
#include <map>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "assay/runner.h"

extern "C" const assay_runner_api* assay_null_runner_query(uint32_t max_version);

namespace {

constexpr uint64_t change_at =
    1000;  // run of an engine from which outputs_at_1000 gives other outputs
constexpr auto late =
    std::chrono::milliseconds(2);  // after which early_return's thread writes the true outputs
constexpr auto stall = std::chrono::milliseconds(100);  // how much longer stall_run's one run takes

const assay_runner_api& null() {
  static const assay_runner_api& api = *assay_null_runner_query(ASSAY_RUNNER_ABI_VERSION);
  return api;
}

struct Fault {
  std::string mode = "ok";
  uint64_t at_run = 50, seed = 0, runs = 0;
  uint64_t rebuilt = 0;  // which rebuild made the engine, 0: a build did
};

// What this runner keeps beside the null runner's objects, which stay opaque.
std::map<const void*, Fault> faults;           // by engine
std::map<const void*, Fault*> context_faults;  // by context
struct Bound {
  float* first_output = nullptr;
};
std::map<const void*, std::map<int32_t, Bound>> bound;      // by context and slot
std::map<const void*, std::vector<std::thread>> late_work;  // by context

Fault read_fault(const std::string& engine_dir) {
  Fault fault;
  std::ifstream text(engine_dir + "/engine.txt");
  for (std::string line; std::getline(text, line);) {
    std::istringstream words(line);
    std::string key, value;
    words >> key >> value;
    if (key == "mode") fault.mode = value;
    if (key == "at_run") fault.at_run = std::strtoull(value.c_str(), nullptr, 10);
    if (key == "rebuilt") fault.rebuilt = std::strtoull(value.c_str(), nullptr, 10);
    if (key == "seed") fault.seed = std::strtoull(value.c_str(), nullptr, 10);
  }
  return fault;
}

// Number of this launch: from the worker, else the process id.
uint64_t launch_number() {
  const char* text = std::getenv("ASSAY_LAUNCH_INDEX");
  return text != nullptr ? std::strtoull(text, nullptr, 10) : static_cast<uint64_t>(getpid());
}

void crash() {
  signal(SIGSEGV, SIG_DFL);
  raise(SIGSEGV);
}

assay_status capabilities(assay_engine* engine, assay_capabilities* out, char* err, size_t size) {
  const assay_status status = null().capabilities(engine, out, err, size);
  out->compiler = "faulty";
  return status;
}

assay_status engine_open(const assay_engine_options* options, assay_engine** out, char* err,
                         size_t size) {
  std::vector<assay_option> passed;
  for (int32_t i = 0; i < options->n_options; ++i) {
    const std::string key = options->options[i].key;
    if (key != "mode" && key != "at_run" && key != "amount_mib")
      passed.push_back(options->options[i]);
  }
  // It works nowhere but on the CPU, but holds every other device it is told against the engine's.
  std::ifstream manifest(std::string(options->engine_dir) + "/manifest.json");
  const std::string told((std::istreambuf_iterator<char>(manifest)), {});
  if (std::strcmp(options->device, "cpu") != 0 &&
      told.find("\"device\": \"" + std::string(options->device) + "\"") == std::string::npos) {
    std::snprintf(err, size, "faulty: the engine was not built for %s", options->device);
    return ASSAY_INVALID;
  }
  assay_engine_options inner = *options;
  inner.device = "cpu";
  inner.n_options = static_cast<int32_t>(passed.size());
  inner.options = passed.data();
  const Fault fault = read_fault(options->engine_dir);
  if (fault.mode == "crash_load") crash();
  const assay_status status = null().engine_open(&inner, out, err, size);
  if (status == ASSAY_OK) faults[*out] = fault;
  return status;
}

void engine_close(assay_engine* engine) {
  faults.erase(engine);
  null().engine_close(engine);
}

assay_status context_create(assay_engine* engine, int32_t slots, assay_context** out, char* err,
                            size_t size) {
  const assay_status status = null().context_create(engine, slots, out, err, size);
  if (status == ASSAY_OK) context_faults[*out] = &faults[engine];
  return status;
}

void finish_late_work(assay_context* context) {
  for (std::thread& thread : late_work[context]) thread.join();
  late_work[context].clear();
}

void context_destroy(assay_context* context) {
  finish_late_work(context);
  late_work.erase(context);
  bound.erase(context);
  context_faults.erase(context);
  null().context_destroy(context);
}

assay_status bind(assay_context* context, int32_t slot, void* const* inputs, void* const* outputs,
                  char* err, size_t size) {
  finish_late_work(context);
  bound[context][slot] = {static_cast<float*>(outputs[0])};
  return null().bind(context, slot, inputs, outputs, err, size);
}

// Runs at once, hides the first output, and lets a thread put it there later.
void return_early(assay_context* context, float* output) {
  const float truth = *output;
  *output = -1;
  late_work[context].emplace_back([output, truth] {
    std::this_thread::sleep_for(late);
    *output = truth;
  });
}

assay_status run(assay_context* context, int32_t slot) {
  Fault& fault = *context_faults[context];
  // One late thread at a time: an engine that works behind our back still works on one thing after
  // another.
  if (fault.mode == "early_return") finish_late_work(context);
  const uint64_t count = ++fault.runs;
  if (fault.mode == "crash_run" && count == fault.at_run) crash();
  while (fault.mode == "hang_run" && count == fault.at_run) pause();
  if (fault.mode == "stall_run" && count == fault.at_run) std::this_thread::sleep_for(stall);
  if (fault.mode == "fail_run" && count == fault.at_run) return ASSAY_FAILED;
  if (fault.mode == "allocating_run") {
    void* volatile taken = std::malloc(100);  // volatile: else the pair is optimised away
    std::free(taken);
  }
  const assay_status status = null().run(context, slot);
  if (status != ASSAY_OK) return status;
  float* output = bound[context][slot].first_output;
  if (fault.mode == "nan_outputs") *output = std::numeric_limits<float>::quiet_NaN();
  if (fault.mode == "outputs_by_build") *output += static_cast<float>(1 + fault.seed % 1021) / 64;
  if (fault.mode == "outputs_by_launch")
    *output += static_cast<float>(1 + launch_number() % 1021) / 64;
  if (fault.mode == "rebuild_other_output") *output += static_cast<float>(fault.rebuilt) / 64;
  if (fault.mode == "outputs_at_1000" && count >= change_at) *output += 1;
  if (fault.mode == "early_return") return_early(context, output);
  return ASSAY_OK;
}

struct Swap {
  assay_kernel_sink sink;
  void* user;
};

void swapped_kernel(void* user, const assay_kernel* kernel) {
  const auto* swap = static_cast<const Swap*>(user);
  assay_kernel other = *kernel;
  other.kernel = "projection_variant_b";
  other.source_sha256 = "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff";
  swap->sink(swap->user, &other);
}

assay_status kernel_map(assay_engine* engine, assay_kernel_sink sink, void* user, char* err,
                        size_t size) {
  if (faults[engine].mode != "swap_kernels")
    return null().kernel_map(engine, sink, user, err, size);
  Swap swap{sink, user};
  return null().kernel_map(engine, swapped_kernel, &swap, err, size);
}

// What run does to the first output, done to its tensor too: float32, as run takes it.
assay_status tensor_read(assay_context* context, int32_t slot, const char* name,
                         assay_tensor_desc* desc, void* data, size_t data_bytes, char* err,
                         size_t size) {
  const assay_status status =
      null().tensor_read(context, slot, name, desc, data, data_bytes, err, size);
  if (status != ASSAY_OK) return status;
  const Fault& fault = *context_faults[context];
  if (fault.mode == "torn_tensors") desc->rank = ASSAY_MAX_RANK + 1;
  if (data == nullptr || data_bytes < sizeof(float)) return status;
  auto* first = static_cast<float*>(data);
  if (fault.mode == "outputs_by_build") *first += static_cast<float>(1 + fault.seed % 1021) / 64;
  if (fault.mode == "outputs_by_launch")
    *first += static_cast<float>(1 + launch_number() % 1021) / 64;
  if (fault.mode == "nan_outputs") *first = std::numeric_limits<float>::quiet_NaN();
  return status;
}

// Breaks the promises of layer_times, one a mode.
assay_status layer_times(assay_context* context, int32_t slot, int32_t runs,
                         assay_layer_time_sink sink, void* user, char* err, size_t size) {
  const std::string& mode = context_faults[context]->mode;
  if (mode == "no_layer_times") return ASSAY_UNSUPPORTED;
  if (mode == "negative_layer_times") {
    const assay_layer_time time{sizeof(assay_layer_time), 0, "output", "projection", -1};
    sink(user, 0, &time);
  }
  if (mode == "extra_layer_times") {
    const assay_layer_time time{sizeof(assay_layer_time), 0, "output", "projection", 1};
    sink(user, runs, &time);
  }
  return null().layer_times(context, slot, runs, sink, user, err, size);
}

assay_runner_api make_api() {
  assay_runner_api api = null();
  api.capabilities = capabilities;
  api.engine_open = engine_open;
  api.engine_close = engine_close;
  api.context_create = context_create;
  api.context_destroy = context_destroy;
  api.bind = bind;
  api.run = run;
  api.kernel_map = kernel_map;
  api.tensor_read = tensor_read;
  api.layer_times = layer_times;
  return api;
}

}  // namespace

const assay_runner_api* assay_runner_query(uint32_t max_version) {
  static const assay_runner_api api = make_api();
  return max_version < ASSAY_RUNNER_ABI_VERSION ? nullptr : &api;
}
