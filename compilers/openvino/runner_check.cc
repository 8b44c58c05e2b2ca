// SPDX-License-Identifier: Apache-2.0
// Drives a runner through its C ABI for test.py and prints what it saw as one JSON object.
//
//   openvino_runner_check RUNNER LIBRARY ENGINE_DIR PRECISION THREADS INPUT_FILE... [--read NAME]
//
// Two contexts with two slots each, on two threads at once, by run and by enqueue + wait.  Output
// buffers hold 0xA5 before every run and lie between guard bytes, so a result that lands elsewhere
// is seen.
#include <dlfcn.h>

#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iostream>
#include <iterator>
#include <map>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "assay/runner.h"

namespace {

using Json = nlohmann::json;
using Bytes = std::vector<unsigned char>;
constexpr unsigned char kFill = 0xA5;
constexpr size_t kGuard = 64;
char error_text[1024];

struct Refused : std::runtime_error {
  Refused(std::string where, int s)
      : std::runtime_error(error_text), step(std::move(where)), status(s) {}
  std::string step;
  int status;
};

void need(assay_status status, const char* step) {
  if (status != ASSAY_OK) throw Refused(step, status);
}

size_t byte_size(const assay_tensor_desc& desc) {
  static const std::map<int, size_t> kSizes = {{1, 4},  {2, 1},  {3, 1}, {4, 2},  {5, 2},
                                               {6, 4},  {7, 8},  {9, 1}, {10, 2}, {11, 8},
                                               {12, 4}, {13, 8}, {16, 2}};
  size_t size = kSizes.at(desc.dtype);
  for (int i = 0; i < desc.rank; ++i) size *= desc.shape[i];
  return size;
}

Json describe(const assay_tensor_desc& desc) {
  return {{"name", desc.name},
          {"dtype", desc.dtype},
          {"shape", std::vector<int64_t>(desc.shape, desc.shape + desc.rank)}};
}

std::string hex(const unsigned char* data, size_t size) {
  static const char* kDigits = "0123456789abcdef";
  std::string out;
  for (size_t i = 0; i < size; ++i) out += {kDigits[data[i] >> 4], kDigits[data[i] & 15]};
  return out;
}

Bytes read_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) throw std::runtime_error("cannot read " + path);
  return Bytes(std::istreambuf_iterator<char>(in), {});
}

// A buffer on a 64-byte boundary with guard bytes on both sides.
class Buffer {
 public:
  explicit Buffer(size_t size) : size_(size), bytes_(size + 3 * kGuard, kFill) {
    const auto at = reinterpret_cast<uintptr_t>(bytes_.data());
    offset_ = kGuard + (kGuard - at % kGuard) % kGuard;
  }
  unsigned char* data() { return bytes_.data() + offset_; }
  void clear() { std::memset(data(), kFill, size_); }
  bool guards_whole() const {
    for (size_t i = 0; i < bytes_.size(); ++i) {
      if ((i < offset_ || i >= offset_ + size_) && bytes_[i] != kFill) return false;
    }
    return true;
  }

 private:
  size_t size_, offset_;
  Bytes bytes_;
};

// Output bytes of every run of one context, as hex text, one list an output.
struct Result {
  std::vector<std::vector<std::string>> runs;
  bool guards = true;
  std::string error;
};

void drive(const assay_runner_api* api, assay_context* context, const std::vector<Bytes>& inputs,
           const std::vector<size_t>& sizes, Result* result) {
  for (int slot = 0; slot < 2; ++slot) {
    std::vector<Bytes> in = inputs;
    std::vector<Buffer> out(sizes.begin(), sizes.end());
    std::vector<void*> in_pointers, out_pointers;
    for (Bytes& bytes : in) in_pointers.push_back(bytes.data());
    for (Buffer& buffer : out) out_pointers.push_back(buffer.data());
    char text[512] = "";
    if (api->bind(context, slot, in_pointers.data(), out_pointers.data(), text, sizeof(text))) {
      result->error = text;
      return;
    }
    for (int pass = 0; pass < 3; ++pass) {
      for (Buffer& buffer : out) buffer.clear();
      assay_status status = ASSAY_OK;
      if (pass < 2) {
        status = api->run(context, slot);
      } else {
        status = api->enqueue(context, slot);
        if (status == ASSAY_OK) status = api->wait(context, slot);
      }
      if (status != ASSAY_OK) {
        result->error = api->last_error(context);
        return;
      }
      std::vector<std::string> values;
      for (size_t i = 0; i < out.size(); ++i) values.push_back(hex(out[i].data(), sizes[i]));
      result->runs.push_back(std::move(values));
    }
    for (const Buffer& buffer : out) result->guards = result->guards && buffer.guards_whole();
    if (in != inputs) result->error = "the runner changed its inputs";
  }
}

void add_kernel(void* user, const assay_kernel* kernel) {
  static_cast<Json*>(user)->push_back({{"ordinal", kernel->ordinal},
                                       {"layer", kernel->layer},
                                       {"kernel", kernel->kernel},
                                       {"source_sha256", kernel->source_sha256},
                                       {"precision", kernel->precision},
                                       {"origin", kernel->origin}});
}

Json read_tensor(const assay_runner_api* api, assay_context* context, const std::string& name) {
  assay_tensor_desc desc{};
  desc.struct_size = sizeof(desc);
  need(
      api->tensor_read(context, 0, name.c_str(), &desc, nullptr, 0, error_text, sizeof(error_text)),
      "tensor_read");
  Bytes data(byte_size(desc));
  need(api->tensor_read(context, 0, name.c_str(), &desc, data.data(), data.size(), error_text,
                        sizeof(error_text)),
       "tensor_read");
  const bool refuses_small =
      api->tensor_read(context, 0, name.c_str(), &desc, data.data(), data.size() - 1, error_text,
                       sizeof(error_text)) == ASSAY_INVALID;
  return {{"desc", describe(desc)},
          {"hex", hex(data.data(), data.size())},
          {"refuses_small", refuses_small}};
}

// [run, ordinal, layer, kernel, ns] of every call of the sink, 20 runs asked for.
Json time_layers(const assay_runner_api* api, assay_context* context) {
  if (api->struct_size < sizeof(assay_runner_api) || api->layer_times == nullptr)
    throw std::runtime_error("layer_times is missing");
  Json times = Json::array();
  const auto sink = [](void* user, int32_t run, const assay_layer_time* t) {
    static_cast<Json*>(user)->push_back({run, t->ordinal, t->layer, t->kernel, t->time_ns});
  };
  if (api->layer_times(context, 0, 0, sink, &times, error_text, sizeof(error_text)) !=
      ASSAY_INVALID)
    throw std::runtime_error("0 runs were accepted");
  need(api->layer_times(context, 0, 20, sink, &times, error_text, sizeof(error_text)),
       "layer_times");
  return times;
}

Json check(const std::vector<std::string>& args, const std::string& read) {
  void* const handle = dlopen(args[0].c_str(), RTLD_NOW | RTLD_LOCAL);
  if (handle == nullptr) throw std::runtime_error(dlerror());
  const auto query = reinterpret_cast<assay_runner_query_fn>(dlsym(handle, "assay_runner_query"));
  if (query == nullptr || query(0) != nullptr) throw std::runtime_error("assay_runner_query");
  const assay_runner_api* api = query(ASSAY_RUNNER_ABI_VERSION);

  Json report;
  assay_capabilities caps{};
  caps.struct_size = sizeof(caps);
  need(api->capabilities(nullptr, &caps, error_text, sizeof(error_text)), "capabilities");
  report["version"] = caps.version;
  report["decides_at"] = caps.decides_at;

  assay_engine_options options{};
  options.struct_size = sizeof(options);
  options.library = args[1].c_str();
  options.engine_dir = args[2].c_str();
  options.precision = args[3].c_str();
  options.device = "cpu";
  options.threads = std::atoi(args[4].c_str());
  assay_engine* engine = nullptr;
  need(api->engine_open(&options, &engine, error_text, sizeof(error_text)), "engine_open");

  std::vector<Bytes> inputs;
  std::vector<size_t> sizes;
  assay_tensor_desc desc{};
  desc.struct_size = sizeof(desc);
  for (int i = 0; i < api->input_count(engine); ++i) {
    need(api->input_desc(engine, i, &desc, error_text, sizeof(error_text)), "input_desc");
    report["inputs"].push_back(describe(desc));
    inputs.push_back(read_file(args.at(5 + i)));
    if (inputs.back().size() != byte_size(desc)) throw std::runtime_error("size of " + args[5 + i]);
  }
  for (int i = 0; i < api->output_count(engine); ++i) {
    need(api->output_desc(engine, i, &desc, error_text, sizeof(error_text)), "output_desc");
    report["outputs"].push_back(describe(desc));
    sizes.push_back(byte_size(desc));
  }
  report["refuses_index"] =
      api->input_desc(engine, 99, &desc, error_text, sizeof(error_text)) == ASSAY_INVALID;

  assay_context* contexts[2] = {};
  Result results[2];
  for (assay_context*& context : contexts) {
    need(api->context_create(engine, 2, &context, error_text, sizeof(error_text)),
         "context_create");
  }
  report["refuses_unbound"] =
      api->run(contexts[0], 1) == ASSAY_INVALID && api->run(contexts[0], 7) == ASSAY_INVALID;
  std::thread other([&] { drive(api, contexts[1], inputs, sizes, &results[1]); });
  drive(api, contexts[0], inputs, sizes, &results[0]);
  other.join();
  for (const Result& result : results) {
    report["contexts"].push_back(
        {{"runs", result.runs}, {"guards", result.guards}, {"error", result.error}});
  }
  Json kernels = Json::array();
  need(api->kernel_map(engine, add_kernel, &kernels, error_text, sizeof(error_text)), "kernel_map");
  report["kernels"] = kernels;
  if (!read.empty()) {
    // The buffers of drive are gone: bind slot 0 to buffers that live here.
    std::vector<void*> in_pointers, out_pointers;
    std::vector<Buffer> out(sizes.begin(), sizes.end());
    for (Bytes& bytes : inputs) in_pointers.push_back(bytes.data());
    for (Buffer& buffer : out) out_pointers.push_back(buffer.data());
    need(api->bind(contexts[0], 0, in_pointers.data(), out_pointers.data(), error_text,
                   sizeof(error_text)),
         "bind");
    report["layer_times"] = time_layers(api, contexts[0]);
    report["tensor"] = read_tensor(api, contexts[0], read);
  }
  for (assay_context* context : contexts) api->context_destroy(context);
  api->engine_close(engine);
  return report;
}

}  // namespace

int main(int argc, char** argv) {
  std::vector<std::string> args;
  std::string read;
  for (int i = 1; i < argc; ++i) {
    if (std::string(argv[i]) == "--read" && i + 1 < argc) {
      read = argv[++i];
    } else {
      args.emplace_back(argv[i]);
    }
  }
  if (args.size() < 5) {
    std::cerr << "usage: openvino_runner_check RUNNER LIBRARY ENGINE_DIR PRECISION THREADS "
                 "INPUT... [--read NAME]\n";
    return 2;
  }
  try {
    std::cout << check(args, read).dump() << "\n";
    return 0;
  } catch (const Refused& refused) {
    std::cout << Json{{"refused", refused.step},
                      {"status", refused.status},
                      {"text", refused.what()}}
                     .dump()
              << "\n";
    return 0;
  } catch (const std::exception& error) {
    std::cerr << "openvino_runner_check: " << error.what() << "\n";
    return 1;
  }
}
