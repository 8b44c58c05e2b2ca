// SPDX-License-Identifier: Apache-2.0
// An engine (one loaded model.so with its graph and constants) and its contexts (one graph executor
// each).
//
// One executor serves all slots of a context: a run on another slot than the last one first points
// the executor at that slot's buffers (two C calls an input or output, no copy). An executor per
// slot would save that, but each has its own intermediate buffers, and going round them would evict
// the caches that a deployed model keeps warm.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "graph.h"
#include "tvm_api.h"

namespace assay::tvm {

// Writes name, type and shape into `out`; pointers live as long as `info`.
Outcome fill_desc(const TensorInfo& info, assay_tensor_desc* out);

class Engine {
 public:
  // ASSAY_INVALID: the folder does not hold an engine, or an option is not known;
  // ASSAY_UNSUPPORTED: another precision than fp32, another device than "cpu" or "cuda:N", or
  // another thread count than the one that TVM's thread pool has in this process; ASSAY_MISSING: no
  // TVM, or one without CUDA.
  static Expected<std::unique_ptr<Engine>> open(const assay_engine_options& options);
  ~Engine();

  const Api& api() const { return *api_; }
  const EngineFiles& files() const { return files_; }
  const Module& library() const { return library_; }
  Device device() const { return device_; }
  // The device has memory of its own: inputs are copied there at bind, outputs back in each run.
  bool staged() const { return staged_; }

  // A graph executor with the engine's constants. The first context is lent the engine's own one,
  // whose constants every further executor reads in place; give it back with `give_back`.
  struct Lease {
    const Module* executor = nullptr;
    Module own;  // empty when lent
  };
  Expected<Lease> lease_executor();
  void give_back(const Lease& lease);
  // A debug executor with its own copy of the constants.
  Expected<Module> make_debug_executor() const;
  // One line a kernel, in execution order, from the graph of the loaded engine; every function is
  // looked up in the loaded library.
  Outcome kernel_map(assay_kernel_sink sink, void* user) const;

 private:
  Engine() = default;
  Outcome load(const assay_engine_options& options);
  Outcome choose_device(const std::string& device);
  Expected<Module> create(const char* factory) const;
  Outcome load_constants(const Module& executor) const;

  const Api* api_ = nullptr;
  EngineFiles files_;
  Device device_{kCpu, 0};
  bool staged_ = false;
  Module library_;
  Module first_executor_;
  std::mutex mutex_;  // of `lent_`
  bool lent_ = false;
  std::vector<std::pair<int32_t, Tensor*>> constants_;  // TVM input number, array
};

class Context {
 public:
  static Expected<std::unique_ptr<Context>> create(Engine& engine, int32_t slots);

  ~Context();

  Outcome bind(int32_t slot, void* const* inputs, void* const* outputs);
  assay_status run(int32_t slot) noexcept;
  const char* last_error() const { return error_.c_str(); }
  // `name`: layer of the kernel map, with ":k" for its output k when it has several. A tensor in
  // the blocked layout NCHW<c>c is told and copied in plain NCHW order, bit for bit.
  Outcome tensor_read(int32_t slot, const std::string& name, assay_tensor_desc* desc, void* data,
                      size_t data_bytes);
  // Node by node over a debug executor, a clock stamp on both sides of each.
  Outcome layer_times(int32_t slot, int32_t runs, assay_layer_time_sink sink, void* user);

 private:
  // One call that points the executor at a buffer, or copies: arguments ready to pass.
  struct Call {
    Value values[2];
    int codes[2];
  };
  struct Copy {
    void* to;
    const void* from;
    size_t bytes;
  };
  struct Fetch {
    Tensor* from;  // on the device
    void* to;
    size_t bytes;
  };
  struct Slot {
    bool bound = false;
    std::vector<Array> on_device;    // of a staged engine: inputs, then outputs; kept by rebinding
    std::vector<Tensor> tensors;     // what the calls point to: inputs, then outputs
    std::vector<Call> set_inputs;    // zero copy
    std::vector<Call> set_outputs;   // zero copy
    std::vector<Call> copy_inputs;   // before every run
    std::vector<Call> copy_outputs;  // after every run
    std::vector<Fetch> fetches;      // after every run: device to host
    std::vector<Copy> moves;         // after every run: outputs that are inputs of the model
  };

  explicit Context(Engine& engine) : engine_(engine) {}
  assay_status failed() noexcept;
  // The array of `on_device[index]`, made when it is not there yet.
  Expected<Tensor*> device_array(Slot& slot, size_t index, const TensorInfo& info) const;
  // The debug executor with the inputs of `slot`; ASSAY_INVALID when that is not bound.
  Outcome prepare_debug(int32_t slot);

  Engine& engine_;
  Engine::Lease lease_;
  Function run_;
  Function set_input_;
  Function set_input_direct_;
  Function set_output_direct_;
  Function get_output_;
  std::vector<Slot> slots_;
  int32_t current_ = -1;
  std::string error_;
  // For tensor_read and layer_times, made at their first call.
  Module debug_executor_;
  Function debug_set_input_, debug_execute_node_, debug_get_node_output_;
  TensorInfo read_info_;
};

}  // namespace assay::tvm
