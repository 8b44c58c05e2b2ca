// SPDX-License-Identifier: Apache-2.0
// The five largest elements of one row and what softmax needs of it.
#pragma once

#include <array>
#include <vector>

#include "compare/compare.h"
#include "compare/kernels.h"

namespace assay::compare {

constexpr int kTop = 5;

struct TopRow {
  std::array<int32_t, kTop> index{};
  std::array<double, kTop> value{};
  double exp_sum = 1;  // sum of exp(x - largest); only when asked for
};

// `row`: `item` elements of `dtype`; `floats`: the same as floats where fits_kernels(dtype), else
// null.
TopRow top_row(const std::byte* row, DType dtype, int64_t item, const float* floats, bool softmax,
               const Kernels& kernels);

// Probability of class `index`: softmax of the row when `logits`, else the value itself.
double probability(const std::byte* row, DType dtype, const TopRow& top, int32_t index,
                   bool logits);

// The row as floats; only where fits_kernels(dtype).
void to_floats(const std::byte* row, DType dtype, int64_t count, float* out);

}  // namespace assay::compare
