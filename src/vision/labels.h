// SPDX-License-Identifier: Apache-2.0
// From scores to labels: softmax and the best k, without allocating.
#pragma once

#include <cstdint>
#include <span>

#include "base/dtype.h"

namespace assay::vision {

struct Label {
  int32_t index = -1;
  float score = 0;  // probability when softmax is asked for, else the raw value
};

// The out.size() highest of `n` scores of type f32, f16, bf16 or i8/u8 (raw), best first; ties: the
// lower index first (as NumPy's stable argsort of the negated values). NaN ranks below everything.
// Fewer than out.size() scores: the rest keep index -1. Returns how many were found.
int64_t top_k(const void* scores, DType dtype, int64_t n, bool softmax,
              std::span<Label> out) noexcept;

}  // namespace assay::vision
