// SPDX-License-Identifier: Apache-2.0
// Bitwise comparison of two tensors of one type, and how far apart they are where they differ.
#pragma once

#include <span>

#include "base/dtype.h"

namespace assay::worker {

struct BitDifference {
  bool equal = true;
  int64_t elements = 0;  // that differ in their bits
  int64_t first = -1;    // index of the first one
  double max_abs =
      0;  // over elements that differ; the largest double where one of the two is not finite
};

// `a` and `b` hold whole elements of `type`, equally many (programmer error otherwise).
BitDifference compare_bits(DType type, std::span<const std::byte> a, std::span<const std::byte> b);

// Value of the element at `p` as a double (exact but for 64-bit integers above 2^53).
double element_value(DType type, const std::byte* p);

}  // namespace assay::worker
