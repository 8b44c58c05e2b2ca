// SPDX-License-Identifier: Apache-2.0
// Runner of both TVM 0.14 compilers: the graph executor of libtvm_runtime.so behind assay's C ABI.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <memory>
#include <mutex>
#include <string>

#include "executor.h"

#ifndef ASSAY_SANITIZER
#define ASSAY_SANITIZER ""
#endif

using assay::tvm::Context;
using assay::tvm::Engine;
using assay::tvm::RunnerError;

// The opaque types of the ABI; a context keeps its engine's address, which outlives it.
struct assay_engine {
  std::unique_ptr<Engine> engine;
};
struct assay_context {
  std::unique_ptr<Context> context;
};

namespace {

assay_status report(const RunnerError& error, char* err, size_t err_size) {
  if (err != nullptr && err_size > 0) {
    std::snprintf(err, err_size, "tvm: %s", error.message.c_str());
    for (char* c = err; *c != '\0'; ++c) {
      if (*c == '\n' || *c == '\r') *c = ' ';
    }
  }
  return error.status;
}

// Runs `body` (which returns an Outcome), and keeps every exception on this side of the boundary.
template <class F>
assay_status guarded(char* err, size_t err_size, F&& body) {
  try {
    const auto outcome = body();
    return outcome ? ASSAY_OK : report(outcome.error(), err, err_size);
  } catch (const std::exception& error) {
    return report({ASSAY_FAILED, error.what()}, err, err_size);
  } catch (...) {
    return report({ASSAY_FAILED, "unknown exception"}, err, err_size);
  }
}

assay::tvm::Outcome bad_argument(const char* what) { return assay::tvm::fail(ASSAY_INVALID, what); }

assay_status capabilities(assay_engine* engine, assay_capabilities* out, char* err,
                          size_t err_size) {
  return guarded(err, err_size, [&]() -> assay::tvm::Outcome {
    if (out == nullptr || out->struct_size < sizeof(assay_capabilities)) {
      return bad_argument("capabilities: struct_size is too small");
    }
    const uint32_t size = out->struct_size;
    *out = assay_capabilities{};
    out->struct_size = size;
    out->flags = ASSAY_CAP_TENSOR_READ | ASSAY_CAP_CONTEXTS_THREADED | ASSAY_CAP_LAYER_TIMES;
    if (engine != nullptr && engine->engine->staged()) out->flags |= ASSAY_CAP_INPUTS_AT_BIND;
    out->compiler = "tvm";
    out->version = engine != nullptr ? engine->engine->files().version.c_str() : "";
    out->decides_at = "build";
    out->max_contexts = 0;
    return {};
  });
}

assay_status engine_open(const assay_engine_options* options, assay_engine** out, char* err,
                         size_t err_size) {
  return guarded(err, err_size, [&]() -> assay::tvm::Outcome {
    if (options == nullptr || out == nullptr ||
        options->struct_size < sizeof(assay_engine_options)) {
      return bad_argument("engine_open: struct_size is too small");
    }
    auto engine = Engine::open(*options);
    if (!engine) return tl::unexpected(engine.error());
    *out = new assay_engine{std::move(*engine)};
    return {};
  });
}

void engine_close(assay_engine* engine) { delete engine; }

int32_t input_count(assay_engine* engine) {
  return static_cast<int32_t>(engine->engine->files().inputs.size());
}
int32_t output_count(assay_engine* engine) {
  return static_cast<int32_t>(engine->engine->files().outputs.size());
}

assay::tvm::Outcome describe(const std::vector<assay::tvm::TensorInfo>& tensors, int32_t index,
                             assay_tensor_desc* out) {
  if (index < 0 || index >= static_cast<int32_t>(tensors.size())) {
    return bad_argument("tensor index is out of range");
  }
  return assay::tvm::fill_desc(tensors[static_cast<size_t>(index)], out);
}

assay_status input_desc(assay_engine* engine, int32_t index, assay_tensor_desc* out, char* err,
                        size_t err_size) {
  return guarded(err, err_size,
                 [&] { return describe(engine->engine->files().inputs, index, out); });
}
assay_status output_desc(assay_engine* engine, int32_t index, assay_tensor_desc* out, char* err,
                         size_t err_size) {
  return guarded(err, err_size,
                 [&] { return describe(engine->engine->files().outputs, index, out); });
}

assay_status context_create(assay_engine* engine, int32_t slots, assay_context** out, char* err,
                            size_t err_size) {
  return guarded(err, err_size, [&]() -> assay::tvm::Outcome {
    if (slots < 1 || slots > (1 << 20))
      return bad_argument("context_create: slots is out of range");
    auto context = Context::create(*engine->engine, slots);
    if (!context) return tl::unexpected(context.error());
    *out = new assay_context{std::move(*context)};
    return {};
  });
}

void context_destroy(assay_context* context) { delete context; }

assay_status bind(assay_context* context, int32_t slot, void* const* inputs, void* const* outputs,
                  char* err, size_t err_size) {
  return guarded(err, err_size, [&] { return context->context->bind(slot, inputs, outputs); });
}

assay_status run(assay_context* context, int32_t slot) { return context->context->run(slot); }

const char* last_error(assay_context* context) { return context->context->last_error(); }

assay_status kernel_map(assay_engine* engine, assay_kernel_sink sink, void* user, char* err,
                        size_t err_size) {
  return guarded(err, err_size, [&] { return engine->engine->kernel_map(sink, user); });
}

assay_status tensor_read(assay_context* context, int32_t slot, const char* name,
                         assay_tensor_desc* desc, void* data, size_t data_bytes, char* err,
                         size_t err_size) {
  return guarded(err, err_size, [&]() -> assay::tvm::Outcome {
    if (name == nullptr || desc == nullptr)
      return bad_argument("tensor_read: name or desc is null");
    return context->context->tensor_read(slot, name, desc, data, data_bytes);
  });
}

assay_status layer_times(assay_context* context, int32_t slot, int32_t runs,
                         assay_layer_time_sink sink, void* user, char* err, size_t err_size) {
  return guarded(err, err_size,
                 [&] { return context->context->layer_times(slot, runs, sink, user); });
}

const assay_runner_api kApi = {
    .struct_size = sizeof(assay_runner_api),
    .abi_version = ASSAY_RUNNER_ABI_VERSION,
    .sanitizer = ASSAY_SANITIZER,
    .capabilities = capabilities,
    .engine_open = engine_open,
    .engine_close = engine_close,
    .input_count = input_count,
    .output_count = output_count,
    .input_desc = input_desc,
    .output_desc = output_desc,
    .context_create = context_create,
    .context_destroy = context_destroy,
    .bind = bind,
    .run = run,
    .last_error = last_error,
    .enqueue = nullptr,
    .wait = nullptr,
    .kernel_map = kernel_map,
    .tensor_read = tensor_read,
    .clock_ns = nullptr,
    .layer_times = layer_times,
};

}  // namespace

extern "C" const assay_runner_api* assay_runner_query(uint32_t max_version) {
  return max_version < ASSAY_RUNNER_ABI_VERSION ? nullptr : &kApi;
}
