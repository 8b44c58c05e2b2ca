// SPDX-License-Identifier: Apache-2.0
#include "vision/image.h"

#include <algorithm>
#include <cstring>

#include "vision/geometry.h"
#include "vision/taps.h"

namespace assay::vision {
namespace {

struct Tap {
  TapSpan span;
  std::vector<int32_t> weights;
};

std::vector<Tap> taps(int64_t from, int64_t to) {
  std::vector<Tap> out(static_cast<size_t>(to));
  for (int64_t i = 0; i < to; ++i) {
    Tap& tap = out[static_cast<size_t>(i)];
    tap.span = tap_span(i, from, to);
    tap.weights.resize(static_cast<size_t>(tap.span.count));
    tap_weights(i, from, to, tap.span, tap.weights.data());
  }
  return out;
}

}  // namespace

Image resize(const Image& image, int64_t width, int64_t height) {
  const std::vector<Tap> across = taps(image.width, width), down = taps(image.height, height);
  // Only the rows the second pass looks at.
  const int64_t top = down.front().span.first;
  const int64_t bottom = down.back().span.first + static_cast<int64_t>(down.back().weights.size());
  std::vector<uint8_t> middle(static_cast<size_t>((bottom - top) * width * 3));
  for (int64_t y = top; y < bottom; ++y) {
    const uint8_t* row = image.rgb.data() + y * image.width * 3;
    uint8_t* out = middle.data() + (y - top) * width * 3;
    for (int64_t x = 0; x < width; ++x) {
      const Tap& tap = across[static_cast<size_t>(x)];
      int32_t r = 0, g = 0, b = 0;
      const uint8_t* p = row + tap.span.first * 3;
      for (const int32_t w : tap.weights) {
        r += w * p[0];
        g += w * p[1];
        b += w * p[2];
        p += 3;
      }
      out[3 * x] = tap_level(r);
      out[3 * x + 1] = tap_level(g);
      out[3 * x + 2] = tap_level(b);
    }
  }
  Image result{width, height, std::vector<uint8_t>(static_cast<size_t>(width * height * 3))};
  std::vector<int32_t> sums(static_cast<size_t>(width * 3));
  for (int64_t y = 0; y < height; ++y) {
    const Tap& tap = down[static_cast<size_t>(y)];
    std::fill(sums.begin(), sums.end(), 0);
    for (size_t k = 0; k < tap.weights.size(); ++k) {
      const uint8_t* row =
          middle.data() + (tap.span.first - top + static_cast<int64_t>(k)) * width * 3;
      for (size_t i = 0; i < sums.size(); ++i) sums[i] += tap.weights[k] * row[i];
    }
    uint8_t* out = result.rgb.data() + y * width * 3;
    for (size_t i = 0; i < sums.size(); ++i) out[i] = tap_level(sums[i]);
  }
  return result;
}

Image center_crop(const Image& image, int64_t width, int64_t height) {
  Image out{width, height, std::vector<uint8_t>(static_cast<size_t>(width * height * 3), 0)};
  const int64_t left = crop_offset(image.width, width), top = crop_offset(image.height, height);
  const int64_t x0 = std::max<int64_t>(0, -left), x1 = std::min(width, image.width - left);
  for (int64_t y = std::max<int64_t>(0, -top); y < std::min(height, image.height - top); ++y) {
    std::memcpy(out.rgb.data() + (y * width + x0) * 3,
                image.rgb.data() + ((y + top) * image.width + x0 + left) * 3,
                static_cast<size_t>((x1 - x0) * 3));
  }
  return out;
}

}  // namespace assay::vision
