// SPDX-License-Identifier: Apache-2.0
// Inside libassay-video.so alone: one open file of FFmpeg's.
#pragma once

extern "C" {
#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
}

#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "frames/video_abi.h"
#include "vision/frame.h"

namespace assay::frames {

struct FfmpegFree {
  void operator()(AVCodecContext* p) const { avcodec_free_context(&p); }
  void operator()(AVPacket* p) const { av_packet_free(&p); }
  void operator()(AVFrame* p) const { av_frame_free(&p); }
};

}  // namespace assay::frames

// The type the ABI knows by name. Only memory can make a member throw.
struct assay_video {
  AVFormatContext* format = nullptr;
  AVIOContext* io = nullptr;
  std::unique_ptr<AVCodecContext, assay::frames::FfmpegFree> decoder;
  std::unique_ptr<AVPacket, assay::frames::FfmpegFree> packet;
  std::unique_ptr<AVFrame, assay::frames::FfmpegFree> picture;
  std::vector<uint8_t> chroma;
  AVStream* stream = nullptr;
  assay_video_options options = {};

  bool have_packet = false;   // read, not yet given to the decoder
  bool have_picture = false;  // drained at the end, not yet handed out
  bool drained = false;       // the decoder was told of the end
  bool told_short = false;    // this pass
  bool stands_alone = true;   // no damage since the last key picture
  static constexpr int64_t kNone = INT64_MIN;
  static constexpr int64_t kNsPerSecond = 1'000'000'000;
  int64_t first_pts = kNone;  // of the file, in the stream's units
  int64_t last_ns = 0;        // end of the last packet, from first_pts
  int64_t pass_ns = 0;        // time before this pass
  int64_t pictures = 0;       // of this pass

  ~assay_video() {
    decoder.reset();
    if (format != nullptr) avformat_close_input(&format);  // leaves a given io alone
    if (io != nullptr) avio_closep(&io);
  }

  int64_t ns(int64_t units) const {
    return av_rescale_q(units, stream->time_base, AVRational{1, static_cast<int>(kNsPerSecond)});
  }
  // From the first picture; a file may claim any number, so it is kept within three years.
  int64_t ns_from_first(int64_t pts, int64_t more = 0) const {
    constexpr int64_t kMost = 100'000'000 * kNsPerSecond;
    int64_t units;
    if (__builtin_sub_overflow(pts, first_pts, &units) ||
        __builtin_add_overflow(units, more, &units))
      return kMost;
    return std::clamp(ns(units), -kMost, kMost);
  }
  int64_t period_ns() const {
    const AVRational rate = av_guess_frame_rate(format, stream, nullptr);
    return rate.num > 0 && rate.den > 0 ? av_rescale(kNsPerSecond, rate.den, rate.num) : 0;
  }
  int64_t duration_ns() const {
    if (stream->duration > 0) return ns(stream->duration);
    // Of the container, unless it was guessed; with sound it may be the sound's.
    if (format->nb_streams == 1 && format->duration > 0 &&
        format->duration_estimation_method == AVFMT_DURATION_FROM_STREAM)
      return av_rescale(format->duration, kNsPerSecond, AV_TIME_BASE);
    return 0;
  }

  assay::vision::FrameFault open(const char* path, std::string* why);
  assay::vision::FrameFault open_decoder(std::string* why);
  assay::vision::FrameFault next_packet();
  assay::vision::FrameFault drain();
  bool rewind();
  assay::vision::FrameFault read();
  assay::vision::FrameFault decode(assay_video_frame* out);
  assay::vision::FrameFault hand_out(assay_video_frame* out);
};
