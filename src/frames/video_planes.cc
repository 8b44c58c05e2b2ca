// SPDX-License-Identifier: Apache-2.0
#include "frames/video_planes.h"

extern "C" {
#include <libavutil/pixdesc.h>
}

#include <algorithm>

namespace assay::frames {
namespace {

using vision::FrameFault;
using vision::PixelFormat;

// Means of `across` x `down` samples, rounded; at the last column and row the edge is repeated.
void shrink(const uint8_t* from, int64_t stride, int64_t width, int64_t height, int across,
            int down, uint8_t* to, int64_t to_width, int64_t to_height) {
  const int count = across * down;
  for (int64_t y = 0; y < to_height; ++y) {
    for (int64_t x = 0; x < to_width; ++x) {
      int sum = count / 2;
      for (int j = 0; j < down; ++j)
        for (int i = 0; i < across; ++i)
          sum += from[std::min(y * down + j, height - 1) * stride +
                      std::min(x * across + i, width - 1)];
      to[y * to_width + x] = static_cast<uint8_t>(sum / count);
    }
  }
}

// Shifts of the chroma planes; false for what is not carried.
bool shifts_of(int format, int* across, int* down, bool* grey) {
  *across = *down = 1;
  *grey = false;
  switch (format) {
    case AV_PIX_FMT_YUV420P:
    case AV_PIX_FMT_YUVJ420P:
      return true;
    case AV_PIX_FMT_YUV422P:
    case AV_PIX_FMT_YUVJ422P:
      *down = 0;
      return true;
    case AV_PIX_FMT_YUV440P:
    case AV_PIX_FMT_YUVJ440P:
      *across = 0;
      return true;
    case AV_PIX_FMT_YUV444P:
    case AV_PIX_FMT_YUVJ444P:
      *across = *down = 0;
      return true;
    case AV_PIX_FMT_GRAY8:
      *grey = true;
      return true;
    default:
      return false;
  }
}

bool full_range(const AVFrame& picture) {
  switch (picture.format) {
    case AV_PIX_FMT_YUVJ420P:
    case AV_PIX_FMT_YUVJ422P:
    case AV_PIX_FMT_YUVJ440P:
    case AV_PIX_FMT_YUVJ444P:
      return true;
    default:
      return picture.color_range == AVCOL_RANGE_JPEG;
  }
}

}  // namespace

FrameFault planes_of(const AVFrame& picture, std::vector<uint8_t>* chroma, assay_video_frame* out) {
  const int64_t width = picture.width, height = picture.height;
  out->width = width;
  out->height = height;
  // A file that does not say is BT.601, as FFmpeg's own conversion takes it.
  out->bt709 = picture.colorspace == AVCOL_SPC_BT709 ? 1 : 0;
  out->full_range = full_range(picture) ? 1 : 0;
  for (int i = 0; i < 3; ++i) {
    out->planes[i] = picture.data[i];
    out->strides[i] = picture.linesize[i];
  }
  if (picture.format == AV_PIX_FMT_NV12) {
    out->format = static_cast<int32_t>(PixelFormat::nv12);
    out->planes[2] = nullptr;
    out->strides[2] = 0;
    return FrameFault::none;
  }
  int across, down;
  bool grey;
  if (!shifts_of(picture.format, &across, &down, &grey)) return FrameFault::unsupported;
  out->format = static_cast<int32_t>(PixelFormat::i420);
  if (across == 1 && down == 1 && !grey) return FrameFault::none;
  const int64_t half_width = (width + 1) / 2, half_height = (height + 1) / 2;
  const auto plane = static_cast<size_t>(half_width * half_height);
  if (chroma->size() < 2 * plane) chroma->resize(2 * plane);
  for (int i = 1; i < 3; ++i) {
    uint8_t* to = chroma->data() + static_cast<size_t>(i - 1) * plane;
    if (grey)
      std::fill(to, to + plane, uint8_t{128});
    else
      shrink(picture.data[i], picture.linesize[i], across == 1 ? half_width : width,
             down == 1 ? half_height : height, 2 - across, 2 - down, to, half_width, half_height);
    out->planes[i] = to;
    out->strides[i] = half_width;
  }
  return FrameFault::none;
}

}  // namespace assay::frames
