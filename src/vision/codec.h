// SPDX-License-Identifier: Apache-2.0
// What decode_image() and FrameDecoder share: the two libraries driven with any memory. Only for
// the sources of this folder.
#pragma once

#include <png.h>

#include <csetjmp>
#include <cstdio>  // jpeglib.h needs it before
#include <cstring>
#include <span>

#include <jpeglib.h>

#include "vision/frame_decoder.h"

namespace assay::vision {

// Where the pixels go. `take` returns memory for so many bytes of RGB, or null when there is none;
// it is called once a picture, does not throw and must not jump.
struct PixelSink {
  uint8_t* (*take)(void* owner, size_t bytes);
  void* owner;
};

struct CodecResult {
  int64_t full_width = 0, full_height = 0;  // of the file, also when it is too large
  int64_t width = 0, height = 0;            // of `rgb`
  int scale = 1;
  const uint8_t* rgb = nullptr;
  char message[JMSG_LENGTH_MAX] = "";  // of the library, when it had one
};

inline bool starts_as_png(std::span<const std::byte> bytes) {
  static constexpr unsigned char kPng[] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};
  return bytes.size() >= sizeof kPng && std::memcmp(bytes.data(), kPng, sizeof kPng) == 0;
}
inline bool starts_as_jpeg(std::span<const std::byte> bytes) {
  static constexpr unsigned char kJpeg[] = {0xff, 0xd8, 0xff};
  return bytes.size() >= sizeof kJpeg && std::memcmp(bytes.data(), kJpeg, sizeof kJpeg) == 0;
}

// libjpeg's way to report: jumps back instead of exit(). Warnings jump too: an audit must not guess
// the part of a picture that is lost.
struct JpegTrap {
  jpeg_error_mgr manager;  // first: libjpeg hands back a pointer to it
  jpeg_progress_mgr progress;
  std::jmp_buf back;
  bool no_memory, too_many_scans;
};

// Both set info->err; false when the library could not begin.
bool create_jpeg(jpeg_decompress_struct* info, JpegTrap* trap);
// `info` was created and is in its first state, and is left for its owner to abort or destroy.
FrameFault run_jpeg(jpeg_decompress_struct* info, JpegTrap* trap, std::span<const std::byte> bytes,
                    const DecodeLimits& limits, const DecodeTarget& target, const PixelSink& sink,
                    CodecResult* out);

// libpng's memory; nulls are malloc and free.
struct PngMemory {
  png_malloc_ptr take;
  png_free_ptr give;
  void* owner;
};
FrameFault run_png(std::span<const std::byte> bytes, const DecodeLimits& limits,
                   const PngMemory& memory, const PixelSink& sink, CodecResult* out);

}  // namespace assay::vision
