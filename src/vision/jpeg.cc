// SPDX-License-Identifier: Apache-2.0
#include "vision/codec.h"

#include <jerror.h>

namespace assay::vision {
namespace {

// A progressive file of a few bytes a scan costs a pass over the whole picture each time.
constexpr int kMaxScans = 500;

[[noreturn]] void on_error(j_common_ptr common) {
  std::longjmp(reinterpret_cast<JpegTrap*>(common->err)->back, 1);
}

void on_message(j_common_ptr common, int level) {
  if (level < 0) on_error(common);  // a warning
}

void on_progress(j_common_ptr common) {
  if (reinterpret_cast<jpeg_decompress_struct*>(common)->input_scan_number <= kMaxScans) return;
  reinterpret_cast<JpegTrap*>(common->err)->too_many_scans = true;
  on_error(common);
}

FrameFault fault_of(const JpegTrap& trap) {
  if (trap.no_memory) return FrameFault::too_large;
  if (trap.too_many_scans) return FrameFault::unsupported;
  switch (trap.manager.msg_code) {
    case JERR_IMAGE_TOO_BIG:
    case JERR_WIDTH_OVERFLOW:
    case JERR_OUT_OF_MEMORY:
    case JERR_NO_BACKING_STORE:
      return FrameFault::too_large;
    case JERR_ARITH_NOTIMPL:
    case JERR_BAD_PRECISION:
    case JERR_CCIR601_NOTIMPL:
    case JERR_COMPONENT_COUNT:
    case JERR_CONVERSION_NOTIMPL:
    case JERR_FRACT_SAMPLE_NOTIMPL:
    case JERR_NOTIMPL:
    case JERR_NOT_COMPILED:
    case JERR_SOF_UNSUPPORTED:
      return FrameFault::unsupported;
    default:
      return FrameFault::damaged;
  }
}

// The greatest of 1, 2, 4 and 8 whose sides, rounded up as libjpeg does, are not below the wanted.
int scale_for(int64_t width, int64_t height, const DecodeTarget& target) {
  if (target.min_width <= 0 && target.min_height <= 0) return 1;
  for (const int scale : {8, 4, 2})
    if ((width + scale - 1) / scale >= target.min_width &&
        (height + scale - 1) / scale >= target.min_height)
      return scale;
  return 1;
}

// Inks to light. Adobe stores the inks inverted.
void rgb_of_cmyk(const uint8_t* p, int64_t width, bool inverted, uint8_t* rgb) {
  for (int64_t x = 0; x < width; ++x, p += 4, rgb += 3) {
    const int key = inverted ? p[3] : 255 - p[3];
    for (int c = 0; c < 3; ++c) {
      const int ink = inverted ? p[c] : 255 - p[c];
      rgb[c] = static_cast<uint8_t>((ink * key + 127) / 255);
    }
  }
}

}  // namespace

bool create_jpeg(jpeg_decompress_struct* info, JpegTrap* trap) {
  info->err = jpeg_std_error(&trap->manager);
  trap->manager.error_exit = on_error;
  trap->manager.emit_message = on_message;
  trap->no_memory = trap->too_many_scans = false;
  info->mem = nullptr;  // should the next line jump before the library sets it
  if (setjmp(trap->back)) return false;
  jpeg_create_decompress(info);
  return true;
}

// All that can jump stays in here, with no object of C++ that would need its destructor run.
FrameFault run_jpeg(jpeg_decompress_struct* info, JpegTrap* trap, std::span<const std::byte> bytes,
                    const DecodeLimits& limits, const DecodeTarget& target, const PixelSink& sink,
                    CodecResult* out) {
  trap->no_memory = trap->too_many_scans = false;
  trap->progress = {on_progress, 0, 0, 0, 0};
  if (setjmp(trap->back)) {
    if (trap->too_many_scans)
      std::snprintf(out->message, sizeof out->message, "more than %d scans", kMaxScans);
    else
      trap->manager.format_message(reinterpret_cast<j_common_ptr>(info), out->message);
    return fault_of(*trap);
  }
  info->progress = &trap->progress;
  jpeg_mem_src(info, reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size());
  jpeg_read_header(info, TRUE);
  out->full_width = info->image_width;
  out->full_height = info->image_height;
  if (out->full_width > limits.max_width || out->full_height > limits.max_height ||
      out->full_width * out->full_height > limits.max_pixels)
    return FrameFault::too_large;
  const bool cmyk = info->jpeg_color_space == JCS_CMYK || info->jpeg_color_space == JCS_YCCK;
  info->out_color_space = cmyk ? JCS_CMYK : JCS_RGB;
  out->scale = scale_for(out->full_width, out->full_height, target);
  info->scale_num = 1;
  info->scale_denom = static_cast<unsigned>(out->scale);
  jpeg_calc_output_dimensions(info);
  out->width = info->output_width;
  out->height = info->output_height;
  uint8_t* rgb = sink.take(sink.owner, static_cast<size_t>(out->width * out->height * 3));
  if (rgb == nullptr) ERREXIT1(info, JERR_OUT_OF_MEMORY, 0);
  jpeg_start_decompress(info);
  JSAMPROW inks = nullptr;
  if (cmyk)
    inks = static_cast<JSAMPROW>(info->mem->alloc_large(
        reinterpret_cast<j_common_ptr>(info), JPOOL_IMAGE, static_cast<size_t>(out->width) * 4));
  while (info->output_scanline < info->output_height) {
    JSAMPROW row = rgb + static_cast<int64_t>(info->output_scanline) * out->width * 3;
    jpeg_read_scanlines(info, cmyk ? &inks : &row, 1);
    if (cmyk) rgb_of_cmyk(inks, out->width, info->saw_Adobe_marker, row);
  }
  jpeg_finish_decompress(info);
  out->rgb = rgb;
  return FrameFault::none;
}

}  // namespace assay::vision
