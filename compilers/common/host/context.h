// SPDX-License-Identifier: Apache-2.0
// One stream with the slots bound to it: an engine's inference, captured once a slot as a CUDA
// graph, is launched without Python.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "cuda.h"

namespace assay::host {

struct Tensor {
  std::string name;
  assay_dtype dtype = ASSAY_F32;
  std::vector<int64_t> shape;
  size_t bytes = 0;
};

// Where the tensors of one inference lie on the device, in the order of the engine's tensors.
struct Places {
  std::vector<CuPointer> inputs, outputs;
};

// Inputs are copied to the device in bind; a run launches the graph, whose last nodes copy the
// outputs into page-locked memory of the slot, waits, and copies those to the caller's buffers.
class Context {
 public:
  // Puts one inference on the stream, as it is captured or not.
  using Enqueue = std::function<Outcome(CuHandle stream, const Places&)>;

  static Expected<std::unique_ptr<Context>> create(const Cuda& cuda, CuHandle device,
                                                   const std::vector<Tensor>& inputs,
                                                   const std::vector<Tensor>& outputs,
                                                   int32_t slots, Enqueue enqueue);
  ~Context();
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;

  Outcome bind(int32_t slot, void* const* inputs, void* const* outputs);
  assay_status run(int32_t slot) noexcept;
  const char* last_error() const { return error_.c_str(); }

  bool is_bound(int32_t slot) const;
  const Places& places(int32_t slot) const { return slots_[static_cast<size_t>(slot)].on_device; }
  CuHandle stream() const { return stream_; }
  int wait() const { return cuda_.stream_synchronize(stream_); }

 private:
  struct Slot {
    Places on_device;
    std::vector<void*> staging;  // page-locked, one an output
    std::vector<void*> outputs;  // the caller's
    CuHandle graph = nullptr;    // executable
    bool bound = false;
  };
  Context(const Cuda& cuda, CuHandle device, const std::vector<Tensor>& inputs,
          const std::vector<Tensor>& outputs, Enqueue enqueue)
      : cuda_(cuda), device_(device), inputs_(inputs), outputs_(outputs), enqueue_(enqueue) {}
  Outcome make_current() const;
  Outcome allocate(Slot& slot) const;
  Outcome capture(Slot& slot) const;
  Outcome fetch(const Slot& slot) const;
  void free(Slot& slot) const;

  const Cuda& cuda_;
  CuHandle device_;
  const std::vector<Tensor>& inputs_;
  const std::vector<Tensor>& outputs_;
  Enqueue enqueue_;
  CuHandle stream_ = nullptr;
  std::vector<Slot> slots_;
  std::string error_;
};

}  // namespace assay::host
