// SPDX-License-Identifier: Apache-2.0
// One ONNX Runtime session with the settings of the audit, and its inputs and outputs.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "ort_library.h"

namespace assay::ort {

// Owner of one object of the C API.
template <class T>
class Owned {
 public:
  Owned(T* object, void (*release)(T*)) : object_(object), release_(release) {}
  Owned(Owned&& other) noexcept : object_(other.object_), release_(other.release_) {
    other.object_ = nullptr;
  }
  Owned& operator=(Owned&& other) noexcept {
    std::swap(object_, other.object_);
    std::swap(release_, other.release_);
    return *this;
  }
  Owned(const Owned&) = delete;
  Owned& operator=(const Owned&) = delete;
  ~Owned() {
    if (object_ != nullptr) release_(object_);
  }
  T* get() const { return object_; }
  T** out() { return &object_; }

 private:
  T* object_;
  void (*release_)(T*);
};

struct Tensor {
  std::string name;
  assay_dtype dtype = ASSAY_F32;
  std::vector<int64_t> shape;  // static extents
  size_t bytes = 0;
};

// Bytes of one element; 0 for types the ABI does not know (strings, 4 bit, complex).
size_t dtype_bytes(int dtype);

class Session {
 public:
  // Optimisation off (it was done by the builder), sequential, `threads` intra-op threads with ONNX
  // Runtime's default waiting (it spins), one inter-op thread, memory arena and pattern on (the
  // defaults). With one thread no pool is made: run() computes in the calling thread.
  // `profile_prefix`: path prefix of a profiler trace, or "". Keep equal to open_session in
  // ort_build.py. ASSAY_UNSUPPORTED when an input is no tensor or a shape is not static;
  // outputs too unless `open_outputs`.
  static Result<Session> open(const Library& library, std::string_view model, int threads,
                              const std::string& profile_prefix, bool open_outputs);

  OrtSession* get() const { return session_.get(); }
  const std::vector<Tensor>& inputs() const { return inputs_; }
  const std::vector<Tensor>& outputs() const { return outputs_; }
  const char* const* input_names() const { return input_names_.data(); }
  const char* const* output_names() const { return output_names_.data(); }

 private:
  explicit Session(const Library& library)
      : library_(&library), session_(nullptr, library.api->ReleaseSession) {}
  Status describe(bool open_outputs);
  Status describe_one(bool input, size_t index, bool open_shape, Tensor* out);

  const Library* library_;
  Owned<OrtSession> session_;
  std::vector<Tensor> inputs_, outputs_;
  std::vector<const char*> input_names_, output_names_;  // into inputs_ and outputs_
};

// Element type and shape in `info`; negative extents stand for open ones.
Status read_tensor_info(const Library& library, const OrtTensorInfo* info, Tensor* out);

// A tensor over foreign memory of `tensor.bytes` bytes.
Result<Owned<OrtValue>> make_value(const Library& library, const Tensor& tensor, void* data);

}  // namespace assay::ort
