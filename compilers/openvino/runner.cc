// SPDX-License-Identifier: Apache-2.0
// The runner ABI over engine.h: arguments checked, exceptions turned into a status and one line of
// text.
#include "assay/runner.h"

#include <algorithm>
#include <cstring>
#include <string>

#include "engine.h"

#ifndef ASSAY_SANITIZER
#define ASSAY_SANITIZER ""
#endif

using assay::openvino::Context;
using assay::openvino::Engine;
using assay::openvino::Failure;
using assay::openvino::Tensor;

struct assay_engine {
  Engine impl;
};

struct assay_context {
  assay_context(Engine& engine, int slots) : impl(engine, slots) {}
  Context impl;
  char error[512] = "";
};

namespace {

// `text` as one line of at most `size` bytes with its final zero.
void write_line(const char* text, char* out, size_t size) {
  if (out == nullptr || size == 0) return;
  size_t at = 0;
  bool space = false;
  for (; *text != '\0' && at + 1 < size; ++text) {
    const bool blank = static_cast<unsigned char>(*text) <= ' ';
    if (blank && (space || at == 0)) continue;
    out[at++] = blank ? ' ' : *text;
    space = blank;
  }
  if (at > 0 && out[at - 1] == ' ') --at;
  out[at] = '\0';
}

template <class Function>
assay_status guarded(char* err, size_t err_size, Function&& function) noexcept {
  try {
    function();
    return ASSAY_OK;
  } catch (const Failure& failure) {
    write_line(failure.what(), err, err_size);
    return failure.status;
  } catch (const std::exception& error) {
    write_line((std::string("OpenVINO: ") + error.what()).c_str(), err, err_size);
  } catch (...) {
    write_line("OpenVINO: an error without a text", err, err_size);
  }
  return ASSAY_FAILED;
}

void fill(const Tensor& tensor, assay_tensor_desc* out) {
  out->dtype = tensor.dtype;
  out->rank = static_cast<int32_t>(tensor.shape.size());
  std::copy(tensor.shape.begin(), tensor.shape.end(), out->shape);
  out->name = tensor.name.c_str();
}

assay_status describe(const std::vector<Tensor>& tensors, int32_t index, assay_tensor_desc* out,
                      char* err, size_t err_size) {
  return guarded(err, err_size, [&] {
    if (index < 0 || index >= static_cast<int32_t>(tensors.size())) {
      throw Failure(ASSAY_INVALID, "no tensor " + std::to_string(index));
    }
    fill(tensors[index], out);
  });
}

assay_status capabilities(assay_engine*, assay_capabilities* out, char* err, size_t err_size) {
  return guarded(err, err_size, [&] {
    out->flags = ASSAY_CAP_ENQUEUE | ASSAY_CAP_TENSOR_READ | ASSAY_CAP_CONTEXTS_THREADED |
                 ASSAY_CAP_LAYER_TIMES;
    out->compiler = "openvino";
    out->version = assay::openvino::runtime_version().c_str();
    out->decides_at = "load";
    out->max_contexts = 0;
  });
}

assay_status engine_open(const assay_engine_options* options, assay_engine** out, char* err,
                         size_t err_size) {
  return guarded(err, err_size, [&] { *out = new assay_engine{Engine(*options)}; });
}

void engine_close(assay_engine* engine) { delete engine; }

int32_t input_count(assay_engine* engine) {
  return static_cast<int32_t>(engine->impl.inputs().size());
}

int32_t output_count(assay_engine* engine) {
  return static_cast<int32_t>(engine->impl.outputs().size());
}

assay_status input_desc(assay_engine* engine, int32_t index, assay_tensor_desc* out, char* err,
                        size_t err_size) {
  return describe(engine->impl.inputs(), index, out, err, err_size);
}

assay_status output_desc(assay_engine* engine, int32_t index, assay_tensor_desc* out, char* err,
                         size_t err_size) {
  return describe(engine->impl.outputs(), index, out, err, err_size);
}

assay_status context_create(assay_engine* engine, int32_t slots, assay_context** out, char* err,
                            size_t err_size) {
  return guarded(err, err_size, [&] {
    if (slots < 1) throw Failure(ASSAY_INVALID, "slots must be 1 or more");
    *out = new assay_context(engine->impl, slots);
  });
}

void context_destroy(assay_context* context) { delete context; }

assay_status bind(assay_context* context, int32_t slot, void* const* inputs, void* const* outputs,
                  char* err, size_t err_size) {
  return guarded(err, err_size, [&] { context->impl.bind(slot, inputs, outputs); });
}

// Calls `function` with the infer request of `slot`; errors go to last_error.
template <class Function>
assay_status on_request(assay_context* context, int32_t slot, Function&& function) noexcept {
  ov::InferRequest* const request = context->impl.bound(slot);
  if (request == nullptr) {
    write_line("the slot is not bound", context->error, sizeof(context->error));
    return ASSAY_INVALID;
  }
  return guarded(context->error, sizeof(context->error), [&] { function(*request); });
}

// On the calling thread: with one stream the plug-in uses the caller as its first inference thread.
assay_status run(assay_context* context, int32_t slot) {
  return on_request(context, slot, [](ov::InferRequest& request) { request.infer(); });
}

const char* last_error(assay_context* context) { return context->error; }

// On a thread of the plug-in's stream, not on the caller's.
assay_status enqueue(assay_context* context, int32_t slot) {
  return on_request(context, slot, [](ov::InferRequest& request) { request.start_async(); });
}

assay_status wait(assay_context* context, int32_t slot) {
  return on_request(context, slot, [](ov::InferRequest& request) { request.wait(); });
}

assay_status kernel_map(assay_engine* engine, assay_kernel_sink sink, void* user, char* err,
                        size_t err_size) {
  return guarded(err, err_size, [&] {
    engine->impl.kernel_map([&](const assay_kernel& kernel) { sink(user, &kernel); });
  });
}

assay_status tensor_read(assay_context* context, int32_t slot, const char* name,
                         assay_tensor_desc* desc, void* data, size_t data_bytes, char* err,
                         size_t err_size) {
  return guarded(err, err_size, [&] {
    const Tensor& tensor = context->impl.tensor_read(slot, name, data, data_bytes);
    if (desc != nullptr) fill(tensor, desc);
  });
}

assay_status layer_times(assay_context* context, int32_t slot, int32_t runs,
                         assay_layer_time_sink sink, void* user, char* err, size_t err_size) {
  return guarded(err, err_size, [&] {
    context->impl.layer_times(
        slot, runs, [&](int run, const assay_layer_time& time) { sink(user, run, &time); });
  });
}

constexpr assay_runner_api kApi = {sizeof(assay_runner_api),
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
                                   enqueue,
                                   wait,
                                   kernel_map,
                                   tensor_read,
                                   /*clock_ns=*/nullptr,
                                   layer_times};

}  // namespace

extern "C" __attribute__((visibility("default"))) const assay_runner_api* assay_runner_query(
    uint32_t max_version) {
  return max_version < ASSAY_RUNNER_ABI_VERSION ? nullptr : &kApi;
}
