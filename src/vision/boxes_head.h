// SPDX-License-Identifier: Apache-2.0
// Inside of BoxDecoder: a head reads the tensors and offers boxes, the candidates keep the best.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "vision/boxes.h"

namespace assay::vision {

// A box that passed the threshold, in the frame but not yet clipped.
struct Candidate {
  Box box;
  int64_t position = 0;  // of the box within the head: the last word among equals
};
// Score, then label, then position; a total order, so that every decode gives the same boxes.
inline bool better(float score, int32_t label, int64_t position, const Candidate& than) {
  if (score != than.box.score) return score > than.box.score;
  if (label != than.box.label) return label < than.box.label;
  return position < than.position;
}

// The best `capacity` candidates: a heap with the worst on top, in memory taken before.
class Candidates {
 public:
  explicit Candidates(int64_t capacity) : room_(static_cast<size_t>(capacity)) {}
  void start(const TensorToFrame& map, int64_t frame_width, int64_t frame_height, double threshold);
  // Whether a box of this score would be kept; false for NaN.
  bool wants(double score, int32_t label, int64_t position) const {
    const auto s = static_cast<float>(score);
    if (!(s > threshold_) || !(s <= kHighest)) return false;
    return size_ < room_.size() || better(s, label, position, room_.front());
  }
  // Pixel edges in the tensor. Dropped when not finite or without area inside the frame.
  void offer(double score, int32_t label, int64_t position, double x0, double y0, double x1,
             double y1) noexcept;
  void offer_centred(double score, int32_t label, int64_t position, double cx, double cy, double w,
                     double h) noexcept {
    offer(score, label, position, cx - w / 2, cy - h / 2, cx + w / 2, cy + h / 2);
  }
  std::span<const Candidate> best_first() noexcept;  // sorts; ends the collecting
  float threshold() const { return threshold_; }

 private:
  static constexpr float kHighest = 3.4e38f;  // an infinite score is no score
  std::vector<Candidate> room_;
  size_t size_ = 0;
  TensorToFrame map_;
  double width_ = 0, height_ = 0;
  float threshold_ = 0;
};

class Head {
 public:
  virtual ~Head() = default;
  // `tensors`: those that the head asked for through Wanted, in that order, as floats.
  virtual void scan(std::span<const float* const> tensors, Candidates& out) noexcept = 0;
};

// The outputs of the engine that a head reads.
class Wanted {
 public:
  explicit Wanted(const std::vector<TensorSpec>& outputs) : outputs_(outputs) {}
  // The shape of the output (leading extents of 1 beyond `rank` left out); "" names the only one.
  Result<std::vector<int64_t>> shape(const std::string& name, size_t rank, std::string_view role);
  const std::vector<size_t>& indices() const { return indices_; }
  Error wrong(std::string_view expected) const;  // of the output asked for last

 private:
  const std::vector<TensorSpec>& outputs_;
  std::vector<size_t> indices_;
};

using MadeHead = Result<std::unique_ptr<Head>>;
MadeHead make_yolo_anchors(const DetectorSpec& spec, Wanted& wanted, int64_t width, int64_t height);
MadeHead make_yolo_flat(const DetectorSpec& spec, Wanted& wanted);
MadeHead make_ssd(const DetectorSpec& spec, Wanted& wanted, int64_t width, int64_t height);
MadeHead make_retinanet(const DetectorSpec& spec, Wanted& wanted, int64_t width, int64_t height);
MadeHead make_given(const DetectorSpec& spec, Wanted& wanted);

}  // namespace assay::vision
