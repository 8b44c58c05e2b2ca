// SPDX-License-Identifier: Apache-2.0
#include "vision/image.h"

#include <algorithm>
#include <cmath>
#include <cstring>

namespace assay::vision {
namespace {

// Weights of the source pixels [first, first + weights.size()) for one target pixel.
struct Tap {
  int64_t first = 0;
  std::vector<int32_t>
      weights;  // in units of 2^-22, as Pillow's 8-bit path has them: ties round alike
};
constexpr int kBits = 22;

// Triangle filter of support 1, widened by the scale when shrinking; centres at half pixels.
std::vector<Tap> taps(int64_t from, int64_t to) {
  const double scale = static_cast<double>(from) / static_cast<double>(to),
               support = std::max(scale, 1.0);
  std::vector<Tap> out(static_cast<size_t>(to));
  for (int64_t i = 0; i < to; ++i) {
    const double center = (static_cast<double>(i) + 0.5) * scale;
    const auto first = std::max<int64_t>(static_cast<int64_t>(center - support + 0.5), 0);
    const auto last = std::min<int64_t>(static_cast<int64_t>(center + support + 0.5), from);
    std::vector<double> weights;
    double sum = 0;
    for (int64_t x = first; x < last; ++x) {
      const double distance = std::abs((static_cast<double>(x) - center + 0.5) / support);
      weights.push_back(std::max(0.0, 1 - distance));
      sum += weights.back();
    }
    Tap& tap = out[static_cast<size_t>(i)];
    tap.first = first;
    for (const double w : weights)
      tap.weights.push_back(static_cast<int32_t>(std::floor(w / sum * (1 << kBits) + 0.5)));
  }
  return out;
}

uint8_t round_level(int32_t v) {
  return static_cast<uint8_t>(std::clamp((v + (1 << (kBits - 1))) >> kBits, 0, 255));
}

}  // namespace

Image resize(const Image& image, int64_t width, int64_t height) {
  const std::vector<Tap> across = taps(image.width, width), down = taps(image.height, height);
  // Only the rows the second pass looks at.
  const int64_t top = down.front().first;
  const int64_t bottom = down.back().first + static_cast<int64_t>(down.back().weights.size());
  std::vector<uint8_t> middle(static_cast<size_t>((bottom - top) * width * 3));
  for (int64_t y = top; y < bottom; ++y) {
    const uint8_t* row = image.rgb.data() + y * image.width * 3;
    uint8_t* out = middle.data() + (y - top) * width * 3;
    for (int64_t x = 0; x < width; ++x) {
      const Tap& tap = across[static_cast<size_t>(x)];
      int32_t r = 0, g = 0, b = 0;
      const uint8_t* p = row + tap.first * 3;
      for (const int32_t w : tap.weights) {
        r += w * p[0];
        g += w * p[1];
        b += w * p[2];
        p += 3;
      }
      out[3 * x] = round_level(r);
      out[3 * x + 1] = round_level(g);
      out[3 * x + 2] = round_level(b);
    }
  }
  Image result{width, height, std::vector<uint8_t>(static_cast<size_t>(width * height * 3))};
  std::vector<int32_t> sums(static_cast<size_t>(width * 3));
  for (int64_t y = 0; y < height; ++y) {
    const Tap& tap = down[static_cast<size_t>(y)];
    std::fill(sums.begin(), sums.end(), 0);
    for (size_t k = 0; k < tap.weights.size(); ++k) {
      const uint8_t* row = middle.data() + (tap.first - top + static_cast<int64_t>(k)) * width * 3;
      for (size_t i = 0; i < sums.size(); ++i) sums[i] += tap.weights[k] * row[i];
    }
    uint8_t* out = result.rgb.data() + y * width * 3;
    for (size_t i = 0; i < sums.size(); ++i) out[i] = round_level(sums[i]);
  }
  return result;
}

Image center_crop(const Image& image, int64_t width, int64_t height) {
  Image out{width, height, std::vector<uint8_t>(static_cast<size_t>(width * height * 3), 0)};
  // Halves go to even, as Python's round() that torchvision uses; negative offsets pad.
  const auto offset = [](int64_t have, int64_t want) {
    if (have >= want)
      return static_cast<int64_t>(std::nearbyint(static_cast<double>(have - want) / 2));
    return -((want - have) / 2);
  };
  const int64_t left = offset(image.width, width), top = offset(image.height, height);
  const int64_t x0 = std::max<int64_t>(0, -left), x1 = std::min(width, image.width - left);
  for (int64_t y = std::max<int64_t>(0, -top); y < std::min(height, image.height - top); ++y) {
    std::memcpy(out.rgb.data() + (y * width + x0) * 3,
                image.rgb.data() + ((y + top) * image.width + x0 + left) * 3,
                static_cast<size_t>((x1 - x0) * 3));
  }
  return out;
}

}  // namespace assay::vision
