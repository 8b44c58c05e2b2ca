// SPDX-License-Identifier: Apache-2.0
// YOLOv2 (Redmon & Farhadi, arXiv:1612.08242, section 2), YOLOv3 (arXiv:1804.02767, section 2.1),
// and the flat outputs that today's exports have.
#include "base/text.h"
#include "vision/heads.h"

namespace assay::vision {
namespace {

// exp() of sizes is cut where a box would be 10^4 anchors wide: beyond it nothing is a box.
constexpr float kMostLogSize = 9.2f;

struct BestClass {
  int32_t label = -1;
  float score = 0;
};

class YoloAnchors final : public Head {
 public:
  struct Level {
    HeadOutput output;
    int64_t stride = 0, height = 0, width = 0, first = 0;
    std::vector<std::pair<float, float>> anchors;
  };
  YoloAnchors(const DetectorSpec& spec, std::vector<Level> levels)
      : classes_(spec.classes),
        threshold_(static_cast<float>(spec.score_threshold)),
        softmax_(spec.softmax_classes),
        levels_(std::move(levels)) {}

  void collect(std::span<void* const> outputs, Candidates& into) const noexcept override {
    for (const Level& level : levels_) {
      const void* data = outputs[level.output.index];
      for (size_t a = 0; a < level.anchors.size(); ++a)
        for (int64_t y = 0; y < level.height; ++y)
          for (int64_t x = 0; x < level.width; ++x) cell(level, data, a, y, x, into);
    }
  }

 private:
  void cell(const Level& level, const void* data, size_t anchor, int64_t y, int64_t x,
            Candidates& into) const noexcept {
    const int64_t plane = level.height * level.width;
    const int64_t base =
        static_cast<int64_t>(anchor) * (5 + classes_) * plane + y * level.width + x;
    const auto value = [&](int64_t channel) {
      return element(data, level.output.dtype, base + channel * plane);
    };
    const float there = sigmoid(value(4));
    if (!(there >= threshold_)) return;  // classes only lower it
    const BestClass best = best_class(value);
    const float score = there * best.score;
    if (!(score >= threshold_)) return;
    const auto stride = static_cast<float>(level.stride);
    const float cx = (static_cast<float>(x) + sigmoid(value(0))) * stride;
    const float cy = (static_cast<float>(y) + sigmoid(value(1))) * stride;
    const auto& [aw, ah] = level.anchors[anchor];
    const float w = aw * std::exp(std::min(value(2), kMostLogSize)) / 2;
    const float h = ah * std::exp(std::min(value(3), kMostLogSize)) / 2;
    into.add({{cx - w, cy - h, cx + w, cy + h, score, best.label},
              level.first + static_cast<int64_t>(anchor) * plane + y * level.width + x});
  }

  template <class Value>
  BestClass best_class(const Value& value) const noexcept {
    BestClass best;
    float top = -std::numeric_limits<float>::infinity();
    for (int64_t c = 0; c < classes_; ++c)
      if (const float v = value(5 + c); v > top) {
        top = v;
        best.label = static_cast<int32_t>(c);
      }
    if (best.label < 0) return best;  // no number among them: score 0
    if (!softmax_) {
      best.score = sigmoid(top);
      return best;
    }
    float sum = 0;
    for (int64_t c = 0; c < classes_; ++c) {
      const float e = std::exp(value(5 + c) - top);
      if (!std::isnan(e)) sum += e;
    }
    best.score = 1 / sum;
    return best;
  }

  int64_t classes_;
  float threshold_;
  bool softmax_;
  std::vector<Level> levels_;
};

// Rows [N, 5 + C] with objectness, or columns [4 + C, N] without; centre and size in tensor pixels,
// scores already between 0 and 1.
class YoloFlat final : public Head {
 public:
  YoloFlat(const DetectorSpec& spec, HeadOutput output)
      : classes_(spec.classes),
        objectness_(spec.objectness),
        threshold_(static_cast<float>(spec.score_threshold)),
        output_(std::move(output)),
        rows_(output_.shape[objectness_ ? 0 : 1]) {}

  void collect(std::span<void* const> outputs, Candidates& into) const noexcept override {
    const void* data = outputs[output_.index];
    const int64_t first = objectness_ ? 5 : 4;
    for (int64_t i = 0; i < rows_; ++i) {
      const auto value = [&](int64_t k) {
        return element(data, output_.dtype,
                       objectness_ ? i * (first + classes_) + k : k * rows_ + i);
      };
      const float there = objectness_ ? value(4) : 1;
      if (!(there >= threshold_)) continue;
      BestClass best;
      for (int64_t c = 0; c < classes_; ++c)
        if (const float v = value(first + c); v > best.score) best = {static_cast<int32_t>(c), v};
      const float score = there * best.score;
      if (best.label < 0 || !(score >= threshold_)) continue;
      const float cx = value(0), cy = value(1), w = value(2) / 2, h = value(3) / 2;
      into.add({{cx - w, cy - h, cx + w, cy + h, score, best.label}, i});
    }
  }

 private:
  int64_t classes_;
  bool objectness_;
  float threshold_;
  HeadOutput output_;
  int64_t rows_;
};

}  // namespace

Result<std::unique_ptr<Head>> make_yolo_anchors(const DetectorSpec& spec,
                                                const std::vector<TensorSpec>& outputs) {
  std::vector<YoloAnchors::Level> levels;
  int64_t first = 0;
  for (const DetectorSpec::Level& l : spec.levels) {
    YoloAnchors::Level level;
    ASSAY_TRY(level.output, find_output(outputs, l.output, 3));
    const auto channels = static_cast<int64_t>(l.anchors.size()) * (5 + spec.classes);
    const auto& shape = level.output.shape;
    if (shape.size() != 3 || shape[0] != channels)
      return wrong_shape(level.output, l.output,
                         fmt::format("{} x H x W: {} anchors of 5 + {} numbers", channels,
                                     l.anchors.size(), spec.classes));
    level.stride = l.stride;
    level.height = shape[1];
    level.width = shape[2];
    level.first = first;
    first += static_cast<int64_t>(l.anchors.size()) * shape[1] * shape[2];
    for (const auto& [w, h] : l.anchors)
      level.anchors.emplace_back(static_cast<float>(w), static_cast<float>(h));
    levels.push_back(std::move(level));
  }
  return std::make_unique<YoloAnchors>(spec, std::move(levels));
}

Result<std::unique_ptr<Head>> make_yolo_flat(const DetectorSpec& spec,
                                             const std::vector<TensorSpec>& outputs) {
  ASSAY_TRY(HeadOutput output, find_output(outputs, spec.boxes_output, 2));
  const int64_t numbers = (spec.objectness ? 5 : 4) + spec.classes;
  const size_t at = spec.objectness ? 1 : 0;
  if (output.shape.size() != 2 || output.shape[at] != numbers)
    return wrong_shape(
        output, spec.boxes_output,
        spec.objectness ? fmt::format("N x {}", numbers) : fmt::format("{} x N", numbers));
  return std::make_unique<YoloFlat>(spec, std::move(output));
}

}  // namespace assay::vision
