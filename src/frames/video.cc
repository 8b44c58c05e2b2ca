// SPDX-License-Identifier: Apache-2.0
#include "frames/video.h"

#include <dlfcn.h>

#include <algorithm>
#include <utility>

#include "base/text.h"

namespace assay::frames {
namespace {

using vision::FrameFault;

constexpr std::string_view kFix =
    "apt-get install libavformat-dev libavcodec-dev libavutil-dev, then ./assay-up build; or give "
    "a folder of pictures";

Result<const assay_video_api*> load(const fs::path& given) {
  const fs::path library =
      given.empty() ? executable_dir().parent_path() / "lib" / ASSAY_VIDEO_LIBRARY : given;
  std::error_code ignored;
  if (!fs::is_regular_file(library, ignored))
    return missing(fmt::format("video needs {}, which was not built (FFmpeg's libraries were not "
                               "found then)",
                               library.string()),
                   std::string(kFix));
  const auto refuse = [&](std::string_view why) {
    return missing(fmt::format("video: {} cannot be used: {}", library.string(), why),
                   std::string(kFix));
  };
  void* handle = dlopen(library.c_str(), RTLD_NOW | RTLD_LOCAL);  // kept: one of it a process
  if (handle == nullptr) {
    const char* why = dlerror();
    return refuse(why == nullptr ? "" : why);
  }
  auto query = reinterpret_cast<assay_video_query_fn>(dlsym(handle, "assay_video_query"));
  const assay_video_api* api = query == nullptr ? nullptr : query(ASSAY_VIDEO_ABI_VERSION);
  if (api == nullptr || api->struct_size != sizeof(assay_video_api))
    return refuse("it is of another version of assay");
  if (std::string_view(api->sanitizer) != ASSAY_SANITIZER)
    return refuse("it was built with another sanitizer");
  return api;
}

}  // namespace

Result<VideoSource> VideoSource::open(const fs::path& path, const VideoOptions& options,
                                      const fs::path& library) {
  if (options.max_width < 1 || options.max_height < 1)
    return bad_input(fmt::format("video {}: limits of {} x {} pixels", path.string(),
                                 options.max_width, options.max_height),
                     "choose limits of 1 or more");
  VideoSource out;
  ASSAY_TRY(out.api_, load(library));
  const assay_video_options given = {options.loop ? 1 : 0, options.max_width, options.max_height};
  assay_video_info info = {};
  char error[256] = "";
  const std::string name = path.string();
  if (out.api_->open(name.c_str(), &given, &out.video_, &info, error, sizeof error) != 0)
    return bad_input(fmt::format("video {}: {}", name, one_line(error, 200)),
                     "give one file of MP4, MOV, Matroska, WebM, AVI, MPEG-TS or MJPEG inside the "
                     "limits of sides");
  out.info_ = {info.width,           info.height, info.frames, info.duration_ns,
               info.frame_period_ns, info.format, info.codec,  out.api_->versions};
  out.path_ = path;
  return out;
}

VideoSource::VideoSource(VideoSource&& other) noexcept { *this = std::move(other); }
VideoSource& VideoSource::operator=(VideoSource&& other) noexcept {
  std::swap(api_, other.api_);
  std::swap(video_, other.video_);
  std::swap(info_, other.info_);
  std::swap(path_, other.path_);
  std::swap(pts_ns_, other.pts_ns_);
  return *this;
}
VideoSource::~VideoSource() {
  if (video_ != nullptr) api_->close(video_);
}

Result<std::vector<int64_t>> VideoSource::time_stamps(int64_t limit) {
  std::vector<int64_t> out(static_cast<size_t>(std::max<int64_t>(limit, 1)));
  const int64_t count = api_->time_stamps(video_, out.data(), static_cast<int64_t>(out.size()));
  if (count <= 0)
    return bad_input(fmt::format("video {}: its times cannot be read", path_.string()),
                     "repair the file, or give a period instead of its times");
  out.resize(static_cast<size_t>(count));
  return out;
}

FrameFault VideoSource::read() noexcept { return static_cast<FrameFault>(api_->read(video_)); }

FrameFault VideoSource::decode(vision::FrameView* out) noexcept {
  assay_video_frame frame;
  *out = {};
  const int32_t fault = api_->decode(video_, &frame);
  if (fault != 0) return static_cast<FrameFault>(fault);
  out->format = static_cast<vision::PixelFormat>(frame.format);
  out->width = frame.width;
  out->height = frame.height;
  for (int i = 0; i < 3; ++i) {
    out->planes[i] = frame.planes[i];
    out->strides[i] = frame.strides[i];
  }
  out->yuv = {frame.bt709 != 0, frame.full_range != 0};
  pts_ns_ = frame.pts_ns;
  return FrameFault::none;
}

}  // namespace assay::frames
