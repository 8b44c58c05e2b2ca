// SPDX-License-Identifier: Apache-2.0
// Files are not trusted: one regular local file, demuxers and decoders from a
// short list, nothing opened that the file names, one thread, sides and single allocations limited.
#include "frames/video_ffmpeg.h"

extern "C" {
#include <libavutil/avstring.h>
}

#include <sys/stat.h>

#include <algorithm>
#include <string>

#include "frames/video_planes.h"

namespace {

using assay::vision::FrameFault;

constexpr char kFormats[] = "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpegts,mjpeg";
constexpr char kDecoders[] =
    "h264,hevc,mpeg4,mpeg2video,mpeg1video,mjpeg,vp8,vp9,libdav1d,libaom-av1,rawvideo";
constexpr int kMaxAhead = 64;  // packets that a decoder may want before a picture

int refuse_io(AVFormatContext*, AVIOContext** out, const char*, int, AVDictionary**) {
  *out = nullptr;
  return AVERROR(EACCES);  // a reference to another file
}

}  // namespace

namespace {

FrameFault fail(std::string* why, FrameFault fault, std::string text) {
  *why = std::move(text);
  return fault;
}

std::string words_of(int error) {
  char text[AV_ERROR_MAX_STRING_SIZE] = "";
  av_strerror(error, text, sizeof text);
  return text;
}

}  // namespace

FrameFault assay_video::open(const char* path, std::string* why) {
  struct stat about;
  if (stat(path, &about) != 0) return fail(why, FrameFault::absent, "no such file");
  if (!S_ISREG(about.st_mode)) return fail(why, FrameFault::absent, "not a regular file");
  if (about.st_size == 0) return fail(why, FrameFault::empty, "the file is empty");
  AVDictionary* set = nullptr;
  av_dict_set(&set, "protocol_whitelist", "file", 0);
  int error = avio_open2(&io, (std::string("file:") + path).c_str(), AVIO_FLAG_READ, nullptr, &set);
  av_dict_free(&set);
  if (error < 0) return fail(why, FrameFault::absent, "cannot be opened: " + words_of(error));
  format = avformat_alloc_context();
  if (format == nullptr) return fail(why, FrameFault::too_large, "no memory");
  format->pb = io;
  format->io_open = refuse_io;
  av_dict_set(&set, "protocol_whitelist", "file", 0);
  av_dict_set(&set, "format_whitelist", kFormats, 0);
  av_dict_set(&set, "codec_whitelist", kDecoders, 0);
  av_dict_set(&set, "enable_drefs", "0", 0);
  av_dict_set(&set, "max_streams", "64", 0);
  // No name: only the content says what it is.
  error = avformat_open_input(&format, nullptr, nullptr, &set);
  av_dict_free(&set);
  if (error < 0)
    return fail(why, FrameFault::not_an_image,
                "no video of a container that is carried, or damaged: " + words_of(error));
  error = avformat_find_stream_info(format, nullptr);
  if (error < 0) return fail(why, FrameFault::damaged, "damaged: " + words_of(error));
  return open_decoder(why);
}

FrameFault assay_video::open_decoder(std::string* why) {
  const AVCodec* codec = nullptr;
  const int at = av_find_best_stream(format, AVMEDIA_TYPE_VIDEO, -1, -1, &codec, 0);
  if (at == AVERROR_DECODER_NOT_FOUND || (at >= 0 && codec == nullptr))
    return fail(why, FrameFault::unsupported, "no decoder for its video");
  if (at < 0) return fail(why, FrameFault::not_an_image, "no video stream in it");
  stream = format->streams[at];
  for (unsigned i = 0; i < format->nb_streams; ++i)
    if (static_cast<int>(i) != at) format->streams[i]->discard = AVDISCARD_ALL;
  const AVCodecParameters& says = *stream->codecpar;
  if (says.width > options.max_width || says.height > options.max_height)
    return fail(why, FrameFault::too_large,
                std::to_string(says.width) + " x " + std::to_string(says.height) +
                    " pixels, at most " + std::to_string(options.max_width) + " x " +
                    std::to_string(options.max_height));
  if (av_match_list(codec->name, kDecoders, ',') == 0)
    return fail(why, FrameFault::unsupported,
                "its video is " + std::string(codec->name) + ", which is not carried");
  decoder.reset(avcodec_alloc_context3(codec));
  packet.reset(av_packet_alloc());
  picture.reset(av_frame_alloc());
  if (!decoder || !packet || !picture) return fail(why, FrameFault::too_large, "no memory");
  int error = avcodec_parameters_to_context(decoder.get(), &says);
  decoder->pkt_timebase = stream->time_base;
  decoder->thread_count = 1;
  decoder->max_pixels = std::min<int64_t>(options.max_width * options.max_height, INT32_MAX);
  // What is damaged is refused, not guessed.
  decoder->err_recognition = AV_EF_CRCCHECK | AV_EF_BITSTREAM | AV_EF_BUFFER | AV_EF_EXPLODE;
  decoder->error_concealment = 0;
  if (error >= 0) error = avcodec_open2(decoder.get(), codec, nullptr);
  if (error < 0)
    return fail(why, FrameFault::damaged, "its decoder does not start: " + words_of(error));
  return FrameFault::none;
}

// The next packet of the stream into `packet`; `stopped` at the end of the file.
FrameFault assay_video::next_packet() {
  for (;;) {
    av_packet_unref(packet.get());
    const int error = av_read_frame(format, packet.get());
    if (error == AVERROR_EOF || (error < 0 && avio_feof(format->pb) != 0))
      return FrameFault::stopped;
    if (error < 0)
      return error == AVERROR_INVALIDDATA ? FrameFault::damaged : FrameFault::unreadable;
    if (packet->stream_index != stream->index) continue;
    const int64_t pts = packet->pts != AV_NOPTS_VALUE ? packet->pts : packet->dts;
    if (pts != AV_NOPTS_VALUE) {
      if (first_pts == kNone) first_pts = pts;
      last_ns = std::max(last_ns, ns_from_first(pts, packet->duration));
    }
    return (packet->flags & AV_PKT_FLAG_CORRUPT) != 0 ? FrameFault::damaged : FrameFault::none;
  }
}

// At the end: pictures the decoder still holds.
FrameFault assay_video::drain() {
  if (!drained) avcodec_send_packet(decoder.get(), nullptr);
  drained = true;
  const int error = avcodec_receive_frame(decoder.get(), picture.get());
  if (error == AVERROR_EOF || error == AVERROR(EAGAIN)) return FrameFault::stopped;
  have_picture = error >= 0;
  return error < 0 ? FrameFault::damaged : FrameFault::none;
}

bool assay_video::rewind() {
  // Transport streams and bare MJPEG are found again by place: their times need not begin at 0.
  const bool by_place = (format->iformat->flags & AVFMT_TS_DISCONT) != 0 ||
                        std::string(format->iformat->name) == "mjpeg";
  int error = -1;
  if (!by_place)
    error = avformat_seek_file(format, stream->index, INT64_MIN,
                               stream->start_time == AV_NOPTS_VALUE ? 0 : stream->start_time,
                               INT64_MAX, 0);
  if (error < 0) error = avformat_seek_file(format, -1, INT64_MIN, 0, INT64_MAX, AVSEEK_FLAG_BYTE);
  avcodec_flush_buffers(decoder.get());
  drained = have_packet = have_picture = told_short = false;
  stands_alone = true;
  pass_ns += last_ns + (pictures > 0 && last_ns == 0 ? std::max<int64_t>(period_ns(), 1) : 0);
  pass_ns = std::min(pass_ns, INT64_MAX / 4);
  last_ns = pictures = 0;
  return error >= 0;
}

FrameFault assay_video::read() {
  have_picture = false;
  // One packet may hold several pictures; they come before the next packet.
  if (!drained && avcodec_receive_frame(decoder.get(), picture.get()) == 0) {
    have_picture = true;
    return FrameFault::none;
  }
  for (int pass = 0; pass < 2; ++pass) {
    FrameFault fault = drained ? FrameFault::stopped : next_packet();
    have_packet = fault == FrameFault::none;
    if (fault == FrameFault::damaged) stands_alone = false;
    if (fault != FrameFault::stopped) return fault;
    fault = drain();
    if (fault != FrameFault::stopped) return fault;
    const int64_t whole = duration_ns();
    if (!told_short && whole > 0 && last_ns + 2 * period_ns() < whole - whole / 50) {
      told_short = true;
      return FrameFault::unreadable;
    }
    if (options.loop == 0) return FrameFault::stopped;
    if (pictures == 0 && pass > 0) return FrameFault::stopped;  // nothing in it at all
    if (!rewind()) return FrameFault::unreadable;
  }
  return FrameFault::stopped;
}

FrameFault assay_video::hand_out(assay_video_frame* out) {
  have_picture = false;
  ++pictures;
  const bool key = picture->key_frame != 0;
  if ((picture->flags & AV_FRAME_FLAG_CORRUPT) != 0 || picture->decode_error_flags != 0) {
    stands_alone = false;
    return FrameFault::damaged;
  }
  if (key) stands_alone = true;
  if (!stands_alone) return FrameFault::damaged;
  if (picture->width > options.max_width || picture->height > options.max_height)
    return FrameFault::too_large;
  const int64_t pts = picture->best_effort_timestamp;
  out->pts_ns = pass_ns + (pts == AV_NOPTS_VALUE || first_pts == kNone
                               ? (pictures - 1) * period_ns()
                               : std::max<int64_t>(ns_from_first(pts), 0));
  return assay::frames::planes_of(*picture, &chroma, out);
}

FrameFault assay_video::decode(assay_video_frame* out) {
  if (have_picture) return hand_out(out);
  for (int ahead = 0; have_packet && ahead < kMaxAhead; ++ahead) {
    have_packet = false;
    int error = avcodec_send_packet(decoder.get(), packet.get());
    av_packet_unref(packet.get());
    if (error >= 0) error = avcodec_receive_frame(decoder.get(), picture.get());
    if (error >= 0) return hand_out(out);
    if (error != AVERROR(EAGAIN)) {
      stands_alone = false;
      return error == AVERROR(ENOMEM)        ? FrameFault::too_large
             : error == AVERROR_PATCHWELCOME ? FrameFault::unsupported
                                             : FrameFault::damaged;
    }
    // It orders pictures anew and wants more first.
    FrameFault fault = next_packet();
    if (fault == FrameFault::stopped) {
      fault = drain();
      if (fault == FrameFault::none) return hand_out(out);
    }
    if (fault == FrameFault::damaged) stands_alone = false;
    if (fault != FrameFault::none) return fault;
    have_packet = true;
  }
  return FrameFault::damaged;
}
