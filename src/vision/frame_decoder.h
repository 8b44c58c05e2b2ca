// SPDX-License-Identifier: Apache-2.0
// JPEG and PNG again and again without a single allocation: all memory, the libraries' own too, is
// one arena taken at construction. decode_image() of image.h stays for tools that do not hurry.
#pragma once

#include <memory>
#include <span>

#include "base/result.h"
#include "vision/frame.h"

namespace assay::vision {

struct DecodeLimits {
  int64_t max_width = 4096, max_height = 4096;  // <= kMaxSide
  int64_t max_pixels = 4096 * 4096;             // <= kMaxPixels
};

// Scaled decoding (opt-in): libjpeg's inverse transform of fewer coefficients, 1/2, 1/4 or 1/8 a
// side. The smallest scale whose sides are still >= the wanted ones is taken; {0, 0} = full size.
// PNG has no such thing and is decoded whole.
struct DecodeTarget {
  int64_t min_width = 0, min_height = 0;
};

struct DecodedFrame {
  FrameView view;                           // rgb8, dense
  int64_t full_width = 0, full_height = 0;  // of the file
  int scale = 1;                            // 1, 2, 4 or 8
};

class FrameDecoder {
 public:
  // Takes and faults in all memory for images within `limits` (progressive JPEG included): 11 bytes
  // a pixel of them, and some for rows. One decoder serves any number of streams, one frame at a
  // time. Usage error for limits outside kMaxSide and kMaxPixels or below 1; `missing` when the
  // system has not so much memory.
  static Result<FrameDecoder> create(const DecodeLimits& limits);
  FrameDecoder(FrameDecoder&&) noexcept;
  FrameDecoder& operator=(FrameDecoder&&) noexcept;
  ~FrameDecoder();

  // The same pixels as decode_image() (grey, palette, 16-bit, CMYK and alpha too) when the scale
  // is 1. No allocation, no lock, no exception. `out` is valid until the next call. A file that
  // needs more than the arena has is too_large.
  FrameFault decode(std::span<const std::byte> bytes, const DecodeTarget& target,
                    DecodedFrame* out) noexcept;

 private:
  struct Impl;
  explicit FrameDecoder(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace assay::vision
