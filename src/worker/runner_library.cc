// SPDX-License-Identifier: Apache-2.0
#include "worker/runner_library.h"

#include <dlfcn.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstring>

#include "base/text.h"

namespace assay::worker {
namespace {

constexpr size_t err_size = 2048;
constexpr int32_t max_tensors = 1024;
constexpr size_t max_kernels = 100000;

using ErrorText = std::array<char, err_size>;

std::string text_of(const ErrorText& text) {
  return std::string(text.data(), strnlen(text.data(), text.size()));
}

LaunchError failure(int status, const std::string& what, const std::string& text) {
  const char* kind = "failed";
  if (status == ASSAY_INVALID) kind = "invalid";
  if (status == ASSAY_UNSUPPORTED) kind = "unsupported";
  if (status == ASSAY_MISSING) kind = "missing";
  return {kind,
          fmt::format("{}: {}", what, text.empty() ? fmt::format("status {}", status) : text)};
}

std::string or_empty(const char* text) { return text == nullptr ? "" : text; }

bool mandatory_present(const assay_runner_api& api) {
  return api.capabilities && api.engine_open && api.engine_close && api.input_count &&
         api.output_count && api.input_desc && api.output_desc && api.context_create &&
         api.context_destroy && api.bind && api.run && api.last_error && api.kernel_map;
}

void collect_kernel(void* user, const assay_kernel* kernel) {
  auto& lines = *static_cast<std::vector<Json>*>(user);
  if (kernel == nullptr || lines.size() >= max_kernels) return;
  lines.push_back({{"event", "kernel"},
                   {"ordinal", kernel->ordinal},
                   {"layer", or_empty(kernel->layer)},
                   {"kernel", or_empty(kernel->kernel)},
                   {"source_sha256", or_empty(kernel->source_sha256)},
                   {"precision", or_empty(kernel->precision)},
                   {"origin", or_empty(kernel->origin)}});
}

}  // namespace

LaunchError from_error(const Error& error) {
  const char* kind = error.code == ExitCode::usage     ? "invalid"
                     : error.code == ExitCode::missing ? "missing"
                                                       : "failed";
  return {kind, error.fix.empty() ? error.message : error.message + "; " + error.fix};
}

Launched<RunnerLibrary> RunnerLibrary::load(const fs::path& path) {
  const std::string name = path.string();
  std::error_code ignored;
  if (!fs::is_regular_file(path, ignored))
    return launch_error("missing", fmt::format("runner {}: no such file", name));
  void* handle = dlopen(name.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (handle == nullptr)
    return launch_error("missing",
                        fmt::format("runner {}: cannot be loaded: {}", name, or_empty(dlerror())));
  auto query = reinterpret_cast<assay_runner_query_fn>(dlsym(handle, "assay_runner_query"));
  if (query == nullptr)
    return launch_error("invalid", fmt::format("runner {}: exports no assay_runner_query", name));
  const assay_runner_api* theirs = query(ASSAY_RUNNER_ABI_VERSION);
  if (theirs == nullptr)
    return launch_error("invalid", fmt::format("runner {}: does not speak ABI version {}", name,
                                               ASSAY_RUNNER_ABI_VERSION));
  if (theirs->abi_version != ASSAY_RUNNER_ABI_VERSION)
    return launch_error("invalid", fmt::format("runner {}: ABI version {}, expected {}", name,
                                               theirs->abi_version, ASSAY_RUNNER_ABI_VERSION));
  if (theirs->struct_size < offsetof(assay_runner_api, enqueue))
    return launch_error("invalid",
                        fmt::format("runner {}: struct_size {}, expected at least {}", name,
                                    theirs->struct_size, offsetof(assay_runner_api, enqueue)));
  RunnerLibrary library;
  library.api_ = std::make_shared<assay_runner_api>();
  std::memset(library.api_.get(), 0, sizeof(assay_runner_api));
  std::memcpy(library.api_.get(), theirs,
              std::min<size_t>(theirs->struct_size, sizeof(assay_runner_api)));
  const assay_runner_api& api = *library.api_;
  if (or_empty(api.sanitizer) != ASSAY_SANITIZER)
    return launch_error(
        "invalid", fmt::format("runner {}: built with sanitizer '{}', the worker with '{}'", name,
                               or_empty(api.sanitizer), ASSAY_SANITIZER));
  if (!mandatory_present(api))
    return launch_error("invalid", fmt::format("runner {}: a mandatory function is null", name));
  return library;
}

Launched<std::unique_ptr<Engine>> Engine::open(const RunnerLibrary& library,
                                               const LaunchRequest& request, int32_t slots) {
  std::unique_ptr<Engine> engine(new Engine(library.api()));
  std::vector<assay_option> options;
  for (const auto& [key, value] : request.options) options.push_back({key.c_str(), value.c_str()});
  assay_engine_options arguments{};
  arguments.struct_size = sizeof arguments;
  arguments.engine_dir = request.engine_dir.c_str();
  arguments.library = request.library.c_str();
  arguments.device = request.device.c_str();
  arguments.precision = request.precision.c_str();
  arguments.threads = request.threads;
  arguments.n_options = static_cast<int32_t>(options.size());
  arguments.options = options.data();
  ErrorText text{};
  const int64_t begin = monotonic_ns();
  int status = engine->api_.engine_open(&arguments, &engine->engine_, text.data(), text.size());
  engine->load_ns_ = monotonic_ns() - begin;
  if (status != ASSAY_OK)
    return tl::unexpected(failure(status, "open " + request.engine_dir.string(), text_of(text)));
  if (engine->engine_ == nullptr)
    return launch_error("failed", "open: the runner said ok but gave no engine");
  if (auto read = engine->read_capabilities(); !read) return tl::unexpected(read.error());
  if (auto read = engine->read_tensors(true, engine->inputs_); !read)
    return tl::unexpected(read.error());
  if (auto read = engine->read_tensors(false, engine->outputs_); !read)
    return tl::unexpected(read.error());
  text = {};
  status = engine->api_.context_create(engine->engine_, slots, &engine->context_, text.data(),
                                       text.size());
  if (status != ASSAY_OK) return tl::unexpected(failure(status, "context", text_of(text)));
  if (engine->context_ == nullptr)
    return launch_error("failed", "context: the runner said ok but gave no context");
  return engine;
}

Engine::~Engine() {
  if (context_ != nullptr) api_.context_destroy(context_);
  if (engine_ != nullptr) api_.engine_close(engine_);
}

LaunchStatus Engine::read_capabilities() {
  ErrorText text{};
  assay_capabilities caps{};
  caps.struct_size = sizeof caps;
  const int status = api_.capabilities(engine_, &caps, text.data(), text.size());
  if (status != ASSAY_OK) return tl::unexpected(failure(status, "capabilities", text_of(text)));
  flags_ = caps.flags;
  compiler_ = or_empty(caps.compiler);
  version_ = or_empty(caps.version);
  decides_at_ = or_empty(caps.decides_at);
  if (decides_at_ != "build" && decides_at_ != "load" && decides_at_ != "first_run")
    return launch_error(
        "invalid",
        fmt::format("capabilities: decides_at is '{}', expected build, load or first_run",
                    one_line(decides_at_)));
  if ((flags_ & ASSAY_CAP_CLOCK) != 0 && api_.clock_ns == nullptr)
    return launch_error("invalid", "capabilities: ASSAY_CAP_CLOCK is set but clock_ns is null");
  if ((flags_ & ASSAY_CAP_TENSOR_READ) != 0 && api_.tensor_read == nullptr)
    return launch_error("invalid",
                        "capabilities: ASSAY_CAP_TENSOR_READ is set but tensor_read is null");
  if ((flags_ & ASSAY_CAP_LAYER_TIMES) != 0 && api_.layer_times == nullptr)
    return launch_error("invalid",
                        "capabilities: ASSAY_CAP_LAYER_TIMES is set but layer_times is null");
  return {};
}

namespace {

// A description that a runner filled in, through JSON once more: the same limits on extents and
// bytes as for every other source.
Launched<TensorSpec> checked_spec(const assay_tensor_desc& desc, const std::string& what) {
  const auto dtype = dtype_from_onnx(static_cast<int>(desc.dtype));
  if (!dtype || desc.rank < 0 || desc.rank > ASSAY_MAX_RANK)
    return launch_error("invalid", fmt::format("{}: element type {} or rank {} is not possible",
                                               what, static_cast<int>(desc.dtype), desc.rank));
  TensorSpec spec{or_empty(desc.name), *dtype, {desc.shape, desc.shape + desc.rank}};
  auto checked = tensor_spec_from_json(to_json(spec), what);
  if (!checked) return tl::unexpected(from_error(checked.error()));
  return std::move(*checked);
}

}  // namespace

LaunchStatus Engine::read_tensors(bool input, std::vector<TensorSpec>& into) {
  const char* what = input ? "input" : "output";
  const int32_t count = input ? api_.input_count(engine_) : api_.output_count(engine_);
  if (count < (input ? 0 : 1) || count > max_tensors)
    return launch_error(
        "invalid", fmt::format("engine has {} {}s, expected at most {}", count, what, max_tensors));
  for (int32_t i = 0; i < count; ++i) {
    ErrorText text{};
    assay_tensor_desc desc{};
    desc.struct_size = sizeof desc;
    const int status =
        (input ? api_.input_desc : api_.output_desc)(engine_, i, &desc, text.data(), text.size());
    if (status != ASSAY_OK)
      return tl::unexpected(failure(status, fmt::format("{} {}", what, i), text_of(text)));
    const auto checked = checked_spec(desc, fmt::format("{} {} of the engine", what, i));
    if (!checked) return tl::unexpected(checked.error());
    into.push_back(*checked);
  }
  return {};
}

LaunchStatus Engine::bind(int32_t slot, const std::vector<void*>& inputs,
                          const std::vector<void*>& outputs) {
  ErrorText text{};
  const int status =
      api_.bind(context_, slot, inputs.data(), outputs.data(), text.data(), text.size());
  if (status != ASSAY_OK)
    return tl::unexpected(failure(status, fmt::format("bind slot {}", slot), text_of(text)));
  return {};
}

LaunchStatus Engine::run(int32_t slot) {
  const int status = api_.run(context_, slot);
  if (status != ASSAY_OK) return tl::unexpected(run_error(status));
  return {};
}

LaunchError Engine::run_error(int status) const {
  return failure(status, "run", or_empty(api_.last_error(context_)));
}

Launched<TensorSpec> Engine::tensor_read(int32_t slot, const std::string& name,
                                         std::vector<std::byte>* bytes) {
  ErrorText text{};
  assay_tensor_desc desc{};
  desc.struct_size = sizeof desc;
  void* data = bytes == nullptr || bytes->empty() ? nullptr : bytes->data();
  const int status =
      api_.tensor_read(context_, slot, name.c_str(), &desc, data,
                       data == nullptr ? 0 : bytes->size(), text.data(), text.size());
  if (status != ASSAY_OK) return tl::unexpected(failure(status, "tensor_read", text_of(text)));
  return checked_spec(desc, fmt::format("tensor {}", one_line(name, 200)));
}

LaunchStatus Engine::layer_times(int32_t slot, int32_t runs, assay_layer_time_sink sink,
                                 void* user) {
  ErrorText text{};
  const int status = api_.layer_times(context_, slot, runs, sink, user, text.data(), text.size());
  if (status != ASSAY_OK) return tl::unexpected(failure(status, "layer_times", text_of(text)));
  return {};
}

Launched<std::vector<Json>> Engine::kernel_map() {
  std::vector<Json> lines;
  ErrorText text{};
  const int status = api_.kernel_map(engine_, collect_kernel, &lines, text.data(), text.size());
  if (status == ASSAY_UNSUPPORTED) return std::vector<Json>{};
  if (status != ASSAY_OK) return tl::unexpected(failure(status, "kernel map", text_of(text)));
  return lines;
}

}  // namespace assay::worker
