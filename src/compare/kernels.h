// SPDX-License-Identifier: Apache-2.0
// The vector kernels of the comparison. The same source is compiled once per instruction set; all
// give the same bits, because sums run over 16 fixed lanes in a fixed order and no product is fused
// unless it is exact.
#pragma once

#include <cstdint>
#include <vector>

namespace assay::compare {

constexpr int kLanes = 16;

// What one row segment of two views adds to the distances. Sums and maxima in double.
struct RowDelta {
  double sum_abs, max_abs, sum_rel, max_rel, dot;
};

struct Kernels {
  const char* name;
  // Over `padded` elements (a multiple of 16, 64-byte aligned, the padding 0 in both): distances of
  // a and b. `rank` are the floats as ordered integers. Writes to `unary` (any alignment) one word
  // an element with as many low bits set as the ULP distance has bits.
  RowDelta (*pair_row)(const float* a, const int32_t* a_rank, const float* b, const int32_t* b_rank,
                       int64_t padded, uint32_t* unary);
  // Adds to counts[k] how many of the words have bit k set. `padded` is a multiple of 16.
  void (*count_bits)(const uint32_t* words, int64_t padded, uint64_t counts[32]);
  // Ranks of 32-bit floats (ordered integers, +0 and -0 both 0), the dot product of the row with
  // itself in the order of pair_row, and whether every value is finite and below 2^126, so that
  // float arithmetic cannot overflow.
  bool (*prepare)(const float* values, int64_t padded, int32_t* rank, double* norm);
  // Sum over `n` of exp(values[i] - top), i < n (any alignment); relative error below 1e-6.
  double (*sum_exp)(const float* values, int64_t n, float top);
  // Index of the first of values[from..n) that exceeds `limit`, else n.
  int64_t (*next_above)(const float* values, int64_t from, int64_t n, float limit);
};

extern const Kernels kGenericKernels;
#ifdef ASSAY_X86_KERNELS
extern const Kernels kAvx2Kernels, kAvx512Kernels;
#endif

// All this processor can run, the fastest last.
std::vector<const Kernels*> available_kernels();

}  // namespace assay::compare
