// SPDX-License-Identifier: Apache-2.0
#include "frames/video.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>

#include "frames/video_test_encode.h"

namespace assay::frames {
namespace {

using vision::FrameFault;
using vision::FrameView;
using vision::PixelFormat;

class VideoTest : public testing::Test {
 protected:
  VideoTest() : folder_(std::move(*TempDir::create(fs::temp_directory_path(), "assay-video"))) {}
  fs::path made(const VideoKind& kind, const std::string& name) {
    const fs::path path = folder_.path() / name;
    write_test_video(path.string(), kind);
    return path;
  }
  fs::path written(const std::string& name, std::string_view bytes) {
    const fs::path path = folder_.path() / name;
    std::ofstream(path, std::ios::binary)
        .write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    return path;
  }
  TempDir folder_;
};

// The middle and the corners of the planes, against the colours of picture `i`.
void expect_picture(const FrameView& view, const VideoKind& kind, int i, const std::string& what) {
  ASSERT_EQ(view.width, kind.width) << what;
  ASSERT_EQ(view.height, kind.height) << what;
  ASSERT_EQ(view.format, PixelFormat::i420) << what;
  for (int plane = 0; plane < 3; ++plane) {
    const int64_t w = plane == 0 ? view.width : (view.width + 1) / 2,
                  h = plane == 0 ? view.height : (view.height + 1) / 2;
    ASSERT_GE(view.strides[plane], w);
    for (const auto& [x, y] : {std::pair<int64_t, int64_t>{0, 0}, {w - 1, h - 1}, {w / 2, h / 2}})
      EXPECT_NEAR(view.planes[plane][y * view.strides[plane] + x], test_level(i, plane), 3)
          << what << " picture " << i << " plane " << plane;
  }
}

TEST_F(VideoTest, EveryPictureComesBackOnceInOrder) {
  const VideoKind kinds[] = {
      {"mpeg4", "mp4"},
      {"mpeg4", "avi"},
      {"mpeg4", "matroska", 63, 47},
      {"mpeg4", "mp4", 64, 48, 30, 2},
      {"mpeg2video", "mpegts", 64, 48, 30, 2},
      {"mjpeg", "avi", 64, 48, 30, 0, 1, AV_PIX_FMT_YUVJ420P},
      {"mjpeg", "matroska", 64, 48, 30, 0, 1, AV_PIX_FMT_YUVJ422P},
      {"mjpeg", "mp4", 63, 47, 30, 0, 1, AV_PIX_FMT_YUVJ444P},
      {"mjpeg", "mjpeg", 64, 48, 30, 0, 1, AV_PIX_FMT_YUVJ420P},
      {.encoder = "libx264", .container = "mp4", .b_frames = 2, .decoder = "h264"},
      {.encoder = "libx265", .container = "matroska", .decoder = "hevc"},
      {.encoder = "libvpx", .container = "webm", .decoder = "vp8"},
      {.encoder = "libvpx-vp9", .container = "webm", .decoder = "vp9"}};
  for (const VideoKind& kind : kinds) {
    const std::string what =
        fmt::format("{} in {} b {}", kind.encoder, kind.container, kind.b_frames);
    if (std::string_view(kind.encoder) == "libx265" && !std::string_view(ASSAY_SANITIZER).empty()) {
      std::printf("not tried: libx265 does not free all it takes, which a sanitizer reports\n");
      continue;
    }
    if (avcodec_find_encoder_by_name(kind.encoder) == nullptr) {
      std::printf("not tried: this FFmpeg has no %s to make a video with\n", kind.encoder);
      continue;
    }
    const fs::path path = made(kind, what);
    auto video = VideoSource::open(path, {.loop = false});
    ASSERT_TRUE(video) << what << ": " << video.error().message;
    EXPECT_EQ(video->info().width, kind.width);
    EXPECT_EQ(video->info().height, kind.height);
    EXPECT_EQ(video->info().codec, kind.decoder != nullptr ? kind.decoder : kind.encoder);
    EXPECT_EQ(video->info().frame_period_ns, 40'000'000) << what;
    EXPECT_NE(video->info().ffmpeg.find("libavcodec "), std::string::npos);
    const auto times = video->time_stamps(1000);
    ASSERT_TRUE(times) << times.error().message;
    ASSERT_EQ(times->size(), 30u) << what;
    for (int i = 0; i < 30; ++i)
      EXPECT_NEAR(static_cast<double>((*times)[static_cast<size_t>(i)]), i * 40e6, 1e6) << what;
    FrameView view;
    for (int i = 0; i < 30; ++i) {
      ASSERT_EQ(video->read(), FrameFault::none) << what << " " << i;
      ASSERT_EQ(video->decode(&view), FrameFault::none) << what << " " << i;
      expect_picture(view, kind, i, what);
      EXPECT_NEAR(static_cast<double>(video->pts_ns()), i * 40e6, 1e6) << what << " " << i;
      EXPECT_EQ(view.yuv.full_range, std::string(kind.encoder) == "mjpeg") << what;
      EXPECT_FALSE(view.yuv.bt709);
    }
    for (int i = 0; i < 3; ++i) EXPECT_EQ(video->read(), FrameFault::stopped) << what;
    EXPECT_NE(video->decode(&view), FrameFault::none);
  }
}

TEST_F(VideoTest, LoopsWithTimesThatGoOn) {
  for (const VideoKind& kind :
       {VideoKind{"mpeg4", "mp4", 64, 48, 7, 2}, VideoKind{"mpeg4", "avi", 64, 48, 7},
        VideoKind{"mpeg2video", "mpegts", 64, 48, 7}, VideoKind{"mpeg4", "matroska", 64, 48, 7},
        VideoKind{"mjpeg", "mjpeg", 64, 48, 7, 0, 1, AV_PIX_FMT_YUVJ420P}}) {
    const std::string what = fmt::format("{} in {}", kind.encoder, kind.container);
    auto video = VideoSource::open(made(kind, what), {.loop = true});
    ASSERT_TRUE(video) << video.error().message;
    FrameView view;
    for (int i = 0; i < 30; ++i) {
      ASSERT_EQ(video->read(), FrameFault::none) << what << " " << i;
      ASSERT_EQ(video->decode(&view), FrameFault::none) << what << " " << i;
      expect_picture(view, kind, i % 7, what);
      EXPECT_NEAR(static_cast<double>(video->pts_ns()), i * 40e6, 5e6) << what << " " << i;
    }
  }
}

// Reads on through faults, as a run does. Returns good pictures; adds up faults.
int pictures_of(VideoSource& video, int reads, int* faults, int* stopped) {
  int good = 0;
  FrameView view;
  for (int i = 0; i < reads; ++i) {
    FrameFault fault = video.read();
    if (fault == FrameFault::none) fault = video.decode(&view);
    if (fault == FrameFault::none) {
      ++good;
      volatile unsigned sum = 0;  // every byte may be read
      for (int64_t y = 0; y < view.height; ++y)
        for (int64_t x = 0; x < view.width; ++x)
          sum = sum + view.planes[0][y * view.strides[0] + x] +
                view.planes[1][y / 2 * view.strides[1] + x / 2];
    }
    *stopped += fault == FrameFault::stopped;
    *faults += fault != FrameFault::none && fault != FrameFault::stopped;
  }
  return good;
}

TEST_F(VideoTest, CutFilesAreFaults) {
  for (VideoKind kind : {VideoKind{"mpeg4", "mp4", 64, 48, 30, 2}, VideoKind{"mpeg4", "avi"},
                         VideoKind{"mpeg4", "matroska"}, VideoKind{"mpeg2video", "mpegts"},
                         VideoKind{"mjpeg", "mjpeg", 64, 48, 30, 0, 1, AV_PIX_FMT_YUVJ420P}}) {
    const std::string what = fmt::format("{} in {}", kind.encoder, kind.container);
    kind.noise = true;
    const std::string whole = *read_file(made(kind, "whole"));
    for (size_t part = 0; part < 40; ++part) {
      const fs::path path =
          written("cut", std::string_view(whole).substr(0, whole.size() * part / 40));
      for (const bool loop : {false, true}) {
        auto video = VideoSource::open(path, {.loop = loop});
        if (!video) {
          EXPECT_EQ(video.error().code, ExitCode::usage);
          continue;
        }
        int faults = 0, stopped = 0;
        const int good = pictures_of(*video, 40, &faults, &stopped);
        if (loop) continue;
        EXPECT_LT(good, 30) << what << " " << part;
        EXPECT_GT(stopped, 0) << what << " " << part;
      }
    }
  }
}

TEST_F(VideoTest, AFileThatEndsBeforeItSaysIsTold) {
  VideoKind kind = {"mpeg4", "avi"};
  kind.noise = true;
  const std::string whole = *read_file(made(kind, "whole"));
  auto video = VideoSource::open(
      written("cut", std::string_view(whole).substr(0, whole.size() / 2)), {.loop = false});
  ASSERT_TRUE(video) << video.error().message;
  int faults = 0, stopped = 0;
  const int good = pictures_of(*video, 40, &faults, &stopped);
  EXPECT_GT(good, 3);
  EXPECT_LT(good, 20);
  EXPECT_GE(faults, 1);
  EXPECT_GT(stopped, 0);
}

TEST_F(VideoTest, DamagedBytesNeverCrash) {
  for (const VideoKind& kind : {VideoKind{"mpeg4", "mp4", 64, 48, 30, 2},
                                VideoKind{"mjpeg", "avi", 64, 48, 30, 0, 1, AV_PIX_FMT_YUVJ420P},
                                VideoKind{"mpeg4", "matroska"}, VideoKind{"mpeg2video", "mpegts"},
                                VideoKind{.encoder = "libx264", .container = "mp4", .b_frames = 2},
                                VideoKind{.encoder = "libvpx-vp9", .container = "webm"}}) {
    if (avcodec_find_encoder_by_name(kind.encoder) == nullptr) continue;  // said above
    const std::string whole = *read_file(made(kind, "whole"));
    uint64_t state = 7;  // the seed
    int some = 0;
    for (int round = 0; round < 60; ++round) {
      std::string bytes = whole;
      for (int k = 0; k < 1 + round % 12; ++k) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        bytes[(state >> 20) % bytes.size()] = static_cast<char>(state >> 56);
      }
      auto video = VideoSource::open(written("damaged", bytes), {.loop = round % 2 == 0});
      if (!video) continue;
      int stopped = 0;
      pictures_of(*video, 40, &some, &stopped);
      static_cast<void>(video->time_stamps(100));
    }
    EXPECT_GT(some, 0) << kind.container;
  }
}

TEST_F(VideoTest, FilesThatNameOthersAreRefused) {
  const fs::path other = made({"mpeg4", "mp4"}, "other.mp4");
  const std::string name = other.string();
  const std::pair<const char*, std::string> lists[] = {
      {"list.ffconcat", "ffconcat version 1.0\nfile '" + name + "'\n"},
      {"list.m3u8",
       "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:1.2,\n" + name + "\n#EXT-X-ENDLIST\n"},
      {"list.mp4",
       "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:1.2,\n" + name + "\n#EXT-X-ENDLIST\n"},
      {"list.sdp",
       "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video 5004 RTP/AVP 96\n"},
      {"list.mpd",
       "<?xml version=\"1.0\"?>\n<MPD xmlns=\"urn:mpeg:dash:schema:mpd:2011\" "
       "profiles=\"urn:mpeg:dash:profile\"><BaseURL>" +
           name + "</BaseURL></MPD>\n"}};
  for (const auto& [file, text] : lists) {
    const auto video = VideoSource::open(written(file, text), {});
    ASSERT_FALSE(video) << file;
    EXPECT_EQ(video.error().code, ExitCode::usage);
    EXPECT_NE(video.error().message.find(file), std::string::npos);
  }
  // A container that FFmpeg reads and that is not carried.
  EXPECT_FALSE(VideoSource::open(made({"mpeg4", "nut"}, "a.nut"), {}));
  // A protocol in the name is a file's name and nothing else.
  EXPECT_FALSE(VideoSource::open("concat:" + name, {}));
  EXPECT_FALSE(VideoSource::open("file:" + name, {}));
  const fs::path before = fs::current_path();
  fs::current_path(folder_.path());
  // By a name that FFmpeg's own rules for lists allow.
  EXPECT_FALSE(VideoSource::open(written("near", "ffconcat version 1.0\nfile other.mp4\n"), {}));
  fs::copy_file(other, folder_.path() / "concat:x");
  EXPECT_TRUE(VideoSource::open("concat:x", {}));
  fs::current_path(before);
}

TEST_F(VideoTest, WhatCannotBeOpened) {
  const fs::path good = made({"mpeg4", "mp4"}, "good.mp4");
  const auto message = [](const Result<VideoSource>& video) {
    return video ? "opened" : video.error().message;
  };
  EXPECT_NE(message(VideoSource::open(folder_.path() / "none", {})).find("no such file"),
            std::string::npos);
  EXPECT_NE(message(VideoSource::open(folder_.path(), {})).find("not a regular file"),
            std::string::npos);
  EXPECT_NE(message(VideoSource::open(written("zero", ""), {})).find("empty"), std::string::npos);
  EXPECT_NE(message(VideoSource::open(written("text", "no video at all"), {})).find("no video"),
            std::string::npos);
  EXPECT_NE(message(VideoSource::open(good, {.max_width = 63})).find("64 x 48"), std::string::npos);
  EXPECT_NE(message(VideoSource::open(good, {.max_width = 64, .max_height = 47})).find("64 x 48"),
            std::string::npos);
  EXPECT_EQ(message(VideoSource::open(good, {.max_width = 64, .max_height = 48})), "opened");
  const auto absent = VideoSource::open(good, {}, folder_.path() / "libnone.so");
  ASSERT_FALSE(absent);
  EXPECT_EQ(absent.error().code, ExitCode::missing);
  EXPECT_NE(absent.error().fix.find("apt-get install libavformat-dev"), std::string::npos);
  const auto torn = VideoSource::open(good, {}, written("libtorn.so", "not a library"));
  ASSERT_FALSE(torn);
  EXPECT_EQ(torn.error().code, ExitCode::missing);
}

TEST_F(VideoTest, MovesLeaveOneOwner) {
  auto video = VideoSource::open(made({"mpeg4", "mp4"}, "a.mp4"), {});
  ASSERT_TRUE(video);
  VideoSource other = std::move(*video);
  FrameView view;
  ASSERT_EQ(other.read(), FrameFault::none);
  ASSERT_EQ(other.decode(&view), FrameFault::none);
  EXPECT_EQ(other.info().width, 64);
}

}  // namespace
}  // namespace assay::frames
