// SPDX-License-Identifier: Apache-2.0
// A model that AOTInductor compiled for a CPU, called through its own C functions: own
// declarations, no header of torch, no Python.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "assay/runner.h"

namespace assay::aoti {

struct Failure {
  assay_status status = ASSAY_FAILED;
  std::string text;
};
template <class T>
using Expected = tl::expected<T, Failure>;
using Outcome = Expected<void>;

inline tl::unexpected<Failure> fail(assay_status status, std::string text) {
  return tl::unexpected(Failure{status, std::move(text)});
}

struct Tensor {
  std::string name;
  assay_dtype dtype = ASSAY_F32;
  std::vector<int64_t> shape;
  size_t bytes = 0;
};

struct Kernel {
  std::string layer, kernel, precision, origin;
};

struct Functions;  // of libtorch and of the model

class Context;

class Engine {
 public:
  static Expected<std::unique_ptr<Engine>> open(const assay_engine_options& options);
  ~Engine();
  const std::string& version() const { return version_; }
  const std::vector<Tensor>& inputs() const { return inputs_; }
  const std::vector<Tensor>& outputs() const { return outputs_; }
  const std::vector<Kernel>& kernels() const { return kernels_; }
  Expected<std::unique_ptr<Context>> context(int32_t slots) const;

 private:
  friend class Context;
  Engine() = default;
  Outcome read(const assay_engine_options& options);
  Outcome load(const assay_engine_options& options);

  std::string folder_, version_;
  std::vector<Tensor> inputs_, outputs_;
  std::vector<Kernel> kernels_;
  std::unique_ptr<Functions> functions_;
};

// A container of its own: weights and intermediates are not shared between contexts.
class Context {
 public:
  ~Context();
  Outcome bind(int32_t slot, void* const* inputs, void* const* outputs);
  assay_status run(int32_t slot) noexcept;
  const char* last_error() const { return error_; }

 private:
  friend class Engine;
  struct Slot {
    std::vector<void*> inputs;   // torch's tensors over the caller's buffers
    std::vector<void*> outputs;  // the caller's buffers
    bool bound = false;
  };
  explicit Context(const Engine& engine) : engine_(engine) {}
  Outcome check_outputs();
  int launch(const Slot& slot) noexcept;
  void drop_outputs() noexcept;
  void release(Slot& slot);

  const Engine& engine_;
  void* container_ = nullptr;
  std::vector<Slot> slots_;
  std::vector<void*> given_, made_;  // handles of one run
  const char* error_ = "";
};

}  // namespace assay::aoti
