// SPDX-License-Identifier: Apache-2.0
// NVML as this room uses it: the functions by their documented names and signatures, newest name
// first. Declared here so that no vendor header is needed. Nothing of CUDA is initialised.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "platform/gpu/library.h"

namespace assay::platform {

using NvmlDevice = void*;  // opaque
inline constexpr int kNvmlNoFunction = 13, kNvmlInsufficientSize = 7, kNvmlNotSupported = 3;
inline constexpr int kNvmlSm = 1, kNvmlMem = 2;  // nvmlClockType_t

struct NvmlUtilization {
  unsigned gpu, memory;
};
struct NvmlMemory {
  unsigned long long total, free, used;
};
struct NvmlPci {  // the layout of _v3; older functions fill the first 52 bytes
  char bus_id_legacy[16];
  unsigned domain, bus, device, device_id, subsystem_id;
  char bus_id[32];
};
struct NvmlTemperature {  // nvmlTemperature_v1_t
  unsigned version = 0x100000C;
  int sensor = 0;  // the GPU's own
  int celsius = 0;
};

// One initialised NVML; shut down at the end. Shared by all that reads.
class Nvml {
 public:
  // Error (missing) with the command that helps: not loadable, no driver, no right.
  static Result<std::shared_ptr<const Nvml>> open(const std::string& library);
  ~Nvml();
  Nvml(const Nvml&) = delete;
  Nvml& operator=(const Nvml&) = delete;

  int count() const { return count_; }
  // The handle, or why not in `why`.
  NvmlDevice device(int index, std::string& why) const;
  // "nvmlDeviceGetPowerUsage: Not Supported", or that the library has no such function.
  std::string reason(std::string_view function, int status) const;

  // Each returns a status; processes: INSUFFICIENT_SIZE is the success of counting.
  int clock(NvmlDevice d, int type, int64_t& mhz) const;
  int celsius(NvmlDevice d, int64_t& value) const;
  int processes(NvmlDevice d, int64_t& value) const;
  int mps_processes(NvmlDevice d, int64_t& value) const;
  // Of the energy counter or the mask; kUnknown when it exceeds int64.
  int wide(const Function<NvmlDevice, unsigned long long*>& f, NvmlDevice d, int64_t& value) const;

  Function<unsigned*> device_count;
  Function<unsigned, NvmlDevice*> device_handle;
  Function<char*, unsigned> driver_version;
  Function<int*> cuda_version;
  Function<NvmlDevice, char*, unsigned> device_name, device_uuid;
  Function<NvmlDevice, NvmlPci*> device_pci;
  Function<NvmlDevice, NvmlMemory*> memory_info;
  Function<NvmlDevice, int*, int*> capability;
  Function<NvmlDevice, int*> persistence, compute_mode;
  Function<NvmlDevice, unsigned*, unsigned*> mig_mode;
  Function<NvmlDevice, int, unsigned*> clock_info, max_clock, application_clock, temperature;
  Function<NvmlDevice, NvmlTemperature*> temperature_v;
  Function<NvmlDevice, unsigned*> power, power_limit;
  Function<NvmlDevice, unsigned long long*> energy, event_reasons;
  Function<NvmlDevice, NvmlUtilization*> utilization;
  Function<NvmlDevice, unsigned*, void*> compute_processes, mps_compute_processes;
  Function<NvmlDevice, unsigned, unsigned> lock_clocks;
  Function<NvmlDevice> reset_clocks;

 private:
  explicit Nvml(Library library);
  Library library_;
  Function<> init_, shutdown_;
  const char* (*error_string_)(int) = nullptr;
  bool ready_ = false;
  int count_ = 0;
};

}  // namespace assay::platform
