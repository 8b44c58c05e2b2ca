// SPDX-License-Identifier: Apache-2.0
// Decoding of untrusted images and the arithmetic between an image and a tensor.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/result.h"

namespace assay::vision {

// 8-bit RGB, rows top to bottom, dense.
struct Image {
  int64_t width = 0, height = 0;
  std::vector<uint8_t> rgb;
};

constexpr int64_t kMaxSide = 20000, kMaxPixels = 100'000'000;

// JPEG or PNG by content, not by name. Greyscale, palette, 16-bit and CMYK become RGB; alpha is
// dropped and EXIF ignored, as Pillow's convert("RGB") does. Usage error naming `where` for
// anything else, damage (also what the decoder would only warn of: a cut-off file), sides above
// kMaxSide, more than kMaxPixels, and a JPEG of more than 500 scans (each costs a whole pass).
Result<Image> decode_image(std::span<const std::byte> bytes, std::string_view where);
Result<Image> decode_jpeg(std::span<const std::byte> bytes, std::string_view where);
Result<Image> decode_png(std::span<const std::byte> bytes, std::string_view where);

// Bilinear with the triangle widened by the scale when shrinking (antialias), two passes with 8
// bits between them: within one grey level of Pillow's resize(BILINEAR). `width`, `height` >= 1.
Image resize(const Image& image, int64_t width, int64_t height);
// The middle `width` x `height`, black where the image is smaller; offsets rounded as torchvision's
// CenterCrop.
Image center_crop(const Image& image, int64_t width, int64_t height);

}  // namespace assay::vision
