// SPDX-License-Identifier: Apache-2.0
#include "vision/pre_kernels.h"

#include <cstdlib>
#include <string_view>

#include "vision/frame_pre.h"

namespace assay::vision {

const PreKernels& pre_kernels() {
  const char* set = std::getenv("ASSAY_SIMD");
  const std::string_view wanted = set ? set : "";
  if (wanted == "scalar") return kScalarPreKernels;
#ifdef ASSAY_X86_PRE
  if (wanted != "vector" && __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
      __builtin_cpu_supports("f16c"))
    return kAvx2PreKernels;
#endif
  return kVectorPreKernels;
}

std::string_view simd_level() { return pre_kernels().name; }

}  // namespace assay::vision
