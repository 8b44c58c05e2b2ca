// SPDX-License-Identifier: Apache-2.0
// The CUDA driver API as this room uses it, by dlopen: documented names and signatures, declared
// here so that no toolkit is needed. Every object gives back what it holds; all of them are used
// and destroyed on the thread that opened the context.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "platform/gpu/library.h"

namespace assay::platform {

inline constexpr int kCudaNoFunction = 500;  // CUDA_ERROR_NOT_FOUND

class CudaDriver {
 public:
  // Loads and initialises (cuInit). Error (missing) with the command that helps: not loadable, no
  // driver, no device.
  static Result<std::shared_ptr<const CudaDriver>> open(const std::string& library);

  int version() const { return version_; }  // 13000: CUDA 13.0
  int count() const { return count_; }
  // Error (missing) that names the function and what the driver said; ok for 0.
  Status check(std::string_view function, int status) const;

  Function<unsigned> init;
  Function<int*> driver_version, device_count;
  Function<int*, int> device_get;
  Function<char*, int, int> device_name;
  Function<int*, int, int> device_attribute;
  Function<size_t*, int> device_memory;
  Function<void**, int> context_retain;
  Function<int> context_release;
  Function<void*> context_set;
  Function<uint64_t*, size_t> memory_allocate;
  Function<uint64_t> memory_free;
  Function<uint64_t, unsigned char, size_t, void*> memory_set;
  Function<uint64_t, uint64_t, size_t, void*> copy_on_device;
  Function<void*, uint64_t, size_t> copy_to_host;
  Function<void**, const void*, unsigned, int*, void**> module_load;
  Function<void*> module_unload;
  Function<void**, void*, const char*> module_function;
  Function<void*, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, void*,
           void**, void**>
      launch;
  Function<void**, unsigned> stream_create, event_create;
  Function<void*> stream_destroy, stream_synchronize, event_destroy, event_synchronize;
  Function<void*, void*> event_record;
  Function<float*, void*, void*> event_elapsed;

 private:
  explicit CudaDriver(Library library);
  Library library_;
  int (*error_string_)(int, const char**) = nullptr;
  int version_ = 0, count_ = 0;
};

// Something of the driver that is given back at the end.
using CudaHandle = std::unique_ptr<void, std::function<void(void*)>>;

struct CudaMemory {
  uint64_t address = 0;
  size_t bytes = 0;
  CudaHandle owner;
};

struct CudaDeviceFacts {
  std::string name;
  int major = 0, minor = 0, multiprocessors = 0;
  int64_t last_cache_bytes = 0, memory_bytes = 0;
};

// The primary context of one device (the one that the runtime API and the frameworks use), current
// on this thread.
class CudaContext {
 public:
  // Error: usage (no such device), missing (what the driver said).
  static Result<CudaContext> open(std::shared_ptr<const CudaDriver> driver, int device);

  const CudaDeviceFacts& facts() const { return facts_; }
  const CudaDriver& driver() const { return *driver_; }
  Result<CudaMemory> allocate(size_t bytes) const;
  // Compiles PTX text; the error holds the compiler's words.
  Result<CudaHandle> load(const std::string& ptx) const;
  Result<void*> function(const CudaHandle& module, const char* name) const;
  Result<CudaHandle> stream() const;
  Result<CudaHandle> event() const;
  // `arguments`: addresses of the kernel's parameters, in order. Returns before the kernel ran.
  Status launch(void* function, unsigned blocks, unsigned threads, const CudaHandle& stream,
                std::vector<void*> arguments) const;
  Status record(const CudaHandle& event, const CudaHandle& stream) const;
  Status synchronize(const CudaHandle& stream) const;
  // Milliseconds between two events that were recorded and are over.
  Result<double> elapsed_ms(const CudaHandle& begin, const CudaHandle& end) const;

 private:
  CudaContext() = default;
  std::shared_ptr<const CudaDriver> driver_;
  CudaHandle context_;
  CudaDeviceFacts facts_;
};

}  // namespace assay::platform
