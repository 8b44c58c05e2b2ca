// SPDX-License-Identifier: Apache-2.0
// Heads whose boxes are changes of boxes fixed before: SSD (Liu et al., arXiv:1512.02325, section
// 2.2; variances as in its released code) and RetinaNet (Lin et al., arXiv:1708.02002, section 4).
#include <cmath>

#include "vision/boxes_head.h"

namespace assay::vision {
namespace {

struct Prior {
  double cx, cy, w, h;  // tensor pixels
};

class Deltas : public Head {
 public:
  enum class Scores { probabilities, softmax, sigmoid };
  // `first`: the column of class 0; columns before it are background.
  Deltas(std::vector<Prior> priors, const std::array<double, 4>& variances, int64_t columns,
         int64_t first, Scores scores)
      : priors_(std::move(priors)),
        variances_(variances),
        columns_(columns),
        first_(first),
        scores_(scores) {}

  void scan(std::span<const float* const> tensors, Candidates& out) noexcept override {
    for (size_t i = 0; i < priors_.size(); ++i) {
      const auto at = static_cast<int64_t>(i);
      const float* row = tensors[1] + at * columns_;
      double top = -INFINITY, sum = 0;
      if (scores_ == Scores::softmax) {
        for (int64_t c = 0; c < columns_; ++c) top = std::max(top, static_cast<double>(row[c]));
        for (int64_t c = 0; c < columns_; ++c) sum += std::exp(row[c] - top);
      }
      for (int64_t c = first_; c < columns_; ++c) {
        double score = row[c];
        if (scores_ == Scores::softmax) score = std::exp(score - top) / sum;
        if (scores_ == Scores::sigmoid) score = 1 / (1 + std::exp(-score));
        const auto label = static_cast<int32_t>(c - first_);
        if (!out.wants(score, label, at)) continue;
        const float* d = tensors[0] + 4 * at;
        const Prior& p = priors_[i];
        out.offer_centred(score, label, at, p.cx + d[0] * variances_[0] * p.w,
                          p.cy + d[1] * variances_[1] * p.h, p.w * std::exp(d[2] * variances_[2]),
                          p.h * std::exp(d[3] * variances_[3]));
      }
    }
  }

 private:
  std::vector<Prior> priors_;
  std::array<double, 4> variances_;
  int64_t columns_, first_;
  Scores scores_;
};

Status check_shapes(const DetectorSpec& spec, Wanted& wanted, int64_t n, int64_t columns,
                    std::string_view what) {
  ASSAY_TRY(const auto boxes, wanted.shape(spec.boxes_output, 2, "deltas of boxes"));
  if (boxes != std::vector<int64_t>{n, 4})
    return tl::unexpected<Error>(wanted.wrong(fmt::format("1x{}x4: a row for each {}", n, what)));
  ASSAY_TRY(const auto scores, wanted.shape(spec.scores_output, 2, "scores"));
  if (scores != std::vector<int64_t>{n, columns})
    return tl::unexpected<Error>(wanted.wrong(
        fmt::format("1x{}x{}: a row of {}{} classes for each {}", n, columns,
                    columns > spec.classes ? "background and " : "", spec.classes, what)));
  return {};
}

// Boxes that the network decoded itself.
class Given : public Head {
 public:
  Given(int64_t n, int64_t classes) : n_(n), classes_(classes) {}
  void scan(std::span<const float* const> tensors, Candidates& out) noexcept override {
    for (int64_t i = 0; i < n_; ++i) {
      const float label = tensors[2][i];  // held against the range before it becomes an integer
      if (!(label >= 0) || !(label < static_cast<float>(classes_))) continue;
      const float* b = tensors[0] + 4 * i;
      out.offer(tensors[1][i], static_cast<int32_t>(label), i, b[0], b[1], b[2], b[3]);
    }
  }

 private:
  int64_t n_, classes_;
};

}  // namespace

MadeHead make_ssd(const DetectorSpec& spec, Wanted& wanted, int64_t width, int64_t height) {
  const auto n = static_cast<int64_t>(spec.priors.size());
  ASSAY_CHECK(check_shapes(spec, wanted, n, spec.classes + 1, "prior"));
  const auto w = static_cast<double>(width), h = static_cast<double>(height);
  std::vector<Prior> priors;
  for (const auto& p : spec.priors) priors.push_back({p[0] * w, p[1] * h, p[2] * w, p[3] * h});
  return std::make_unique<Deltas>(
      std::move(priors), spec.variances, spec.classes + 1, 1,
      spec.softmax_classes ? Deltas::Scores::softmax : Deltas::Scores::probabilities);
}

MadeHead make_retinanet(const DetectorSpec& spec, Wanted& wanted, int64_t width, int64_t height) {
  // Counted before they are made: the outputs say whether so many can be.
  int64_t n = 0;
  for (const auto& l : spec.levels)
    n += ((width - 1) / l.stride + 1) * ((height - 1) / l.stride + 1) *
         static_cast<int64_t>(l.anchors.size());
  ASSAY_CHECK(check_shapes(spec, wanted, n, spec.classes, "anchor"));
  std::vector<Prior> priors;
  priors.reserve(static_cast<size_t>(n));
  for (const auto& l : spec.levels) {
    const auto stride = static_cast<double>(l.stride);
    for (int64_t y = 0; y < (height - 1) / l.stride + 1; ++y)
      for (int64_t x = 0; x < (width - 1) / l.stride + 1; ++x)
        for (const auto& [w, h] : l.anchors)
          priors.push_back({(static_cast<double>(x) + spec.anchor_offset) * stride,
                            (static_cast<double>(y) + spec.anchor_offset) * stride, w, h});
  }
  return std::make_unique<Deltas>(std::move(priors), spec.variances, spec.classes, 0,
                                  Deltas::Scores::sigmoid);
}

MadeHead make_given(const DetectorSpec& spec, Wanted& wanted) {
  ASSAY_TRY(const auto boxes, wanted.shape(spec.boxes_output, 2, "boxes"));
  if (boxes[1] != 4) return tl::unexpected<Error>(wanted.wrong("Nx4: pixel edges of N boxes"));
  for (const auto& [name, role] :
       {std::pair(&spec.scores_output, "scores"), std::pair(&spec.labels_output, "labels")}) {
    ASSAY_TRY(const auto shape, wanted.shape(*name, 1, role));
    if (shape[0] != boxes[0])
      return tl::unexpected<Error>(wanted.wrong(fmt::format("{}: one for each box", boxes[0])));
  }
  return std::make_unique<Given>(boxes[0], spec.classes);
}

}  // namespace assay::vision
