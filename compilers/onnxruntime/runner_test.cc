// SPDX-License-Identifier: Apache-2.0
// The runner against a real engine. builders_test.py builds the engine, computes the expected
// outputs with Python's ONNX Runtime and names everything in the environment:
//   ASSAY_TEST_RUNNER   libassay_runner_onnxruntime.so
//   ASSAY_TEST_LIBRARY  libonnxruntime.so.*
//   ASSAY_TEST_ENGINE   the engine folder
//   ASSAY_TEST_IO       folder with in.<slot>.<input>.bin, out.<slot>.<output>.bin (two slots) and,
//                       when a tensor is to be read, tensor.name and tensor.<slot>.bin
#include <dlfcn.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>
#include <vector>

#include "assay/runner.h"

namespace {

namespace fs = std::filesystem;
constexpr int kSlots = 2;

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  EXPECT_NE(value, nullptr) << name << " is not set: run test.py";
  return value == nullptr ? "" : value;
}

std::string read_file(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  EXPECT_TRUE(file.good()) << path;
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

void write_file(const fs::path& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary) << bytes;
}

size_t bytes_of(const assay_tensor_desc& desc) {
  size_t bytes = 0;
  switch (desc.dtype) {
    case ASSAY_U8:
    case ASSAY_I8:
    case ASSAY_BOOL:
      bytes = 1;
      break;
    case ASSAY_U16:
    case ASSAY_I16:
    case ASSAY_F16:
    case ASSAY_BF16:
      bytes = 2;
      break;
    case ASSAY_F32:
    case ASSAY_I32:
    case ASSAY_U32:
      bytes = 4;
      break;
    default:
      bytes = 8;
  }
  for (int i = 0; i < desc.rank; ++i) bytes *= desc.shape[i];
  return bytes;
}

class RunnerTest : public testing::Test {
 protected:
  void SetUp() override {
    void* handle = dlopen(variable("ASSAY_TEST_RUNNER").c_str(), RTLD_NOW | RTLD_LOCAL);
    ASSERT_NE(handle, nullptr) << dlerror();
    auto query = reinterpret_cast<assay_runner_query_fn>(dlsym(handle, "assay_runner_query"));
    ASSERT_NE(query, nullptr);
    EXPECT_EQ(query(0), nullptr);
    api_ = query(1);
    ASSERT_NE(api_, nullptr);
    engine_dir_ = variable("ASSAY_TEST_ENGINE");
    library_ = variable("ASSAY_TEST_LIBRARY");
    io_ = variable("ASSAY_TEST_IO");
  }
  void TearDown() override {
    if (engine_ != nullptr) api_->engine_close(engine_);
    if (!copy_.empty()) fs::remove_all(copy_);
  }

  assay_status open(const assay_option* option = nullptr) {
    assay_engine_options options{sizeof(assay_engine_options),
                                 engine_dir_.c_str(),
                                 library_.c_str(),
                                 device_,
                                 precision_,
                                 1,
                                 option == nullptr ? 0 : 1,
                                 option};
    error_[0] = '\0';
    return api_->engine_open(&options, &engine_, error_, sizeof(error_));
  }

  // Works on a copy of the engine from here on.
  void copy_engine() {
    std::string name = (fs::temp_directory_path() / "assay-ort-test-XXXXXX").string();
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    copy_ = name;
    fs::copy(engine_dir_, copy_, fs::copy_options::recursive);
    engine_dir_ = copy_.string();
  }

  std::vector<assay_tensor_desc> describe(bool input) {
    int n = input ? api_->input_count(engine_) : api_->output_count(engine_);
    std::vector<assay_tensor_desc> all(n);
    for (int i = 0; i < n; ++i) {
      all[i].struct_size = sizeof(assay_tensor_desc);
      auto get = input ? api_->input_desc : api_->output_desc;
      EXPECT_EQ(get(engine_, i, &all[i], error_, sizeof(error_)), ASSAY_OK) << error_;
    }
    return all;
  }

  // Binds both slots of a new context to fresh buffers: inputs from the files, outputs garbage.
  struct Bound {
    assay_context* context = nullptr;
    std::vector<std::string> inputs[kSlots], outputs[kSlots];
  };
  void bind_all(Bound* bound) {
    ASSERT_EQ(api_->context_create(engine_, kSlots, &bound->context, error_, sizeof(error_)),
              ASSAY_OK)
        << error_;
    for (int slot = 0; slot < kSlots; ++slot) {
      std::vector<void*> inputs, outputs;
      auto descs = describe(true);
      for (size_t i = 0; i < descs.size(); ++i) {
        bound->inputs[slot].push_back(
            read_file(io_ / ("in." + std::to_string(slot) + "." + std::to_string(i) + ".bin")));
        ASSERT_EQ(bound->inputs[slot].back().size(), bytes_of(descs[i]));
      }
      for (const auto& desc : describe(false)) {
        bound->outputs[slot].emplace_back(bytes_of(desc), '\x5a');
      }
      for (auto& data : bound->inputs[slot]) inputs.push_back(data.data());
      for (auto& data : bound->outputs[slot]) outputs.push_back(data.data());
      ASSERT_EQ(
          api_->bind(bound->context, slot, inputs.data(), outputs.data(), error_, sizeof(error_)),
          ASSAY_OK)
          << error_;
    }
  }
  void expect_outputs(Bound* bound) {
    for (int slot = 0; slot < kSlots; ++slot) {
      ASSERT_EQ(api_->run(bound->context, slot), ASSAY_OK) << api_->last_error(bound->context);
    }
    for (int slot = 0; slot < kSlots; ++slot) {
      for (size_t i = 0; i < bound->outputs[slot].size(); ++i) {
        std::string name = "out." + std::to_string(slot) + "." + std::to_string(i) + ".bin";
        EXPECT_TRUE(bound->outputs[slot][i] == read_file(io_ / name)) << name << " differs";
      }
    }
  }

  const assay_runner_api* api_ = nullptr;
  assay_engine* engine_ = nullptr;
  std::string engine_dir_, library_;
  const char* device_ = "cpu";
  const char* precision_ = "fp32";
  fs::path io_, copy_;
  char error_[512] = "";
};

TEST_F(RunnerTest, OutputsEqualPythonBitForBit) {
  ASSERT_EQ(open(), ASSAY_OK) << error_;
  Bound bound;
  bind_all(&bound);
  for (int round = 0; round < 3; ++round) expect_outputs(&bound);
  api_->context_destroy(bound.context);
}

TEST_F(RunnerTest, ReloadedEngineGivesTheSameBits) {
  for (int round = 0; round < 2; ++round) {
    ASSERT_EQ(open(), ASSAY_OK) << error_;
    Bound bound;
    bind_all(&bound);
    expect_outputs(&bound);
    api_->context_destroy(bound.context);
    api_->engine_close(engine_);
    engine_ = nullptr;
  }
}

TEST_F(RunnerTest, ContextsRunAtTheSameTime) {
  ASSERT_EQ(open(), ASSAY_OK) << error_;
  Bound bound[2];
  for (auto& one : bound) bind_all(&one);
  std::thread other([&] { expect_outputs(&bound[1]); });
  expect_outputs(&bound[0]);
  other.join();
  for (auto& one : bound) api_->context_destroy(one.context);
}

TEST_F(RunnerTest, DescriptionsEqualTheManifest) {
  ASSERT_EQ(open(), ASSAY_OK) << error_;
  auto manifest = nlohmann::json::parse(read_file(fs::path(engine_dir_) / "manifest.json"));
  for (bool input : {true, false}) {
    auto descs = describe(input);
    const auto& wanted = manifest[input ? "inputs" : "outputs"];
    ASSERT_EQ(descs.size(), wanted.size());
    for (size_t i = 0; i < descs.size(); ++i) {
      EXPECT_EQ(wanted[i]["name"], descs[i].name);
      std::vector<int64_t> shape(descs[i].shape, descs[i].shape + descs[i].rank);
      EXPECT_EQ(wanted[i]["shape"].get<std::vector<int64_t>>(), shape);
    }
  }
  assay_capabilities caps{};
  caps.struct_size = sizeof(caps);
  ASSERT_EQ(api_->capabilities(engine_, &caps, error_, sizeof(error_)), ASSAY_OK);
  EXPECT_EQ(manifest["version"], caps.version);
  EXPECT_EQ(manifest["compiler"], caps.compiler);
  EXPECT_EQ(manifest["decides_at"], caps.decides_at);
}

TEST_F(RunnerTest, KernelMapEqualsTheBuilders) {
  ASSERT_EQ(open(), ASSAY_OK) << error_;
  auto built = nlohmann::json::parse(read_file(fs::path(engine_dir_) / "kernels.json"))["kernels"];
  nlohmann::json loaded = nlohmann::json::array();
  auto sink = [](void* user, const assay_kernel* kernel) {
    static_cast<nlohmann::json*>(user)->push_back({{"ordinal", kernel->ordinal},
                                                   {"layer", kernel->layer},
                                                   {"kernel", kernel->kernel},
                                                   {"precision", kernel->precision}});
  };
  ASSERT_EQ(api_->kernel_map(engine_, sink, &loaded, error_, sizeof(error_)), ASSAY_OK) << error_;
  ASSERT_EQ(loaded.size(), built.size());
  for (size_t i = 0; i < built.size(); ++i) {
    for (const char* key : {"ordinal", "layer", "kernel", "precision"}) {
      EXPECT_EQ(loaded[i][key], built[i][key]);
    }
  }
}

TEST_F(RunnerTest, ReadsAnInnerTensor) {
  ASSERT_EQ(open(), ASSAY_OK) << error_;
  Bound bound;
  bind_all(&bound);
  assay_tensor_desc desc{};
  desc.struct_size = sizeof(desc);
  EXPECT_EQ(api_->tensor_read(bound.context, 0, "no such tensor", &desc, nullptr, 0, error_,
                              sizeof(error_)),
            ASSAY_UNSUPPORTED);
  if (fs::exists(io_ / "tensor.name")) {
    std::string name = read_file(io_ / "tensor.name");
    for (int slot = 0; slot < kSlots; ++slot) {
      std::string wanted = read_file(io_ / ("tensor." + std::to_string(slot) + ".bin"));
      ASSERT_EQ(api_->tensor_read(bound.context, slot, name.c_str(), &desc, nullptr, 0, error_,
                                  sizeof(error_)),
                ASSAY_OK)
          << error_;
      EXPECT_EQ(name, desc.name);
      ASSERT_EQ(bytes_of(desc), wanted.size());
      std::string data(wanted.size(), '\x5a');
      EXPECT_EQ(api_->tensor_read(bound.context, slot, name.c_str(), &desc, data.data(),
                                  data.size() + 1, error_, sizeof(error_)),
                ASSAY_INVALID);
      ASSERT_EQ(api_->tensor_read(bound.context, slot, name.c_str(), &desc, data.data(),
                                  data.size(), error_, sizeof(error_)),
                ASSAY_OK)
          << error_;
      EXPECT_TRUE(data == wanted) << "slot " << slot;
    }
  }
  expect_outputs(&bound);  // the probe has changed nothing
  api_->context_destroy(bound.context);
}

struct Timed {
  int32_t run, ordinal;
  std::string layer, kernel;
  int64_t ns;
};

TEST_F(RunnerTest, TimesAndReadsEveryLayerOfTheKernelMap) {
  ASSERT_EQ(open(), ASSAY_OK) << error_;
  ASSERT_GE(api_->struct_size, sizeof(assay_runner_api));
  Bound bound;
  bind_all(&bound);
  const auto kernels =
      nlohmann::json::parse(read_file(fs::path(engine_dir_) / "kernels.json"))["kernels"];
  std::vector<Timed> all;
  const auto sink = [](void* user, int32_t run, const assay_layer_time* t) {
    static_cast<std::vector<Timed>*>(user)->push_back(
        {run, t->ordinal, t->layer, t->kernel, t->time_ns});
  };
  EXPECT_EQ(api_->layer_times(bound.context, 0, 0, sink, &all, error_, sizeof(error_)),
            ASSAY_INVALID);
  EXPECT_EQ(api_->layer_times(bound.context, 9, 1, sink, &all, error_, sizeof(error_)),
            ASSAY_INVALID);
  constexpr int32_t kRuns = 4;
  bool branches = false;
  for (const auto& kernel : kernels) branches = branches || kernel["kernel"] == "CPU:If";
  const assay_status timed =
      api_->layer_times(bound.context, 1, kRuns, sink, &all, error_, sizeof(error_));
  if (timed != ASSAY_OK && branches) {  // the other branch than the kernel map's
    EXPECT_EQ(timed, ASSAY_UNSUPPORTED) << error_;
    EXPECT_TRUE(all.empty());
    api_->context_destroy(bound.context);
    return;
  }
  ASSERT_EQ(timed, ASSAY_OK) << error_;
  ASSERT_EQ(all.size(), kRuns * (kernels.size() + 1));
  for (size_t i = 0; i < all.size(); ++i) {
    const size_t k = i % (kernels.size() + 1);
    EXPECT_EQ(all[i].run, static_cast<int32_t>(i / (kernels.size() + 1)));
    EXPECT_GE(all[i].ns, 0);
    if (k == kernels.size()) {
      EXPECT_EQ(all[i].ordinal, -1);
      continue;
    }
    EXPECT_EQ(all[i].ordinal, static_cast<int32_t>(k));
    EXPECT_EQ(all[i].layer, kernels[k]["layer"]);
    EXPECT_EQ(all[i].kernel, kernels[k]["kernel"]);
  }
  for (const auto& kernel : kernels) {
    const std::string layer = kernel["layer"];
    assay_tensor_desc desc{};
    desc.struct_size = sizeof(desc);
    const assay_status told = api_->tensor_read(bound.context, 0, layer.c_str(), &desc, nullptr, 0,
                                                error_, sizeof(error_));
    // ONNX Runtime adds casts when it loads: no file has their tensors.
    if (told == ASSAY_UNSUPPORTED && layer.starts_with("Inserted")) continue;
    ASSERT_EQ(told, ASSAY_OK) << layer << ": " << error_;
    EXPECT_EQ(layer, desc.name);
    std::string data(bytes_of(desc), '\x5a');
    EXPECT_EQ(api_->tensor_read(bound.context, 0, layer.c_str(), &desc, data.data(), data.size(),
                                error_, sizeof(error_)),
              ASSAY_OK)
        << layer << ": " << error_;
  }
  expect_outputs(&bound);
  api_->context_destroy(bound.context);
}

TEST_F(RunnerTest, RefusesWhatItCannotRun) {
  assay_option unknown{"colour", "red"};
  EXPECT_EQ(open(&unknown), ASSAY_INVALID);
  precision_ = "fp16";
  EXPECT_EQ(open(), ASSAY_INVALID);
  precision_ = "fp32";
  device_ = "cuda";
  EXPECT_EQ(open(), ASSAY_UNSUPPORTED);
  device_ = "cpu";
  library_ = "/nowhere/libonnxruntime.so";
  EXPECT_EQ(open(), ASSAY_MISSING);
  library_ = "libm.so.6";
  EXPECT_EQ(open(), ASSAY_MISSING);
  EXPECT_NE(std::string(error_).find("OrtGetApiBase"), std::string::npos) << error_;
}

TEST_F(RunnerTest, RunOfAnUnboundSlotIsInvalid) {
  ASSERT_EQ(open(), ASSAY_OK) << error_;
  assay_context* context = nullptr;
  ASSERT_EQ(api_->context_create(engine_, 1, &context, error_, sizeof(error_)), ASSAY_OK);
  EXPECT_EQ(api_->run(context, 0), ASSAY_INVALID);
  EXPECT_EQ(api_->run(context, 7), ASSAY_INVALID);
  EXPECT_STRNE(api_->last_error(context), "");
  api_->context_destroy(context);
}

TEST_F(RunnerTest, RefusesACutOffModel) {
  copy_engine();
  fs::path model = fs::path(engine_dir_) / "model.onnx";
  std::string bytes = read_file(model);
  write_file(model, bytes.substr(0, bytes.size() / 2));
  EXPECT_EQ(open(), ASSAY_INVALID);
  EXPECT_NE(std::string(error_).find("manifest says"), std::string::npos) << error_;
}

TEST_F(RunnerTest, RefusesAFileOutsideTheEngine) {
  copy_engine();
  fs::path path = fs::path(engine_dir_) / "manifest.json";
  auto manifest = nlohmann::json::parse(read_file(path));
  for (auto& file : manifest["files"]) {
    if (file["role"] == "artifact") file["path"] = "../model.onnx";
  }
  write_file(path, manifest.dump());
  EXPECT_EQ(open(), ASSAY_INVALID);
  fs::remove(path);
  EXPECT_EQ(open(), ASSAY_INVALID);
}

}  // namespace
