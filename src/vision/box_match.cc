// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>

#include "vision/boxes.h"

namespace assay::vision {
namespace {

double drift(const Box& a, const Box& b) {
  const auto apart = [](float x, float y) { return std::abs(static_cast<double>(x) - y); };
  return std::max({apart(a.x0, b.x0), apart(a.y0, b.y0), apart(a.x1, b.x1), apart(a.y1, b.y1)});
}

// Area under the curve of precision over recall, precision made falling (all points).
double average_precision(std::vector<std::pair<double, bool>>& found, int64_t truths) {
  std::stable_sort(found.begin(), found.end(),
                   [](const auto& a, const auto& b) { return a.first > b.first; });
  std::vector<double> precision, recall;
  double right = 0;
  for (size_t i = 0; i < found.size(); ++i) {
    right += found[i].second ? 1 : 0;
    precision.push_back(right / static_cast<double>(i + 1));
    recall.push_back(right / static_cast<double>(truths));
  }
  double area = 0, best = 0;
  for (size_t i = found.size(); i-- > 0;) {
    best = std::max(best, precision[i]);
    area += best * (recall[i] - (i > 0 ? recall[i - 1] : 0));
  }
  return area;
}

}  // namespace

BoxMatch match_boxes(std::span<const Box> a, std::span<const Box> b, double min_iou) {
  std::vector<BoxPair> all;
  for (size_t i = 0; i < a.size(); ++i)
    for (size_t j = 0; j < b.size(); ++j) {
      if (a[i].label != b[j].label) continue;
      const double overlap = iou(a[i], b[j]);
      if (overlap >= min_iou)
        all.push_back({static_cast<int64_t>(i), static_cast<int64_t>(j), overlap, drift(a[i], b[j]),
                       std::abs(static_cast<double>(a[i].score) - b[j].score)});
    }
  std::stable_sort(all.begin(), all.end(),
                   [](const BoxPair& x, const BoxPair& y) { return x.iou > y.iou; });
  std::vector<bool> used_a(a.size()), used_b(b.size());
  BoxMatch out;
  for (const BoxPair& p : all) {
    if (used_a[static_cast<size_t>(p.a)] || used_b[static_cast<size_t>(p.b)]) continue;
    used_a[static_cast<size_t>(p.a)] = used_b[static_cast<size_t>(p.b)] = true;
    out.pairs.push_back(p);
  }
  for (size_t i = 0; i < a.size(); ++i)
    if (!used_a[i]) out.only_a.push_back(static_cast<int64_t>(i));
  for (size_t j = 0; j < b.size(); ++j)
    if (!used_b[j]) out.only_b.push_back(static_cast<int64_t>(j));
  return out;
}

std::optional<MeanPrecision> mean_precision(std::span<const FrameBoxes> frames, int64_t classes,
                                            double min_iou) {
  MeanPrecision out;
  int64_t judged = 0;
  for (int64_t c = 0; c < classes; ++c) {
    std::vector<std::pair<double, bool>> found;  // score, right
    int64_t truths = 0;
    for (const FrameBoxes& f : frames) {
      std::vector<const Box*> boxes, truth;
      for (const Box& b : f.found)
        if (b.label == c) boxes.push_back(&b);
      for (const Box& b : f.truth)
        if (b.label == c) truth.push_back(&b);
      truths += std::ssize(truth);
      std::stable_sort(boxes.begin(), boxes.end(),
                       [](const Box* x, const Box* y) { return x->score > y->score; });
      std::vector<bool> taken(truth.size());
      for (const Box* b : boxes) {
        size_t best = truth.size();
        double overlap = 0;
        for (size_t t = 0; t < truth.size(); ++t)
          if (const double o = iou(*b, *truth[t]); o > overlap) {
            overlap = o;
            best = t;
          }
        const bool right = best < truth.size() && overlap >= min_iou && !taken[best];
        if (right) taken[best] = true;
        found.emplace_back(b->score, right);
      }
    }
    if (truths == 0) {
      out.by_class.emplace_back();
      continue;
    }
    const double ap = average_precision(found, truths);
    out.by_class.emplace_back(ap);
    out.map += ap;
    ++judged;
  }
  if (judged == 0) return std::nullopt;
  out.map /= static_cast<double>(judged);
  return out;
}

}  // namespace assay::vision
