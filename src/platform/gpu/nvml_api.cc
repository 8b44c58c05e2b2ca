// SPDX-License-Identifier: Apache-2.0
#include "platform/gpu/nvml_api.h"

#include <utility>

#include "base/text.h"
#include "platform/channel.h"

namespace assay::platform {
namespace {

constexpr const char* kInstall =
    "install the NVIDIA driver of this machine (Debian, Ubuntu: apt-get install nvidia-driver; in "
    "a container: start it with --gpus all and NVIDIA_DRIVER_CAPABILITIES=compute,utility), then "
    "check it with: nvidia-smi";
constexpr unsigned kMostGpus = 64;  // a count above is not believed

const char* init_fix(int status) {
  switch (status) {
    case 4:
      return "let this user open /dev/nvidiactl and /dev/nvidia0 (ls -l /dev/nvidia*)";
    case 9:
      return "load the driver: modprobe nvidia; in a virtual machine, hand the GPU through to it";
    case 18:
      return "the library and the loaded kernel module are of different versions: restart the "
             "machine, or reload the module (rmmod nvidia; modprobe nvidia)";
    default:
      return kInstall;
  }
}

}  // namespace

Nvml::Nvml(Library library) : library_(std::move(library)) {
  const Library& l = library_;
  init_.bind(l, {"nvmlInit_v2", "nvmlInit"});
  shutdown_.bind(l, {"nvmlShutdown"});
  error_string_ = reinterpret_cast<const char* (*)(int)>(l.find("nvmlErrorString"));
  device_count.bind(l, {"nvmlDeviceGetCount_v2", "nvmlDeviceGetCount"});
  device_handle.bind(l, {"nvmlDeviceGetHandleByIndex_v2", "nvmlDeviceGetHandleByIndex"});
  driver_version.bind(l, {"nvmlSystemGetDriverVersion"});
  cuda_version.bind(l, {"nvmlSystemGetCudaDriverVersion_v2", "nvmlSystemGetCudaDriverVersion"});
  device_name.bind(l, {"nvmlDeviceGetName"});
  device_uuid.bind(l, {"nvmlDeviceGetUUID"});
  device_pci.bind(l,
                  {"nvmlDeviceGetPciInfo_v3", "nvmlDeviceGetPciInfo_v2", "nvmlDeviceGetPciInfo"});
  memory_info.bind(l, {"nvmlDeviceGetMemoryInfo"});
  capability.bind(l, {"nvmlDeviceGetCudaComputeCapability"});
  persistence.bind(l, {"nvmlDeviceGetPersistenceMode"});
  compute_mode.bind(l, {"nvmlDeviceGetComputeMode"});
  mig_mode.bind(l, {"nvmlDeviceGetMigMode"});
  clock_info.bind(l, {"nvmlDeviceGetClockInfo"});
  max_clock.bind(l, {"nvmlDeviceGetMaxClockInfo"});
  application_clock.bind(l, {"nvmlDeviceGetApplicationsClock"});
  temperature_v.bind(l, {"nvmlDeviceGetTemperatureV"});
  temperature.bind(l, {"nvmlDeviceGetTemperature"});
  power.bind(l, {"nvmlDeviceGetPowerUsage"});
  power_limit.bind(l, {"nvmlDeviceGetEnforcedPowerLimit", "nvmlDeviceGetPowerManagementLimit"});
  energy.bind(l, {"nvmlDeviceGetTotalEnergyConsumption"});
  event_reasons.bind(
      l, {"nvmlDeviceGetCurrentClocksEventReasons", "nvmlDeviceGetCurrentClocksThrottleReasons"});
  utilization.bind(l, {"nvmlDeviceGetUtilizationRates"});
  compute_processes.bind(
      l, {"nvmlDeviceGetComputeRunningProcesses_v3", "nvmlDeviceGetComputeRunningProcesses_v2",
          "nvmlDeviceGetComputeRunningProcesses"});
  mps_compute_processes.bind(
      l, {"nvmlDeviceGetMPSComputeRunningProcesses_v3",
          "nvmlDeviceGetMPSComputeRunningProcesses_v2", "nvmlDeviceGetMPSComputeRunningProcesses"});
  lock_clocks.bind(l, {"nvmlDeviceSetGpuLockedClocks"});
  reset_clocks.bind(l, {"nvmlDeviceResetGpuLockedClocks"});
}

Result<std::shared_ptr<const Nvml>> Nvml::open(const std::string& name) {
  auto library = Library::open({name}, Library::Unload::at_end, kInstall);
  if (!library) return missing("NVML " + library.error().message, library.error().fix);
  std::shared_ptr<Nvml> nvml(new Nvml(std::move(*library)));
  for (std::string_view wanted :
       {nvml->init_ ? "" : "nvmlInit_v2", nvml->shutdown_ ? "" : "nvmlShutdown",
        nvml->device_count ? "" : "nvmlDeviceGetCount_v2",
        nvml->device_handle ? "" : "nvmlDeviceGetHandleByIndex_v2"})
    if (!wanted.empty())
      return missing(fmt::format("NVML: {} has no {}: it is not NVML", name, wanted), kInstall);
  if (const int status = nvml->init_(kNvmlNoFunction); status != 0)
    return missing("NVML " + nvml->reason(nvml->init_.name, status), init_fix(status));
  nvml->ready_ = true;
  unsigned count = 0;
  if (const int status = nvml->device_count(kNvmlNoFunction, &count); status != 0)
    return missing("NVML " + nvml->reason(nvml->device_count.name, status), init_fix(status));
  if (count > kMostGpus)
    return missing(
        fmt::format("NVML: {} GPUs were told of, at most {} are believed", count, kMostGpus),
        kInstall);
  nvml->count_ = static_cast<int>(count);
  return nvml;
}

Nvml::~Nvml() {
  if (ready_) shutdown_(0);
}

NvmlDevice Nvml::device(int index, std::string& why) const {
  NvmlDevice device = nullptr;
  const int status = device_handle(kNvmlNoFunction, static_cast<unsigned>(index), &device);
  if (status == 0 && device) return device;
  why = status != 0 ? reason(device_handle.name, status)
                    : fmt::format("{}: gave no handle", device_handle.name);
  return nullptr;
}

std::string Nvml::reason(std::string_view function, int status) const {
  if (status == kNvmlNoFunction && !library_.find(std::string(function).c_str()))
    return fmt::format("{}: not in this {}; a newer driver may have it", function, library_.name());
  const char* words = error_string_ ? error_string_(status) : nullptr;
  if (!words) return fmt::format("{}: status {}", function, status);
  return fmt::format("{}: {} (status {})", function, one_line(words, 120), status);
}

int Nvml::clock(NvmlDevice d, int type, int64_t& mhz) const {
  unsigned v = 0;
  const int status = clock_info(kNvmlNoFunction, d, type, &v);
  if (status == 0) mhz = v;
  return status;
}

int Nvml::celsius(NvmlDevice d, int64_t& value) const {
  if (temperature_v) {
    NvmlTemperature t;
    if (temperature_v(kNvmlNoFunction, d, &t) == 0) {
      value = t.celsius;
      return 0;
    }
  }
  unsigned v = 0;
  const int status = temperature(kNvmlNoFunction, d, 0, &v);
  if (status == 0) value = v;
  return status;
}

namespace {

// No buffer: the status says whether there are more than none, the count how many.
int counted(const Function<NvmlDevice, unsigned*, void*>& f, NvmlDevice d, int64_t& value) {
  unsigned n = 0;
  const int status = f(kNvmlNoFunction, d, &n, nullptr);
  if (status != 0 && status != kNvmlInsufficientSize) return status;
  value = n;
  return 0;
}

}  // namespace

int Nvml::processes(NvmlDevice d, int64_t& value) const {
  return counted(compute_processes, d, value);
}

int Nvml::mps_processes(NvmlDevice d, int64_t& value) const {
  return counted(mps_compute_processes, d, value);
}

int Nvml::wide(const Function<NvmlDevice, unsigned long long*>& f, NvmlDevice d,
               int64_t& value) const {
  unsigned long long v = 0;
  const int status = f(kNvmlNoFunction, d, &v);
  if (status == 0) value = std::in_range<int64_t>(v) ? static_cast<int64_t>(v) : kUnknown;
  return status;
}

}  // namespace assay::platform
