// SPDX-License-Identifier: Apache-2.0
// The functions that libassay-video.so offers.
extern "C" {
#include <libavutil/mem.h>
}

#include <algorithm>
#include <cstdio>
#include <exception>
#include <utility>

#include "frames/video_ffmpeg.h"

namespace {

using assay::vision::FrameFault;
constexpr size_t kLargestBlock = size_t{1} << 29;  // one allocation of FFmpeg's

int32_t video_open(const char* path, const assay_video_options* options, assay_video** out,
                   assay_video_info* info, char* error, size_t error_bytes) {
  *out = nullptr;
  *info = {};
  std::string why;
  FrameFault fault = FrameFault::too_large;
  try {
    auto video = std::make_unique<assay_video>();
    video->options = *options;
    fault = video->open(path, &why);
    if (fault == FrameFault::none) {
      info->width = video->stream->codecpar->width;
      info->height = video->stream->codecpar->height;
      info->frames = std::max<int64_t>(video->stream->nb_frames, 0);
      info->duration_ns = video->duration_ns();
      info->frame_period_ns = video->period_ns();
      std::snprintf(info->format, sizeof info->format, "%s", video->format->iformat->name);
      std::snprintf(info->codec, sizeof info->codec, "%s", video->decoder->codec->name);
      *out = video.release();
    }
  } catch (const std::exception& e) {
    why = e.what();
  }
  std::snprintf(error, error_bytes, "%s", why.c_str());
  return static_cast<int32_t>(fault);
}

template <class F>
int32_t guarded(F&& f) {
  try {
    return static_cast<int32_t>(f());
  } catch (const std::exception&) {
    return static_cast<int32_t>(FrameFault::too_large);  // memory
  }
}
int32_t video_read(assay_video* video) {
  return guarded([&] { return video->read(); });
}
int32_t video_decode(assay_video* video, assay_video_frame* out) {
  *out = {};
  return guarded([&] { return video->decode(out); });
}

int64_t video_time_stamps(assay_video* video, int64_t* out, int64_t capacity) {
  const auto minus = [](FrameFault fault) { return -static_cast<int64_t>(fault); };
  if (!video->rewind()) return minus(FrameFault::unreadable);
  int64_t count = 0;
  while (count < capacity && video->next_packet() == FrameFault::none) {
    const int64_t pts =
        video->packet->pts != AV_NOPTS_VALUE ? video->packet->pts : video->packet->dts;
    if (pts == AV_NOPTS_VALUE) break;
    out[count++] = video->ns_from_first(pts);
  }
  std::sort(out, out + count);
  for (int64_t i = count; i-- > 0;) out[i] -= out[0];
  if (!video->rewind()) return minus(FrameFault::unreadable);
  video->pass_ns = 0;
  return count > 0 ? count : minus(FrameFault::damaged);
}

void video_close(assay_video* video) { delete video; }

const std::string& versions() {
  static const std::string text = [] {
    std::string out;
    const std::pair<const char*, unsigned> libraries[] = {{"libavformat", avformat_version()},
                                                          {"libavcodec", avcodec_version()},
                                                          {"libavutil", avutil_version()}};
    for (const auto& [name, version] : libraries) {
      if (!out.empty()) out += ' ';
      out += name;
      out += ' ' + std::to_string(version >> 16) + '.' + std::to_string(version >> 8 & 255) + '.' +
             std::to_string(version & 255);
    }
    return out;
  }();
  return text;
}

}  // namespace

extern "C" __attribute__((visibility("default"))) const assay_video_api* assay_video_query(
    uint32_t abi_version) {
  if (abi_version != ASSAY_VIDEO_ABI_VERSION) return nullptr;
  av_log_set_level(AV_LOG_QUIET);  // faults are told in words of ours
  av_max_alloc(kLargestBlock);
  static const assay_video_api api = {ASSAY_VIDEO_ABI_VERSION,
                                      sizeof(assay_video_api),
                                      ASSAY_SANITIZER,
                                      versions().c_str(),
                                      video_open,
                                      video_read,
                                      video_decode,
                                      video_time_stamps,
                                      video_close};
  return &api;
}
