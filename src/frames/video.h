// SPDX-License-Identifier: Apache-2.0
// Frames of a video file, through FFmpeg's libraries where they are. Reading and decoding allocate
// inside FFmpeg; that is told apart from our own path, which does not.
#pragma once

#include <string>
#include <vector>

#include "base/files.h"
#include "base/result.h"
#include "frames/video_abi.h"
#include "vision/frame.h"

namespace assay::frames {

struct VideoOptions {
  bool loop = true;                             // at the end: again from the start
  int64_t max_width = 4096, max_height = 4096;  // larger pictures are too_large
};

struct VideoInfo {
  int64_t width = 0, height = 0;
  int64_t frames = 0, duration_ns = 0, frame_period_ns = 0;  // 0: the file does not say
  std::string format, codec, ffmpeg;  // words of FFmpeg, versions of its libraries
};

// Carried: MP4/MOV, Matroska/WebM, AVI, MPEG-TS and bare MJPEG; one local file that refers to no
// other. One decoder thread. Pictures of 8 bits; 4:2:2 and 4:4:4 are brought to 4:2:0 here.
class VideoSource {
 public:
  // Error `missing` (exit code 3) naming the packages when the library or FFmpeg is not there;
  // usage error naming the file and its fault when it cannot be opened. `library` is for tests.
  static Result<VideoSource> open(const fs::path& path, const VideoOptions& options,
                                  const fs::path& library = {});
  VideoSource(VideoSource&& other) noexcept;
  VideoSource& operator=(VideoSource&& other) noexcept;
  ~VideoSource();

  const VideoInfo& info() const { return info_; }
  // Ascending, ns, the first is 0, at most `limit` (> 0): for ReleaseSpec::time_stamps. Reads the
  // file through and starts it again; before the run only.
  Result<std::vector<int64_t>> time_stamps(int64_t limit);

  // The read stage: the next packet. `stopped` at the end unless looping; `unreadable` once a
  // pass when the file ends before it says; `damaged` for a packet cut off.
  vision::FrameFault read() noexcept;
  // The decode stage: NV12 or I420, valid until the next read. A picture that leans on a damaged
  // one is damaged too, until one stands alone. After a fault of either stage: read() again.
  vision::FrameFault decode(vision::FrameView* out) noexcept;
  int64_t pts_ns() const { return pts_ns_; }  // of the picture decoded last, from the start

 private:
  VideoSource() = default;
  const assay_video_api* api_ = nullptr;
  assay_video* video_ = nullptr;
  VideoInfo info_;
  fs::path path_;
  int64_t pts_ns_ = 0;
};

}  // namespace assay::frames
