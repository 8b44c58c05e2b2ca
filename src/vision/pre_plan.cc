// SPDX-License-Identifier: Apache-2.0
#include "vision/pre_plan.h"

#include <algorithm>
#include <cmath>

#include "vision/taps.h"

namespace assay::vision {
namespace {

// Weights are below or equal to 2^22: two halves of 11 bits, both within 16.
int32_t halves(int32_t first, int32_t second) {
  return static_cast<int32_t>(static_cast<uint32_t>(first) | static_cast<uint32_t>(second) << 16);
}
constexpr int kHalfBits = kTapBits / 2, kHalfMask = (1 << kHalfBits) - 1;

int32_t eleven_bits(float weight) {
  return static_cast<int32_t>(std::nearbyint(static_cast<double>(weight * 2048.0F)));
}

}  // namespace

Placement place(const PreSpec& spec, Size tensor, Size frame) {
  Placement p;
  if (spec.fit == Fit::stretch) {
    p.resized = tensor;
  } else if (spec.fit == Fit::letterbox) {
    // One scale for both sides, sides rounded; an odd bar is the smaller one at the left and top.
    const double scale =
        std::min(static_cast<double>(tensor.width) / static_cast<double>(frame.width),
                 static_cast<double>(tensor.height) / static_cast<double>(frame.height));
    const auto side = [&](int64_t from, int64_t to) {
      return std::clamp<int64_t>(std::llrint(static_cast<double>(from) * scale), 1, to);
    };
    p.resized = {side(frame.width, tensor.width), side(frame.height, tensor.height)};
  } else {
    p.resized = shorter_to(frame, spec.resize_shorter > 0 ? spec.resize_shorter
                                                          : std::min(tensor.width, tensor.height));
  }
  p.left = crop_offset(p.resized.width, tensor.width);
  p.top = crop_offset(p.resized.height, tensor.height);
  p.x0 = std::max<int64_t>(0, -p.left);
  p.y0 = std::max<int64_t>(0, -p.top);
  p.x1 = std::min(tensor.width, p.resized.width - p.left);
  p.y1 = std::min(tensor.height, p.resized.height - p.top);
  return p;
}

void AxisPlan::reserve(int64_t max_from, int64_t max_targets) {
  const auto n = static_cast<size_t>(max_targets);
  first_.resize(n);
  count_.resize(n);
  at_.resize(n);
  // n targets of at most 2 x scale + 4 taps each (one more makes them even), and n x scale is at
  // most the axis, as only targets of the resized frame are asked for.
  const auto taps = static_cast<size_t>(2 * std::max(max_from, max_targets) + 5 * max_targets);
  weights_.resize(taps);
  pairs_.resize(taps);
  real_.resize(2 * n);
}

void AxisPlan::fill(ResizeRule rule, bool across, int64_t from, int64_t to, int64_t offset,
                    int64_t n) {
  n_ = n;
  most_ = 0;
  int32_t at = 0;
  const double scale = rule == ResizeRule::opencv  // as it divides: 1 / (to / from)
                           ? 1.0 / (static_cast<double>(to) / static_cast<double>(from))
                           : static_cast<double>(from) / static_cast<double>(to);
  for (int64_t k = 0; k < n; ++k) {
    const auto i = static_cast<size_t>(k);
    const int64_t target = offset + k;
    int64_t first = 0, count = 0;
    at_[i] = at;
    if (rule == ResizeRule::pil) {
      const TapSpan span = tap_span(target, from, to);
      int32_t* w = weights_.data() + at;
      tap_weights(target, from, to, span, w);
      first = span.first;
      count = span.count;
      if (count % 2) w[count] = 0;
      for (int64_t t = 0; t < count; t += 2) {
        pairs_[static_cast<size_t>(at + t)] = halves(w[t] >> kHalfBits, w[t + 1] >> kHalfBits);
        pairs_[static_cast<size_t>(at + t + 1)] = halves(w[t] & kHalfMask, w[t + 1] & kHalfMask);
      }
      at += static_cast<int32_t>((count + 1) / 2 * 2);
    } else {
      float part = 0;
      if (rule == ResizeRule::opencv) {
        part = static_cast<float>((static_cast<double>(target) + 0.5) * scale - 0.5);
        first = static_cast<int64_t>(std::floor(part));
        part -= static_cast<float>(first);
        if (across && (first < 0 || first >= from - 1)) part = 0;
      } else {
        const float at_source = static_cast<float>(scale) * (static_cast<float>(target) + 0.5F);
        part = std::max(0.0F, at_source - 0.5F);
        first = std::min(static_cast<int64_t>(part), from - 1);
        part = std::clamp(part - static_cast<float>(first), 0.0F, 1.0F);
      }
      const int64_t last = std::clamp<int64_t>(first + 1, 0, from - 1);
      first = std::clamp<int64_t>(first, 0, from - 1);
      count = last - first + 1;
      real_[static_cast<size_t>(at)] = 1.0F - part;
      real_[static_cast<size_t>(at + 1)] = part;
      weights_[static_cast<size_t>(at)] = eleven_bits(1.0F - part);
      weights_[static_cast<size_t>(at + 1)] = eleven_bits(part);
      at += 2;
    }
    first_[i] = static_cast<int32_t>(first);
    count_[i] = static_cast<int32_t>(count);
    most_ = std::max(most_, count);
  }
}

AxisTaps AxisPlan::taps() const {
  return {first_.data(), count_.data(), at_.data(), weights_.data(), real_.data()};
}

}  // namespace assay::vision
