// SPDX-License-Identifier: Apache-2.0
// Runner of the null compiler, and the one to copy: every function of the ABI in its smallest
// honest form. What it computes: y[c] = sum over k of x[pick(k)] * weight[(k + 257 c) mod 4096], in
// fixed order, so that equal inputs give equal bits everywhere. Where all tensors share a leading
// extent, each row stands for itself.
#include "assay/runner.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <map>
#include <memory>
#include <new>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "elements.h"

using assay_null::read_element;
using assay_null::size_of;
using assay_null::write_element;

namespace {

constexpr int64_t max_picks = 1024;             // input elements that one row is projected from
constexpr int64_t max_work = int64_t{1} << 22;  // multiplications of one row
constexpr size_t n_weights = 4096;              // power of two
constexpr int64_t row_stride = 257;             // odd: the rows of the weight matrix differ

struct Tensor {
  int dtype = ASSAY_F32;
  std::vector<int64_t> shape;
  std::string name;
  int64_t elements() const {
    int64_t n = 1;
    for (int64_t extent : shape) n *= extent;
    return n;
  }
};

uint64_t mix(uint64_t z) {  // finaliser of SplitMix64
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
  return z ^ (z >> 31);
}

assay_status fail(char* err, size_t err_size, assay_status status, const std::string& text) {
  if (err != nullptr && err_size > 0) std::snprintf(err, err_size, "null runner: %s", text.c_str());
  return status;
}

}  // namespace

struct assay_engine {
  std::vector<Tensor> inputs, outputs;
  std::map<std::string, std::string> values;  // one-word settings of the artifact
  bool scripted = true;
  int64_t rows = 1, picks = 1;
  std::array<float, n_weights> weights{};

  uint64_t number(const std::string& key) const {
    const auto it = values.find(key);
    return it == values.end() ? 0 : std::strtoull(it->second.c_str(), nullptr, 10);
  }
};

struct assay_context {
  struct Buffers {
    std::vector<char*> inputs, outputs;
  };
  const assay_engine* engine = nullptr;
  std::vector<Buffers> slots;
  int64_t base_ns = 0, jitter_ns = 0, tail_ns = 0;
  uint64_t seed = 0, runs = 0;
  int64_t now_ns = 0;  // the scripted clock
  std::string error;
};

namespace {

bool read_tensor(std::istringstream& words, Tensor& tensor) {
  size_t rank = 0;
  if (!(words >> tensor.dtype >> rank) || rank > ASSAY_MAX_RANK) return false;
  tensor.shape.resize(rank);
  for (int64_t& extent : tensor.shape)
    if (!(words >> extent) || extent < 0 || extent > (int64_t{1} << 31)) return false;
  words.get();
  return static_cast<bool>(std::getline(words, tensor.name));
}

// "" when the text is an engine, else what is wrong with it.
std::string parse_engine(std::istream& text, assay_engine& engine) {
  std::string line;
  if (!std::getline(text, line) || line != "assay-null 1")
    return "engine.txt is no engine of version 1";
  while (std::getline(text, line)) {
    std::istringstream words(line);
    std::string key, value;
    words >> key;
    if (key == "input" || key == "output") {
      Tensor tensor;
      if (!read_tensor(words, tensor)) return "engine.txt: bad line '" + line.substr(0, 80) + "'";
      (key == "input" ? engine.inputs : engine.outputs).push_back(tensor);
    } else {
      words >> value;
      engine.values[key] = value;
    }
  }
  return engine.outputs.empty() ? "engine.txt names no output" : "";
}

void prepare(assay_engine& engine) {
  engine.rows = engine.outputs[0].shape.empty() ? 1 : engine.outputs[0].shape[0];
  int64_t widest = 1;
  for (const auto* tensors : {&engine.inputs, &engine.outputs})
    for (const Tensor& t : *tensors)
      if (t.shape.empty() || t.shape[0] != engine.rows) engine.rows = 1;
  engine.rows = std::max<int64_t>(engine.rows, 1);
  for (const Tensor& t : engine.outputs) widest = std::max(widest, t.elements() / engine.rows);
  engine.picks = std::clamp<int64_t>(max_work / widest, 1, max_picks);
  for (size_t i = 0; i < n_weights; ++i)  // in [-1, 1), multiples of 2^-23: exact on every machine
    engine.weights[i] = static_cast<float>(mix(i + 1) >> 40) / 8388608.0f - 1.0f;
  engine.scripted = engine.values["clock"] != "real";
}

assay_status capabilities(assay_engine* engine, assay_capabilities* out, char*, size_t) {
  out->flags = ASSAY_CAP_CONTEXTS_THREADED | ASSAY_CAP_KERNEL_SOURCES | ASSAY_CAP_TENSOR_READ |
               ASSAY_CAP_LAYER_TIMES;
  if (engine != nullptr && engine->scripted) out->flags |= ASSAY_CAP_CLOCK;
  out->compiler = "null";
  out->version = "1.0.0";
  out->decides_at = "build";
  out->max_contexts = 0;
  return ASSAY_OK;
}

assay_status engine_open(const assay_engine_options* options, assay_engine** out, char* err,
                         size_t size) try {
  if (std::strcmp(options->device, "cpu") != 0)
    return fail(err, size, ASSAY_UNSUPPORTED,
                std::string("device ") + options->device + ": only cpu");
  auto engine = std::make_unique<assay_engine>();
  std::ifstream text(std::string(options->engine_dir) + "/engine.txt");
  if (!text)
    return fail(err, size, ASSAY_INVALID,
                std::string(options->engine_dir) + "/engine.txt: cannot be read");
  if (const std::string wrong = parse_engine(text, *engine); !wrong.empty())
    return fail(err, size, ASSAY_INVALID, wrong);
  for (int32_t i = 0; i < options->n_options; ++i) {
    const std::string key = options->options[i].key;
    if (engine->values.count(key) == 0)
      return fail(err, size, ASSAY_INVALID, "option " + key + " is not known");
    engine->values[key] = options->options[i].value;
  }
  prepare(*engine);
  std::this_thread::sleep_for(std::chrono::milliseconds(engine->number("load_ms")));
  *out = engine.release();
  return ASSAY_OK;
} catch (const std::exception& e) {
  return fail(err, size, ASSAY_FAILED, e.what());
}

void engine_close(assay_engine* engine) { delete engine; }
int32_t input_count(assay_engine* engine) { return static_cast<int32_t>(engine->inputs.size()); }
int32_t output_count(assay_engine* engine) { return static_cast<int32_t>(engine->outputs.size()); }

assay_status describe(const std::vector<Tensor>& tensors, int32_t index, assay_tensor_desc* out,
                      char* err, size_t size) {
  if (index < 0 || static_cast<size_t>(index) >= tensors.size())
    return fail(err, size, ASSAY_INVALID, "no tensor " + std::to_string(index));
  const Tensor& tensor = tensors[static_cast<size_t>(index)];
  out->dtype = static_cast<assay_dtype>(tensor.dtype);
  out->rank = static_cast<int32_t>(tensor.shape.size());
  std::copy(tensor.shape.begin(), tensor.shape.end(), out->shape);
  out->name = tensor.name.c_str();
  return ASSAY_OK;
}
assay_status input_desc(assay_engine* engine, int32_t index, assay_tensor_desc* out, char* err,
                        size_t size) {
  return describe(engine->inputs, index, out, err, size);
}
assay_status output_desc(assay_engine* engine, int32_t index, assay_tensor_desc* out, char* err,
                         size_t size) {
  return describe(engine->outputs, index, out, err, size);
}

assay_status context_create(assay_engine* engine, int32_t slots, assay_context** out, char* err,
                            size_t size) try {
  if (slots < 1) return fail(err, size, ASSAY_INVALID, "a context needs at least one slot");
  auto context = std::make_unique<assay_context>();
  context->engine = engine;
  context->slots.resize(static_cast<size_t>(slots));
  const char* launch =
      std::getenv("ASSAY_LAUNCH_INDEX");  // which launch of the audit this is, from the worker
  const uint64_t launch_seed =
      engine->number("launch_seed") + (launch == nullptr ? 0 : std::strtoull(launch, nullptr, 10));
  context->seed = mix(engine->number("seed")) ^ mix(launch_seed + 0x9e3779b97f4a7c15ull);
  context->base_ns = static_cast<int64_t>(
      engine->number("base_ns") + engine->number("slower_ns") +
      mix(engine->number("seed") + 1) % (engine->number("build_shift_ns") + 1) +
      mix(context->seed) % (engine->number("launch_shift_ns") + 1));
  context->jitter_ns = static_cast<int64_t>(engine->number("jitter_ns"));
  context->tail_ns = static_cast<int64_t>(engine->number("tail_ns"));
  *out = context.release();
  return ASSAY_OK;
} catch (const std::exception& e) {
  return fail(err, size, ASSAY_FAILED, e.what());
}
void context_destroy(assay_context* context) { delete context; }

assay_status bind(assay_context* context, int32_t slot, void* const* inputs, void* const* outputs,
                  char* err, size_t size) {
  if (slot < 0 || static_cast<size_t>(slot) >= context->slots.size())
    return fail(err, size, ASSAY_INVALID, "no slot " + std::to_string(slot));
  auto& buffers = context->slots[static_cast<size_t>(slot)];
  buffers.inputs.assign(context->engine->inputs.size(), nullptr);
  buffers.outputs.assign(context->engine->outputs.size(), nullptr);
  for (size_t i = 0; i < buffers.inputs.size(); ++i)
    buffers.inputs[i] = static_cast<char*>(inputs[i]);
  for (size_t i = 0; i < buffers.outputs.size(); ++i)
    buffers.outputs[i] = static_cast<char*>(outputs[i]);
  return ASSAY_OK;
}

// Output element `c` of row `row`.
float project(const assay_engine& engine, const assay_context::Buffers& buffers, int64_t row,
              int64_t c) {
  float sum = 0;
  int64_t k = 0;
  for (size_t i = 0; i < engine.inputs.size(); ++i) {
    const Tensor& input = engine.inputs[i];
    const int64_t width = input.elements() / engine.rows;
    const int64_t picks = std::min(engine.picks, width);
    const int64_t bytes = size_of(input.dtype);
    for (int64_t p = 0; p < picks; ++p, ++k) {
      const int64_t element = row * width + p * width / picks;
      const float weight = engine.weights[static_cast<size_t>(k + row_stride * c) % n_weights];
      sum += read_element(input.dtype, buffers.inputs[i] + element * bytes) * weight;
    }
  }
  return sum;
}

// The whole output `o` into `data`.
void compute(const assay_engine& engine, const assay_context::Buffers& buffers, size_t o,
             char* data) {
  const Tensor& output = engine.outputs[o];
  const int64_t width = output.elements() / engine.rows;
  for (int64_t row = 0; row < engine.rows; ++row)
    for (int64_t c = 0; c < width; ++c)
      write_element(output.dtype, data + (row * width + c) * size_of(output.dtype),
                    project(engine, buffers, row, c));
}

// Scripted time of the next run.
int64_t next_run_ns(assay_context* context) {
  const uint64_t draw = mix(context->seed + 0x9e3779b97f4a7c15ull * ++context->runs);
  const int64_t jitter = static_cast<int64_t>(draw % static_cast<uint64_t>(context->jitter_ns + 1));
  const bool tail = draw >> 32 < 42949673;  // 2^32 / 100
  return context->base_ns + jitter + (tail ? context->tail_ns : 0);
}

assay_status run(assay_context* context, int32_t slot) {
  const assay_engine& engine = *context->engine;
  const auto& buffers = context->slots[static_cast<size_t>(slot)];
  if (buffers.outputs.empty()) {
    context->error = "null runner: slot " + std::to_string(slot) + " is not bound";
    return ASSAY_INVALID;
  }
  for (size_t o = 0; o < engine.outputs.size(); ++o)
    compute(engine, buffers, o, buffers.outputs[o]);
  context->now_ns += next_run_ns(context);
  return ASSAY_OK;
}

const char* last_error(assay_context* context) { return context->error.c_str(); }

assay_status kernel_map(assay_engine* engine, assay_kernel_sink sink, void* user, char*, size_t) {
  for (size_t o = 0; o < engine->outputs.size(); ++o) {
    assay_kernel kernel{};
    kernel.struct_size = sizeof kernel;
    kernel.ordinal = static_cast<int32_t>(o);
    kernel.layer = engine->outputs[o].name.c_str();
    kernel.kernel = "projection";
    std::string key = "kernel_sha256_" + std::to_string(o);  // of a variant
    if (engine->values.count(key) == 0) key = "kernel_sha256";
    kernel.source_sha256 = engine->values[key].c_str();
    kernel.precision = "fp32";
    kernel.origin = "";
    sink(user, &kernel);
  }
  return ASSAY_OK;
}

int64_t clock_ns(assay_context* context) { return context->now_ns; }

// The layers are the outputs, and so are their tensors.
assay_status tensor_read(assay_context* context, int32_t slot, const char* name,
                         assay_tensor_desc* desc, void* data, size_t data_bytes, char* err,
                         size_t size) try {
  const assay_engine& engine = *context->engine;
  size_t o = 0;
  while (o < engine.outputs.size() && engine.outputs[o].name != name) ++o;
  if (o == engine.outputs.size())
    return fail(err, size, ASSAY_INVALID, std::string("no layer ") + name);
  if (data == nullptr) return describe(engine.outputs, static_cast<int32_t>(o), desc, err, size);
  const Tensor& output = engine.outputs[o];
  const auto wanted = static_cast<size_t>(output.elements() * size_of(output.dtype));
  if (data_bytes != wanted)
    return fail(err, size, ASSAY_INVALID,
                output.name + " has " + std::to_string(wanted) + " bytes, the buffer " +
                    std::to_string(data_bytes));
  if (slot < 0 || static_cast<size_t>(slot) >= context->slots.size() ||
      context->slots[static_cast<size_t>(slot)].outputs.empty())
    return fail(err, size, ASSAY_INVALID, "slot " + std::to_string(slot) + " is not bound");
  compute(engine, context->slots[static_cast<size_t>(slot)], o, static_cast<char*>(data));
  return describe(engine.outputs, static_cast<int32_t>(o), desc, err, size);
} catch (const std::exception& e) {
  return fail(err, size, ASSAY_FAILED, e.what());
}

// The scripted time of a run, split over the layers as 1 : 2 : 3 ...; the last takes the rest.
assay_status layer_times(assay_context* context, int32_t slot, int32_t runs,
                         assay_layer_time_sink sink, void* user, char* err, size_t size) {
  const auto& outputs = context->engine->outputs;
  const auto n = static_cast<int64_t>(outputs.size());
  for (int32_t r = 0; r < runs; ++r) {
    const int64_t before = context->now_ns;
    if (const assay_status status = run(context, slot); status != ASSAY_OK)
      return fail(err, size, status, context->error);
    const int64_t whole = context->now_ns - before;
    int64_t rest = whole;
    for (int64_t o = 0; o < n; ++o) {
      const int64_t share = o + 1 == n ? rest : whole / (n * (n + 1) / 2) * (o + 1);
      rest -= share;
      const assay_layer_time time{sizeof(assay_layer_time), static_cast<int32_t>(o),
                                  outputs[static_cast<size_t>(o)].name.c_str(), "projection",
                                  share};
      sink(user, r, &time);
    }
    const assay_layer_time all{sizeof(assay_layer_time), -1, "", "", whole};
    sink(user, r, &all);
  }
  return ASSAY_OK;
}

#ifndef ASSAY_SANITIZER
#define ASSAY_SANITIZER ""
#endif

const assay_runner_api api = {sizeof(assay_runner_api),
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
                              nullptr,  // enqueue
                              nullptr,  // wait
                              kernel_map,
                              tensor_read,
                              clock_ns,
                              layer_times};

}  // namespace

const assay_runner_api* assay_runner_query(uint32_t max_version) {
  return max_version < ASSAY_RUNNER_ABI_VERSION ? nullptr : &api;
}
