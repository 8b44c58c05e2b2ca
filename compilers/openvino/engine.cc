// SPDX-License-Identifier: Apache-2.0
#include "engine.h"

#include <algorithm>
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
  compiled_ = import_blob();
  const int threads = compiled_.get_property(ov::inference_num_threads);
  if (threads != options.threads) {
    throw Failure(ASSAY_FAILED, "OpenVINO uses " + std::to_string(threads) +
                                    " threads, asked for " + std::to_string(options.threads) +
                                    ": give the process at least as many CPUs");
  }
  inputs_ = describe_all(compiled_.inputs(), manifest.inputs, "input");
  outputs_ = describe_all(compiled_.outputs(), manifest.outputs, "output");
}

ov::CompiledModel Engine::import_blob() {
  const auto path = dir_ / "model.blob";
  std::ifstream in(path, std::ios::binary);
  if (!in || !std::filesystem::is_regular_file(path)) {
    throw Failure(ASSAY_INVALID, path.string() + ": no such file");
  }
  try {
    return core_.import_model(in, "CPU", properties_);
  } catch (const std::exception& error) {
    throw Failure(ASSAY_INVALID, path.string() + ": OpenVINO cannot import it: " + error.what());
  }
}

ov::CompiledModel Engine::model_for_context() {
  const std::lock_guard lock(mutex_);
  if (first_taken_) return import_blob();
  first_taken_ = true;
  return compiled_;
}

void Engine::kernel_map(const std::function<void(const assay_kernel&)>& sink) const {
  struct Row {
    int order;
    std::string layer, type, primitive, precision, origin;
    auto operator<=>(const Row&) const = default;
  };
  std::vector<Row> rows;
  for (const auto& node : compiled_.get_runtime_model()->get_ordered_ops()) {
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
  int ordinal = 0;
  for (const Row& row : rows) {
    const std::string layer = renamer.layer(row.layer);
    const std::string kernel = row.type + ":" + row.primitive;
    const std::string precision = precision_text(row.precision);
    const std::string origin = renamer.origin(row.origin);
    sink({sizeof(assay_kernel), ordinal++, layer.c_str(), kernel.c_str(), "", precision.c_str(),
          origin.c_str()});
  }
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
  const auto outputs = model->outputs();
  const bool is_output = std::any_of(outputs.begin(), outputs.end(), [&](const auto& port) {
    return port.get_names().contains(name);
  });
  if (!is_output) {
    try {
      model->add_output(name);
    } catch (const std::exception&) {
      throw Failure(ASSAY_INVALID, "the model has no tensor " + name);
    }
  }
  auto made = std::make_unique<Probe>();
  made->model = core_.compile_model(model, "CPU", properties_);
  made->tensor = describe(made->model.output(name), name);
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
  const ov::Tensor value = probe.request.get_tensor(probe.model.output(name));
  if (bytes < value.get_byte_size()) {
    throw Failure(ASSAY_INVALID, name + ": needs " + std::to_string(value.get_byte_size()) +
                                     " bytes, the buffer has " + std::to_string(bytes));
  }
  std::memcpy(data, value.data(), value.get_byte_size());
  return probe.tensor;
}

}  // namespace assay::openvino
