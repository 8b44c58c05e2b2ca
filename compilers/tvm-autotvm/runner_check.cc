// SPDX-License-Identifier: Apache-2.0
// Drives the runner through its C ABI for test.py.
//
//   tvm_runner_check RUNNER LIBRARY ENGINE THREADS SLOTS INPUTS OUTPUTS [--tensor NAME FILE]...
//   [--time N] [--layer-times N]
//
// INPUTS holds SLOTS items, each all inputs of the model one after another; OUTPUTS is written
// likewise. Every slot runs twice, in two contexts, in an order that changes slot each time; all
// four results must have the same bits. Prints one line "kernel<TAB>layer<TAB>function" a kernel,
// "error STATUS TEXT" when the engine cannot be opened (exit code 3), and with --time the median ns
// of N runs on one slot and on changing slots. --tensor prints "tensor<TAB>NAME<TAB>EXTENT,...";
// --layer-times checks N runs and prints "layer_time<TAB>LAYER<TAB>NS" for the last.
#include <dlfcn.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

#include "assay/runner.h"

namespace {

[[noreturn]] void die(const std::string& text) {
  std::fprintf(stderr, "tvm_runner_check: %s\n", text.c_str());
  std::exit(1);
}

char g_error[1024];
void need(assay_status status, const char* what) {
  if (status != ASSAY_OK) die(std::string(what) + ": " + g_error);
}

size_t element_bytes(assay_dtype dtype) {
  switch (dtype) {
    case ASSAY_F64:
    case ASSAY_I64:
    case ASSAY_U64:
      return 8;
    case ASSAY_F32:
    case ASSAY_I32:
    case ASSAY_U32:
      return 4;
    case ASSAY_F16:
    case ASSAY_BF16:
    case ASSAY_I16:
    case ASSAY_U16:
      return 2;
    default:
      return 1;
  }
}

size_t tensor_bytes(const assay_tensor_desc& desc) {
  size_t bytes = element_bytes(desc.dtype);
  for (int32_t i = 0; i < desc.rank; ++i) bytes *= static_cast<size_t>(desc.shape[i]);
  return bytes;
}

using Buffer = std::unique_ptr<void, decltype(&std::free)>;
Buffer buffer(size_t bytes) {
  const size_t rounded = std::max<size_t>(64, (bytes + 63) / 64 * 64);
  Buffer result(std::aligned_alloc(64, rounded), &std::free);
  std::memset(result.get(), 0xA5, rounded);
  return result;
}

struct Slot {
  std::vector<Buffer> inputs, outputs;
  std::vector<void*> input_pointers, output_pointers;
};

struct Model {
  std::vector<size_t> inputs, outputs;  // bytes
};

std::vector<Slot> make_slots(const Model& model, size_t count, const std::string& data) {
  std::vector<Slot> slots(count);
  size_t at = 0;
  for (Slot& slot : slots) {
    for (const size_t bytes : model.inputs) {
      if (at + bytes > data.size()) die("INPUTS is too short");
      slot.inputs.push_back(buffer(bytes));
      std::memcpy(slot.inputs.back().get(), data.data() + at, bytes);
      slot.input_pointers.push_back(slot.inputs.back().get());
      at += bytes;
    }
    for (const size_t bytes : model.outputs) {
      slot.outputs.push_back(buffer(bytes));
      slot.output_pointers.push_back(slot.outputs.back().get());
    }
  }
  return slots;
}

std::string outputs_of(const Model& model, const std::vector<Slot>& slots) {
  std::string all;
  for (const Slot& slot : slots) {
    for (size_t i = 0; i < model.outputs.size(); ++i) {
      all.append(static_cast<const char*>(slot.outputs[i].get()), model.outputs[i]);
    }
  }
  return all;
}

int64_t median_ns(const assay_runner_api* api, assay_context* context, int32_t slots, int32_t n) {
  std::vector<int64_t> times;
  for (int32_t i = 0; i < n; ++i) {
    const auto begin = std::chrono::steady_clock::now();
    if (api->run(context, i % slots) != ASSAY_OK) die(api->last_error(context));
    const auto end = std::chrono::steady_clock::now();
    times.push_back(std::chrono::duration_cast<std::chrono::nanoseconds>(end - begin).count());
  }
  std::nth_element(times.begin(), times.begin() + n / 2, times.end());
  return times[static_cast<size_t>(n / 2)];
}

void read_tensor(const assay_runner_api* api, assay_context* context, const char* name,
                 const char* file) {
  assay_tensor_desc desc{.struct_size = sizeof desc};
  need(api->tensor_read(context, 0, name, &desc, nullptr, 0, g_error, sizeof g_error),
       "tensor_read");
  std::string data(tensor_bytes(desc), '\0');
  need(api->tensor_read(context, 0, name, &desc, data.data(), data.size(), g_error, sizeof g_error),
       "tensor_read");
  std::ofstream(file, std::ios::binary)
      .write(data.data(), static_cast<std::streamsize>(data.size()));
  std::printf("tensor\t%s\t", name);
  for (int32_t i = 0; i < desc.rank; ++i)
    std::printf("%s%lld", i == 0 ? "" : ",", static_cast<long long>(desc.shape[i]));
  std::printf("\n");
}

struct Timed {
  int32_t run, ordinal;
  std::string layer;
  int64_t ns;
};

// Every run: the ordinals 0, 1, ..., then the whole, which is no shorter than its layers together.
void time_layers(const assay_runner_api* api, assay_context* context, int32_t runs) {
  if (api->struct_size < sizeof(assay_runner_api) || api->layer_times == nullptr)
    die("layer_times is missing");
  std::vector<Timed> all;
  const auto sink = [](void* user, int32_t run, const assay_layer_time* t) {
    static_cast<std::vector<Timed>*>(user)->push_back({run, t->ordinal, t->layer, t->time_ns});
  };
  if (api->layer_times(context, 0, 0, sink, &all, g_error, sizeof g_error) != ASSAY_INVALID)
    die("0 runs were accepted");
  need(api->layer_times(context, 0, runs, sink, &all, g_error, sizeof g_error), "layer_times");
  int32_t run = 0, ordinal = 0;
  int64_t sum = 0;
  for (const Timed& t : all) {
    if (t.run != run || t.ns < 0) die("layer_times: a run out of order or a negative time");
    if (t.ordinal == -1) {
      if (t.ns < sum || sum == 0) die("layer_times: the whole is shorter than its layers");
      ++run;
      ordinal = 0;
      sum = 0;
      continue;
    }
    if (t.ordinal != ordinal++) die("layer_times: an ordinal out of order");
    sum += t.ns;
    if (run == runs - 1)
      std::printf("layer_time\t%s\t%lld\n", t.layer.c_str(), static_cast<long long>(t.ns));
  }
  if (run != runs) die("layer_times: not as many runs as asked for");
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 8)
    die("usage: RUNNER LIBRARY ENGINE THREADS SLOTS INPUTS OUTPUTS [--tensor NAME FILE] [--time "
        "N]");
  void* library = dlopen(argv[1], RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) die(dlerror());
  const auto query = reinterpret_cast<assay_runner_query_fn>(dlsym(library, "assay_runner_query"));
  if (query == nullptr || query(0) != nullptr)
    die("assay_runner_query is missing or ignores the version");
  const assay_runner_api* api = query(1);
  const char* device = std::getenv("TVM_RUNNER_CHECK_DEVICE");
  const assay_engine_options options{.struct_size = sizeof options,
                                     .engine_dir = argv[3],
                                     .library = argv[2],
                                     .device = device != nullptr ? device : "cpu",
                                     .precision = "fp32",
                                     .threads = std::atoi(argv[4]),
                                     .n_options = 0,
                                     .options = nullptr};
  assay_engine* engine = nullptr;
  const assay_status opened = api->engine_open(&options, &engine, g_error, sizeof g_error);
  if (opened != ASSAY_OK) {
    std::printf("error %d %s\n", opened, g_error);
    return 3;
  }
  Model model;
  assay_tensor_desc desc{.struct_size = sizeof desc};
  for (int32_t i = 0; i < api->input_count(engine); ++i) {
    need(api->input_desc(engine, i, &desc, g_error, sizeof g_error), "input_desc");
    model.inputs.push_back(tensor_bytes(desc));
  }
  for (int32_t i = 0; i < api->output_count(engine); ++i) {
    need(api->output_desc(engine, i, &desc, g_error, sizeof g_error), "output_desc");
    model.outputs.push_back(tensor_bytes(desc));
  }
  if (api->input_desc(engine, -1, &desc, g_error, sizeof g_error) != ASSAY_INVALID)
    die("index -1 accepted");

  const int32_t count = std::atoi(argv[5]);
  std::ifstream file(argv[6], std::ios::binary);
  const std::string data{std::istreambuf_iterator<char>(file), {}};
  std::vector<Slot> slots[2] = {make_slots(model, static_cast<size_t>(count), data),
                                make_slots(model, static_cast<size_t>(count), data)};
  assay_context* contexts[2] = {};
  std::string results[2];
  for (int c = 0; c < 2; ++c) {
    need(api->context_create(engine, count, &contexts[c], g_error, sizeof g_error),
         "context_create");
    if (api->run(contexts[c], 0) != ASSAY_INVALID) die("an unbound slot ran");
    for (int32_t s = 0; s < count; ++s) {
      Slot& slot = slots[c][static_cast<size_t>(s)];
      need(api->bind(contexts[c], s, slot.input_pointers.data(), slot.output_pointers.data(),
                     g_error, sizeof g_error),
           "bind");
    }
    for (int round = 0; round < 2; ++round) {
      for (int32_t s = 0; s < count; ++s) {
        const int32_t slot = round == 0 ? s : count - 1 - s;
        if (api->run(contexts[c], slot) != ASSAY_OK) die(api->last_error(contexts[c]));
      }
      const std::string now = outputs_of(model, slots[c]);
      if (round == 1 && now != results[c]) die("the second round gave other bits");
      results[c] = now;
    }
  }
  if (results[0] != results[1]) die("the second context gave other bits");
  std::ofstream(argv[7], std::ios::binary)
      .write(results[0].data(), static_cast<std::streamsize>(results[0].size()));
  need(api->kernel_map(
           engine,
           [](void*, const assay_kernel* k) {
             std::printf("kernel\t%s\t%s\n", k->layer, k->kernel);
           },
           nullptr, g_error, sizeof g_error),
       "kernel_map");
  for (int i = 8; i < argc; ++i) {
    if (std::strcmp(argv[i], "--tensor") == 0 && i + 2 < argc) {
      read_tensor(api, contexts[0], argv[i + 1], argv[i + 2]);
      i += 2;
    } else if (std::strcmp(argv[i], "--layer-times") == 0 && i + 1 < argc) {
      time_layers(api, contexts[0], std::max(1, std::atoi(argv[++i])));
    } else if (std::strcmp(argv[i], "--time") == 0 && i + 1 < argc) {
      const int32_t n = std::max(1, std::atoi(argv[++i]));
      median_ns(api, contexts[0], 1, n / 10 + 1);  // warm-up
      std::printf("one_slot_p50_ns %lld\n",
                  static_cast<long long>(median_ns(api, contexts[0], 1, n)));
      std::printf("all_slots_p50_ns %lld\n",
                  static_cast<long long>(median_ns(api, contexts[0], count, n)));
    }
  }
  if (api->tensor_read(contexts[0], 0, "no such layer", &desc, nullptr, 0, g_error,
                       sizeof g_error) != ASSAY_INVALID) {
    die("an unknown tensor was accepted");
  }
  for (assay_context* context : contexts) api->context_destroy(context);
  api->engine_close(engine);
  return 0;
}
