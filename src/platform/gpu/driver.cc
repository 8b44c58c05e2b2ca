// SPDX-License-Identifier: Apache-2.0
#include "platform/gpu/driver.h"

#include <array>
#include <cmath>

#include "base/text.h"

namespace assay::platform {
namespace {

constexpr const char* kInstall =
    "install the NVIDIA driver of this machine (Debian, Ubuntu: apt-get install nvidia-driver; in "
    "a container: start it with --gpus all), then check it with: nvidia-smi";

// CUdevice_attribute.
constexpr int kMultiprocessors = 16, kL2Bytes = 38, kMajor = 75, kMinor = 76;
constexpr int kJitErrorLog = 5, kJitErrorLogBytes = 6;  // CUjit_option
constexpr unsigned kNonBlockingStream = 1;

}  // namespace

CudaDriver::CudaDriver(Library library) : library_(std::move(library)) {
  const Library& l = library_;
  init.bind(l, {"cuInit"});
  driver_version.bind(l, {"cuDriverGetVersion"});
  device_count.bind(l, {"cuDeviceGetCount"});
  device_get.bind(l, {"cuDeviceGet"});
  device_name.bind(l, {"cuDeviceGetName"});
  device_attribute.bind(l, {"cuDeviceGetAttribute"});
  device_memory.bind(l, {"cuDeviceTotalMem_v2"});
  context_retain.bind(l, {"cuDevicePrimaryCtxRetain"});
  context_release.bind(l, {"cuDevicePrimaryCtxRelease_v2", "cuDevicePrimaryCtxRelease"});
  context_set.bind(l, {"cuCtxSetCurrent"});
  memory_allocate.bind(l, {"cuMemAlloc_v2"});
  memory_free.bind(l, {"cuMemFree_v2"});
  memory_set.bind(l, {"cuMemsetD8Async"});
  copy_on_device.bind(l, {"cuMemcpyDtoDAsync_v2"});
  copy_to_host.bind(l, {"cuMemcpyDtoH_v2"});
  module_load.bind(l, {"cuModuleLoadDataEx"});
  module_unload.bind(l, {"cuModuleUnload"});
  module_function.bind(l, {"cuModuleGetFunction"});
  launch.bind(l, {"cuLaunchKernel"});
  stream_create.bind(l, {"cuStreamCreate"});
  event_create.bind(l, {"cuEventCreate"});
  stream_destroy.bind(l, {"cuStreamDestroy_v2"});
  stream_synchronize.bind(l, {"cuStreamSynchronize"});
  event_destroy.bind(l, {"cuEventDestroy_v2"});
  event_synchronize.bind(l, {"cuEventSynchronize"});
  event_record.bind(l, {"cuEventRecord"});
  event_elapsed.bind(l, {"cuEventElapsedTime", "cuEventElapsedTime_v2"});
  error_string_ = reinterpret_cast<int (*)(int, const char**)>(library_.find("cuGetErrorString"));
}

Result<std::shared_ptr<const CudaDriver>> CudaDriver::open(const std::string& name) {
  // Never unloaded: the driver leaves threads and handlers at exit behind.
  auto library = Library::open({name}, Library::Unload::never, kInstall);
  if (!library) return missing("CUDA driver " + library.error().message, library.error().fix);
  std::shared_ptr<CudaDriver> driver(new CudaDriver(std::move(*library)));
  if (!driver->init)
    return missing(fmt::format("CUDA driver: {} has no cuInit: it is not the CUDA driver", name),
                   kInstall);
  ASSAY_CHECK(driver->check(driver->init.name, driver->init(kCudaNoFunction, 0U)));
  ASSAY_CHECK(driver->check(driver->device_count.name,
                            driver->device_count(kCudaNoFunction, &driver->count_)));
  driver->driver_version(kCudaNoFunction, &driver->version_);
  return driver;
}

Status CudaDriver::check(std::string_view function, int status) const {
  if (status == 0) return {};
  if (status == kCudaNoFunction && !library_.find(std::string(function).c_str()))
    return missing(fmt::format("CUDA driver: {} has no {}", library_.name(), function),
                   "install a newer NVIDIA driver; see the version with: nvidia-smi");
  const char* words = nullptr;
  if (error_string_) error_string_(status, &words);
  return missing(fmt::format("CUDA driver: {}: {} (status {})", function,
                             words ? one_line(words, 120) : "no words for it", status),
                 kInstall);
}

Result<CudaContext> CudaContext::open(std::shared_ptr<const CudaDriver> driver, int device) {
  const CudaDriver& d = *driver;
  if (device < 0 || device >= d.count())
    return bad_input(
        fmt::format("CUDA device {}: the driver sees {} (0 is the first)", device, d.count()),
        "list them with: nvidia-smi -L");
  int handle = 0;
  ASSAY_CHECK(d.check(d.device_get.name, d.device_get(kCudaNoFunction, &handle, device)));
  CudaContext c;
  c.driver_ = driver;
  std::array<char, 128> name{};
  if (d.device_name(kCudaNoFunction, name.data(), int{name.size()}, handle) == 0) name.back() = 0;
  c.facts_.name = name[0] ? one_line(name.data(), name.size()) : "unknown";
  const auto attribute = [&](int which, int& into) {
    return d.check(d.device_attribute.name,
                   d.device_attribute(kCudaNoFunction, &into, which, handle));
  };
  ASSAY_CHECK(attribute(kMajor, c.facts_.major));
  ASSAY_CHECK(attribute(kMinor, c.facts_.minor));
  ASSAY_CHECK(attribute(kMultiprocessors, c.facts_.multiprocessors));
  if (c.facts_.multiprocessors <= 0 || c.facts_.multiprocessors > 4096)
    return missing(fmt::format("CUDA driver: device {} tells of {} multiprocessors", device,
                               c.facts_.multiprocessors),
                   "check with: nvidia-smi -q");
  int cache = 0;
  if (attribute(kL2Bytes, cache) && cache > 0) c.facts_.last_cache_bytes = cache;
  size_t bytes = 0;
  if (d.device_memory(kCudaNoFunction, &bytes, handle) == 0)
    c.facts_.memory_bytes = static_cast<int64_t>(bytes);
  void* context = nullptr;
  ASSAY_CHECK(d.check(d.context_retain.name, d.context_retain(kCudaNoFunction, &context, handle)));
  c.context_ = CudaHandle(context, [driver, handle](void*) {
    driver->context_set(0, static_cast<void*>(nullptr));
    driver->context_release(0, handle);
  });
  ASSAY_CHECK(d.check(d.context_set.name, d.context_set(kCudaNoFunction, context)));
  return c;
}

Result<CudaMemory> CudaContext::allocate(size_t bytes) const {
  CudaMemory m;
  ASSAY_CHECK(driver_->check(driver_->memory_allocate.name,
                             driver_->memory_allocate(kCudaNoFunction, &m.address, bytes)));
  m.bytes = bytes;
  // An address of the device is no pointer of this process: the owner only remembers to free it.
  m.owner = CudaHandle(
      const_cast<CudaContext*>(this),
      [driver = driver_, address = m.address](void*) { driver->memory_free(0, address); });
  return m;
}

Result<CudaHandle> CudaContext::load(const std::string& ptx) const {
  std::array<char, 4096> log{};
  std::array<int, 2> options = {kJitErrorLog, kJitErrorLogBytes};
  std::array<void*, 2> values = {log.data(), reinterpret_cast<void*>(uintptr_t{log.size()})};
  void* module = nullptr;
  const Status loaded = driver_->check(
      driver_->module_load.name,
      driver_->module_load(kCudaNoFunction, &module, static_cast<const void*>(ptx.c_str()),
                           unsigned{options.size()}, options.data(), values.data()));
  if (!loaded) {
    log.back() = 0;
    return missing(log[0] ? fmt::format("{}: {}", loaded.error().message, one_line(log.data()))
                          : loaded.error().message,
                   loaded.error().fix);
  }
  return CudaHandle(module, [driver = driver_](void* m) { driver->module_unload(0, m); });
}

Result<void*> CudaContext::function(const CudaHandle& module, const char* name) const {
  void* f = nullptr;
  ASSAY_CHECK(driver_->check(driver_->module_function.name,
                             driver_->module_function(kCudaNoFunction, &f, module.get(), name)));
  return f;
}

Result<CudaHandle> CudaContext::stream() const {
  void* s = nullptr;
  ASSAY_CHECK(driver_->check(driver_->stream_create.name,
                             driver_->stream_create(kCudaNoFunction, &s, kNonBlockingStream)));
  return CudaHandle(s, [driver = driver_](void* h) { driver->stream_destroy(0, h); });
}

Result<CudaHandle> CudaContext::event() const {
  void* e = nullptr;
  ASSAY_CHECK(
      driver_->check(driver_->event_create.name, driver_->event_create(kCudaNoFunction, &e, 0U)));
  return CudaHandle(e, [driver = driver_](void* h) { driver->event_destroy(0, h); });
}

Status CudaContext::launch(void* function, unsigned blocks, unsigned threads,
                           const CudaHandle& stream, std::vector<void*> arguments) const {
  return driver_->check(
      driver_->launch.name,
      driver_->launch(kCudaNoFunction, function, blocks, 1U, 1U, threads, 1U, 1U, 0U, stream.get(),
                      arguments.data(), static_cast<void**>(nullptr)));
}

Status CudaContext::record(const CudaHandle& event, const CudaHandle& stream) const {
  return driver_->check(driver_->event_record.name,
                        driver_->event_record(kCudaNoFunction, event.get(), stream.get()));
}

Status CudaContext::synchronize(const CudaHandle& stream) const {
  return driver_->check(driver_->stream_synchronize.name,
                        driver_->stream_synchronize(kCudaNoFunction, stream.get()));
}

Result<double> CudaContext::elapsed_ms(const CudaHandle& begin, const CudaHandle& end) const {
  float ms = 0;
  ASSAY_CHECK(driver_->check(driver_->event_elapsed.name,
                             driver_->event_elapsed(kCudaNoFunction, &ms, begin.get(), end.get())));
  if (!std::isfinite(ms) || ms < 0)
    return missing(fmt::format("CUDA driver: {} gave {} ms", driver_->event_elapsed.name, ms),
                   "check the driver with: nvidia-smi");
  return double{ms};
}

}  // namespace assay::platform
