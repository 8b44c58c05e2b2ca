// SPDX-License-Identifier: Apache-2.0
#include "frames/source.h"

#include <unistd.h>

#include <cerrno>

#include "base/text.h"

namespace assay::frames {

Result<std::shared_ptr<const SourceData>> load_source(const SourceSpec& spec, int64_t frames) {
  switch (spec.kind) {
    case SourceSpec::Kind::folder:
      return load_folder(spec, frames);
    case SourceSpec::Kind::raw:
      return load_raw(spec);
    case SourceSpec::Kind::synthetic:
      return load_synthetic(spec);
    case SourceSpec::Kind::video:
      return load_video(spec);
  }
  return bad_input("source: no such kind");
}

int64_t raw_frame_bytes(const SourceSpec& spec) {
  const int64_t pixels = spec.width * spec.height;
  return spec.format == vision::PixelFormat::rgb8 ? pixels * 3 : pixels + pixels / 2;
}

vision::FrameView raw_view(const SourceSpec& spec, const uint8_t* bytes) {
  const int64_t w = spec.width, h = spec.height;
  vision::FrameView view;
  view.format = spec.format;
  view.width = w;
  view.height = h;
  view.yuv = spec.yuv;
  view.planes[0] = bytes;
  view.strides[0] = spec.format == vision::PixelFormat::rgb8 ? 3 * w : w;
  if (spec.format == vision::PixelFormat::nv12) {
    view.planes[1] = bytes + w * h;
    view.strides[1] = w;
  } else if (spec.format == vision::PixelFormat::i420) {
    view.planes[1] = bytes + w * h;
    view.planes[2] = bytes + w * h + w * h / 4;
    view.strides[1] = view.strides[2] = w / 2;
  }
  return view;
}

Status check_picture_memory(int64_t bytes, const std::string& where) {
  const int64_t ram =
      static_cast<int64_t>(sysconf(_SC_PHYS_PAGES)) * static_cast<int64_t>(sysconf(_SC_PAGESIZE));
  if (bytes <= ram / 4) return {};
  return bad_input(fmt::format("{}: {} of pictures in memory, at most a quarter of {} is taken",
                               where, format_bytes(bytes), format_bytes(ram)),
                   "lower the source's limit, or read from files (cache warm)");
}

bool read_whole(int fd, void* to, int64_t bytes, int64_t offset) noexcept {
  for (int64_t done = 0; done < bytes;) {
    const ssize_t got =
        pread(fd, static_cast<char*>(to) + done, static_cast<size_t>(bytes - done), offset + done);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return false;
    done += got;
  }
  return true;
}

}  // namespace assay::frames
