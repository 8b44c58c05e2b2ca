// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>

#include "vision/boxes.h"

namespace assay::vision {

BoxMatch match_boxes(std::span<const Box> a, std::span<const Box> b, double min_iou) {
  BoxMatch out;
  std::vector<BoxPair> near;
  for (size_t i = 0; i < a.size(); ++i)
    for (size_t j = 0; j < b.size(); ++j) {
      if (a[i].label != b[j].label) continue;
      const double overlap = iou(a[i], b[j]);
      if (overlap >= min_iou && overlap > 0)
        near.push_back({static_cast<int64_t>(i), static_cast<int64_t>(j), overlap, 0, 0});
    }
  std::stable_sort(near.begin(), near.end(),
                   [](const BoxPair& x, const BoxPair& y) { return x.iou > y.iou; });
  std::vector<uint8_t> used_a(a.size(), 0), used_b(b.size(), 0);
  for (BoxPair p : near) {
    const auto i = static_cast<size_t>(p.a), j = static_cast<size_t>(p.b);
    if (used_a[i] != 0 || used_b[j] != 0) continue;
    used_a[i] = used_b[j] = 1;
    const auto change = [](float x, float y) { return std::abs(static_cast<double>(x) - y); };
    p.drift = std::max({change(a[i].x0, b[j].x0), change(a[i].y0, b[j].y0),
                        change(a[i].x1, b[j].x1), change(a[i].y1, b[j].y1)});
    p.score_change = change(a[i].score, b[j].score);
    out.pairs.push_back(p);
  }
  for (size_t i = 0; i < a.size(); ++i)
    if (used_a[i] == 0) out.only_a.push_back(static_cast<int64_t>(i));
  for (size_t j = 0; j < b.size(); ++j)
    if (used_b[j] == 0) out.only_b.push_back(static_cast<int64_t>(j));
  return out;
}

}  // namespace assay::vision
