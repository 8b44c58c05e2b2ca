// SPDX-License-Identifier: Apache-2.0
// assay's C ABI over an engine that Python holds and a CUDA graph that runs it. Compiled once for
// each compiler, with ASSAY_HOST_COMPILER and ASSAY_HOST_DECIDES_AT. Exceptions end here.
#include <cstdio>
#include <exception>
#include <memory>
#include <mutex>

#include "assay/runner.h"
#include "engine.h"

using assay::host::Context;
using assay::host::Engine;
using assay::host::Failure;
using assay::host::Outcome;
using assay::host::Tensor;

struct assay_engine {
  std::unique_ptr<Engine> engine;
  std::mutex mutex;  // of questions that change the engine
};

struct assay_context {
  assay_engine* engine = nullptr;
  std::unique_ptr<Context> context;
};

namespace {

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
  if (out == nullptr || out->struct_size < sizeof(assay_capabilities))
    return report(Failure{ASSAY_INVALID, "assay_capabilities is too short"}, err, err_size);
  out->flags = ASSAY_CAP_LAYER_TIMES | ASSAY_CAP_INPUTS_AT_BIND;  // bind uploads
  out->compiler = ASSAY_HOST_COMPILER;
  out->version = engine == nullptr ? "" : engine->engine->version().c_str();
  out->decides_at = ASSAY_HOST_DECIDES_AT;
  out->max_contexts = 0;
  return ASSAY_OK;
}

assay_status engine_open(const assay_engine_options* options, assay_engine** out, char* err,
                         size_t err_size) {
  return guarded(err, err_size, [&]() -> Outcome {
    if (out == nullptr || options == nullptr ||
        options->struct_size < sizeof(assay_engine_options) || options->engine_dir == nullptr ||
        options->device == nullptr || options->precision == nullptr || options->library == nullptr)
      return assay::host::fail(ASSAY_INVALID,
                               "engine_dir, library, device and precision must be given");
    auto engine = Engine::open(ASSAY_HOST_COMPILER, ASSAY_HOST_DECIDES_AT, *options);
    if (!engine) return tl::unexpected(engine.error());
    auto made = std::make_unique<assay_engine>();
    made->engine = std::move(*engine);
    *out = made.release();
    return {};
  });
}

void engine_close(assay_engine* engine) { delete engine; }

int32_t input_count(assay_engine* engine) {
  return static_cast<int32_t>(engine->engine->inputs().size());
}
int32_t output_count(assay_engine* engine) {
  return static_cast<int32_t>(engine->engine->outputs().size());
}
assay_status input_desc(assay_engine* engine, int32_t index, assay_tensor_desc* out, char* err,
                        size_t err_size) {
  return describe(engine->engine->inputs(), index, out, err, err_size);
}
assay_status output_desc(assay_engine* engine, int32_t index, assay_tensor_desc* out, char* err,
                         size_t err_size) {
  return describe(engine->engine->outputs(), index, out, err, err_size);
}

assay_status context_create(assay_engine* engine, int32_t slots, assay_context** out, char* err,
                            size_t err_size) {
  return guarded(err, err_size, [&]() -> Outcome {
    if (slots < 1) return assay::host::fail(ASSAY_INVALID, "a context needs at least one slot");
    std::lock_guard<std::mutex> lock(engine->mutex);
    auto context = engine->engine->context(slots);
    if (!context) return tl::unexpected(context.error());
    auto made = std::make_unique<assay_context>();
    made->engine = engine;
    made->context = std::move(*context);
    *out = made.release();
    return {};
  });
}

void context_destroy(assay_context* context) { delete context; }

assay_status bind(assay_context* context, int32_t slot, void* const* inputs, void* const* outputs,
                  char* err, size_t err_size) {
  return guarded(err, err_size, [&]() -> Outcome {
    std::lock_guard<std::mutex> lock(context->engine->mutex);
    return context->context->bind(slot, inputs, outputs);
  });
}

assay_status run(assay_context* context, int32_t slot) { return context->context->run(slot); }

const char* last_error(assay_context* context) { return context->context->last_error(); }

assay_status kernel_map(assay_engine* engine, assay_kernel_sink sink, void* user, char* err,
                        size_t err_size) {
  return guarded(err, err_size, [&]() -> Outcome {
    std::lock_guard<std::mutex> lock(engine->mutex);
    const auto kernels = engine->engine->kernel_map();
    if (!kernels) return tl::unexpected(kernels.error());
    int32_t ordinal = 0;
    for (const auto& kernel : **kernels) {
      const assay_kernel line{sizeof(assay_kernel),  ordinal++, kernel.layer.c_str(),
                              kernel.kernel.c_str(), "",        kernel.precision.c_str(),
                              kernel.origin.c_str()};
      sink(user, &line);
    }
    return {};
  });
}

assay_status layer_times(assay_context* context, int32_t slot, int32_t runs,
                         assay_layer_time_sink sink, void* user, char* err, size_t err_size) {
  return guarded(err, err_size, [&]() -> Outcome {
    if (!context->context->is_bound(slot))
      return assay::host::fail(ASSAY_INVALID, "slot is not bound");
    if (sink == nullptr || runs < 1) return assay::host::fail(ASSAY_INVALID, "no sink or no runs");
    std::lock_guard<std::mutex> lock(context->engine->mutex);
    return context->engine->engine->layer_times(*context->context, slot, runs, sink, user);
  });
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
