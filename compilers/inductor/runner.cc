// SPDX-License-Identifier: Apache-2.0
// assay's C ABI for inductor: on a CPU over the compiled model itself (aoti.h), on a GPU by the
// runner that Python loads (compilers/common/host), whose query function is compiled in here under
// another name. Exceptions end here.
#include "assay/runner.h"

#include <cstdio>
#include <cstring>
#include <exception>
#include <memory>

#include "aoti.h"

#ifndef ASSAY_SANITIZER
#define ASSAY_SANITIZER ""
#endif

extern "C" const assay_runner_api* assay_inductor_gpu_query(uint32_t max_version);

namespace {

using assay::aoti::Failure;
using assay::aoti::Outcome;
using assay::aoti::Tensor;

// What the ABI's opaque pointers are here; one of the members each.
struct Engine {
  assay_engine* on_gpu = nullptr;
  std::unique_ptr<assay::aoti::Engine> on_cpu;
};
struct Context {
  assay_context* on_gpu = nullptr;
  std::unique_ptr<assay::aoti::Context> on_cpu;
};
Engine& at(assay_engine* engine) { return *reinterpret_cast<Engine*>(engine); }
Context& at(assay_context* context) { return *reinterpret_cast<Context*>(context); }

const assay_runner_api& gpu() {
  static const assay_runner_api* api = assay_inductor_gpu_query(ASSAY_RUNNER_ABI_VERSION);
  return *api;
}

assay_status report(const Failure& failure, char* err, size_t err_size) {
  if (err != nullptr && err_size > 0) {
    std::snprintf(err, err_size, "%s", failure.text.c_str());
    for (char* c = err; *c != '\0'; ++c)
      if (*c == '\n' || *c == '\r') *c = ' ';
  }
  return failure.status;
}

template <class Body>
assay_status guarded(char* err, size_t err_size, Body body) {
  try {
    const Outcome outcome = body();
    return outcome ? ASSAY_OK : report(outcome.error(), err, err_size);
  } catch (const nlohmann::json::exception& error) {
    return report(Failure{ASSAY_INVALID, std::string("engine: ") + error.what()}, err, err_size);
  } catch (const std::exception& error) {
    return report(Failure{ASSAY_FAILED, error.what()}, err, err_size);
  } catch (...) {
    return report(Failure{ASSAY_FAILED, "unknown exception"}, err, err_size);
  }
}

assay_status describe(const std::vector<Tensor>& tensors, int32_t index, assay_tensor_desc* out,
                      char* err, size_t err_size) {
  if (index < 0 || static_cast<size_t>(index) >= tensors.size() || out == nullptr ||
      out->struct_size < sizeof(assay_tensor_desc))
    return report(Failure{ASSAY_INVALID, "no tensor of this index, or a short struct"}, err,
                  err_size);
  const Tensor& tensor = tensors[static_cast<size_t>(index)];
  out->dtype = tensor.dtype;
  out->rank = static_cast<int32_t>(tensor.shape.size());
  for (size_t i = 0; i < tensor.shape.size(); ++i) out->shape[i] = tensor.shape[i];
  out->name = tensor.name.c_str();
  return ASSAY_OK;
}

assay_status capabilities(assay_engine* engine, assay_capabilities* out, char* err,
                          size_t err_size) {
  assay_engine* const inner = engine == nullptr ? nullptr : at(engine).on_gpu;
  const assay_status status = gpu().capabilities(inner, out, err, err_size);
  if (status != ASSAY_OK || inner != nullptr) return status;
  out->flags = engine == nullptr ? 0 : ASSAY_CAP_CONTEXTS_THREADED;
  out->version = engine == nullptr ? "" : at(engine).on_cpu->version().c_str();
  return ASSAY_OK;
}

assay_status engine_open(const assay_engine_options* options, assay_engine** out, char* err,
                         size_t err_size) {
  return guarded(err, err_size, [&]() -> Outcome {
    if (out == nullptr || options == nullptr ||
        options->struct_size < sizeof(assay_engine_options) || options->engine_dir == nullptr ||
        options->device == nullptr || options->precision == nullptr || options->library == nullptr)
      return assay::aoti::fail(ASSAY_INVALID,
                               "engine_dir, library, device and precision must be given");
    auto made = std::make_unique<Engine>();
    if (std::strcmp(options->device, "cpu") != 0) {
      char said[1024] = "";
      const assay_status status = gpu().engine_open(options, &made->on_gpu, said, sizeof said);
      if (status != ASSAY_OK) return assay::aoti::fail(status, said);
    } else {
      auto opened = assay::aoti::Engine::open(*options);
      if (!opened) return tl::unexpected(opened.error());
      made->on_cpu = std::move(*opened);
    }
    *out = reinterpret_cast<assay_engine*>(made.release());
    return {};
  });
}

void engine_close(assay_engine* engine) {
  if (engine == nullptr) return;
  if (at(engine).on_gpu != nullptr) gpu().engine_close(at(engine).on_gpu);
  delete &at(engine);
}

int32_t input_count(assay_engine* engine) {
  if (at(engine).on_gpu != nullptr) return gpu().input_count(at(engine).on_gpu);
  return static_cast<int32_t>(at(engine).on_cpu->inputs().size());
}
int32_t output_count(assay_engine* engine) {
  if (at(engine).on_gpu != nullptr) return gpu().output_count(at(engine).on_gpu);
  return static_cast<int32_t>(at(engine).on_cpu->outputs().size());
}
assay_status input_desc(assay_engine* engine, int32_t index, assay_tensor_desc* out, char* err,
                        size_t err_size) {
  if (at(engine).on_gpu != nullptr)
    return gpu().input_desc(at(engine).on_gpu, index, out, err, err_size);
  return describe(at(engine).on_cpu->inputs(), index, out, err, err_size);
}
assay_status output_desc(assay_engine* engine, int32_t index, assay_tensor_desc* out, char* err,
                         size_t err_size) {
  if (at(engine).on_gpu != nullptr)
    return gpu().output_desc(at(engine).on_gpu, index, out, err, err_size);
  return describe(at(engine).on_cpu->outputs(), index, out, err, err_size);
}

assay_status context_create(assay_engine* engine, int32_t slots, assay_context** out, char* err,
                            size_t err_size) {
  return guarded(err, err_size, [&]() -> Outcome {
    if (slots < 1) return assay::aoti::fail(ASSAY_INVALID, "a context needs at least one slot");
    auto made = std::make_unique<Context>();
    if (at(engine).on_gpu != nullptr) {
      char said[1024] = "";
      const assay_status status =
          gpu().context_create(at(engine).on_gpu, slots, &made->on_gpu, said, sizeof said);
      if (status != ASSAY_OK) return assay::aoti::fail(status, said);
    } else {
      auto context = at(engine).on_cpu->context(slots);
      if (!context) return tl::unexpected(context.error());
      made->on_cpu = std::move(*context);
    }
    *out = reinterpret_cast<assay_context*>(made.release());
    return {};
  });
}

void context_destroy(assay_context* context) {
  if (context == nullptr) return;
  if (at(context).on_gpu != nullptr) gpu().context_destroy(at(context).on_gpu);
  delete &at(context);
}

assay_status bind(assay_context* context, int32_t slot, void* const* inputs, void* const* outputs,
                  char* err, size_t err_size) {
  if (at(context).on_gpu != nullptr)
    return gpu().bind(at(context).on_gpu, slot, inputs, outputs, err, err_size);
  return guarded(err, err_size, [&] { return at(context).on_cpu->bind(slot, inputs, outputs); });
}

assay_status run(assay_context* context, int32_t slot) {
  if (at(context).on_gpu != nullptr) return gpu().run(at(context).on_gpu, slot);
  return at(context).on_cpu->run(slot);
}

const char* last_error(assay_context* context) {
  if (at(context).on_gpu != nullptr) return gpu().last_error(at(context).on_gpu);
  return at(context).on_cpu->last_error();
}

assay_status kernel_map(assay_engine* engine, assay_kernel_sink sink, void* user, char* err,
                        size_t err_size) {
  if (at(engine).on_gpu != nullptr)
    return gpu().kernel_map(at(engine).on_gpu, sink, user, err, err_size);
  int32_t ordinal = 0;
  for (const auto& kernel : at(engine).on_cpu->kernels()) {
    const assay_kernel line{sizeof(assay_kernel),  ordinal++, kernel.layer.c_str(),
                            kernel.kernel.c_str(), "",        kernel.precision.c_str(),
                            kernel.origin.c_str()};
    sink(user, &line);
  }
  return ASSAY_OK;
}

assay_status layer_times(assay_context* context, int32_t slot, int32_t runs,
                         assay_layer_time_sink sink, void* user, char* err, size_t err_size) {
  if (at(context).on_gpu != nullptr)
    return gpu().layer_times(at(context).on_gpu, slot, runs, sink, user, err, err_size);
  return report(Failure{ASSAY_UNSUPPORTED, "on a CPU the compiled model tells no times of layers"},
                err, err_size);
}

const assay_runner_api kApi = {
    sizeof(assay_runner_api),
    ASSAY_RUNNER_ABI_VERSION,
    ASSAY_SANITIZER,
    capabilities,
    engine_open,
    engine_close,
    input_count,
    output_count,
    input_desc,
    output_desc,
    context_create,
    context_destroy,
    bind,
    run,
    last_error,
    nullptr,
    nullptr,
    kernel_map,
    nullptr,
    nullptr,
    layer_times,
};

}  // namespace

extern "C" const assay_runner_api* assay_runner_query(uint32_t max_version) {
  return max_version < ASSAY_RUNNER_ABI_VERSION ? nullptr : &kApi;
}
