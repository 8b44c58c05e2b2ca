// SPDX-License-Identifier: Apache-2.0
// What FramePre works out once for each size of frame: where the frame lands in the tensor, and the
// weights of both axes. All memory is taken by reserve().
#pragma once

#include <vector>

#include "vision/frame_pre.h"
#include "vision/geometry.h"
#include "vision/pre_kernels.h"

namespace assay::vision {

// The whole frame is resized to `resized`; the tensor's pixel (x, y) is its pixel (x + left,
// y + top). Columns [x0, x1) and rows [y0, y1) of the tensor get pixels, the others are bars.
struct Placement {
  Size resized;
  int64_t left = 0, top = 0, x0 = 0, x1 = 0, y0 = 0, y1 = 0;
};
Placement place(const PreSpec& spec, Size tensor, Size frame);

// Weights of the targets [offset, offset + n) of an axis of `from` pixels resized to `to`.
class AxisPlan {
 public:
  // For any axis of at most `max_from` pixels and `max_targets` targets.
  void reserve(int64_t max_from, int64_t max_targets);
  // `across`: OpenCV rounds the weights at the edges otherwise than `down` does.
  void fill(ResizeRule rule, bool across, int64_t from, int64_t to, int64_t offset, int64_t n);

  AxisTaps taps() const;
  int64_t first(int64_t i) const { return first_[static_cast<size_t>(i)]; }
  int64_t count(int64_t i) const { return count_[static_cast<size_t>(i)]; }
  const int32_t* weights(int64_t i) const { return weights_.data() + at_[static_cast<size_t>(i)]; }
  const int32_t* pairs(int64_t i) const { return pairs_.data() + at_[static_cast<size_t>(i)]; }
  const float* real(int64_t i) const { return real_.data() + at_[static_cast<size_t>(i)]; }
  int64_t targets() const { return n_; }
  int64_t most() const { return most_; }  // the largest count
  // Source pixels that are looked at: [begin, end).
  int64_t begin() const { return first(0); }
  int64_t end() const { return first(n_ - 1) + count(n_ - 1); }

 private:
  std::vector<int32_t> first_, count_, at_, weights_, pairs_;
  std::vector<float> real_;
  int64_t n_ = 0, most_ = 0;
};

// AcrossSteps of an axis.
class StepPlan {
 public:
  void reserve(int64_t max_from, int64_t max_targets);
  // No groups when a row of `width` pixels is under 16 bytes, or when memory does not suffice
  // (which reserve() rules out): the kernels then take the taps one by one.
  AcrossSteps fill(ResizeRule rule, const AxisPlan& axis, const int order[3], int64_t width);

 private:
  template <class Emit>
  int64_t lane(const AxisPlan& axis, bool pil, const int order[3], int64_t element, int64_t limit,
               Emit&& emit) const;
  std::vector<int32_t> offsets_;
  std::vector<StepRecord> records_;
};

}  // namespace assay::vision
