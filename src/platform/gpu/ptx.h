// SPDX-License-Identifier: Apache-2.0
// Kernels of our own, as PTX text that the driver compiles: what the peaks are measured with. Every
// kernel has the parameters (out, iterations, ...) and writes a result, so that nothing of it is
// superfluous to the compiler.
#pragma once

#include <cstdint>
#include <string>

namespace assay::platform {

struct PtxKernel {
  std::string name, text;    // of the kernel; of the whole module
  double per_iteration = 0;  // operations (multiply-add 2) of one unit in one iteration
  int unit_threads = 1;      // a unit: a thread, a warp (32) or a warp group (128)
  int block_threads = 256;   // of the launch
  int blocks_per_sm = 8;
};

// Independent chains of fused multiply-adds in registers: fp32 (any capability) and packed halves
// (from 5.3).
PtxKernel ptx_fma_f32();
PtxKernel ptx_fma_f16x2();
// Tensor cores by warps (mma.sync): halves with half accumulators from 8.0, tf32 and int8 likewise;
// below 9.0 this is the full rate.
enum class TensorType { f16, tf32, s8 };
PtxKernel ptx_mma(TensorType type);
// Tensor cores by warp groups (wgmma), capability 9.0 alone: mma.sync does not reach the full rate
// there, and a bound made from it would be too low.
PtxKernel ptx_wgmma(TensorType type);
// Reads `bytes` (a multiple of 16) at `from`, `iterations` times, past the first cache:
// (out, iterations, from, bytes); per_iteration is 0: the caller knows the bytes.
PtxKernel ptx_read();

}  // namespace assay::platform
