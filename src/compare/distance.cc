// SPDX-License-Identifier: Apache-2.0
#include "compare/distance.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

#include "compare/elements.h"

namespace assay::compare {
namespace {

template <class T>
SegmentDistance walk(const std::byte* a, const std::byte* b, int64_t count, uint64_t ulp[65]) {
  SegmentDistance out;
  for (int64_t i = 0; i < count; ++i) {
    const T x = element<T>(a, i), y = element<T>(b, i);
    const double u = number(x), v = number(y);
    if (!std::isfinite(u) || !std::isfinite(v)) {
      if (std::memcmp(&x, &y, sizeof(T)) == 0)
        ++out.non_finite;
      else
        ++out.non_finite_differs;
      continue;
    }
    ++out.compared;
    const uint64_t steps = rank_distance(x, y);
    ++ulp[std::bit_width(steps)];
    double d = std::abs(u - v);
    if constexpr (std::is_integral_v<T>) d = static_cast<double>(steps);
    const double larger = std::max(std::abs(u), std::abs(v));
    double rel = larger > 0 ? d / larger : 0;
    if (!std::isfinite(d)) {  // two huge doubles of opposite sign
      d = std::numeric_limits<double>::max();
      rel = std::abs(u / larger - v / larger);
    }
    out.sum_abs += d;
    out.max_abs = std::max(out.max_abs, d);
    out.sum_rel += rel;
    out.max_rel = std::max(out.max_rel, rel);
    out.dot += u * v;
    out.norm_a += u * u;
    out.norm_b += v * v;
  }
  return out;
}

}  // namespace

SegmentDistance segment_distance(const std::byte* a, const std::byte* b, DType dtype, int64_t count,
                                 uint64_t ulp[65]) {
  return with_type(dtype, [&](auto type) { return walk<decltype(type)>(a, b, count, ulp); });
}

}  // namespace assay::compare
