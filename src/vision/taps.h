// SPDX-License-Identifier: Apache-2.0
// Weights of Pillow's bilinear resize along one axis: a triangle of support 1, widened by the scale
// when shrinking (antialias), centres at half pixels. One place for image.cc and the frames' path.
#pragma once

#include <cstdint>

namespace assay::vision {

// Weights are in units of 2^-22, as Pillow's 8-bit path has them: ties round alike.
constexpr int kTapBits = 22;

// Target pixel i is the weighted sum of the source pixels [first, first + count).
struct TapSpan {
  int64_t first = 0, count = 0;
};

// `i` in [0, to); `from`, `to` >= 1.
TapSpan tap_span(int64_t i, int64_t from, int64_t to);
// Writes span.count weights. Their sum is 2^22 but for rounding; none is negative.
void tap_weights(int64_t i, int64_t from, int64_t to, TapSpan span, int32_t* weights);
// No span of the axis is longer.
int64_t max_taps(int64_t from, int64_t to);

// The rounded pixel of a weighted sum of 8-bit levels. Static: files with instruction-set flags of
// their own use it, and the linker must not keep their copy for others.
static inline uint8_t tap_level(int32_t sum) {
  const int32_t v = (sum + (1 << (kTapBits - 1))) >> kTapBits;
  return static_cast<uint8_t>(v < 0 ? 0 : v > 255 ? 255 : v);
}

}  // namespace assay::vision
