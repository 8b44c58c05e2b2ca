// SPDX-License-Identifier: Apache-2.0
// For the tests of FramePre: patterns, buffers of exact size (so that a sanitizer sees the first
// byte outside), and runs at a stated level of SIMD.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "vision/frame_pre.h"
#include "vision/image.h"

namespace assay::vision {

// All this machine has; on one without AVX2 the first two are the same.
inline const std::vector<std::string> kLevels = {"", "vector", "scalar"};

class AtLevel {
 public:
  explicit AtLevel(const std::string& level) { setenv("ASSAY_SIMD", level.c_str(), 1); }
  ~AtLevel() { unsetenv("ASSAY_SIMD"); }
  AtLevel(const AtLevel&) = delete;
  AtLevel& operator=(const AtLevel&) = delete;
};

// (7x + 13y, x^2 + 3y, xy + 17) mod 256, as in image_test.cc.
inline Image pattern(int64_t width, int64_t height) {
  Image image{width, height, {}};
  image.rgb.reserve(static_cast<size_t>(width * height * 3));
  for (int64_t y = 0; y < height; ++y)
    for (int64_t x = 0; x < width; ++x)
      for (const int64_t v : {7 * x + 13 * y, x * x + 3 * y, x * y + 17})
        image.rgb.push_back(static_cast<uint8_t>(v % 256));
  return image;
}

inline FrameView view_of(const Image& image) {
  FrameView v;
  v.width = image.width;
  v.height = image.height;
  v.planes[0] = image.rgb.data();
  v.strides[0] = 3 * image.width;
  return v;
}

// The levels themselves.
inline PreSpec plain(ResizeRule rule, Fit fit, int64_t shorter = 0) {
  PreSpec spec;
  spec.resize = rule;
  spec.fit = fit;
  spec.resize_shorter = shorter;
  spec.scale = 1;
  spec.mean = {0};
  spec.std = {1};
  return spec;
}

inline TensorSpec tensor_of(DType type, std::vector<int64_t> shape) {
  return {"input", type, std::move(shape)};
}

// Runs once at `level` into memory that ends where the tensor ends.
template <class T>
std::vector<T> run_pre(const PreSpec& spec, const TensorSpec& input, const FrameView& frame,
                       const std::string& level = "", TensorToFrame* map = nullptr) {
  const AtLevel at(level);
  auto pre = FramePre::create(spec, input, frame.width, frame.height);
  EXPECT_TRUE(pre) << (pre ? "" : pre.error().message);
  std::vector<T> out(static_cast<size_t>(input.elements()), static_cast<T>(77));
  if (pre) {
    EXPECT_EQ(pre->run(frame, out.data(), map), FrameFault::none);
  }
  return out;
}

}  // namespace assay::vision
