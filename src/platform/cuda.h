// SPDX-License-Identifier: Apache-2.0
// The CUDA driver and NVML, by dlopen: no toolkit at build time, a clear reason without a GPU.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "platform/roots.h"

namespace assay::platform {

// N of "cuda:N", as devices are written everywhere (0 to 999, no leading zero); -1 of any other
// text.
int cuda_index(std::string_view device);

// Static facts of one GPU, from NVML; "unknown" or -1 where it does not tell.
struct GpuFacts {
  int index = 0;
  std::string name, uuid, driver, cuda_driver, compute_capability, persistence, compute_mode, mig,
      pci;
  // "2 clients", "none seen", or a hint: "likely: process 17 is of nvidia-cuda-mps", "likely: PIPE
  // exists", "possible: compute mode exclusive_process".
  std::string mps;
  int64_t memory_bytes = -1, max_sm_mhz = -1, max_mem_mhz = -1, application_sm_mhz = -1;
  int64_t power_limit_mw = -1, processes = -1, throttle = -1;
  bool can_lock_clocks = false;  // by rights of this user; not tried
};
// Error (missing) with the command that helps when NVML cannot be loaded or says no.
Result<std::vector<GpuFacts>> gpu_facts(const Roots& roots);

// Bits of nvmlDeviceGetCurrentClocksThrottleReasons that make a series REJECTED
// (research: SwPowerCap 0x4, HwSlowdown 0x8, SwThermal 0x20, HwThermal 0x40, PowerBrake 0x80).
inline constexpr int64_t kHarmfulThrottle = 0xEC;
std::string throttle_words(int64_t mask);  // "power cap, hardware slowdown"

}  // namespace assay::platform
