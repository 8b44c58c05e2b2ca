// SPDX-License-Identifier: Apache-2.0
// A video file as a source. Its pictures come one after another: the image number of a frame is the
// number of the picture it was really given, so frames that were given up skip none.
#include "frames/source.h"
#include "frames/video.h"

namespace assay::frames {
namespace {

class VideoUse : public Source {
 public:
  explicit VideoUse(VideoSource video) : video_(std::move(video)) {}

  int64_t picture_of(int64_t) const noexcept override {
    return video_.info().frames > 0 ? taken_ % video_.info().frames : taken_;
  }
  vision::FrameFault read(int64_t) noexcept override {
    ++taken_;
    return video_.read();
  }
  vision::FrameFault decode(const vision::DecodeTarget&, SourceFrame* out) noexcept override {
    const vision::FrameFault fault = video_.decode(&out->view);
    out->full_width = out->view.width;
    out->full_height = out->view.height;
    out->scale = 1;
    return fault;
  }

 private:
  VideoSource video_;
  int64_t taken_ = 0;
};

struct VideoData : SourceData {
  SourceSpec spec;
  VideoInfo info;

  VideoOptions options() const { return {spec.loop, spec.max_width, spec.max_height}; }
  Result<std::unique_ptr<Source>> use() const override {
    ASSAY_TRY(VideoSource video, VideoSource::open(spec.path, options()));
    return std::make_unique<VideoUse>(std::move(video));
  }
  int64_t frames() const override { return INT64_MAX; }
  int64_t max_width() const override { return info.width; }
  int64_t max_height() const override { return info.height; }
  bool sequential() const override { return true; }
  std::string note() const override { return info.codec + " by " + info.ffmpeg; }
};

}  // namespace

Result<std::shared_ptr<const SourceData>> load_video(const SourceSpec& spec) {
  auto data = std::make_shared<VideoData>();
  data->spec = spec;
  ASSAY_TRY(const VideoSource video, VideoSource::open(spec.path, data->options()));
  data->info = video.info();
  return data;
}

}  // namespace assay::frames
