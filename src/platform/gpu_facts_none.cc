// SPDX-License-Identifier: Apache-2.0
#include "platform/cuda.h"

namespace assay::platform {

Result<std::vector<GpuFacts>> gpu_facts(const Roots& roots) {
  return missing(fmt::format("cannot load {}", roots.nvml), "install the NVIDIA driver");
}

std::string throttle_words(int64_t mask) {
  return mask == 0 ? "" : fmt::format("bits {:#x}", mask);
}

}  // namespace assay::platform
