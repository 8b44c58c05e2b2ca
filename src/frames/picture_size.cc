// SPDX-License-Identifier: Apache-2.0
#include "frames/picture_size.h"

#include <cstring>

namespace assay::frames {
namespace {

int64_t big_endian(std::span<const std::byte> bytes, size_t at, int n) {
  int64_t value = 0;
  for (int i = 0; i < n; ++i)
    value = value << 8 | std::to_integer<int64_t>(bytes[at + static_cast<size_t>(i)]);
  return value;
}

// The frame header (SOF, ITU-T T.81 B.2.2) behind whatever segments precede it.
std::optional<PictureSize> jpeg_size(std::span<const std::byte> b) {
  size_t at = 2;
  while (at + 4 <= b.size()) {
    if (b[at] != std::byte{0xff}) return std::nullopt;
    const int marker = std::to_integer<int>(b[at + 1]);
    if (marker == 0xff) {  // a fill byte
      ++at;
      continue;
    }
    if (marker == 0x01 || (marker >= 0xd0 && marker <= 0xd7)) {  // without a length
      at += 2;
      continue;
    }
    if (marker == 0xd9 || marker == 0xda) return std::nullopt;
    const bool frame =
        marker >= 0xc0 && marker <= 0xcf && marker != 0xc4 && marker != 0xc8 && marker != 0xcc;
    if (frame) {
      if (at + 9 > b.size()) return std::nullopt;
      return PictureSize{big_endian(b, at + 7, 2), big_endian(b, at + 5, 2)};
    }
    at += 2 + static_cast<size_t>(big_endian(b, at + 2, 2));
  }
  return std::nullopt;
}

}  // namespace

std::optional<PictureSize> picture_size(std::span<const std::byte> bytes) {
  static constexpr unsigned char png[] = {0x89, 'P', 'N', 'G', 0x0d, 0x0a, 0x1a, 0x0a};
  if (bytes.size() >= 24 && std::memcmp(bytes.data(), png, sizeof png) == 0)
    return PictureSize{big_endian(bytes, 16, 4), big_endian(bytes, 20, 4)};
  if (bytes.size() >= 4 && bytes[0] == std::byte{0xff} && bytes[1] == std::byte{0xd8})
    return jpeg_size(bytes);
  return std::nullopt;
}

}  // namespace assay::frames
