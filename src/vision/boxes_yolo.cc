// SPDX-License-Identifier: Apache-2.0
// Heads of the YOLO family. Centres and sizes: Redmon & Farhadi, arXiv:1612.08242 (v2) section 2
// and arXiv:1804.02767 (v3) section 2.1.
#include <algorithm>
#include <cmath>

#include "vision/boxes_head.h"

namespace assay::vision {
namespace {

double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }

// Logits at or below this give a share that the threshold refuses: most cells need no exp.
float least_logit(double threshold) {
  if (threshold <= 0) return -INFINITY;
  if (threshold >= 1) return INFINITY;
  return static_cast<float>(std::log(threshold / (1 - threshold)) - 1e-3);
}

class YoloAnchors : public Head {
 public:
  struct Level {
    int64_t width, height;
    double stride;
    std::vector<std::pair<double, double>> anchors;
  };
  YoloAnchors(const DetectorSpec& spec, std::vector<Level> levels)
      : levels_(std::move(levels)),
        classes_(spec.classes),
        softmax_(spec.softmax_classes),
        least_(least_logit(spec.score_threshold)) {}

  void scan(std::span<const float* const> tensors, Candidates& out) noexcept override {
    int64_t position = 0;
    for (size_t l = 0; l < levels_.size(); ++l) {
      const Level& level = levels_[l];
      const int64_t plane = level.width * level.height;
      for (size_t a = 0; a < level.anchors.size(); ++a) {
        const float* head = tensors[l] + static_cast<int64_t>(a) * (5 + classes_) * plane;
        for (int64_t cell = 0; cell < plane; ++cell, ++position)
          if (head[4 * plane + cell] > least_)
            scan_cell(head + cell, plane, cell, level, level.anchors[a], position, out);
      }
    }
  }

 private:
  void scan_cell(const float* at, int64_t plane, int64_t cell, const Level& level,
                 const std::pair<double, double>& anchor, int64_t position,
                 Candidates& out) const noexcept {
    const double object = sigmoid(at[4 * plane]);
    const float* scores = at + 5 * plane;
    double top = -INFINITY, sum = 0;
    if (softmax_) {
      for (int64_t c = 0; c < classes_; ++c)
        top = std::max(top, static_cast<double>(scores[c * plane]));
      for (int64_t c = 0; c < classes_; ++c) sum += std::exp(scores[c * plane] - top);
    }
    for (int64_t c = 0; c < classes_; ++c) {
      const double raw = scores[c * plane];
      const double score = object * (softmax_ ? std::exp(raw - top) / sum : sigmoid(raw));
      const auto label = static_cast<int32_t>(c);
      if (!out.wants(score, label, position)) continue;
      const double x = static_cast<double>(cell % level.width) + sigmoid(at[0]);
      const double y = static_cast<double>(cell / level.width) + sigmoid(at[plane]);
      out.offer_centred(score, label, position, x * level.stride, y * level.stride,
                        anchor.first * std::exp(static_cast<double>(at[2 * plane])),
                        anchor.second * std::exp(static_cast<double>(at[3 * plane])));
    }
  }

  std::vector<Level> levels_;
  int64_t classes_;
  bool softmax_;
  float least_;
};

// Shares already; rows of numbers ([N, 5+C]) or rows of boxes ([4+C, N]).
class YoloFlat : public Head {
 public:
  YoloFlat(int64_t n, int64_t classes, bool objectness, int64_t box_step, int64_t number_step)
      : n_(n),
        classes_(classes),
        objectness_(objectness),
        box_step_(box_step),
        number_step_(number_step) {}

  void scan(std::span<const float* const> tensors, Candidates& out) noexcept override {
    const int64_t first = objectness_ ? 5 : 4;
    for (int64_t i = 0; i < n_; ++i) {
      const float* at = tensors[0] + i * box_step_;
      const auto number = [&](int64_t k) { return static_cast<double>(at[k * number_step_]); };
      const double object = objectness_ ? number(4) : 1;
      if (!(object > out.threshold()) && objectness_) continue;
      for (int64_t c = 0; c < classes_; ++c)
        out.offer_centred(object * number(first + c), static_cast<int32_t>(c), i, number(0),
                          number(1), number(2), number(3));
    }
  }

 private:
  int64_t n_, classes_;
  bool objectness_;
  int64_t box_step_, number_step_;
};

}  // namespace

MadeHead make_yolo_anchors(const DetectorSpec& spec, Wanted& wanted, int64_t width,
                           int64_t height) {
  std::vector<YoloAnchors::Level> levels;
  for (const auto& level : spec.levels) {
    ASSAY_TRY(const auto shape, wanted.shape(level.output, 3, "a level of yolo-anchors"));
    const auto channels = static_cast<int64_t>(level.anchors.size()) * (5 + spec.classes);
    const int64_t h = height / level.stride, w = width / level.stride;
    if (shape != std::vector<int64_t>{channels, h, w} || h < 1 || w < 1)
      return tl::unexpected<Error>(wanted.wrong(
          fmt::format("1x{}x{}x{}: {} anchors of 5 + {} numbers, stride {} of {}x{}", channels, h,
                      w, level.anchors.size(), spec.classes, level.stride, width, height)));
    levels.push_back({w, h, static_cast<double>(level.stride), level.anchors});
  }
  return std::make_unique<YoloAnchors>(spec, std::move(levels));
}

MadeHead make_yolo_flat(const DetectorSpec& spec, Wanted& wanted) {
  ASSAY_TRY(const auto shape, wanted.shape(spec.boxes_output, 2, "the boxes of yolo-flat"));
  const int64_t numbers = (spec.objectness ? 5 : 4) + spec.classes;
  // With as many boxes as numbers both fit: exports with objectness have rows of numbers.
  const bool rows = shape[1] == numbers && (spec.objectness || shape[0] != numbers);
  if (!rows && shape[0] != numbers)
    return tl::unexpected<Error>(
        wanted.wrong(fmt::format("1xNx{} or 1x{}xN: {} + {} classes", numbers, numbers,
                                 spec.objectness ? "4 + objectness" : "4", spec.classes)));
  const int64_t n = rows ? shape[0] : shape[1];
  return std::make_unique<YoloFlat>(n, spec.classes, spec.objectness, rows ? numbers : 1,
                                    rows ? 1 : n);
}

}  // namespace assay::vision
