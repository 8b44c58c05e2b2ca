// SPDX-License-Identifier: Apache-2.0
// What the machine can do at most, measured by small loops of our own: arithmetic and memory. A
// latency below what these allow is not a latency.
#pragma once

#include <string>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "platform/roots.h"

namespace assay::platform {

struct Peaks {
  std::string device = "cpu";  // or "cuda:0"
  int threads = 1;
  std::string isa;                        // "avx512", "avx2+fma", "generic", "sm_90"
  double flops_fp32 = 0;                  // FLOP/s, a multiply-add counts 2; 0: unknown. GPUs from
                                          // 8.0: tf32 of the tensor cores, which fp32 data may use
  double flops_fp32_fma = 0;              // GPUs: without tensor cores; no bound is made from it
  double flops_fp16 = 0, flops_int8 = 0;  // OP/s; 0: unknown (then no bound is made from them)
  double read_bytes_per_s = 0;            // from main memory
  double cache_bytes_per_s = 0;           // of a working set that the last cache holds; 0: unknown
  int64_t last_cache_bytes = 0;           // 0: unknown
  int64_t repetitions = 0;                // each figure is the highest of so many
};

// On `cpus` (one thread pinned to each), in about `seconds`. The highest of the repetitions, since
// a bound must not be too low.
Peaks measure_cpu_peaks(const std::vector<int>& cpus, double seconds = 1);
// By the CUDA driver API: a fused multiply-add kernel (PTX) and a device-to-device copy. Error
// (missing) without a driver.
Result<Peaks> measure_gpu_peaks(const Roots& roots, int device, double seconds = 1);
Json to_json(const Peaks& peaks);
Result<Peaks> peaks_from_json(const Json& j);

}  // namespace assay::platform
