// SPDX-License-Identifier: Apache-2.0
#include "cuda.h"

#include <dlfcn.h>

namespace assay::host {

std::string Cuda::name_of(CuResult result) const {
  const char* name = nullptr;
  if (error_name(result, &name) == 0 && name != nullptr) return name;
  return "CUDA error " + std::to_string(result);
}

Outcome Cuda::check(CuResult result, const std::string& what, assay_status status) const {
  if (result == 0) return {};
  return fail(status, what + ": " + name_of(result));
}

Expected<const Cuda*> open_cuda() {
  static Cuda cuda;
  void* handle = dlopen("libcuda.so.1", RTLD_NOW | RTLD_GLOBAL);
  if (handle == nullptr) return fail(ASSAY_MISSING, "no NVIDIA driver here (libcuda.so.1)");
  const char* absent = nullptr;
  const auto take = [&](const char* name, auto& function) {
    function = reinterpret_cast<std::remove_reference_t<decltype(function)>>(dlsym(handle, name));
    if (function == nullptr && absent == nullptr) absent = name;
  };
  take("cuInit", cuda.init);
  take("cuDeviceGet", cuda.device_get);
  take("cuDevicePrimaryCtxRetain", cuda.primary_retain);
  take("cuCtxSetCurrent", cuda.set_current);
  take("cuStreamCreate", cuda.stream_create);
  take("cuStreamDestroy_v2", cuda.stream_destroy);
  take("cuStreamSynchronize", cuda.stream_synchronize);
  take("cuMemAlloc_v2", cuda.mem_alloc);
  take("cuMemFree_v2", cuda.mem_free);
  take("cuMemHostAlloc", cuda.host_alloc);
  take("cuMemFreeHost", cuda.host_free);
  take("cuMemcpyHtoDAsync_v2", cuda.to_device);
  take("cuMemcpyDtoHAsync_v2", cuda.to_host);
  take("cuStreamBeginCapture_v2", cuda.begin_capture);
  take("cuStreamEndCapture", cuda.end_capture);
  take("cuGraphInstantiateWithFlags", cuda.instantiate);
  take("cuGraphExecDestroy", cuda.exec_destroy);
  take("cuGraphDestroy", cuda.graph_destroy);
  take("cuGraphLaunch", cuda.graph_launch);
  take("cuGetErrorName", cuda.error_name);
  if (absent != nullptr)
    return fail(ASSAY_MISSING, std::string("libcuda.so.1 has no ") + absent +
                                   ": a driver of CUDA 11.4 or later is needed");
  return &cuda;
}

Expected<int> device_number(const std::string& device) {
  const std::string number = device.rfind("cuda:", 0) == 0 ? device.substr(5) : std::string();
  if (number.empty() || number.size() > 3 ||
      number.find_first_not_of("0123456789") != std::string::npos)
    return fail(ASSAY_UNSUPPORTED, "device " + device + ": this runner has cuda:N only");
  return std::stoi(number);
}

Expected<CuHandle> open_device(const Cuda& cuda, int number) {
  int device = 0;
  CuHandle context = nullptr;
  if (auto done = cuda.check(cuda.init(0), "cuInit", ASSAY_MISSING); !done)
    return tl::unexpected(done.error());
  const std::string what = "device cuda:" + std::to_string(number);
  if (auto done = cuda.check(cuda.device_get(&device, number), what, ASSAY_MISSING); !done)
    return tl::unexpected(done.error());
  if (auto done = cuda.check(cuda.primary_retain(&context, device), what, ASSAY_MISSING); !done)
    return tl::unexpected(done.error());
  if (auto done = cuda.check(cuda.set_current(context), what); !done)
    return tl::unexpected(done.error());
  return context;
}

}  // namespace assay::host
