// SPDX-License-Identifier: Apache-2.0
// The runner of the compilers `onnxruntime` and `reference`: assay's C ABI over ONNX Runtime's C
// API. Exceptions (allocation, JSON) end here.
#include <cstdio>
#include <cstring>
#include <exception>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <set>

#include "assay/runner.h"
#include "engine_files.h"
#include "ort_probe.h"
#include "ort_session.h"

#ifndef ASSAY_SANITIZER
#define ASSAY_SANITIZER ""
#endif

using assay::ort::Failure;
using assay::ort::Kernel;
using assay::ort::Library;
using assay::ort::Owned;
using assay::ort::Result;
using assay::ort::Session;
using assay::ort::Status;
using assay::ort::Tensor;
using assay::ort::TensorProbe;

struct assay_engine {
  const Library* library = nullptr;
  assay::ort::EngineFiles files;
  std::optional<Session> session;
  int threads = 1;
  std::list<std::vector<Kernel>> kernel_maps;  // handed out: their texts live as long as the engine
  std::mutex mutex;                  // guards what follows: contexts may be used in several threads
  std::optional<TensorProbe> probe;  // of the last tensor read
  std::set<std::string> probe_names;  // handed out
};

// One set of buffers. The OrtValues are made once, in bind; run only hands them over.
struct Slot {
  std::vector<void*> input_data;
  std::vector<Owned<OrtValue>> owned;
  std::vector<const OrtValue*> inputs;
  std::vector<OrtValue*> outputs;
};

struct assay_context {
  assay_engine* engine = nullptr;
  Owned<OrtRunOptions> run_options;
  std::vector<Slot> slots;
  std::string error;
};

namespace {

assay_status report(const Failure& failure, char* err, size_t err_size) {
  if (err != nullptr && err_size > 0) {
    std::snprintf(err, err_size, "%s", failure.text.c_str());
    for (char* c = err; *c != '\0'; ++c) {
      if (*c == '\n' || *c == '\r') *c = ' ';
    }
  }
  return failure.status;
}

assay_status report(const Status& status, char* err, size_t err_size) {
  return status ? ASSAY_OK : report(status.error(), err, err_size);
}

// Runs `body` (returns Status) and turns exceptions into ASSAY_FAILED.
template <class Body>
assay_status guarded(char* err, size_t err_size, Body body) {
  try {
    return report(body(), err, err_size);
  } catch (const std::exception& error) {
    return report(Failure{ASSAY_FAILED, error.what()}, err, err_size);
  } catch (...) {
    return report(Failure{ASSAY_FAILED, "unknown exception"}, err, err_size);
  }
}

Status check_options(const assay_engine_options& options, const assay_engine& engine) {
  if (std::strcmp(options.device, "cpu") != 0) {
    return assay::ort::fail(ASSAY_UNSUPPORTED,
                            std::string("device ") + options.device + ": this runner has cpu only");
  }
  if (options.threads < 1) return assay::ort::fail(ASSAY_INVALID, "threads must be at least 1");
  if (engine.files.precision != options.precision) {
    return assay::ort::fail(ASSAY_INVALID, "the engine was built for " + engine.files.precision +
                                               ", asked to run as " + options.precision);
  }
  for (int32_t i = 0; i < options.n_options; ++i) {
    // `optimization` was used by the builder; there is nothing left to do with it here.
    bool known = engine.files.compiler == "onnxruntime" &&
                 std::strcmp(options.options[i].key, "optimization") == 0;
    if (!known) {
      return assay::ort::fail(ASSAY_INVALID,
                              std::string("unknown option ") + options.options[i].key);
    }
  }
  return {};
}

Status open_engine(const assay_engine_options& options, assay_engine* engine) {
  if (options.engine_dir == nullptr || options.device == nullptr || options.precision == nullptr) {
    return assay::ort::fail(ASSAY_INVALID, "engine_dir, device and precision must be given");
  }
  if (auto done = open_engine_files(options.engine_dir, &engine->files); !done) return done;
  if (auto done = check_options(options, *engine); !done) return done;
  auto library = assay::ort::open_library(options.library == nullptr ? "" : options.library);
  if (!library) return tl::unexpected(library.error());
  engine->library = *library;
  engine->threads = options.threads;
  auto session =
      Session::open(*engine->library, engine->files.model.bytes(), options.threads, "", false);
  if (!session) return tl::unexpected(session.error());
  engine->session.emplace(std::move(*session));
  engine->files.model.drop_pages();  // the session has its own copy
  return {};
}

void fill_desc(const Tensor& tensor, const char* name, assay_tensor_desc* out) {
  out->dtype = tensor.dtype;
  out->rank = static_cast<int32_t>(tensor.shape.size());
  for (size_t i = 0; i < tensor.shape.size(); ++i) out->shape[i] = tensor.shape[i];
  out->name = name;
}

// Both descriptions: `struct_size` must hold what is written here.
assay_status describe(const std::vector<Tensor>& tensors, int32_t index, assay_tensor_desc* out,
                      char* err, size_t err_size) {
  if (index < 0 || static_cast<size_t>(index) >= tensors.size() || out == nullptr ||
      out->struct_size < sizeof(assay_tensor_desc)) {
    return report(Failure{ASSAY_INVALID, "no tensor of this index, or a short struct"}, err,
                  err_size);
  }
  fill_desc(tensors[index], tensors[index].name.c_str(), out);
  return ASSAY_OK;
}

Status bind_slot(assay_context* context, Slot* slot, void* const* inputs, void* const* outputs) {
  const Library& library = *context->engine->library;
  const Session& session = *context->engine->session;
  Slot bound;
  auto add = [&](const Tensor& tensor, void* data) -> Result<OrtValue*> {
    if (data == nullptr && tensor.bytes > 0) {
      return assay::ort::fail(ASSAY_INVALID, "no buffer for tensor " + tensor.name);
    }
    auto value = make_value(library, tensor, data);
    if (!value) return tl::unexpected(value.error());
    bound.owned.push_back(std::move(*value));
    return bound.owned.back().get();
  };
  for (size_t i = 0; i < session.inputs().size(); ++i) {
    auto value = add(session.inputs()[i], inputs[i]);
    if (!value) return tl::unexpected(value.error());
    bound.inputs.push_back(*value);
    bound.input_data.push_back(inputs[i]);
  }
  for (size_t i = 0; i < session.outputs().size(); ++i) {
    auto value = add(session.outputs()[i], outputs[i]);
    if (!value) return tl::unexpected(value.error());
    bound.outputs.push_back(*value);
  }
  *slot = std::move(bound);
  return {};
}

Slot* slot_of(assay_context* context, int32_t slot) {
  bool good = slot >= 0 && static_cast<size_t>(slot) < context->slots.size();
  return good ? &context->slots[slot] : nullptr;
}

bool is_bound(const assay_context& context, const Slot& slot) {
  return slot.owned.size() ==
         context.engine->session->inputs().size() + context.engine->session->outputs().size();
}

// ---- the ABI, in the order of assay_runner_api

assay_status capabilities(assay_engine* engine, assay_capabilities* out, char* err,
                          size_t err_size) {
  if (out == nullptr || out->struct_size < sizeof(assay_capabilities)) {
    return report(Failure{ASSAY_INVALID, "assay_capabilities is too short"}, err, err_size);
  }
  out->flags = ASSAY_CAP_TENSOR_READ | ASSAY_CAP_CONTEXTS_THREADED | ASSAY_CAP_LAYER_TIMES;
  out->compiler = engine == nullptr ? "onnxruntime" : engine->files.compiler.c_str();
  out->version = engine == nullptr ? "" : engine->library->version.c_str();
  out->decides_at = "build";
  out->max_contexts = 0;
  return ASSAY_OK;
}

assay_status engine_open(const assay_engine_options* options, assay_engine** out, char* err,
                         size_t err_size) {
  return guarded(err, err_size, [&]() -> Status {
    if (out == nullptr || options == nullptr ||
        options->struct_size < sizeof(assay_engine_options)) {
      return assay::ort::fail(ASSAY_INVALID, "assay_engine_options is too short");
    }
    auto engine = std::make_unique<assay_engine>();
    if (auto done = open_engine(*options, engine.get()); !done) return done;
    *out = engine.release();
    return {};
  });
}

void engine_close(assay_engine* engine) { delete engine; }

int32_t input_count(assay_engine* engine) {
  return static_cast<int32_t>(engine->session->inputs().size());
}
int32_t output_count(assay_engine* engine) {
  return static_cast<int32_t>(engine->session->outputs().size());
}
assay_status input_desc(assay_engine* engine, int32_t index, assay_tensor_desc* out, char* err,
                        size_t err_size) {
  return describe(engine->session->inputs(), index, out, err, err_size);
}
assay_status output_desc(assay_engine* engine, int32_t index, assay_tensor_desc* out, char* err,
                         size_t err_size) {
  return describe(engine->session->outputs(), index, out, err, err_size);
}

assay_status context_create(assay_engine* engine, int32_t slots, assay_context** out, char* err,
                            size_t err_size) {
  return guarded(err, err_size, [&]() -> Status {
    if (slots < 1) return assay::ort::fail(ASSAY_INVALID, "a context needs at least one slot");
    const OrtApi& api = *engine->library->api;
    auto context = std::unique_ptr<assay_context>(
        new assay_context{engine, Owned<OrtRunOptions>(nullptr, api.ReleaseRunOptions), {}, {}});
    OrtStatus* status = api.CreateRunOptions(context->run_options.out());
    if (auto done = check(*engine->library, status, "run options"); !done) return done;
    context->slots.resize(slots);
    *out = context.release();
    return {};
  });
}

void context_destroy(assay_context* context) { delete context; }

assay_status bind(assay_context* context, int32_t slot, void* const* inputs, void* const* outputs,
                  char* err, size_t err_size) {
  return guarded(err, err_size, [&]() -> Status {
    Slot* at = slot_of(context, slot);
    if (at == nullptr) return assay::ort::fail(ASSAY_INVALID, "no such slot");
    return bind_slot(context, at, inputs, outputs);
  });
}

assay_status run(assay_context* context, int32_t slot) {
  Slot* at = slot_of(context, slot);
  if (at == nullptr || !is_bound(*context, *at)) {
    context->error = "slot is not bound";
    return ASSAY_INVALID;
  }
  const Session& session = *context->engine->session;
  OrtStatus* status = context->engine->library->api->Run(
      session.get(), context->run_options.get(), session.input_names(), at->inputs.data(),
      at->inputs.size(), session.output_names(), at->outputs.size(), at->outputs.data());
  if (status == nullptr) return ASSAY_OK;
  return guarded(nullptr, 0, [&]() -> Status {
    Status failed = check(*context->engine->library, status, "run");
    context->error = failed.error().text;
    return failed;
  });
}

const char* last_error(assay_context* context) { return context->error.c_str(); }

assay_status kernel_map(assay_engine* engine, assay_kernel_sink sink, void* user, char* err,
                        size_t err_size) {
  return guarded(err, err_size, [&]() -> Status {
    auto kernels = assay::ort::profile_kernels(*engine->library, engine->files.model.bytes(),
                                               engine->threads, engine->files.facts);
    engine->files.model.drop_pages();
    if (!kernels) return tl::unexpected(kernels.error());
    std::lock_guard<std::mutex> lock(engine->mutex);
    engine->kernel_maps.push_back(std::move(*kernels));
    int32_t ordinal = 0;
    for (const Kernel& kernel : engine->kernel_maps.back()) {
      assay_kernel line{
          sizeof(assay_kernel),     ordinal++, kernel.layer.c_str(), kernel.kernel.c_str(), "",
          kernel.precision.c_str(), ""};
      sink(user, &line);
    }
    return {};
  });
}

assay_status tensor_read(assay_context* context, int32_t slot, const char* name,
                         assay_tensor_desc* desc, void* data, size_t data_bytes, char* err,
                         size_t err_size) {
  return guarded(err, err_size, [&]() -> Status {
    Slot* at = slot_of(context, slot);
    if (at == nullptr || !is_bound(*context, *at)) {
      return assay::ort::fail(ASSAY_INVALID, "slot is not bound");
    }
    if (name == nullptr || desc == nullptr || desc->struct_size < sizeof(assay_tensor_desc)) {
      return assay::ort::fail(ASSAY_INVALID, "no tensor name, or a short struct");
    }
    assay_engine* engine = context->engine;
    std::lock_guard<std::mutex> lock(engine->mutex);
    if (!engine->probe || engine->probe->name() != name) {
      engine->probe.reset();
      auto probe = TensorProbe::open(*engine->library, engine->files.model.bytes(),
                                     engine->files.facts, engine->threads, name);
      if (!probe) return tl::unexpected(probe.error());
      engine->probe.emplace(std::move(*probe));
    }
    Tensor tensor;
    Status done = engine->probe->read(at->input_data.data(), &tensor, data, data_bytes);
    if (done) fill_desc(tensor, engine->probe_names.insert(name).first->c_str(), desc);
    return done;
  });
}

assay_status layer_times(assay_context* context, int32_t slot, int32_t runs,
                         assay_layer_time_sink sink, void* user, char* err, size_t err_size) {
  constexpr int kWarmup = 5;  // of the session made here
  return guarded(err, err_size, [&]() -> Status {
    Slot* at = slot_of(context, slot);
    if (at == nullptr || !is_bound(*context, *at)) {
      return assay::ort::fail(ASSAY_INVALID, "slot is not bound");
    }
    if (sink == nullptr || runs < 1) return assay::ort::fail(ASSAY_INVALID, "no sink or no runs");
    const assay_engine& engine = *context->engine;
    const auto& facts = engine.files.facts;
    const std::string_view model = engine.files.model.bytes();
    auto kernels = assay::ort::profile_kernels(*engine.library, model, engine.threads, facts);
    if (!kernels) return tl::unexpected(kernels.error());
    auto text = assay::ort::profile_runs(
        *engine.library, model, engine.threads, kWarmup + runs, [&](const Session& session) {
          OrtStatus* status = engine.library->api->Run(
              session.get(), context->run_options.get(), session.input_names(), at->inputs.data(),
              at->inputs.size(), session.output_names(), at->outputs.size(), at->outputs.data());
          return check(*engine.library, status, "run under the profiler");
        });
    engine.files.model.drop_pages();
    if (!text) return tl::unexpected(text.error());
    auto times = assay::ort::parse_run_times(*text, *kernels, facts);
    if (!times) return tl::unexpected(times.error());
    if (times->size() != static_cast<size_t>(kWarmup) + static_cast<size_t>(runs)) {
      // The profiler drops what is more than it was made for.
      return assay::ort::fail(ASSAY_UNSUPPORTED, "ONNX Runtime's profile has " +
                                                     std::to_string(times->size()) + " of " +
                                                     std::to_string(kWarmup + runs) + " runs");
    }
    for (int32_t r = 0; r < runs; ++r) {
      const assay::ort::RunTimes& run = (*times)[static_cast<size_t>(kWarmup + r)];
      for (size_t k = 0; k < kernels->size(); ++k) {
        const assay_layer_time time{sizeof(assay_layer_time), static_cast<int32_t>(k),
                                    (*kernels)[k].layer.c_str(), (*kernels)[k].kernel.c_str(),
                                    run.kernel_us[k] * 1000};
        sink(user, r, &time);
      }
      const assay_layer_time whole{sizeof(assay_layer_time), -1, "", "", run.whole_us * 1000};
      sink(user, r, &whole);
    }
    return {};
  });
}

const assay_runner_api kApi = {sizeof(assay_runner_api),
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
                               tensor_read,
                               nullptr,
                               layer_times};

}  // namespace

const assay_runner_api* assay_runner_query(uint32_t max_version) {
  return max_version < ASSAY_RUNNER_ABI_VERSION ? nullptr : &kApi;
}
