// SPDX-License-Identifier: Apache-2.0
// Average precision by the rules of PASCAL VOC 2010 and later (Everingham et al., IJCV 2015,
// section 4.2): a box meets the truth it overlaps most; the second box on one truth is wrong.
#include <algorithm>
#include <cmath>
#include <set>

#include "vision/boxes.h"

namespace assay::vision {
namespace {

struct Found {
  float score;
  size_t frame, box;
};

// Area under precision over recall, precision made monotone from the right.
double area(const std::vector<uint8_t>& right, int64_t truths) {
  std::vector<double> precision(right.size());
  int64_t hits = 0;
  for (size_t i = 0; i < right.size(); ++i) {
    hits += right[i];
    precision[i] = static_cast<double>(hits) / static_cast<double>(i + 1);
  }
  double best = 0, sum = 0;
  for (size_t i = right.size(); i-- > 0;) {
    best = std::max(best, precision[i]);
    if (right[i] != 0) sum += best;
  }
  return sum / static_cast<double>(truths);
}

std::optional<double> of_class(std::span<const FrameBoxes> frames, int32_t label, double min_iou) {
  int64_t truths = 0;
  std::vector<Found> found;
  std::vector<std::vector<uint8_t>> used(frames.size());
  for (size_t f = 0; f < frames.size(); ++f) {
    used[f].assign(frames[f].truth.size(), 0);
    for (const Box& t : frames[f].truth) truths += t.label == label;
    for (size_t b = 0; b < frames[f].found.size(); ++b) {
      const Box& box = frames[f].found[b];
      if (box.label == label)
        found.push_back({std::isnan(box.score) ? -INFINITY : box.score, f, b});
    }
  }
  if (truths == 0) return std::nullopt;
  std::stable_sort(found.begin(), found.end(),
                   [](const Found& x, const Found& y) { return x.score > y.score; });
  std::vector<uint8_t> right;
  for (const Found& x : found) {
    const FrameBoxes& frame = frames[x.frame];
    double most = 0;
    size_t which = 0;
    for (size_t t = 0; t < frame.truth.size(); ++t) {
      if (frame.truth[t].label != label) continue;
      const double overlap = iou(frame.found[x.box], frame.truth[t]);
      if (overlap > most) {
        most = overlap;
        which = t;
      }
    }
    const bool hit = most > 0 && most >= min_iou && used[x.frame][which] == 0;
    if (hit) used[x.frame][which] = 1;
    right.push_back(hit ? 1 : 0);
  }
  return area(right, truths);
}

}  // namespace

std::optional<MeanPrecision> mean_precision(std::span<const FrameBoxes> frames, int64_t classes,
                                            double min_iou) {
  MeanPrecision out;
  int64_t with_truth = 0;
  std::set<int64_t> known;  // most of many classes have no true box in a small set
  for (const FrameBoxes& f : frames)
    for (const Box& t : f.truth) known.insert(t.label);
  for (int64_t c = 0; c < classes; ++c) {
    if (!known.contains(c)) {
      out.by_class.emplace_back();
      continue;
    }
    out.by_class.push_back(of_class(frames, static_cast<int32_t>(c), min_iou));
    if (!out.by_class.back()) continue;
    ++with_truth;
    out.map += *out.by_class.back();
  }
  if (with_truth == 0) return std::nullopt;
  out.map /= static_cast<double>(with_truth);
  return out;
}

}  // namespace assay::vision
