// SPDX-License-Identifier: Apache-2.0
// Small videos of known colours, written through libavcodec's own encoders.
#pragma once

extern "C" {
#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libavutil/opt.h>
}

#include <stdexcept>
#include <string>

namespace assay::frames {

struct VideoKind {
  const char* encoder = "mpeg4";
  const char* container = "mp4";
  int width = 64, height = 48, frames = 30, b_frames = 0, group = 10;
  AVPixelFormat pixels = AV_PIX_FMT_YUV420P;
  bool noise = false;             // in Y, so that pictures are most of the file
  const char* decoder = nullptr;  // null: its name is the encoder's
};

// Y, U and V of picture `i`: flat, and another each time.
inline int test_level(int i, int plane) {
  return plane == 0 ? 40 + 5 * i : plane == 1 ? 100 + i : 150 - i;
}

// 25 pictures a second.
inline void write_test_video(const std::string& path, const VideoKind& kind) {
  const auto need = [](int error) {
    if (error < 0) throw std::runtime_error("encoding failed: " + std::to_string(error));
  };
  AVFormatContext* format = nullptr;
  need(avformat_alloc_output_context2(&format, nullptr, kind.container, path.c_str()));
  const AVCodec* codec = avcodec_find_encoder_by_name(kind.encoder);
  if (codec == nullptr) throw std::runtime_error("no encoder");
  AVStream* stream = avformat_new_stream(format, nullptr);
  AVCodecContext* encoder = avcodec_alloc_context3(codec);
  encoder->width = kind.width;
  encoder->height = kind.height;
  encoder->pix_fmt = kind.pixels;
  encoder->time_base = {1, 25};
  encoder->framerate = stream->avg_frame_rate = {25, 1};
  encoder->gop_size = kind.group;
  encoder->max_b_frames = kind.b_frames;
  encoder->thread_count = 1;
  encoder->bit_rate = 1'000'000;
  encoder->strict_std_compliance = FF_COMPLIANCE_UNOFFICIAL;
  av_opt_set(encoder->priv_data, "x265-params", "log-level=none", 0);  // of x265 alone
  encoder->flags |= AV_CODEC_FLAG_QSCALE;
  encoder->global_quality = 2 * FF_QP2LAMBDA;
  if ((format->oformat->flags & AVFMT_GLOBALHEADER) != 0)
    encoder->flags |= AV_CODEC_FLAG_GLOBAL_HEADER;
  need(avcodec_open2(encoder, codec, nullptr));
  need(avcodec_parameters_from_context(stream->codecpar, encoder));
  stream->time_base = encoder->time_base;
  need(avio_open(&format->pb, path.c_str(), AVIO_FLAG_WRITE));
  need(avformat_write_header(format, nullptr));
  AVFrame* frame = av_frame_alloc();
  AVPacket* packet = av_packet_alloc();
  for (int i = 0; i <= kind.frames; ++i) {
    if (i < kind.frames) {
      frame->format = kind.pixels;
      frame->width = kind.width;
      frame->height = kind.height;
      need(av_frame_get_buffer(frame, 0));
      for (int plane = 0; plane < 3; ++plane) {
        if (frame->data[plane] == nullptr) continue;
        const bool half =
            plane > 0 && (kind.pixels == AV_PIX_FMT_YUV420P || kind.pixels == AV_PIX_FMT_YUVJ420P);
        const int rows = half ? (kind.height + 1) / 2 : kind.height;
        std::fill(frame->data[plane], frame->data[plane] + rows * frame->linesize[plane],
                  static_cast<uint8_t>(test_level(i, plane)));
      }
      for (int at = 0; kind.noise && at < kind.height * frame->linesize[0]; ++at)
        frame->data[0][at] =
            static_cast<uint8_t>(static_cast<unsigned>(at * 31 + i * 17 + 1) * 2654435761u >> 24);
      frame->pts = i;
      frame->quality = encoder->global_quality;
    }
    need(avcodec_send_frame(encoder, i < kind.frames ? frame : nullptr));
    while (avcodec_receive_packet(encoder, packet) >= 0) {
      packet->duration = 1;
      av_packet_rescale_ts(packet, encoder->time_base, stream->time_base);
      packet->stream_index = 0;
      need(av_interleaved_write_frame(format, packet));
    }
    av_frame_unref(frame);
  }
  need(av_write_trailer(format));
  av_packet_free(&packet);
  av_frame_free(&frame);
  avcodec_free_context(&encoder);
  avio_closep(&format->pb);
  avformat_free_context(format);
}

}  // namespace assay::frames
