// SPDX-License-Identifier: Apache-2.0
// SSD (Liu et al., arXiv:1512.02325, section 2.2) and RetinaNet (Lin et al., arXiv:1708.02002,
// section 4): deltas to boxes that are known beforehand. And boxes that the network decoded itself.
#include "base/text.h"
#include "vision/heads.h"

namespace assay::vision {
namespace {

// log(1000 / 16): the largest growth of a size that detectors of this family allow.
constexpr float kMostLogSize = 4.135166556742356f;

struct Anchor {
  float cx = 0, cy = 0, w = 0, h = 0;
};

class Anchored final : public Head {
 public:
  Anchored(const DetectorSpec& spec, std::vector<Anchor> anchors, HeadOutput deltas,
           HeadOutput scores)
      : spec_(spec),
        threshold_(static_cast<float>(spec.score_threshold)),
        anchors_(std::move(anchors)),
        deltas_(std::move(deltas)),
        scores_(std::move(scores)) {
    for (size_t i = 0; i < 4; ++i) variance_[i] = static_cast<float>(spec.variances[i]);
  }

  void collect(std::span<void* const> outputs, Candidates& into) const noexcept override {
    const void* deltas = outputs[deltas_.index];
    const void* scores = outputs[scores_.index];
    const bool ssd = spec_.kind == HeadKind::ssd;
    const int64_t columns = scores_.shape[1];
    for (size_t i = 0; i < anchors_.size(); ++i) {
      const auto row = static_cast<int64_t>(i);
      const auto value = [&](int64_t c) {
        return element(scores, scores_.dtype, row * columns + c);
      };
      float top = 0, sum = 1;
      if (ssd && spec_.softmax_classes) {
        top = value(0);
        for (int64_t c = 1; c < columns; ++c) top = std::max(top, value(c));
        sum = 0;
        for (int64_t c = 0; c < columns; ++c) sum += std::exp(value(c) - top);
      }
      for (int64_t c = ssd ? 1 : 0; c < columns; ++c) {
        const float v = value(c);
        const float score = !ssd ? sigmoid(v) : spec_.softmax_classes ? std::exp(v - top) / sum : v;
        if (!(score >= threshold_)) continue;
        Box box = place(anchors_[i], deltas, row);
        box.score = score;
        box.label = static_cast<int32_t>(ssd ? c - 1 : c);
        into.add({box, row * columns + c});
      }
    }
  }

 private:
  Box place(const Anchor& a, const void* deltas, int64_t row) const noexcept {
    const auto delta = [&](int64_t k) {
      return element(deltas, deltas_.dtype, row * 4 + k) * variance_[static_cast<size_t>(k)];
    };
    const float cx = a.cx + delta(0) * a.w, cy = a.cy + delta(1) * a.h;
    const float w = a.w * std::exp(std::min(delta(2), kMostLogSize)) / 2;
    const float h = a.h * std::exp(std::min(delta(3), kMostLogSize)) / 2;
    return {cx - w, cy - h, cx + w, cy + h, 0, -1};
  }

  DetectorSpec spec_;
  float threshold_;
  float variance_[4] = {1, 1, 1, 1};
  std::vector<Anchor> anchors_;
  HeadOutput deltas_, scores_;
};

class DecodedBoxes final : public Head {
 public:
  DecodedBoxes(const DetectorSpec& spec, HeadOutput boxes, HeadOutput scores, HeadOutput labels)
      : classes_(spec.classes),
        threshold_(static_cast<float>(spec.score_threshold)),
        boxes_(std::move(boxes)),
        scores_(std::move(scores)),
        labels_(std::move(labels)) {}

  void collect(std::span<void* const> outputs, Candidates& into) const noexcept override {
    for (int64_t i = 0; i < scores_.shape[0]; ++i) {
      const float score = element(outputs[scores_.index], scores_.dtype, i);
      const float label = element(outputs[labels_.index], labels_.dtype, i);
      if (!(score >= threshold_) || !(label >= 0 && label < static_cast<float>(classes_))) continue;
      const auto side = [&](int64_t k) {
        return element(outputs[boxes_.index], boxes_.dtype, 4 * i + k);
      };
      into.add({{side(0), side(1), side(2), side(3), score, static_cast<int32_t>(label)}, i});
    }
  }

 private:
  int64_t classes_;
  float threshold_;
  HeadOutput boxes_, scores_, labels_;
};

// SSD's priors in pixels; RetinaNet's over its levels: row by row, all anchors of a cell together,
// centred on multiples of the stride as torchvision's.
std::vector<Anchor> anchors_of(const DetectorSpec& spec, HeadSize size) {
  std::vector<Anchor> out;
  const auto width = static_cast<float>(size.width), height = static_cast<float>(size.height);
  for (const auto& p : spec.priors)
    out.push_back({static_cast<float>(p[0]) * width, static_cast<float>(p[1]) * height,
                   static_cast<float>(p[2]) * width, static_cast<float>(p[3]) * height});
  if (spec.kind != HeadKind::retinanet) return out;
  for (const DetectorSpec::Level& l : spec.levels)
    for (int64_t y = 0; y < (size.height + l.stride - 1) / l.stride; ++y)
      for (int64_t x = 0; x < (size.width + l.stride - 1) / l.stride; ++x)
        for (const auto& [w, h] : l.anchors)
          out.push_back({static_cast<float>(x * l.stride), static_cast<float>(y * l.stride),
                         static_cast<float>(w), static_cast<float>(h)});
  return out;
}

}  // namespace

Result<std::unique_ptr<Head>> make_anchored(const DetectorSpec& spec,
                                            const std::vector<TensorSpec>& outputs, HeadSize size) {
  std::vector<Anchor> anchors = anchors_of(spec, size);
  const auto n = static_cast<int64_t>(anchors.size());
  ASSAY_TRY(HeadOutput deltas, find_output(outputs, spec.boxes_output, 2));
  ASSAY_TRY(HeadOutput scores, find_output(outputs, spec.scores_output, 2));
  const int64_t columns = spec.classes + (spec.kind == HeadKind::ssd ? 1 : 0);
  if (deltas.shape != std::vector<int64_t>{n, 4})
    return wrong_shape(deltas, spec.boxes_output, fmt::format("{} x 4, one row an anchor", n));
  if (scores.shape != std::vector<int64_t>{n, columns})
    return wrong_shape(scores, spec.scores_output, fmt::format("{} x {}", n, columns));
  return std::make_unique<Anchored>(spec, std::move(anchors), std::move(deltas), std::move(scores));
}

Result<std::unique_ptr<Head>> make_boxes(const DetectorSpec& spec,
                                         const std::vector<TensorSpec>& outputs) {
  ASSAY_TRY(HeadOutput boxes, find_output(outputs, spec.boxes_output, 2));
  ASSAY_TRY(HeadOutput scores, find_output(outputs, spec.scores_output, 1));
  ASSAY_TRY(HeadOutput labels, find_output(outputs, spec.labels_output, 1));
  if (scores.shape.size() != 1) return wrong_shape(scores, spec.scores_output, "N");
  const int64_t n = scores.shape[0];
  if (boxes.shape != std::vector<int64_t>{n, 4})
    return wrong_shape(boxes, spec.boxes_output, fmt::format("{} x 4, one row a score", n));
  if (labels.shape != std::vector<int64_t>{n})
    return wrong_shape(labels, spec.labels_output, fmt::format("{}, one a score", n));
  return std::make_unique<DecodedBoxes>(spec, std::move(boxes), std::move(scores),
                                        std::move(labels));
}

}  // namespace assay::vision
