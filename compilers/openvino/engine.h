// SPDX-License-Identifier: Apache-2.0
// An engine of the OpenVINO CPU plug-in: the blob in an engine folder, imported and ready to run.
// Everything here may throw; runner.cc turns exceptions into a status.
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <openvino/openvino.hpp>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

#include "assay/runner.h"

namespace assay::openvino {

// An expected failure with its status.
struct Failure : std::runtime_error {
  Failure(assay_status s, const std::string& text) : std::runtime_error(text), status(s) {}
  assay_status status;
};

struct Tensor {
  std::string name;
  assay_dtype dtype;
  ov::element::Type type;
  ov::Shape shape;
};

class Engine {
 public:
  // Reads manifest.json and names.json, checks them against `options` and imports model.blob.
  explicit Engine(const assay_engine_options& options);

  const std::vector<Tensor>& inputs() const { return inputs_; }
  const std::vector<Tensor>& outputs() const { return outputs_; }

  // The compiled model of one more context.  The first context gets the one that engine_open
  // loaded; every further one imports the blob again, because the contexts of one compiled model
  // with one stream would wait for each other.
  ov::CompiledModel model_for_context();

  // Kernel map of the model as it is loaded, in execution order.
  void kernel_map(const std::function<void(const assay_kernel&)>& sink) const;

  // The blob imported once more with OpenVINO's own profiling, whose counters start at zero.
  ov::CompiledModel profiled_model();
  // The layers of `model` (this blob, imported) as kernel_map tells them.
  struct Layer {
    std::string node;   // OpenVINO's name of it in this process
    std::string fused;  // names of the nodes that it executes, comma separated, the last one last
    std::string layer, kernel, precision, origin;
  };
  std::vector<Layer> layers_of(const ov::CompiledModel& model) const;

  // An intermediate tensor made readable: the model compiled again, with the same properties and
  // the tensor as one more output.  Not the engine that is measured: fusions around it may differ.
  // `name`: of a tensor, or of a layer: then what the last node of the layer gives.
  struct Probe {
    ov::CompiledModel model;
    ov::InferRequest request;
    size_t output = 0;  // number of the tensor among the model's outputs
    Tensor tensor;
  };
  // Throws UNSUPPORTED without model.xml in the engine or for a layer that OpenVINO made itself,
  // INVALID for an unknown name.
  Probe& probe(const std::string& name);

 private:
  ov::CompiledModel import_blob(const ov::AnyMap& properties);
  ov::Output<ov::Node> find_output(ov::Model& model, const std::string& name) const;

  std::filesystem::path dir_;
  ov::AnyMap properties_;
  std::set<std::string, std::less<>> own_names_;
  ov::Core core_;
  ov::CompiledModel compiled_;
  bool first_taken_ = false;
  std::vector<Tensor> inputs_;
  std::vector<Tensor> outputs_;
  std::mutex mutex_;  // contexts of several threads make and probe; run takes no lock
  std::map<std::string, std::unique_ptr<Probe>> probes_;
};

// One context: an infer request per slot, over the caller's buffers.
class Context {
 public:
  Context(Engine& engine, int slots);

  // Throws when OpenVINO does not take a buffer as it is: results must land where the caller reads
  // them.
  void bind(int slot, void* const* inputs, void* const* outputs);
  // The request of a bound slot, or nullptr.
  ov::InferRequest* bound(int slot) {
    if (slot < 0 || slot >= static_cast<int>(slots_.size())) return nullptr;
    return slots_[slot].bound ? &slots_[slot].request : nullptr;
  }
  // Runs the probe of `name` on the inputs of `slot`; `data` may be null: only the description is
  // wanted.
  const Tensor& tensor_read(int slot, const std::string& name, void* data, size_t bytes);
  // Mean time of every layer over `runs` runs, all of run 0: OpenVINO counts whole microseconds and
  // tells only the mean of all runs since the import.
  void layer_times(int slot, int runs,
                   const std::function<void(int, const assay_layer_time&)>& sink);

 private:
  struct Slot {
    ov::InferRequest request;
    bool bound = false;
  };
  Engine& engine_;
  ov::CompiledModel model_;
  std::vector<Slot> slots_;
};

// "2026.4.1" of the OpenVINO runtime that is really loaded.
const std::string& runtime_version();

}  // namespace assay::openvino
