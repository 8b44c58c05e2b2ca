// SPDX-License-Identifier: Apache-2.0
#include "ort_probe.h"

#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <system_error>

namespace assay::ort {
namespace {

using Json = nlohmann::json;

std::string text_of(const Json& object, const char* key) {
  auto at = object.find(key);
  return at != object.end() && at->is_string() ? at->get<std::string>() : std::string();
}

// Name of the first element type in a list like [{"float": [1, 2]}]; "" when there is none.
std::string first_type(const Json& args, const char* key) {
  auto list = args.find(key);
  if (list == args.end() || !list->is_array()) return "";
  for (const Json& entry : *list) {
    if (entry.is_object() && !entry.empty()) return entry.begin().key();
  }
  return "";
}

std::string precision_of(const Json& args) {
  std::string type = first_type(args, "output_type_shape");
  if (type.empty()) type = first_type(args, "input_type_shape");
  if (type == "float") return "fp32";
  if (type == "float16") return "fp16";
  if (type == "bfloat16") return "bf16";
  if (type == "double") return "fp64";
  return type;
}

// Folder that goes with everything in it.
class ScratchFolder {
 public:
  ScratchFolder() {
    const char* parent = std::getenv("TMPDIR");
    path_ =
        std::string(parent != nullptr && *parent != '\0' ? parent : "/tmp") + "/assay-ort-XXXXXX";
    if (mkdtemp(path_.data()) == nullptr) path_.clear();
  }
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;
  ~ScratchFolder() {
    std::error_code ignored;
    if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
  }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

// Runs `session` on zeros; the outputs are ONNX Runtime's own.
Status run_on_zeros(const Library& library, const Session& session) {
  std::vector<std::vector<char>> buffers;
  std::vector<Owned<OrtValue>> values;
  std::vector<const OrtValue*> inputs;
  for (const Tensor& tensor : session.inputs()) {
    buffers.emplace_back(tensor.bytes + 1);  // never an empty buffer
    auto value = make_value(library, tensor, buffers.back().data());
    if (!value) return tl::unexpected(value.error());
    inputs.push_back(value->get());
    values.push_back(std::move(*value));
  }
  size_t n_outputs = session.outputs().size();
  std::vector<OrtValue*> outputs(n_outputs, nullptr);
  OrtStatus* status =
      library.api->Run(session.get(), nullptr, session.input_names(), inputs.data(), inputs.size(),
                       session.output_names(), n_outputs, outputs.data());
  for (OrtValue* output : outputs) {
    if (output != nullptr) library.api->ReleaseValue(output);
  }
  return check(library, status, "run on zeros");
}

}  // namespace

namespace {

constexpr std::string_view kKernelSuffix = "_kernel_time";

// The event's kernel, or false when it is of another kind.
bool kernel_of(const Json& event, const OnnxFacts& facts, Kernel* kernel) {
  if (!event.is_object() || text_of(event, "cat") != "Node") return false;
  std::string name = text_of(event, "name");
  auto args = event.find("args");
  if (!name.ends_with(kKernelSuffix) || args == event.end() || !args->is_object()) return false;
  kernel->layer = name.substr(0, name.size() - kKernelSuffix.size());
  std::string op = text_of(*args, "op_name");
  std::string provider = text_of(*args, "provider");
  if (size_t at = provider.find("ExecutionProvider"); at != std::string::npos) {
    provider.erase(at, std::strlen("ExecutionProvider"));
  }
  auto known = facts.operators.find({kernel->layer, op});
  kernel->kernel = provider + ":" + (known == facts.operators.end() ? op : known->second);
  kernel->precision = precision_of(*args);
  return true;
}

// A branch takes another way on other inputs: the run cannot be told by the kernel map.
tl::unexpected<Failure> other_kernels(size_t run, const std::string& at) {
  return fail(ASSAY_UNSUPPORTED, "run " + std::to_string(run) +
                                     " executes other kernels than the kernel map (at " + at +
                                     "): they depend on the input");
}

// Duration of an event in microseconds; -1 when it tells none.
int64_t duration_us(const Json& event) {
  auto at = event.find("dur");
  return at != event.end() && at->is_number_integer() ? at->get<int64_t>() : -1;
}

}  // namespace

Result<std::vector<Kernel>> parse_profile(std::string_view json, const OnnxFacts& facts) {
  Json events = Json::parse(json, nullptr, false);
  if (!events.is_array()) return fail(ASSAY_FAILED, "ONNX Runtime's profile is not a JSON list");
  std::vector<Kernel> kernels;
  for (const Json& event : events) {
    Kernel kernel;
    if (kernel_of(event, facts, &kernel)) kernels.push_back(std::move(kernel));
  }
  if (kernels.empty()) return fail(ASSAY_FAILED, "ONNX Runtime's profile lists no kernels");
  return kernels;
}

Result<std::vector<RunTimes>> parse_run_times(std::string_view json,
                                              const std::vector<Kernel>& kernels,
                                              const OnnxFacts& facts) {
  Json events = Json::parse(json, nullptr, false);
  if (!events.is_array()) return fail(ASSAY_FAILED, "ONNX Runtime's profile is not a JSON list");
  std::vector<RunTimes> runs;
  RunTimes run;
  for (const Json& event : events) {
    Kernel kernel;
    if (kernel_of(event, facts, &kernel)) {
      const size_t at = run.kernel_us.size();
      const int64_t us = duration_us(event);
      if (at >= kernels.size() || kernels[at].layer != kernel.layer) {
        return other_kernels(runs.size(), kernel.layer);
      }
      if (us < 0) return fail(ASSAY_FAILED, "ONNX Runtime's profile: an event without a duration");
      run.kernel_us.push_back(us);
    } else if (event.is_object() && text_of(event, "name") == "model_run") {  // its last event
      run.whole_us = duration_us(event);
      if (run.whole_us < 0)
        return fail(ASSAY_FAILED, "ONNX Runtime's profile: an event without a duration");
      if (run.kernel_us.size() != kernels.size()) {
        return other_kernels(runs.size(), "the end");
      }
      runs.push_back(std::move(run));
      run = {};
    }
  }
  return runs;
}

Result<std::string> profile_runs(const Library& library, std::string_view model, int threads,
                                 int runs, const std::function<Status(const Session&)>& run) {
  ScratchFolder folder;
  if (folder.path().empty()) {
    return fail(ASSAY_FAILED, "no scratch folder for the profile: check TMPDIR");
  }
  auto session = Session::open(library, model, threads, folder.path() + "/profile", false);
  if (!session) return tl::unexpected(session.error());
  for (int i = 0; i < runs; ++i) {
    if (auto done = run(*session); !done) return tl::unexpected(done.error());
  }
  char* name = nullptr;
  OrtStatus* status = library.api->SessionEndProfiling(session->get(), library.allocator, &name);
  if (auto done = check(library, status, "profile"); !done) return tl::unexpected(done.error());
  std::ifstream file(name, std::ios::binary);
  std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  OrtStatus* freed = library.api->AllocatorFree(library.allocator, name);
  if (freed != nullptr) library.api->ReleaseStatus(freed);
  return text;
}

Result<std::vector<Kernel>> profile_kernels(const Library& library, std::string_view model,
                                            int threads, const OnnxFacts& facts) {
  auto text = profile_runs(library, model, threads, 1,
                           [&](const Session& session) { return run_on_zeros(library, session); });
  if (!text) return tl::unexpected(text.error());
  return parse_profile(*text, facts);
}

Result<TensorProbe> TensorProbe::open(const Library& library, std::string_view model,
                                      const OnnxFacts& facts, int threads,
                                      const std::string& name) {
  std::string tensor = name;
  if (facts.outputs.count(name) == 0 && facts.tensors.count(name) == 0) {
    auto layer = facts.layer_outputs.find(name);
    if (layer == facts.layer_outputs.end()) {
      return fail(ASSAY_UNSUPPORTED, "tensor " + name +
                                         ": no layer of the engine writes it (fused away, or "
                                         "never in the model)");
    }
    tensor = layer->second;
  }
  std::string bytes(model);
  if (facts.outputs.count(tensor) == 0) bytes += output_fragment(tensor);
  auto session = Session::open(library, bytes, threads, "", true);
  if (!session) return tl::unexpected(session.error());
  if (facts.blocked.count(tensor) == 0) {
    return TensorProbe(library, std::move(*session), name, tensor);
  }
  // The blocked layout has its channels filled up to whole blocks: all of them are read.
  std::vector<int64_t> shape;
  for (const Tensor& output : session->outputs()) {
    if (output.name == tensor) shape = output.shape;
  }
  if (shape.size() != 4 || shape[1] <= 0) {
    return fail(ASSAY_UNSUPPORTED, "tensor " + tensor + ": lies in blocks of unknown extents");
  }
  const std::string plain = tensor + ":plain";
  if (facts.tensors.count(plain) > 0) {
    return fail(ASSAY_UNSUPPORTED, "tensor " + tensor + ": the name " + plain + " is taken");
  }
  bytes = std::string(model) + reorder_fragment(tensor, plain, shape[1]);
  session = Session::open(library, bytes, threads, "", true);
  if (!session) return tl::unexpected(session.error());
  return TensorProbe(library, std::move(*session), name, plain);
}

Status TensorProbe::read(void* const* inputs, Tensor* out, void* data, size_t data_bytes) const {
  std::vector<Owned<OrtValue>> values;
  std::vector<const OrtValue*> feeds;
  for (size_t i = 0; i < session_.inputs().size(); ++i) {
    auto value = make_value(*library_, session_.inputs()[i], inputs[i]);
    if (!value) return tl::unexpected(value.error());
    feeds.push_back(value->get());
    values.push_back(std::move(*value));
  }
  const OrtApi& api = *library_->api;
  const char* name = output_.c_str();
  Owned<OrtValue> value(nullptr, api.ReleaseValue);
  OrtStatus* status = api.Run(session_.get(), nullptr, session_.input_names(), feeds.data(),
                              feeds.size(), &name, 1, value.out());
  if (auto done = check(*library_, status, "run for " + name_); !done) return done;
  int is_tensor = 0;
  if (auto done = check(*library_, api.IsTensor(value.get(), &is_tensor), name_); !done)
    return done;
  if (is_tensor == 0) return fail(ASSAY_UNSUPPORTED, name_ + " is not a tensor");
  Owned<OrtTensorInfo> info(nullptr, api.ReleaseTensorInfo);
  status = api.GetTensorTypeAndShape(value.get(), info.out());
  if (auto done = check(*library_, status, name_); !done) return done;
  out->name = name_;
  if (auto done = read_tensor_info(*library_, info.get(), out); !done) return done;
  out->bytes = dtype_bytes(out->dtype);
  for (int64_t extent : out->shape) out->bytes *= static_cast<size_t>(extent);
  if (data == nullptr) return {};
  if (data_bytes != out->bytes) {
    return fail(ASSAY_INVALID, "tensor " + name_ + " has " + std::to_string(out->bytes) +
                                   " bytes, the buffer " + std::to_string(data_bytes));
  }
  void* source = nullptr;
  status = api.GetTensorMutableData(value.get(), &source);
  if (auto done = check(*library_, status, name_); !done) return done;
  if (out->bytes > 0) std::memcpy(data, source, out->bytes);
  return {};
}

}  // namespace assay::ort
