// SPDX-License-Identifier: Apache-2.0
// Scalar distances of one row segment: every type, and rows that hold NaN, infinities or huge
// values.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/dtype.h"

namespace assay::compare {

struct SegmentDistance {
  double sum_abs = 0, max_abs = 0, sum_rel = 0, max_rel = 0;
  double dot = 0, norm_a = 0, norm_b = 0;  // over the elements finite on both sides
  int64_t compared = 0, non_finite = 0, non_finite_differs = 0;
};

// Adds ULP distances to ulp[0..64].
SegmentDistance segment_distance(const std::byte* a, const std::byte* b, DType dtype, int64_t count,
                                 uint64_t ulp[65]);

}  // namespace assay::compare
