// SPDX-License-Identifier: Apache-2.0
#include "executor.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <string_view>

namespace assay::tvm {
namespace {

// Options of the three compilers that concern the build only: known here, without effect.
constexpr std::array<std::string_view, 13> kBuildOptions = {"trials",
                                                            "tuner",
                                                            "policy",
                                                            "cost_model",
                                                            "population",
                                                            "iterations",
                                                            "measures_per_round",
                                                            "number",
                                                            "repeat",
                                                            "min_repeat_ms",
                                                            "timeout_s",
                                                            "target",
                                                            "seed"};

// TVM's thread pools take their size from the environment when a thread first needs one, so all
// engines of a process share one size.
Outcome fix_threads(int32_t threads) {
  static std::mutex mutex;
  static int32_t fixed = 0;
  const std::lock_guard lock(mutex);
  if (fixed == threads) return {};
  if (fixed != 0) {
    return fail(ASSAY_UNSUPPORTED, "this process runs TVM with " + std::to_string(fixed) +
                                       " threads; " + std::to_string(threads) +
                                       " need a new process");
  }
  const std::string text = std::to_string(threads);
  setenv("TVM_NUM_THREADS", text.c_str(), 1);
  setenv("TVM_BIND_THREADS", "0", 1);  // the worker decides where threads run
  // libtvm_runtime.so loads OpenBLAS and oneDNN, which would start threads of their own.
  setenv("OPENBLAS_NUM_THREADS", "1", 1);
  setenv("OMP_NUM_THREADS", text.c_str(), 1);
  fixed = threads;
  return {};
}

std::string_view text_or_empty(const char* s) { return s != nullptr ? s : ""; }

}  // namespace

Outcome fill_desc(const TensorInfo& info, assay_tensor_desc* out) {
  if (out == nullptr || out->struct_size < sizeof(assay_tensor_desc)) {
    return fail(ASSAY_INVALID, "tensor description: struct_size is too small");
  }
  if (info.shape.size() > ASSAY_MAX_RANK) {
    return fail(ASSAY_UNSUPPORTED, "tensor " + info.name + ": rank is above 8");
  }
  out->dtype = info.dtype;
  out->rank = static_cast<int32_t>(info.shape.size());
  std::copy(info.shape.begin(), info.shape.end(), out->shape);
  out->name = info.name.c_str();
  return {};
}

Expected<std::unique_ptr<Engine>> Engine::open(const assay_engine_options& options) {
  std::unique_ptr<Engine> engine(new Engine);
  auto loaded = engine->load(options);
  if (!loaded) return tl::unexpected(loaded.error());
  return engine;
}

// "cpu-staged" is for tests alone: the CPU, treated as a device with memory of its own.
Outcome Engine::choose_device(const std::string& device) {
  staged_ = device != "cpu";
  if (device == "cpu" || device == "cpu-staged") return {};
  const std::string number = device.rfind("cuda:", 0) == 0 ? device.substr(5) : "";
  if (number.empty() || number.size() > 3 ||
      number.find_first_not_of("0123456789") != std::string::npos) {
    return fail(ASSAY_UNSUPPORTED, "device " + device + ": only cpu and cuda:N");
  }
  device_ = {kCuda, std::stoi(number)};
  return {};
}

Outcome Engine::load(const assay_engine_options& options) {
  if (auto chosen = choose_device(std::string(text_or_empty(options.device))); !chosen)
    return chosen;
  if (text_or_empty(options.precision) != "fp32") {
    return fail(ASSAY_UNSUPPORTED,
                "precision " + std::string(text_or_empty(options.precision)) + ": only fp32");
  }
  for (int32_t i = 0; i < options.n_options; ++i) {
    const std::string_view key = text_or_empty(options.options[i].key);
    if (std::find(kBuildOptions.begin(), kBuildOptions.end(), key) == kBuildOptions.end()) {
      return fail(ASSAY_INVALID, "option " + std::string(key) + " is not known to this runner");
    }
  }
  if (options.threads < 1) return fail(ASSAY_INVALID, "threads must be 1 or more");
  if (auto fixed = fix_threads(options.threads); !fixed) return fixed;
  auto api = load_api(std::string(text_or_empty(options.library)));
  if (!api) return tl::unexpected(api.error());
  api_ = *api;
  if (device_.type == kCuda && !global_function(*api_, "device_api.cuda")) {
    return fail(ASSAY_MISSING, std::string(text_or_empty(options.library)) +
                                   ": was built without CUDA; install the other one with "
                                   "`./assay-up compilers tvm-autotvm-cuda`");
  }
  auto files = read_engine(std::string(text_or_empty(options.engine_dir)));
  if (!files) return tl::unexpected(files.error());
  files_ = std::move(*files);
  auto library = load_module(*api_, files_.library);
  if (!library) return tl::unexpected(library.error());
  library_ = std::move(*library);
  auto executor = create("tvm.graph_executor.create");
  if (!executor) return tl::unexpected(executor.error());
  first_executor_ = std::move(*executor);
  if (auto outcome = load_constants(first_executor_); !outcome) return outcome;
  auto get_input = module_function(*api_, first_executor_, "get_input");
  if (!get_input) return tl::unexpected(get_input.error());
  for (int32_t number = 0; number < static_cast<int32_t>(files_.graph.arguments.size()); ++number) {
    const auto& inputs = files_.input_numbers;
    if (std::find(inputs.begin(), inputs.end(), number) != inputs.end()) continue;
    auto array = get_input->call({integer(number)});
    if (!array) return tl::unexpected(array.error());
    if (array->code != kArrayHandle) return fail(ASSAY_FAILED, "get_input returned no array");
    constants_.emplace_back(number, static_cast<Tensor*>(array->value.handle));
  }
  files_.params.clear();
  files_.params.shrink_to_fit();
  return {};
}

Engine::~Engine() {
  for (const auto& [number, array] : constants_) api_->array_free(array);
}

Expected<Module> Engine::create(const char* factory) const {
  auto function = global_function(*api_, factory);
  if (!function) return tl::unexpected(function.error());
  auto result = function->call({text(files_.graph.text.c_str()), module(library_),
                                integer(device_.type), integer(device_.id)});
  if (!result) return tl::unexpected(result.error());
  if (result->code != kModuleHandle) return fail(ASSAY_FAILED, "TVM made no graph executor");
  return Module(api_, result->value.handle);
}

Outcome Engine::load_constants(const Module& executor) const {
  auto load = module_function(*api_, executor, "load_params");
  if (!load) return tl::unexpected(load.error());
  const ByteArray blob{files_.params.data(), files_.params.size()};
  auto loaded = load->call({bytes(&blob)});
  if (!loaded) return tl::unexpected(loaded.error());
  return {};
}

Expected<Engine::Lease> Engine::lease_executor() {
  {
    const std::lock_guard lock(mutex_);
    if (!std::exchange(lent_, true)) return Lease{&first_executor_, Module()};
  }
  auto executor = create("tvm.graph_executor.create");
  if (!executor) return tl::unexpected(executor.error());
  auto direct = module_function(*api_, *executor, "set_input_zero_copy");
  auto copying = module_function(*api_, *executor, "set_input");
  if (!direct || !copying) return fail(ASSAY_FAILED, "TVM's executor cannot take constants");
  for (const auto& [number, array] : constants_) {
    const Entry entry{files_.graph.arguments[static_cast<size_t>(number)], 0};
    const Function& set = files_.graph.renamed(entry) ? *copying : *direct;
    auto done = set.call({integer(number), tensor(array)});
    if (!done) return tl::unexpected(done.error());
  }
  return Lease{nullptr, std::move(*executor)};
}

void Engine::give_back(const Lease& lease) {
  if (lease.executor == nullptr) return;
  const std::lock_guard lock(mutex_);
  lent_ = false;
}

Expected<Module> Engine::make_debug_executor() const {
  auto executor = create("tvm.graph_executor_debug.create");
  if (!executor) return executor;
  auto set = module_function(*api_, *executor, "set_input");
  if (!set) return tl::unexpected(set.error());
  for (const auto& [number, array] : constants_) {
    auto done = set->call({integer(number), tensor(array)});
    if (!done) return tl::unexpected(done.error());
  }
  return executor;
}

Outcome Engine::kernel_map(assay_kernel_sink sink, void* user) const {
  if (sink == nullptr) return fail(ASSAY_INVALID, "kernel_map: sink is null");
  int32_t ordinal = 0;
  for (const Node& node : files_.graph.nodes) {
    if (node.function.empty() || node.function == "__nop") continue;
    auto found = module_function(*api_, library_, node.function.c_str(), true);
    if (!found) {
      return fail(ASSAY_INVALID, files_.library + ": lacks the kernel " + node.function);
    }
    const assay_kernel kernel{.struct_size = sizeof(assay_kernel),
                              .ordinal = ordinal++,
                              .layer = node.name.c_str(),
                              .kernel = node.function.c_str(),
                              .source_sha256 = "",
                              .precision = "fp32",
                              .origin = ""};
    sink(user, &kernel);
  }
  return {};
}

}  // namespace assay::tvm
