// SPDX-License-Identifier: Apache-2.0
#include "vision/image.h"

#include <gtest/gtest.h>

#include <cstdlib>

#include "vision/test_images.h"

namespace assay::vision {
namespace {

Result<Image> decode(const std::string& bytes) {
  return decode_image(std::as_bytes(std::span(bytes)), "test");
}

void expect_flat(const std::string& bytes, int64_t width, int64_t height,
                 const std::vector<int>& rgb) {
  const auto image = decode(bytes);
  ASSERT_TRUE(image) << image.error().message;
  EXPECT_EQ(image->width, width);
  EXPECT_EQ(image->height, height);
  ASSERT_EQ(image->rgb.size(), static_cast<size_t>(width * height * 3));
  for (size_t i = 0; i < image->rgb.size(); ++i)
    ASSERT_LE(std::abs(image->rgb[i] - rgb[i % 3]), 1) << i;
}

// (7x + 13y, x^2 + 3y, xy + 17) mod 256: the pattern of the golden values below.
Image pattern(int64_t width, int64_t height) {
  Image image{width, height, {}};
  for (int64_t y = 0; y < height; ++y)
    for (int64_t x = 0; x < width; ++x)
      for (const int64_t v : {7 * x + 13 * y, x * x + 3 * y, x * y + 17})
        image.rgb.push_back(static_cast<uint8_t>(v % 256));
  return image;
}

TEST(Decode, JpegKinds) {
  expect_flat(kJpeg, 16, 16, {200, 100, 50});
  expect_flat(kCmyk, 8, 8, {190, 164, 139});  // as Pillow converts it
  expect_flat(kGreyJpeg, 8, 8, {77, 77, 77});
}

TEST(Decode, PngKinds) {
  const auto image = decode(kPng);
  ASSERT_TRUE(image) << image.error().message;
  EXPECT_EQ(image->rgb, pattern(6, 4).rgb);
  expect_flat(kAlpha, 3, 2, {10, 20, 30});
  expect_flat(kGrey1, 5, 3, {255, 255, 255});
  const auto palette = decode(kPalette);
  ASSERT_TRUE(palette);
  EXPECT_EQ(std::vector<uint8_t>(palette->rgb.begin() + 24, palette->rgb.begin() + 27),
            (std::vector<uint8_t>{26, 6, 17}));
  const auto deep = decode(kGrey16);
  ASSERT_TRUE(deep);
  for (int i = 0; i < 6; ++i) EXPECT_EQ(deep->rgb[3 * i], (i * 10000 * 255 + 32767) / 65535);
}

TEST(Decode, EveryCutIsRefused) {
  for (const auto* whole : {&kPng, &kPalette, &kAlpha, &kGrey16, &kGreyJpeg, &kCmyk}) {
    for (size_t cut = 0; cut < whole->size(); ++cut) {
      const auto image = decode(whole->substr(0, cut));
      ASSERT_FALSE(image) << cut << " of " << whole->size();
      ASSERT_EQ(image.error().code, ExitCode::usage);
      ASSERT_NE(image.error().message.find("test"), std::string::npos);
    }
  }
}

TEST(Decode, HugeAndForeign) {
  std::string huge = kGreyJpeg;
  const size_t size = huge.find("\xff\xc0");
  huge[size + 5] = huge[size + 7] = '\x4e';
  huge[size + 6] = huge[size + 8] = '\x20';  // 20000 x 20000
  EXPECT_NE(decode(huge).error().message.find("20000 x 20000"), std::string::npos);
  EXPECT_FALSE(decode("GIF89a, which is not supported"));
  EXPECT_FALSE(decode(""));
  std::string flipped = kPng;
  flipped[flipped.size() / 2] ^= 1;  // the checksum of the pixels' chunk
  EXPECT_FALSE(decode(flipped));
}

TEST(Resize, GoldenValuesOfPillow) {
  const struct {
    int64_t width, height, to_width, to_height;
    int values[12];
    int64_t sum;
  } cases[] = {{37, 29, 16, 12, {18, 172, 158, 62, 143, 122, 141, 187, 105, 219, 125, 102}, 67102},
               {10, 8, 25, 19, {0, 38, 4, 113, 21, 96, 63, 21, 52, 18, 48, 19}, 70805},
               {50, 37, 7, 5, {77, 84, 152, 123, 134, 131, 172, 127, 118, 135, 119, 96}, 12839},
               {64, 48, 64, 20, {12, 64, 210, 176, 145, 241, 182, 144, 204, 187, 75, 240}, 474991},
               {5, 5, 5, 5, {0, 25, 16, 67, 20, 21, 47, 17, 13, 27, 21, 7}, 1825}};
  for (const auto& c : cases) {
    const Image got = resize(pattern(c.width, c.height), c.to_width, c.to_height);
    ASSERT_EQ(got.rgb.size(), static_cast<size_t>(c.to_width * c.to_height * 3));
    int64_t sum = 0;
    for (const uint8_t v : got.rgb) sum += v;
    EXPECT_LE(std::abs(sum - c.sum), static_cast<int64_t>(got.rgb.size() / 100)) << c.width;
    for (size_t i = 0; i < 12; ++i)
      EXPECT_LE(std::abs(got.rgb[i * 7919 % got.rgb.size()] - c.values[i]), 1)
          << c.width << " " << i;
  }
}

TEST(Crop, MiddleAndPadding) {
  const Image image = pattern(6, 4);
  const Image middle = center_crop(image, 2, 2);
  EXPECT_EQ(middle.rgb[0], image.rgb[(1 * 6 + 2) * 3]);
  const Image padded = center_crop(image, 8, 6);
  EXPECT_EQ(padded.rgb[0], 0);
  EXPECT_EQ(padded.rgb[(1 * 8 + 1) * 3 + 2], image.rgb[2]);
  EXPECT_EQ(center_crop(image, 6, 4).rgb, image.rgb);
}

}  // namespace
}  // namespace assay::vision
