// SPDX-License-Identifier: Apache-2.0
#include "vision/candidates.h"

namespace assay::vision {

double iou(const Box& a, const Box& b) {
  const double w = std::min<double>(a.x1, b.x1) - std::max<double>(a.x0, b.x0);
  const double h = std::min<double>(a.y1, b.y1) - std::max<double>(a.y0, b.y0);
  if (!(w > 0) || !(h > 0)) return 0;
  const auto area = [](const Box& c) {
    return (static_cast<double>(c.x1) - c.x0) * (static_cast<double>(c.y1) - c.y0);
  };
  const double both = w * h, all = area(a) + area(b) - both;
  return all > 0 ? both / all : 0;
}

int64_t suppress(std::span<const Candidate> sorted, double most_iou, bool per_class,
                 std::span<Box> out) noexcept {
  size_t kept = 0;
  for (const Candidate& c : sorted) {
    if (kept == out.size()) break;
    bool stays = true;
    for (size_t k = 0; k < kept && stays; ++k)
      stays = (per_class && out[k].label != c.box.label) || iou(out[k], c.box) <= most_iou;
    if (stays) out[kept++] = c.box;
  }
  return static_cast<int64_t>(kept);
}

}  // namespace assay::vision
