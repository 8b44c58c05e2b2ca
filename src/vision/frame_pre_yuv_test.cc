// SPDX-License-Identifier: Apache-2.0
// Frames as cameras give them.
#include <algorithm>
#include <cmath>

#include "vision/frame_pre_fixture.h"

namespace assay::vision {
namespace {

struct Yuv {
  int64_t width, height, pad;  // bytes after each row
  std::vector<uint8_t> y, u, v, uv;

  Yuv(int64_t w, int64_t h, int64_t p) : width(w), height(h), pad(p) {
    const int64_t cw = (w + 1) / 2, ch = (h + 1) / 2;
    const auto fill = [&](std::vector<uint8_t>& plane, int64_t pw, int64_t ph, int64_t a) {
      // The last row ends with its last pixel.
      plane.assign(static_cast<size_t>((pw + p) * (ph - 1) + pw), 0);
      for (size_t i = 0; i < plane.size(); ++i)
        plane[i] = static_cast<uint8_t>(
            (static_cast<int64_t>(i) * a + static_cast<int64_t>(i * i) % 31) % 256);
    };
    fill(y, w, h, 7);
    fill(u, cw, ch, 11);
    fill(v, cw, ch, 5);
    uv.assign(static_cast<size_t>((2 * cw + p) * (ch - 1) + 2 * cw), 0);
    for (int64_t r = 0; r < ch; ++r) {
      for (int64_t x = 0; x < cw; ++x) {
        uv[static_cast<size_t>(r * (2 * cw + p) + 2 * x)] =
            u[static_cast<size_t>(r * (cw + p) + x)];
        uv[static_cast<size_t>(r * (2 * cw + p) + 2 * x + 1)] =
            v[static_cast<size_t>(r * (cw + p) + x)];
      }
    }
  }
  FrameView view(PixelFormat format, YuvRule rule = {}) const {
    FrameView f;
    f.format = format;
    f.width = width;
    f.height = height;
    f.yuv = rule;
    const int64_t cw = (width + 1) / 2;
    f.planes[0] = y.data();
    f.strides[0] = width + pad;
    f.planes[1] = format == PixelFormat::nv12 ? uv.data() : u.data();
    f.strides[1] = format == PixelFormat::nv12 ? 2 * cw + pad : cw + pad;
    f.planes[2] = format == PixelFormat::nv12 ? nullptr : v.data();
    f.strides[2] = cw + pad;
    return f;
  }
  // The matrices as ITU-R BT.601 and BT.709 print them, in real numbers.
  Image rgb(YuvRule rule) const {
    Image out{width, height, {}};
    const double kr = rule.bt709 ? 0.2126 : 0.299, kb = rule.bt709 ? 0.0722 : 0.114;
    const int64_t cw = (width + 1) / 2;
    for (int64_t r = 0; r < height; ++r) {
      for (int64_t x = 0; x < width; ++x) {
        const auto at = static_cast<size_t>(r / 2 * (cw + pad) + x / 2);
        double l = y[static_cast<size_t>(r * (width + pad) + x)], cb = u[at] - 128.0,
               cr = v[at] - 128.0;
        l = rule.full_range ? l : (l - 16) * 255 / 219;
        cb *= rule.full_range ? 1 : 255.0 / 224;
        cr *= rule.full_range ? 1 : 255.0 / 224;
        const double red = l + 2 * (1 - kr) * cr, blue = l + 2 * (1 - kb) * cb;
        const double green = l - (2 * (1 - kr) * kr * cr + 2 * (1 - kb) * kb * cb) / (1 - kr - kb);
        for (const double c : {red, green, blue})
          out.rgb.push_back(static_cast<uint8_t>(std::clamp(std::lround(c), 0L, 255L)));
      }
    }
    return out;
  }
};

TEST(FramePreYuv, MatricesAndRanges) {
  for (const auto& [w, h] : {std::pair<int64_t, int64_t>{40, 12}, {37, 11}, {1, 1}, {3, 2}}) {
    const Yuv yuv(w, h, 5);
    const auto input = tensor_of(
        DType::u8, w == 1 ? std::vector<int64_t>{3, 1, 1} : std::vector<int64_t>{h, w, 3});
    for (const bool bt709 : {false, true}) {
      for (const bool full : {false, true}) {
        const YuvRule rule{bt709, full};
        const Image want = yuv.rgb(rule);
        for (const auto& level : kLevels) {
          const auto nv12 = run_pre<uint8_t>(plain(ResizeRule::pil, Fit::stretch), input,
                                             yuv.view(PixelFormat::nv12, rule), level);
          const auto i420 = run_pre<uint8_t>(plain(ResizeRule::opencv, Fit::stretch), input,
                                             yuv.view(PixelFormat::i420, rule), level);
          EXPECT_EQ(nv12, i420);
          for (size_t i = 0; i < nv12.size(); ++i)
            ASSERT_LE(std::abs(nv12[i] - want.rgb[i]), 1) << i << " " << bt709 << full << level;
        }
      }
    }
  }
}

TEST(FramePreYuv, KnownColours) {
  // Limited BT.601: black, white, and pure red (81, 90, 240).
  const struct {
    uint8_t y, u, v;
    int rgb[3];
  } cases[] = {{16, 128, 128, {0, 0, 0}},
               {235, 128, 128, {255, 255, 255}},
               {81, 90, 240, {254, 0, 0}},
               {0, 128, 128, {0, 0, 0}}};
  for (const auto& c : cases) {
    FrameView f;
    f.format = PixelFormat::i420;
    f.width = f.height = 1;
    f.planes[0] = &c.y;
    f.planes[1] = &c.u;
    f.planes[2] = &c.v;
    f.strides[0] = f.strides[1] = f.strides[2] = 1;
    const auto got =
        run_pre<uint8_t>(plain(ResizeRule::pil, Fit::stretch), tensor_of(DType::u8, {3, 1, 1}), f);
    for (size_t i = 0; i < 3; ++i) EXPECT_NEAR(got[i], c.rgb[i], 1) << int{c.y};
  }
}

// What converts only the columns it needs gives what the whole converted frame gives.
TEST(FramePreYuv, ConvertedThenResized) {
  for (const auto& [w, h] : {std::pair<int64_t, int64_t>{300, 90}, {91, 301}, {7, 5}}) {
    const Yuv yuv(w, h, 3);
    for (const auto rule : {ResizeRule::pil, ResizeRule::opencv, ResizeRule::torch_plain}) {
      for (const auto& level : kLevels) {
        Image rgb{w, h,
                  run_pre<uint8_t>(plain(ResizeRule::pil, Fit::stretch),
                                   tensor_of(DType::u8, {1, h, w, 3}), yuv.view(PixelFormat::nv12),
                                   level)};
        const auto input = tensor_of(DType::f32, {1, 3, 32, 24});
        const auto spec = plain(rule, Fit::shorter_crop, 40);
        EXPECT_EQ(run_pre<float>(spec, input, yuv.view(PixelFormat::nv12), level),
                  run_pre<float>(spec, input, view_of(rgb), level))
            << w << word(rule) << level;
      }
    }
  }
}

TEST(FramePreYuv, SubViewIsTheCroppedFrame) {
  const Yuv yuv(64, 48, 0);
  const auto input = tensor_of(DType::u8, {1, 16, 20, 3});
  const auto spec = plain(ResizeRule::pil, Fit::stretch);
  auto whole =
      run_pre<uint8_t>(spec, tensor_of(DType::u8, {1, 48, 64, 3}), yuv.view(PixelFormat::nv12));
  for (const auto format : {PixelFormat::nv12, PixelFormat::i420}) {
    FrameView part = yuv.view(format);
    const int64_t x = 6, y = 10;
    part.width = 20;
    part.height = 16;
    part.planes[0] += y * part.strides[0] + x;
    part.planes[1] += y / 2 * part.strides[1] + (format == PixelFormat::nv12 ? x : x / 2);
    if (part.planes[2]) part.planes[2] += y / 2 * part.strides[2] + x / 2;
    const auto got = run_pre<uint8_t>(spec, input, part);
    for (int64_t r = 0; r < 16; ++r) {
      ASSERT_TRUE(std::equal(got.begin() + r * 60, got.begin() + (r + 1) * 60,
                             whole.begin() + ((r + y) * 64 + x) * 3))
          << word(format) << r;
    }
  }
}

}  // namespace
}  // namespace assay::vision
