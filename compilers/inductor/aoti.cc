// SPDX-License-Identifier: Apache-2.0
#include "aoti.h"

#include <dlfcn.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>
#include <utility>

namespace assay::aoti {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

struct Type {
  assay_dtype dtype;
  size_t bytes;
  const char* function;  // libtorch's number of the type
};

const std::map<std::string, Type>& types() {
  static const std::map<std::string, Type> table = {
      {"float32", {ASSAY_F32, 4, "aoti_torch_dtype_float32"}},
      {"float64", {ASSAY_F64, 8, "aoti_torch_dtype_float64"}},
      {"float16", {ASSAY_F16, 2, "aoti_torch_dtype_float16"}},
      {"int64", {ASSAY_I64, 8, "aoti_torch_dtype_int64"}},
      {"int32", {ASSAY_I32, 4, "aoti_torch_dtype_int32"}},
      {"int8", {ASSAY_I8, 1, "aoti_torch_dtype_int8"}},
      {"uint8", {ASSAY_U8, 1, "aoti_torch_dtype_uint8"}},
      {"bool", {ASSAY_BOOL, 1, "aoti_torch_dtype_bool"}}};
  return table;
}

Expected<std::vector<Tensor>> tensors_of(const Json& list) {
  std::vector<Tensor> made;
  for (const Json& told : list) {
    Tensor tensor;
    tensor.name = told.at("name").get<std::string>();
    const auto type = types().find(told.at("dtype").get<std::string>());
    tensor.shape = told.at("shape").get<std::vector<int64_t>>();
    if (type == types().end() || tensor.shape.size() > ASSAY_MAX_RANK)
      return fail(ASSAY_UNSUPPORTED, "tensor " + tensor.name + ": its type or rank is not known");
    tensor.dtype = type->second.dtype;
    tensor.bytes = type->second.bytes;
    for (int64_t extent : tensor.shape)
      if (extent < 0 ||
          __builtin_mul_overflow(tensor.bytes, static_cast<size_t>(extent), &tensor.bytes))
        return fail(ASSAY_INVALID, "tensor " + tensor.name + ": its extents are not possible");
    made.push_back(std::move(tensor));
  }
  return made;
}

Expected<Json> read_json(const fs::path& path) {
  std::ifstream file(path);
  Json read = Json::parse(file, nullptr, false);
  if (!read.is_object()) return fail(ASSAY_INVALID, path.string() + ": not there, or no JSON");
  return read;
}

// The version in version.py beside the lib folder of the package torch; "" when it is not told.
std::string version_beside(const std::string& library) {
  std::ifstream file(fs::path(library).parent_path().parent_path() / "version.py");
  const std::string mark = "__version__ = '";
  for (std::string line; std::getline(file, line);)
    if (line.compare(0, mark.size(), mark) == 0)
      return line.substr(mark.size(), line.rfind('\'') - mark.size());
  return {};
}

std::vector<int64_t> dense_strides(const std::vector<int64_t>& shape) {
  std::vector<int64_t> strides(shape.size());
  int64_t step = 1;
  for (size_t i = shape.size(); i-- > 0;) {
    strides[i] = step;
    step *= shape[i];
  }
  return strides;
}

}  // namespace

// As torch/csrc/inductor/aoti_torch/c/shim.h and aoti_runtime/interface.h of torch 2.11 declare
// them; 0 is success, a handle is a pointer, `stream` and `proxy` are not used on a CPU.
struct Functions {
  int (*from_blob)(void*, int64_t, const int64_t*, const int64_t*, int64_t, int32_t, int32_t,
                   int32_t, void**) = nullptr;
  int (*new_handle)(void*, void**) = nullptr;
  int (*drop)(void*) = nullptr;
  int (*data)(void*, void**) = nullptr;
  int (*numel)(void*, int64_t*) = nullptr;
  int (*dtype)(void*, int32_t*) = nullptr;
  int (*is_contiguous)(void*, bool*) = nullptr;
  int32_t (*cpu)() = nullptr;
  void (*set_threads)(int) = nullptr;
  std::map<assay_dtype, int32_t> numbers;  // of the element types

  int (*create)(void**, size_t, const char*, const char*) = nullptr;
  int (*destroy)(void*) = nullptr;
  int (*run)(void*, void**, size_t, void**, size_t, void* stream, void* proxy) = nullptr;
  int (*count_inputs)(void*, size_t*) = nullptr;
  int (*count_outputs)(void*, size_t*) = nullptr;
};

Expected<std::unique_ptr<Engine>> Engine::open(const assay_engine_options& options) {
  std::unique_ptr<Engine> engine(new Engine);
  if (auto done = engine->read(options); !done) return tl::unexpected(done.error());
  if (auto done = engine->load(options); !done) return tl::unexpected(done.error());
  return engine;
}

Engine::~Engine() = default;  // the libraries stay: torch cannot be unloaded

Outcome Engine::read(const assay_engine_options& options) {
  folder_ = fs::absolute(options.engine_dir).string();
  const auto manifest = read_json(fs::path(folder_) / "manifest.json");
  if (!manifest) return tl::unexpected(manifest.error());
  const std::string built = manifest->at("precision").get<std::string>();
  if (built != options.precision)
    return fail(ASSAY_INVALID,
                "the engine was built for " + built + ", asked to run as " + options.precision);
  for (int32_t i = 0; i < options.n_options; ++i)
    if (!manifest->at("options").contains(options.options[i].key))
      return fail(ASSAY_INVALID, std::string("unknown option ") + options.options[i].key);
  std::map<std::string, uintmax_t> sizes;
  for (const Json& file : manifest->at("files"))
    sizes[file.at("path").get<std::string>()] = file.at("bytes").get<uintmax_t>();
  for (const char* name : {"model.so", "kernels.json"}) {
    std::error_code error;
    const uintmax_t size = fs::file_size(fs::path(folder_) / name, error);
    const auto told = sizes.find(name);
    if (told == sizes.end() || error || size != told->second)
      return fail(ASSAY_INVALID, folder_ + ": no engine of this compiler for a CPU, or its " +
                                     name + " is not as long as the manifest says");
  }
  auto inputs = tensors_of(manifest->at("inputs"));
  if (!inputs) return tl::unexpected(inputs.error());
  auto outputs = tensors_of(manifest->at("outputs"));
  if (!outputs) return tl::unexpected(outputs.error());
  inputs_ = std::move(*inputs);
  outputs_ = std::move(*outputs);
  const auto kernels = read_json(fs::path(folder_) / "kernels.json");
  if (!kernels) return tl::unexpected(kernels.error());
  for (const Json& line : kernels->at("kernels"))
    kernels_.push_back({line.value("layer", ""), line.value("kernel", ""),
                        line.value("precision", ""), line.value("origin", "")});
  return {};
}

Outcome Engine::load(const assay_engine_options& options) {
  if (options.threads < 1) return fail(ASSAY_INVALID, "threads must be at least 1");
  functions_ = std::make_unique<Functions>();
  Functions& f = *functions_;
  const char* absent = nullptr;
  void* from = nullptr;
  const auto take = [&](const char* name, auto& function) {
    function = reinterpret_cast<std::remove_reference_t<decltype(function)>>(dlsym(from, name));
    if (function == nullptr && absent == nullptr) absent = name;
  };
  const auto open = [](const std::string& path) -> Expected<void*> {
    if (void* handle = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL)) return handle;
    const char* said = dlerror();
    return fail(ASSAY_MISSING, path + ": " + (said != nullptr ? said : "cannot be loaded"));
  };
  const auto torch = open(options.library);
  if (!torch) return tl::unexpected(torch.error());
  from = *torch;
  version_ = version_beside(options.library);
  take("aoti_torch_create_tensor_from_blob", f.from_blob);
  take("aoti_torch_new_tensor_handle", f.new_handle);
  take("aoti_torch_delete_tensor_object", f.drop);
  take("aoti_torch_get_data_ptr", f.data);
  take("aoti_torch_get_numel", f.numel);
  take("aoti_torch_get_dtype", f.dtype);
  take("aoti_torch_is_contiguous", f.is_contiguous);
  take("aoti_torch_device_type_cpu", f.cpu);
  take("_ZN2at15set_num_threadsEi", f.set_threads);
  for (const auto& [name, type] : types()) {
    int32_t (*number)() = nullptr;
    take(type.function, number);
    if (number != nullptr) f.numbers[type.dtype] = number();
  }
  if (absent != nullptr)
    return fail(ASSAY_MISSING,
                std::string(options.library) + " has no " + absent + ": torch 2.11 is known");
  f.set_threads(options.threads);
  auto model = open(folder_ + "/model.so");
  if (!model) return fail(ASSAY_INVALID, model.error().text);
  from = *model;
  take("AOTInductorModelContainerCreateWithDevice", f.create);
  take("AOTInductorModelContainerDelete", f.destroy);
  take("AOTInductorModelContainerRunSingleThreaded", f.run);
  take("AOTInductorModelContainerGetNumInputs", f.count_inputs);
  take("AOTInductorModelContainerGetNumOutputs", f.count_outputs);
  if (absent != nullptr) return fail(ASSAY_INVALID, "model.so has no " + std::string(absent));
  return {};
}

Expected<std::unique_ptr<Context>> Engine::context(int32_t slots) const {
  std::unique_ptr<Context> context(new Context(*this));
  const Functions& f = *functions_;
  if (f.create(&context->container_, 1, "cpu", nullptr) != 0)
    return fail(ASSAY_FAILED, "torch makes no container of model.so: see the log");
  size_t inputs = 0, outputs = 0;
  if (f.count_inputs(context->container_, &inputs) != 0 ||
      f.count_outputs(context->container_, &outputs) != 0 || inputs != inputs_.size() ||
      outputs != outputs_.size())
    return fail(ASSAY_INVALID, "model.so has other inputs or outputs than the manifest says");
  context->slots_.resize(static_cast<size_t>(slots));
  context->given_.resize(inputs);
  context->made_.resize(outputs);
  return context;
}

Context::~Context() {
  for (Slot& slot : slots_) release(slot);
  if (container_ != nullptr) engine_.functions_->destroy(container_);
}

void Context::release(Slot& slot) {
  for (void* tensor : slot.inputs) engine_.functions_->drop(tensor);
  slot = Slot();
}

Outcome Context::bind(int32_t number, void* const* inputs, void* const* outputs) {
  if (number < 0 || static_cast<size_t>(number) >= slots_.size())
    return fail(ASSAY_INVALID, "no such slot");
  const Functions& f = *engine_.functions_;
  Slot& slot = slots_[static_cast<size_t>(number)];
  release(slot);
  for (size_t i = 0; i < engine_.inputs_.size(); ++i) {
    const Tensor& tensor = engine_.inputs_[i];
    const auto strides = dense_strides(tensor.shape);
    void* made = nullptr;
    if (f.from_blob(inputs[i], static_cast<int64_t>(tensor.shape.size()), tensor.shape.data(),
                    strides.data(), 0, f.numbers.at(tensor.dtype), f.cpu(), 0, &made) != 0)
      return fail(ASSAY_FAILED, "torch makes no tensor of input " + tensor.name);
    slot.inputs.push_back(made);
  }
  slot.outputs.assign(outputs, outputs + engine_.outputs_.size());
  // Once now: what runs first folds constants and packs weights; and the outputs are looked at.
  if (launch(slot) != 0) return fail(ASSAY_FAILED, "the first inference failed: see the log");
  const Outcome checked = check_outputs();
  drop_outputs();
  if (!checked) return checked;
  slot.bound = true;
  return {};
}

// What run copies blindly: dense tensors of the manifest's size and type.
Outcome Context::check_outputs() {
  const Functions& f = *engine_.functions_;
  for (size_t i = 0; i < made_.size(); ++i) {
    const Tensor& tensor = engine_.outputs_[i];
    int64_t count = 1, seen = 0;
    for (int64_t extent : tensor.shape) count *= extent;
    int32_t type = -1;
    bool dense = false;
    if (f.numel(made_[i], &seen) != 0 || f.dtype(made_[i], &type) != 0 ||
        f.is_contiguous(made_[i], &dense) != 0 || seen != count || !dense ||
        type != f.numbers.at(tensor.dtype))
      return fail(ASSAY_INVALID, "output " + tensor.name + " is not what the manifest says");
  }
  return {};
}

// Leaves the outputs in made_.
int Context::launch(const Slot& slot) noexcept {
  const Functions& f = *engine_.functions_;
  // A run takes its input handles away; what they point to stays.
  for (size_t i = 0; i < given_.size(); ++i)
    if (f.new_handle(slot.inputs[i], &given_[i]) != 0) return 1;
  return f.run(container_, given_.data(), given_.size(), made_.data(), made_.size(), nullptr,
               nullptr);
}

void Context::drop_outputs() noexcept {
  for (void* tensor : made_) engine_.functions_->drop(tensor);
}

assay_status Context::run(int32_t number) noexcept {
  if (number < 0 || static_cast<size_t>(number) >= slots_.size() ||
      !slots_[static_cast<size_t>(number)].bound) {
    error_ = "slot is not bound";
    return ASSAY_INVALID;
  }
  const Slot& slot = slots_[static_cast<size_t>(number)];
  if (launch(slot) != 0) {
    error_ = "the inference failed: torch's own words are in the log";
    return ASSAY_FAILED;
  }
  bool good = true;
  for (size_t i = 0; i < made_.size(); ++i) {
    void* data = nullptr;
    good = engine_.functions_->data(made_[i], &data) == 0 && good;
    if (good) std::memcpy(slot.outputs[i], data, engine_.outputs_[i].bytes);
  }
  drop_outputs();
  if (good) return ASSAY_OK;
  error_ = "an output has no memory";
  return ASSAY_FAILED;
}

}  // namespace assay::aoti
