// SPDX-License-Identifier: Apache-2.0
// The part of TVM 0.14's C interface that the runner needs, loaded at run time from
// libtvm_runtime.so.
//
// The binary packages of TVM 0.14 carry no headers, so the few types are declared here as the
// library's own ABI has them (DLPack 0.8 tensors, packed-function values, type codes).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <utility>
#include <vector>

#include "assay/runner.h"

namespace assay::tvm {

// What went wrong, for the C boundary: `message` is one line.
struct RunnerError {
  assay_status status = ASSAY_FAILED;
  std::string message;
};
template <class T>
using Expected = tl::expected<T, RunnerError>;
using Outcome = tl::expected<void, RunnerError>;

inline tl::unexpected<RunnerError> fail(assay_status status, std::string message) {
  return tl::unexpected<RunnerError>(RunnerError{status, std::move(message)});
}

struct Device {
  int32_t type;  // kCpu or kCuda
  int32_t id;
};
constexpr int32_t kCpu = 1, kCuda = 2;
struct DataType {
  uint8_t code;  // 0 int, 1 uint, 2 float, 4 bfloat
  uint8_t bits;
  uint16_t lanes;
};
struct Tensor {  // DLTensor
  void* data;
  Device device;
  int32_t rank;
  DataType dtype;
  int64_t* shape;
  int64_t* strides;  // null: dense
  uint64_t byte_offset;
};
static_assert(sizeof(Tensor) == 48 && offsetof(Tensor, shape) == 24 &&
              offsetof(Tensor, byte_offset) == 40);

union Value {
  int64_t integer;
  double real;
  void* handle;
  const char* text;
  DataType dtype;
  Device device;
};
static_assert(sizeof(Value) == 8);

enum TypeCode : int {
  kInt = 0,
  kFloat = 2,
  kOpaqueHandle = 3,
  kNull = 4,
  kDevice = 6,
  kTensorHandle = 7,
  kObjectHandle = 8,
  kModuleHandle = 9,
  kFunctionHandle = 10,
  kText = 11,
  kBytes = 12,
  kArrayHandle = 13  // an NDArray: the handle is a Tensor*, owned by the receiver
};
struct ByteArray {
  const char* data;
  size_t size;
};

// Entry points of one loaded libtvm_runtime.so. Every function returns 0, or -1 and sets
// last_error().
struct Api {
  const char* (*last_error)();
  int (*module_load)(const char* file, const char* format, void** out);
  int (*module_function)(void* module, const char* name, int query_imports, void** out);
  int (*module_free)(void* module);
  int (*function_call)(void* function, Value* args, int* codes, int count, Value* result,
                       int* code);
  int (*function_free)(void* function);
  int (*function_global)(const char* name, void** out);
  int (*array_alloc)(const int64_t* shape, int rank, int code, int bits, int lanes, int device_type,
                     int device_id, Tensor** out);
  // Dense bytes of the whole array; both wait until the copy is done.
  int (*array_copy_from)(Tensor* array, void* data, size_t bytes);
  int (*array_copy_to)(Tensor* array, void* data, size_t bytes);
  int (*array_free)(Tensor* array);
  int (*synchronize)(int device_type, int device_id, void* stream);
  int (*object_free)(void* object);
};

// The one Api of this process: libtvm_runtime.so keeps a thread pool and a global table, so it is
// never unloaded and a second path is refused. Missing file or symbol: ASSAY_MISSING.
Expected<const Api*> load_api(const std::string& library);

// TVM's last error as one line without its back trace.
std::string last_error_line(const Api& api);

// Owners. `release` functions of TVM do not fail in practice; their status is not looked at.
class Module {
 public:
  Module() = default;
  Module(const Api* api, void* handle) : api_(api), handle_(handle) {}
  Module(Module&& other) noexcept
      : api_(other.api_), handle_(std::exchange(other.handle_, nullptr)) {}
  Module& operator=(Module&& other) noexcept {
    std::swap(api_, other.api_);
    std::swap(handle_, other.handle_);
    return *this;
  }
  ~Module() {
    if (handle_ != nullptr) api_->module_free(handle_);
  }
  void* handle() const { return handle_; }

 private:
  const Api* api_ = nullptr;
  void* handle_ = nullptr;
};

// An array that TVM allocated on a device.
class Array {
 public:
  Array() = default;
  Array(const Api* api, Tensor* tensor) : api_(api), tensor_(tensor) {}
  Array(Array&& other) noexcept
      : api_(other.api_), tensor_(std::exchange(other.tensor_, nullptr)) {}
  Array& operator=(Array&& other) noexcept {
    std::swap(api_, other.api_);
    std::swap(tensor_, other.tensor_);
    return *this;
  }
  ~Array() {
    if (tensor_ != nullptr) api_->array_free(tensor_);
  }
  Tensor* get() const { return tensor_; }

 private:
  const Api* api_ = nullptr;
  Tensor* tensor_ = nullptr;
};

// One argument or result of a packed function.
struct Argument {
  Value value;
  int code;
};
inline Argument integer(int64_t v) { return {{.integer = v}, kInt}; }
inline Argument text(const char* v) { return {{.text = v}, kText}; }
inline Argument bytes(const ByteArray* v) {
  return {{.handle = const_cast<ByteArray*>(v)}, kBytes};
}
inline Argument tensor(Tensor* v) { return {{.handle = v}, kTensorHandle}; }
inline Argument module(const Module& v) { return {{.handle = v.handle()}, kModuleHandle}; }
inline Argument object(void* v) { return {{.handle = v}, kObjectHandle}; }

class Function {
 public:
  Function() = default;
  // A global function belongs to TVM's table and is not freed.
  Function(const Api* api, void* handle, bool owned) : api_(api), handle_(handle), owned_(owned) {}
  Function(Function&& other) noexcept
      : api_(other.api_), handle_(std::exchange(other.handle_, nullptr)), owned_(other.owned_) {}
  Function& operator=(Function&& other) noexcept {
    std::swap(api_, other.api_);
    std::swap(handle_, other.handle_);
    std::swap(owned_, other.owned_);
    return *this;
  }
  ~Function() {
    if (handle_ != nullptr && owned_) api_->function_free(handle_);
  }
  bool exists() const { return handle_ != nullptr; }

  // The hot path: arguments are prepared by the caller, nothing is allocated. 0 or -1.
  int call_raw(Value* values, int* codes, int count) const {
    Value result;
    int code = kNull;
    return api_->function_call(handle_, values, codes, count, &result, &code);
  }
  // The comfortable path, with TVM's error text. A handle in the result belongs to the caller.
  Expected<Argument> call(std::vector<Argument> arguments) const;

 private:
  const Api* api_ = nullptr;
  void* handle_ = nullptr;
  bool owned_ = false;
};

// The function `name` of a module (or of TVM's global table); ASSAY_INVALID when there is none.
Expected<Function> module_function(const Api& api, const Module& module, const char* name,
                                   bool query_imports = false);
Expected<Function> global_function(const Api& api, const char* name);
Expected<Module> load_module(const Api& api, const std::string& file);

}  // namespace assay::tvm
