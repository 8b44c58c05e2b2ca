// SPDX-License-Identifier: Apache-2.0
#include "compare/kernels.h"

namespace assay::compare {

std::vector<const Kernels*> available_kernels() {
  std::vector<const Kernels*> out = {&kGenericKernels};
#ifdef ASSAY_X86_KERNELS
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) out.push_back(&kAvx2Kernels);
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
      __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") &&
      __builtin_cpu_supports("avx512cd")) {
    out.push_back(&kAvx512Kernels);
  }
#endif
  return out;
}

}  // namespace assay::compare
