// SPDX-License-Identifier: Apache-2.0
#include "ort_session.h"

#include <cstring>

namespace assay::ort {
namespace {

// Options as documented at Session::open.
Status session_options(const Library& library, int threads, const std::string& profile_prefix,
                       OrtSessionOptions* options) {
  const OrtApi& api = *library.api;
  OrtStatus* status = api.SetSessionGraphOptimizationLevel(options, ORT_DISABLE_ALL);
  if (status == nullptr) status = api.SetSessionExecutionMode(options, ORT_SEQUENTIAL);
  if (status == nullptr) status = api.SetIntraOpNumThreads(options, threads);
  if (status == nullptr) status = api.SetInterOpNumThreads(options, 1);
  if (status == nullptr && !profile_prefix.empty()) {
    status = api.EnableProfiling(options, profile_prefix.c_str());
  }
  return check(library, status, "session options");
}

// Bytes of a tensor; false when an extent is negative or the product overflows.
bool tensor_bytes(const Tensor& tensor, size_t* out) {
  size_t bytes = dtype_bytes(tensor.dtype);
  for (int64_t extent : tensor.shape) {
    if (extent < 0) return false;
    if (__builtin_mul_overflow(bytes, static_cast<size_t>(extent), &bytes)) return false;
  }
  *out = bytes;
  return true;
}

}  // namespace

size_t dtype_bytes(int dtype) {
  switch (dtype) {
    case ASSAY_U8:
    case ASSAY_I8:
    case ASSAY_BOOL:
      return 1;
    case ASSAY_U16:
    case ASSAY_I16:
    case ASSAY_F16:
    case ASSAY_BF16:
      return 2;
    case ASSAY_F32:
    case ASSAY_I32:
    case ASSAY_U32:
      return 4;
    case ASSAY_F64:
    case ASSAY_I64:
    case ASSAY_U64:
      return 8;
    default:
      return 0;
  }
}

Status read_tensor_info(const Library& library, const OrtTensorInfo* info, Tensor* out) {
  const OrtApi& api = *library.api;
  int dtype = 0;
  size_t rank = 0;
  OrtStatus* status = api.GetTensorElementType(info, &dtype);
  if (status == nullptr) status = api.GetDimensionsCount(info, &rank);
  if (auto done = check(library, status, "tensor " + out->name); !done) return done;
  if (dtype_bytes(dtype) == 0) {
    return fail(ASSAY_UNSUPPORTED,
                "tensor " + out->name + ": element type " + std::to_string(dtype));
  }
  if (rank > ASSAY_MAX_RANK) {
    return fail(ASSAY_UNSUPPORTED, "tensor " + out->name + ": rank " + std::to_string(rank));
  }
  out->dtype = static_cast<assay_dtype>(dtype);
  out->shape.resize(rank);
  return check(library, api.GetDimensions(info, out->shape.data(), rank), "tensor " + out->name);
}

Result<Owned<OrtValue>> make_value(const Library& library, const Tensor& tensor, void* data) {
  Owned<OrtValue> value(nullptr, library.api->ReleaseValue);
  OrtStatus* status = library.api->CreateTensorWithDataAsOrtValue(
      library.memory, data, tensor.bytes, tensor.shape.data(), tensor.shape.size(), tensor.dtype,
      value.out());
  if (auto done = check(library, status, "buffer of " + tensor.name); !done) {
    return tl::unexpected(done.error());
  }
  return value;
}

Result<Session> Session::open(const Library& library, std::string_view model, int threads,
                              const std::string& profile_prefix, bool open_outputs) {
  Owned<OrtSessionOptions> options(nullptr, library.api->ReleaseSessionOptions);
  auto done = check(library, library.api->CreateSessionOptions(options.out()), "session options");
  if (done) done = session_options(library, threads, profile_prefix, options.get());
  if (!done) return tl::unexpected(done.error());
  Session session(library);
  OrtStatus* status = library.api->CreateSessionFromArray(library.env, model.data(), model.size(),
                                                          options.get(), session.session_.out());
  done = check(library, status, "load");
  if (done) done = session.describe(open_outputs);
  if (!done) return tl::unexpected(done.error());
  return session;
}

Status Session::describe(bool open_outputs) {
  size_t n_inputs = 0;
  size_t n_outputs = 0;
  OrtStatus* status = library_->api->SessionGetInputCount(session_.get(), &n_inputs);
  if (status == nullptr) {
    status = library_->api->SessionGetOutputCount(session_.get(), &n_outputs);
  }
  if (auto done = check(*library_, status, "inputs and outputs"); !done) return done;
  inputs_.resize(n_inputs);
  outputs_.resize(n_outputs);
  for (size_t i = 0; i < n_inputs; ++i) {
    if (auto done = describe_one(true, i, false, &inputs_[i]); !done) return done;
    input_names_.push_back(inputs_[i].name.c_str());
  }
  for (size_t i = 0; i < n_outputs; ++i) {
    if (auto done = describe_one(false, i, open_outputs, &outputs_[i]); !done) return done;
    output_names_.push_back(outputs_[i].name.c_str());
  }
  return {};
}

Status Session::describe_one(bool input, size_t index, bool open_shape, Tensor* out) {
  const OrtApi& api = *library_->api;
  char* name = nullptr;
  Owned<OrtTypeInfo> type(nullptr, api.ReleaseTypeInfo);
  OrtStatus* status = (input ? api.SessionGetInputName : api.SessionGetOutputName)(
      session_.get(), index, library_->allocator, &name);
  if (status == nullptr) {
    status = (input ? api.SessionGetInputTypeInfo : api.SessionGetOutputTypeInfo)(
        session_.get(), index, type.out());
  }
  if (name != nullptr) {
    out->name = name;
    OrtStatus* freed = api.AllocatorFree(library_->allocator, name);
    if (freed != nullptr) api.ReleaseStatus(freed);
  }
  const OrtTensorInfo* info = nullptr;  // owned by `type`
  if (status == nullptr) status = api.CastTypeInfoToTensorInfo(type.get(), &info);
  if (auto done = check(*library_, status, "tensor " + out->name); !done) return done;
  if (info == nullptr) return fail(ASSAY_UNSUPPORTED, out->name + " is not a tensor");
  if (auto done = read_tensor_info(*library_, info, out); !done) return done;
  if (!tensor_bytes(*out, &out->bytes) && !open_shape) {
    return fail(ASSAY_UNSUPPORTED, "tensor " + out->name + ": its shape is not static");
  }
  return {};
}

}  // namespace assay::ort
