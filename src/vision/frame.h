// SPDX-License-Identifier: Apache-2.0
// What passes through the timed path of a frame: views of pixels that somebody else owns, and the
// words for what can be wrong with a frame. Nothing here allocates.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace assay::vision {

enum class PixelFormat : int32_t {
  rgb8 = 0,  // dense or strided rows of R,G,B bytes
  nv12 = 1,  // Y plane, then a plane of interleaved U,V of half the width and height
  i420 = 2   // Y plane, then U and V planes, each half by half
};
std::string_view word(PixelFormat f);  // "rgb8" "nv12" "i420"
std::optional<PixelFormat> pixel_format_from(std::string_view s);

// BT.601 or BT.709, limited (16..235) or full range: how YUV becomes RGB.
struct YuvRule {
  bool bt709 = false, full_range = false;
};

// Pixels of one frame, owned by the decoder or the source; valid until its next frame.
// planes[0]: RGB or Y; planes[1]: UV (nv12) or U; planes[2]: V. strides in bytes.
struct FrameView {
  PixelFormat format = PixelFormat::rgb8;
  int64_t width = 0, height = 0;
  const uint8_t* planes[3] = {nullptr, nullptr, nullptr};
  int64_t strides[3] = {0, 0, 0};
  YuvRule yuv;
};

// Why a frame could not be made into a tensor. A fault is counted and reported, never a crash.
enum class FrameFault : int32_t {
  none = 0,
  absent = 1,        // the file is gone or cannot be opened
  unreadable = 2,    // reading failed or the file shrank
  empty = 3,         // zero bytes
  not_an_image = 4,  // neither JPEG nor PNG (or what the source promised)
  damaged = 5,       // cut off or corrupt, also what a decoder would only warn of
  too_large = 6,     // sides, pixels or bytes above the limits fixed before
  unsupported =
      7,          // well formed, but of a kind that is not carried (arithmetic JPEG, 12 bits, ...)
  stopped = 8,    // the camera delivers no more
  run_failed = 9  // the compiler's runtime reported an error
};
std::string_view word(FrameFault f);

}  // namespace assay::vision
