// SPDX-License-Identifier: Apache-2.0
// Overlap of boxes, and what overlaps too much.
#include <algorithm>
#include <cmath>

#include "vision/boxes.h"

namespace assay::vision {

double iou(const Box& a, const Box& b) {
  const auto side = [](float from, float to) { return static_cast<double>(to) - from; };
  const double w = side(std::max(a.x0, b.x0), std::min(a.x1, b.x1));
  const double h = side(std::max(a.y0, b.y0), std::min(a.y1, b.y1));
  if (!(w > 0) || !(h > 0)) return 0;  // NaN too
  const double both = w * h;
  const double all =
      side(a.x0, a.x1) * side(a.y0, a.y1) + side(b.x0, b.x1) * side(b.y0, b.y1) - both;
  const double share = both / all;
  return std::isfinite(share) ? std::clamp(share, 0.0, 1.0) : 0;
}

int64_t suppress(std::span<const Box> boxes, double max_iou, bool per_class, int64_t max_kept,
                 std::span<uint8_t> keep) noexcept {
  int64_t kept = 0;
  for (size_t i = 0; i < boxes.size(); ++i) {
    bool free = kept < max_kept;
    for (size_t j = 0; free && j < i; ++j) {
      if (keep[j] == 0 || (per_class && boxes[j].label != boxes[i].label)) continue;
      free = !(iou(boxes[i], boxes[j]) > max_iou);
    }
    keep[i] = free ? 1 : 0;
    kept += free;
  }
  return kept;
}

}  // namespace assay::vision
