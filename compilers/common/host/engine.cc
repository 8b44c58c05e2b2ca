// SPDX-License-Identifier: Apache-2.0
#include "engine.h"

#include <dlfcn.h>

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <utility>

namespace assay::host {
namespace {

namespace fs = std::filesystem;

const std::map<std::string, std::pair<assay_dtype, size_t>>& types() {
  static const std::map<std::string, std::pair<assay_dtype, size_t>> table = {
      {"float32", {ASSAY_F32, 4}},  {"uint8", {ASSAY_U8, 1}},   {"int8", {ASSAY_I8, 1}},
      {"uint16", {ASSAY_U16, 2}},   {"int16", {ASSAY_I16, 2}},  {"int32", {ASSAY_I32, 4}},
      {"int64", {ASSAY_I64, 8}},    {"bool", {ASSAY_BOOL, 1}},  {"float16", {ASSAY_F16, 2}},
      {"float64", {ASSAY_F64, 8}},  {"uint32", {ASSAY_U32, 4}}, {"uint64", {ASSAY_U64, 8}},
      {"bfloat16", {ASSAY_BF16, 2}}};
  return table;
}

Expected<std::vector<Tensor>> tensors_of(const Json& answer, const char* key) {
  std::vector<Tensor> list;
  for (const Json& told : answer.at(key)) {
    Tensor tensor;
    tensor.name = told.at("name").get<std::string>();
    const auto type = types().find(told.at("dtype").get<std::string>());
    tensor.shape = told.at("shape").get<std::vector<int64_t>>();
    if (type == types().end() || tensor.shape.size() > ASSAY_MAX_RANK)
      return fail(ASSAY_UNSUPPORTED, "tensor " + tensor.name + ": its type or rank is not known");
    tensor.dtype = type->second.first;
    tensor.bytes = type->second.second;
    for (int64_t extent : tensor.shape) {
      if (extent < 0 ||
          __builtin_mul_overflow(tensor.bytes, static_cast<size_t>(extent), &tensor.bytes))
        return fail(ASSAY_INVALID, "tensor " + tensor.name + ": its extents are not possible");
    }
    list.push_back(std::move(tensor));
  }
  return list;
}

}  // namespace

Expected<std::string> compilers_folder(const std::string& compiler) {
  std::vector<fs::path> places;
  if (const char* share = std::getenv("ASSAY_SHARE"); share != nullptr && *share != '\0')
    places.emplace_back(fs::path(share) / "compilers");
  Dl_info here{};
  if (dladdr(reinterpret_cast<const void*>(&compilers_folder), &here) != 0 &&
      here.dli_fname != nullptr) {
    const fs::path folder = fs::absolute(here.dli_fname).parent_path();
    places.emplace_back(folder / "../share/assay/compilers");
    places.emplace_back(folder / "../../../compilers");  // build/PRESET/lib of a source tree
  }
  places.emplace_back(ASSAY_COMPILERS_DIR);
  std::error_code ignored;
  for (const fs::path& place : places)
    if (fs::is_regular_file(place / compiler / "host.py", ignored))
      return place.lexically_normal().string();
  return fail(ASSAY_MISSING, "compilers/" + compiler +
                                 "/host.py is not here: set ASSAY_SHARE to the folder that holds "
                                 "compilers/");
}

Expected<std::unique_ptr<Engine>> Engine::open(const std::string& compiler,
                                               const std::string& decides_at,
                                               const assay_engine_options& options) {
  static std::atomic<int64_t> engines{0};
  std::unique_ptr<Engine> engine(new Engine);
  engine->compiler_ = compiler;
  engine->decides_at_ = decides_at;
  engine->number_ = ++engines;
  if (auto done = engine->load(options); !done) return tl::unexpected(done.error());
  return engine;
}

Outcome Engine::load(const assay_engine_options& options) {
  const std::string device(options.device);
  const auto number = device_number(device);
  if (!number) return tl::unexpected(number.error());
  const auto environment = environment_of(options.library);
  if (!environment) return tl::unexpected(environment.error());
  const auto folder = compilers_folder(compiler_);
  if (!folder) return tl::unexpected(folder.error());
  auto python = Python::start(*environment, {*folder + "/" + compiler_, *folder + "/common"});
  if (!python) return tl::unexpected(python.error());
  python_ = *python;
  const auto loaded = python_->ask(question("load"));
  if (!loaded) return tl::unexpected(loaded.error());
  version_ = loaded->at("version").get<std::string>();
  // The primary context is the one that the compiler's own CUDA runtime uses in this thread.
  const auto cuda = open_cuda();
  if (!cuda) return tl::unexpected(cuda.error());
  cuda_ = *cuda;
  const auto context = open_device(*cuda_, *number);
  if (!context) return tl::unexpected(context.error());
  device_ = *context;
  Json asked = question("open");
  asked["engine_dir"] = options.engine_dir;
  asked["device"] = device;
  asked["precision"] = options.precision;
  asked["threads"] = options.threads;
  asked["options"] = Json::object();
  for (int32_t i = 0; i < options.n_options; ++i)
    asked["options"][options.options[i].key] = options.options[i].value;
  const auto opened = python_->ask(asked);
  if (!opened) return tl::unexpected(opened.error());
  opened_ = true;
  auto inputs = tensors_of(*opened, "inputs");
  if (!inputs) return tl::unexpected(inputs.error());
  auto outputs = tensors_of(*opened, "outputs");
  if (!outputs) return tl::unexpected(outputs.error());
  inputs_ = std::move(*inputs);
  outputs_ = std::move(*outputs);
  return {};
}

Engine::~Engine() {
  if (opened_) static_cast<void>(python_->ask(question("close")));
}

Expected<std::unique_ptr<Context>> Engine::context(int32_t slots) {
  const auto made = python_->ask(question("context"));
  if (!made) return tl::unexpected(made.error());
  Json asked = question("enqueue");
  asked["context"] = made->at("context");
  const auto enqueue = [this, asked](CuHandle stream, const Places& places) -> Outcome {
    Json now = asked;
    now["stream"] = reinterpret_cast<uintptr_t>(stream);
    now["inputs"] = places.inputs;
    now["outputs"] = places.outputs;
    const auto done = python_->ask(now);
    if (!done) return tl::unexpected(done.error());
    return {};
  };
  return Context::create(*cuda_, device_, inputs_, outputs_, slots, enqueue);
}

Expected<const std::vector<Kernel>*> Engine::kernel_map() {
  const auto told = python_->ask(question("kernel_map"));
  if (!told) return tl::unexpected(told.error());
  std::vector<Kernel> kernels;
  for (const Json& line : told->at("kernels"))
    kernels.push_back({line.value("layer", ""), line.value("kernel", ""),
                       line.value("precision", ""), line.value("origin", "")});
  kernel_maps_.push_back(std::move(kernels));
  return &kernel_maps_.back();
}

Outcome Engine::layer_times(const Context& context, int32_t slot, int32_t runs,
                            assay_layer_time_sink sink, void* user) {
  Json asked = question("layer_times");
  asked["stream"] = reinterpret_cast<uintptr_t>(context.stream());
  asked["inputs"] = context.places(slot).inputs;
  asked["outputs"] = context.places(slot).outputs;
  asked["runs"] = runs;
  const auto told = python_->ask(asked, [&context] { return context.wait(); });
  if (!told) return tl::unexpected(told.error());
  int32_t run = 0;
  for (const Json& lines : told->at("runs")) {
    for (const Json& line : lines) {
      const auto layer = line.at(1).get<std::string>(), kernel = line.at(2).get<std::string>();
      const assay_layer_time time{sizeof(assay_layer_time), line.at(0).get<int32_t>(),
                                  layer.c_str(), kernel.c_str(), line.at(3).get<int64_t>()};
      sink(user, run, &time);
    }
    ++run;
  }
  return {};
}

}  // namespace assay::host
