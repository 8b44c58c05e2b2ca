// SPDX-License-Identifier: Apache-2.0
// Where the pixels of an image land in a tensor. The same for prepared data sets and for frames.
#pragma once

#include <cmath>
#include <cstdint>

#include "vision/image.h"

namespace assay::vision {

struct Size {
  int64_t width = 0, height = 0;
};

// As torchvision's Resize(int): the shorter side exactly, the longer one truncated (and at most
// kMaxSide). All sides >= 1.
inline Size shorter_to(Size from, int64_t shorter) {
  const bool wide = from.width >= from.height;
  const int64_t small = wide ? from.height : from.width, large = wide ? from.width : from.height;
  int64_t scaled = shorter * large / small;
  scaled = scaled < 1 ? 1 : scaled > kMaxSide ? kMaxSide : scaled;
  return wide ? Size{scaled, shorter} : Size{shorter, scaled};
}

// First of the middle `want` of `have`; halves go to even, as Python's round() that torchvision
// uses; negative: so many are missing in front.
inline int64_t crop_offset(int64_t have, int64_t want) {
  if (have >= want)
    return static_cast<int64_t>(std::nearbyint(static_cast<double>(have - want) / 2));
  return -((want - have) / 2);
}

// ITU-R 601 luma of 8-bit levels, rounded as Pillow does.
inline int luma_level(int r, int g, int b) {
  return (r * 19595 + g * 38470 + b * 7471 + 0x8000) >> 16;
}

}  // namespace assay::vision
