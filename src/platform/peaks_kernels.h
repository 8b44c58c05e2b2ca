// SPDX-License-Identifier: Apache-2.0
// Loops that do nothing but arithmetic, or nothing but reading. Each is compiled for its own
// instructions and called only where the processor has them. Internal to the peaks.
#pragma once

#include <cstdint>
#include <vector>

namespace assay::platform {

enum class Arithmetic { fp32, fp16, int8 };

struct PeakKernel {
  const char* name;  // of the instructions: "avx512"
  Arithmetic arithmetic;
  double operations;      // of one iteration; a multiply-add counts 2
  void (*run)(int64_t);   // so many iterations, on this thread alone
  bool (*prepare)(void);  // once a thread before run; false: cannot be used. Null: nothing to do
};
// Those that this processor has.
std::vector<PeakKernel> peak_kernels();
// fp16 arithmetic is none of its own: an engine that is asked for it computes in fp32.
bool fp16_runs_as_fp32();

// Reads `bytes` (a multiple of 1024, 64-byte aligned) once.
void read_all(const void* from, int64_t bytes);

}  // namespace assay::platform
