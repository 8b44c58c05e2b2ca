// SPDX-License-Identifier: Apache-2.0
#include "engine.h"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <fstream>

#include "engine_files.h"
#include "layer_names.h"

namespace assay::openvino {
namespace {

// Element types of the ABI, or throws UNSUPPORTED.
assay_dtype dtype_of(const ov::element::Type& type) {
  switch (ov::element::Type_t(type)) {
    case ov::element::Type_t::f32:
      return ASSAY_F32;
    case ov::element::Type_t::u8:
      return ASSAY_U8;
    case ov::element::Type_t::i8:
      return ASSAY_I8;
    case ov::element::Type_t::u16:
      return ASSAY_U16;
    case ov::element::Type_t::i16:
      return ASSAY_I16;
    case ov::element::Type_t::i32:
      return ASSAY_I32;
    case ov::element::Type_t::i64:
      return ASSAY_I64;
    case ov::element::Type_t::boolean:
      return ASSAY_BOOL;
    case ov::element::Type_t::f16:
      return ASSAY_F16;
    case ov::element::Type_t::f64:
      return ASSAY_F64;
    case ov::element::Type_t::u32:
      return ASSAY_U32;
    case ov::element::Type_t::u64:
      return ASSAY_U64;
    case ov::element::Type_t::bf16:
      return ASSAY_BF16;
    default:
      throw Failure(ASSAY_UNSUPPORTED, "element type " + type.get_type_name());
  }
}

// Spelling of the format for executed precisions; OpenVINO's own word where there is none.
std::string precision_text(const std::string& word) {
  static const std::map<std::string, std::string, std::less<>> kWords = {
      {"f32", "fp32"},  {"f16", "fp16"},   {"bf16", "bf16"},    {"f64", "fp64"},  {"i8", "int8"},
      {"u8", "uint8"},  {"i16", "int16"},  {"u16", "uint16"},   {"i32", "int32"}, {"u32", "uint32"},
      {"i64", "int64"}, {"u64", "uint64"}, {"boolean", "bool"}, {"u1", "bin"}};
  const auto found = kWords.find(word);
  return found == kWords.end() ? word : found->second;
}

ov::AnyMap properties_for(const Manifest& manifest, int threads) {
  const ov::element::Type precision = manifest.precision == "fp16"   ? ov::element::f16
                                      : manifest.precision == "bf16" ? ov::element::bf16
                                                                     : ov::element::f32;
  const auto mode = manifest.execution_mode == "accuracy" ? ov::hint::ExecutionMode::ACCURACY
                                                          : ov::hint::ExecutionMode::PERFORMANCE;
  // The precision must be repeated: a blob imported without it runs in whatever the CPU prefers.
  return {ov::inference_num_threads(threads), ov::num_streams(1),
          ov::hint::inference_precision(precision), ov::hint::execution_mode(mode),
          ov::hint::enable_cpu_pinning(false)};
}

Tensor describe(const ov::Output<const ov::Node>& port, const std::string& name) {
  if (port.get_partial_shape().is_dynamic()) {
    throw Failure(ASSAY_UNSUPPORTED, name + ": shape depends on the data");
  }
  if (port.get_shape().size() > ASSAY_MAX_RANK) {
    throw Failure(ASSAY_UNSUPPORTED, name + ": rank above " + std::to_string(ASSAY_MAX_RANK));
  }
  return {name, dtype_of(port.get_element_type()), port.get_element_type(), port.get_shape()};
}

// A port may have several names; the manifest tells which of them is the model's.
std::vector<Tensor> describe_all(const std::vector<ov::Output<const ov::Node>>& ports,
                                 const std::vector<std::string>& names, const char* what) {
  if (ports.size() != names.size()) {
    throw Failure(ASSAY_INVALID, std::string("manifest.json: ") + std::to_string(names.size()) +
                                     " " + what + "s, but the blob has " +
                                     std::to_string(ports.size()));
  }
  std::vector<Tensor> tensors;
  for (size_t i = 0; i < ports.size(); ++i) {
    if (!ports[i].get_names().contains(names[i])) {
      throw Failure(ASSAY_INVALID, std::string("manifest.json: ") + what + " " + names[i] +
                                       " is not that of the blob");
    }
    tensors.push_back(describe(ports[i], names[i]));
  }
  return tensors;
}

}  // namespace

const std::string& runtime_version() {
  static const std::string version = [] {
    const std::string build = ov::get_openvino_version().buildNumber;
    return build.substr(0, build.find('-'));
  }();
  return version;
}

Engine::Engine(const assay_engine_options& options) : dir_(options.engine_dir) {
  check_library(options.library);
  if (std::strcmp(options.device, "cpu") != 0) {
    throw Failure(ASSAY_UNSUPPORTED, std::string("device ") + options.device + ": only cpu");
  }
  if (options.threads < 1) throw Failure(ASSAY_INVALID, "threads must be 1 or more");
  const Manifest manifest = read_manifest(options);
  properties_ = properties_for(manifest, options.threads);
  own_names_ = read_own_names(dir_);
  compiled_ = import_blob(properties_);
  const int threads = compiled_.get_property(ov::inference_num_threads);
  if (threads != options.threads) {
    throw Failure(ASSAY_FAILED, "OpenVINO uses " + std::to_string(threads) +
                                    " threads, asked for " + std::to_string(options.threads) +
                                    ": give the process at least as many CPUs");
  }
  inputs_ = describe_all(compiled_.inputs(), manifest.inputs, "input");
  outputs_ = describe_all(compiled_.outputs(), manifest.outputs, "output");
}

ov::CompiledModel Engine::import_blob(const ov::AnyMap& properties) {
  const auto path = dir_ / "model.blob";
  std::ifstream in(path, std::ios::binary);
  if (!in || !std::filesystem::is_regular_file(path)) {
    throw Failure(ASSAY_INVALID, path.string() + ": no such file");
  }
  try {
    return core_.import_model(in, "CPU", properties);
  } catch (const std::exception& error) {
    throw Failure(ASSAY_INVALID, path.string() + ": OpenVINO cannot import it: " + error.what());
  }
}

ov::CompiledModel Engine::model_for_context() {
  const std::lock_guard lock(mutex_);
  if (first_taken_) return import_blob(properties_);
  first_taken_ = true;
  return compiled_;
}

ov::CompiledModel Engine::profiled_model() {
  const std::lock_guard lock(mutex_);
  ov::AnyMap properties = properties_;
  properties.insert(ov::enable_profiling(true));
  return import_blob(properties);
}

std::vector<Engine::Layer> Engine::layers_of(const ov::CompiledModel& model) const {
  struct Row {
    int order;
    std::string node, type, primitive, precision, fused;
    auto operator<=>(const Row&) const = default;
  };
  std::vector<Row> rows;
  for (const auto& node : model.get_runtime_model()->get_ordered_ops()) {
    const auto& info = node->get_rt_info();
    const auto text = [&info](const char* key) { return info.at(key).as<std::string>(); };
    const std::string type = text("layerType");
    // These hold or hand over data and execute nothing.
    if (type == "Const" || type == "Input" || type == "Output") continue;
    rows.push_back({std::stoi(text("execOrder")), node->get_friendly_name(), type,
                    text("primitiveType"), text("runtimePrecision"), text("originalLayersNames")});
  }
  std::sort(rows.begin(), rows.end());
  Renamer renamer(own_names_);
  std::vector<Layer> layers;
  for (const Row& row : rows) {
    const std::string layer = renamer.layer(row.node);  // in execution order
    layers.push_back({row.node, row.fused, layer, row.type + ":" + row.primitive,
                      precision_text(row.precision), renamer.origin(row.fused)});
  }
  return layers;
}

void Engine::kernel_map(const std::function<void(const assay_kernel&)>& sink) const {
  int ordinal = 0;
  for (const Layer& row : layers_of(compiled_)) {
    sink({sizeof(assay_kernel), ordinal++, row.layer.c_str(), row.kernel.c_str(), "",
          row.precision.c_str(), row.origin.c_str()});
  }
}

ov::Output<ov::Node> Engine::find_output(ov::Model& model, const std::string& name) const {
  const auto ops = model.get_ordered_ops();
  for (const auto& op : ops) {
    for (const auto& port : op->outputs()) {
      if (port.get_names().contains(name)) return port;
    }
  }
  for (const Layer& layer : layers_of(compiled_)) {
    if (layer.layer != name) continue;
    // What a layer gives is what the last node fused into it gives.  A node that OpenVINO's passes
    // made (a change of layout) is not in the model: its tensor cannot be asked for.
    const std::string last = layer.fused.substr(layer.fused.rfind(',') + 1);
    for (const auto& op : ops) {
      if (!last.empty() && op->get_friendly_name() == last && op->get_output_size() > 0) {
        return op->output(0);
      }
    }
    throw Failure(ASSAY_UNSUPPORTED, "layer " + name +
                                         ": OpenVINO made it, the model has no such "
                                         "tensor");
  }
  throw Failure(ASSAY_INVALID, "the model has no tensor or layer " + name);
}

Engine::Probe& Engine::probe(const std::string& name) {
  const std::lock_guard lock(mutex_);
  auto& entry = probes_[name];
  if (entry != nullptr) return *entry;
  const auto path = dir_ / "model.xml";
  if (!std::filesystem::is_regular_file(path)) {
    throw Failure(ASSAY_UNSUPPORTED,
                  "the engine carries no model: build it with the option keep_model=true");
  }
  const auto model = core_.read_model(path.string());
  const ov::Output<ov::Node> port = find_output(*model, name);
  size_t index = 0;
  while (index < model->outputs().size() &&
         model->output(index).get_node_shared_ptr()->input_value(0) != port) {
    ++index;
  }
  if (index == model->outputs().size()) model->add_output(port);
  auto made = std::make_unique<Probe>();
  made->model = core_.compile_model(model, "CPU", properties_);
  made->output = index;
  made->tensor = describe(made->model.output(index), name);
  made->request = made->model.create_infer_request();
  entry = std::move(made);
  return *entry;
}

Context::Context(Engine& engine, int slots)
    : engine_(engine), model_(engine.model_for_context()), slots_(slots) {
  for (Slot& slot : slots_) slot.request = model_.create_infer_request();
}

void Context::bind(int slot, void* const* inputs, void* const* outputs) {
  if (slot < 0 || slot >= static_cast<int>(slots_.size())) {
    throw Failure(ASSAY_INVALID,
                  "slot " + std::to_string(slot) + " of " + std::to_string(slots_.size()));
  }
  Slot& target = slots_[slot];
  target.bound = false;
  for (size_t i = 0; i < engine_.inputs().size(); ++i) {
    const Tensor& tensor = engine_.inputs()[i];
    target.request.set_input_tensor(i, ov::Tensor(tensor.type, tensor.shape, inputs[i]));
  }
  for (size_t i = 0; i < engine_.outputs().size(); ++i) {
    const Tensor& tensor = engine_.outputs()[i];
    target.request.set_output_tensor(i, ov::Tensor(tensor.type, tensor.shape, outputs[i]));
    if (target.request.get_output_tensor(i).data() != outputs[i]) {
      throw Failure(ASSAY_FAILED, "output " + tensor.name + ": OpenVINO does not take the buffer");
    }
  }
  target.bound = true;
}

const Tensor& Context::tensor_read(int slot, const std::string& name, void* data, size_t bytes) {
  ov::InferRequest* const source = bound(slot);
  if (source == nullptr) throw Failure(ASSAY_INVALID, "slot is not bound");
  Engine::Probe& probe = engine_.probe(name);
  if (data == nullptr) return probe.tensor;
  for (size_t i = 0; i < engine_.inputs().size(); ++i) {
    probe.request.set_input_tensor(i, source->get_input_tensor(i));
  }
  probe.request.infer();
  const ov::Tensor value = probe.request.get_output_tensor(probe.output);
  if (bytes < value.get_byte_size()) {
    throw Failure(ASSAY_INVALID, name + ": needs " + std::to_string(value.get_byte_size()) +
                                     " bytes, the buffer has " + std::to_string(bytes));
  }
  std::memcpy(data, value.data(), value.get_byte_size());
  return probe.tensor;
}

namespace {

// Microseconds that OpenVINO counted in each node of `request`'s model over `runs` runs.
std::map<std::string, int64_t> counted_us(const ov::InferRequest& request, int64_t runs) {
  std::map<std::string, int64_t> counted;
  for (const ov::ProfilingInfo& info : request.get_profiling_info()) {
    counted[info.node_name] += info.real_time.count() * runs;  // told: the mean, rounded down
  }
  return counted;
}

}  // namespace

void Context::layer_times(int slot, int runs,
                          const std::function<void(int, const assay_layer_time&)>& sink) {
  constexpr int64_t kWarmup = 5;
  ov::InferRequest* const source = bound(slot);
  if (source == nullptr) throw Failure(ASSAY_INVALID, "slot is not bound");
  if (runs < 1) throw Failure(ASSAY_INVALID, "runs must be 1 or more");
  ov::CompiledModel model = engine_.profiled_model();
  ov::InferRequest request = model.create_infer_request();
  for (size_t i = 0; i < engine_.inputs().size(); ++i) {
    request.set_input_tensor(i, source->get_input_tensor(i));
  }
  for (int64_t i = 0; i < kWarmup; ++i) request.infer();
  const auto before = counted_us(request, kWarmup);
  int64_t whole_ns = 0;
  for (int i = 0; i < runs; ++i) {
    const auto begin = std::chrono::steady_clock::now();
    request.infer();
    const auto end = std::chrono::steady_clock::now();
    whole_ns += std::chrono::duration_cast<std::chrono::nanoseconds>(end - begin).count();
  }
  const auto after = counted_us(request, kWarmup + runs);
  int ordinal = 0;
  for (const Engine::Layer& layer : engine_.layers_of(model)) {
    const auto a = before.find(layer.node), b = after.find(layer.node);
    const int64_t us = b == after.end() ? 0 : b->second - (a == before.end() ? 0 : a->second);
    // Whole microseconds: the counters carry no more.
    sink(0, {sizeof(assay_layer_time), ordinal++, layer.layer.c_str(), layer.kernel.c_str(),
             std::max<int64_t>(us, 0) / runs * 1000});
  }
  sink(0, {sizeof(assay_layer_time), -1, "", "", whole_ns / runs / 1000 * 1000});
}

}  // namespace assay::openvino
