// SPDX-License-Identifier: Apache-2.0
// The resize rules and fits of FramePre against image.cc, golden values and hand-worked ones.
#include "vision/frame_pre.h"

#include <algorithm>
#include <cmath>

#include "vision/frame_pre_fixture.h"
#include "vision/geometry.h"
#include "vision/test_images.h"

namespace assay::vision {
namespace {

// 8-bit pixels of Pillow 13.0.0 (BILINEAR) and OpenCV 5.0.0 and 4.14.0 (INTER_LINEAR, the same) of
// pattern(41, 29) resized to 8 x 5 and of pattern(5, 4) resized to 9 x 6.
const std::string kOpenCv41 = from_hex(
    "2e0b16513b22759f2e99373bbd7447e15653223c6029a66c791d229d4c4cc1b076e549a00886ca2c67c1504d"
    "1e74b848c42e2ee85e760cc2bd305a9554274d7829959c5fdcc0c92410403a346f9f57d3287b6c6a9f39d0c3"
    "3a35e7709a0edb405b51467f80c9a3e44cc77dcfeb4a520e4cd632825956ecdc");
const std::string kPil41 = from_hex(
    "3812195841267c9335a06f44be8754b17a62646c6e3781717c22269c514cba9e76a9789a6e8999488884527c"
    "7b70717fbc3335a362766a9eac467281547865787c849c8c83b77f825f4443437399589b7d7c786ea08491ba"
    "7a79aa7e806b818058545178839c9c9c63bf7697b17b6f687f8742717b4d8983");
const std::string kOpenCv5 = from_hex(
    "0000110200110601110a02110e0411120711160a111a0e111c10110702110902110d02111104121506121808"
    "121c0b13200f132312130f03111104111504121906131d0713210a14250d152911152b13161805111a06111e"
    "06122208142609152a0c162e0f173113183415182108112308122708132b0a142f0c16320e173611193a151a"
    "3d181b2709112909122d0a14310b15350d173910193d131a41171c43191d");
const std::string kPil5 = from_hex(
    "0000110200110601110a02110e0411120711160a111a0e111c10110702110902110d03121104121506121909"
    "131d0c132110132312130f04111104111505121906121d0813210b14250e152912162b14161805111a05121e"
    "06132207142609152a0c162e0f163213173415182108112308122709142b0a152f0c16330f183712193b161a"
    "3d181b2709112909122d0a14310b15350d173910193d131a41171c43191d");

TEST(FramePre, GoldenPixelsOfPillowAndOpenCv) {
  const struct {
    int64_t from[2], to[2];
    const std::string *opencv, *pil;
  } cases[] = {{{41, 29}, {8, 5}, &kOpenCv41, &kPil41}, {{5, 4}, {9, 6}, &kOpenCv5, &kPil5}};
  for (const auto& c : cases) {
    for (const auto& level : kLevels) {
      for (const bool pil : {false, true}) {
        const Image image = pattern(c.from[0], c.from[1]);
        const auto got =
            run_pre<uint8_t>(plain(pil ? ResizeRule::pil : ResizeRule::opencv, Fit::stretch),
                             tensor_of(DType::u8, {1, c.to[1], c.to[0], 3}), view_of(image), level);
        const std::string& want = pil ? *c.pil : *c.opencv;
        ASSERT_EQ(got.size(), want.size());
        for (size_t i = 0; i < got.size(); ++i)
          EXPECT_EQ(got[i], static_cast<uint8_t>(want[i])) << i << " pil " << pil << level;
      }
    }
  }
}

// resize() and center_crop() of image.cc, bit for bit, also where they enlarge and pad.
TEST(FramePre, PilIsImageResizeAndCrop) {
  const int64_t frames[][2] = {{1, 1},   {2, 1},   {1, 3},     {5, 7},    {6, 5},
                               {16, 16}, {63, 40}, {500, 375}, {37, 200}, {300, 3}};
  const int64_t tensors[][2] = {{224, 224}, {48, 32}, {1, 1}, {7, 5}, {17, 40}};
  for (const auto& f : frames) {
    const Image image = pattern(f[0], f[1]);
    for (const auto& t : tensors) {
      for (const int64_t shorter : {0, 1, 9, 256}) {
        const Size size = shorter_to({f[0], f[1]}, shorter ? shorter : std::min(t[0], t[1]));
        const Image want = center_crop(resize(image, size.width, size.height), t[0], t[1]);
        const Image stretched = resize(image, t[0], t[1]);
        for (const auto& level : kLevels) {
          // One pixel is the same in both layouts, but 1x1x3 would be a row of one channel.
          const bool dot = t[0] * t[1] == 1;
          const auto input = tensor_of(
              DType::u8, dot ? std::vector<int64_t>{3, 1, 1} : std::vector<int64_t>{t[1], t[0], 3});
          ASSERT_EQ(run_pre<uint8_t>(plain(ResizeRule::pil, Fit::shorter_crop, shorter), input,
                                     view_of(image), level),
                    want.rgb)
              << f[0] << "x" << f[1] << " " << t[0] << "x" << t[1] << " " << shorter << level;
          ASSERT_EQ(
              run_pre<uint8_t>(plain(ResizeRule::pil, Fit::stretch), input, view_of(image), level),
              stretched.rgb)
              << f[0] << "x" << f[1] << " " << t[0] << "x" << t[1] << level;
        }
      }
    }
  }
}

TEST(FramePre, LetterboxIsResizeWithBars) {
  for (const auto& [w, h] : {std::pair<int64_t, int64_t>{100, 40}, {40, 101}, {3, 1}, {1, 700}}) {
    const Image image = pattern(w, h);
    const double scale = std::min(64.0 / static_cast<double>(w), 48.0 / static_cast<double>(h));
    const auto rw = std::max<int64_t>(1, std::llrint(static_cast<double>(w) * scale)),
               rh = std::max<int64_t>(1, std::llrint(static_cast<double>(h) * scale));
    const Image small = resize(image, rw, rh);
    std::vector<uint8_t> want(64 * 48 * 3, 9);
    const int64_t left = (64 - rw) / 2, top = (48 - rh) / 2;
    for (int64_t y = 0; y < rh; ++y)
      std::copy_n(small.rgb.begin() + y * rw * 3, rw * 3,
                  want.begin() + ((y + top) * 64 + left) * 3);
    auto spec = plain(ResizeRule::pil, Fit::letterbox);
    spec.pad = 9;
    for (const auto& level : kLevels) {
      TensorToFrame map;
      EXPECT_EQ(
          run_pre<uint8_t>(spec, tensor_of(DType::u8, {48, 64, 3}), view_of(image), level, &map),
          want)
          << w << "x" << h << level;
      // The frame's corners are the corners of what the bars leave.
      const auto frame_x = [&](int64_t x) {
        return (static_cast<double>(x) - map.offset_x) * map.scale_x;
      };
      const auto frame_y = [&](int64_t y) {
        return (static_cast<double>(y) - map.offset_y) * map.scale_y;
      };
      EXPECT_NEAR(frame_x(left), 0, 1e-9);
      EXPECT_NEAR(frame_x(left + rw), static_cast<double>(w), 1e-9);
      EXPECT_NEAR(frame_y(top), 0, 1e-9);
      EXPECT_NEAR(frame_y(top + rh), static_cast<double>(h), 1e-9);
    }
  }
}

TEST(FramePre, OpenCvWorkedByHand) {
  // 4 -> 3 pixels: centres at 1/6, 1.5, 2 5/6; weights of the right pixel 341, 1024 and 1707 of
  // 2048 (1/6, 1/2, 5/6). The second: (100 * 1024 + 200 * 1024 >> 4) = 19200, x 2048 >> 16 = 600,
  // + 2 >> 2 = 150. The first: 100 * 341 >> 4 = 2131, x 2048 >> 16 = 66, + 2 >> 2 = 17.
  const Image row{4, 1, {0, 0, 0, 100, 100, 100, 200, 200, 200, 40, 40, 40}};
  for (const auto& level : kLevels) {
    EXPECT_EQ(run_pre<uint8_t>(plain(ResizeRule::opencv, Fit::stretch),
                               tensor_of(DType::u8, {1, 1, 1, 3}), view_of(row), level),
              (std::vector<uint8_t>{17, 150, 67}));
  }
}

TEST(FramePre, TorchWorkedByHand) {
  const Image row{2, 1, {0, 50, 100, 100, 50, 0}};
  const Image four{4, 2, {1, 0, 0, 2, 0, 0, 4, 0, 0, 9, 0, 0, 3, 0, 0, 8, 0, 0, 0, 0, 0, 7, 0, 0}};
  for (const auto& level : kLevels) {
    // Twice as wide: centres at -1/4 (held at 0), 1/4, 3/4, 5/4.
    EXPECT_EQ(run_pre<float>(plain(ResizeRule::torch_plain, Fit::stretch),
                             tensor_of(DType::f32, {1, 3, 1, 4}), view_of(row), level),
              (std::vector<float>{0, 25, 75, 100, 50, 50, 50, 50, 100, 75, 25, 0}));
    // Half as large: the mean of two by two, without antialias.
    EXPECT_EQ(run_pre<float>(plain(ResizeRule::torch_plain, Fit::stretch),
                             tensor_of(DType::f32, {1, 3, 1, 2}), view_of(four), level),
              (std::vector<float>{3.5F, 5, 0, 0, 0, 0}));
  }
}

TEST(FramePre, MapAndLeastSource) {
  const Image image = pattern(500, 375);
  TensorToFrame map;
  run_pre<uint8_t>(plain(ResizeRule::pil, Fit::shorter_crop, 256),
                   tensor_of(DType::u8, {224, 224, 3}), view_of(image), "", &map);
  // 341 x 256, crop at (58, 16): halves go to even.
  EXPECT_NEAR((0 - map.offset_x) * map.scale_x, 58 * 500 / 341.0, 1e-9);
  EXPECT_NEAR((224 - map.offset_y) * map.scale_y, 240 * 375 / 256.0, 1e-9);
  run_pre<uint8_t>(plain(ResizeRule::pil, Fit::stretch), tensor_of(DType::u8, {224, 112, 3}),
                   view_of(image), "", &map);
  EXPECT_NEAR((112 - map.offset_x) * map.scale_x, 500, 1e-9);
  EXPECT_NEAR((224 - map.offset_y) * map.scale_y, 375, 1e-9);

  auto pre = FramePre::create(plain(ResizeRule::pil, Fit::shorter_crop, 256),
                              tensor_of(DType::f32, {1, 3, 224, 224}), 100, 100);
  ASSERT_TRUE(pre);
  int64_t w = -1, h = -1;
  pre->least_source(4000, 3000, &w, &h);
  EXPECT_EQ(w, 341);
  EXPECT_EQ(h, 256);
  pre->least_source(0, 3000, &w, &h);
  EXPECT_EQ(w, 0);
  EXPECT_EQ(h, 0);
  EXPECT_EQ(pre->width(), 224);
  EXPECT_EQ(pre->height(), 224);
}

}  // namespace
}  // namespace assay::vision
