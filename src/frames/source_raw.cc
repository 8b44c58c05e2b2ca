// SPDX-License-Identifier: Apache-2.0
// Frames as a camera gives them, dense and back to back: from a file that stays open, or from
// memory.
#include "frames/source_raw.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/text.h"

namespace assay::frames {
namespace {

class RawSource : public Source {
 public:
  explicit RawSource(const RawData& data) : data_(data), buffer_(raw_frame_bytes(data.spec)) {}

  int64_t picture_of(int64_t frame) const noexcept override {
    return frame >= data_.n && !data_.spec.loop ? -1 : frame % data_.n;
  }
  vision::FrameFault read(int64_t picture) noexcept override {
    const int64_t at = picture * buffer_.size();
    if (data_.fd.get() < 0) {
      std::memcpy(buffer_.data(), data_.bytes.data() + at, static_cast<size_t>(buffer_.size()));
      return vision::FrameFault::none;
    }
    return read_whole(data_.fd.get(), buffer_.data(), buffer_.size(), at)
               ? vision::FrameFault::none
               : vision::FrameFault::unreadable;
  }
  vision::FrameFault decode(const vision::DecodeTarget&, SourceFrame* out) noexcept override {
    out->view = raw_view(data_.spec, static_cast<const uint8_t*>(buffer_.data()));
    out->full_width = data_.spec.width;
    out->full_height = data_.spec.height;
    out->scale = 1;
    return vision::FrameFault::none;
  }
  void size_of(int64_t, int64_t* width, int64_t* height) const noexcept override {
    *width = data_.spec.width;
    *height = data_.spec.height;
  }
  void forget(int64_t picture) noexcept override {
    if (data_.spec.cache == SourceSpec::Cache::cold && data_.fd.get() >= 0)
      posix_fadvise(data_.fd.get(), picture * buffer_.size(), buffer_.size(), POSIX_FADV_DONTNEED);
  }

 private:
  const RawData& data_;
  worker::AlignedBuffer buffer_;
};

}  // namespace

Result<std::unique_ptr<Source>> RawData::use() const { return std::make_unique<RawSource>(*this); }

Result<std::shared_ptr<const SourceData>> load_raw(const SourceSpec& spec) {
  const std::string where = spec.path.string();
  auto data = std::make_shared<RawData>();
  data->spec = spec;
  data->fd.reset(open(where.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  struct stat info {};
  if (data->fd.get() < 0 || fstat(data->fd.get(), &info) != 0)
    return bad_input(fmt::format("{}: cannot be read: {}", where, std::strerror(errno)));
  if (!S_ISREG(info.st_mode)) return bad_input(where + ": not a regular file");
  const int64_t frame = raw_frame_bytes(spec);
  if (info.st_size == 0 || info.st_size % frame != 0)
    return bad_input(fmt::format("{}: {} bytes, expected whole {}x{} {} frames of {} bytes", where,
                                 static_cast<int64_t>(info.st_size), spec.width, spec.height,
                                 vision::word(spec.format), frame),
                     "check the source's width, height and format");
  data->n = info.st_size / frame;
  if (spec.limit > 0) data->n = std::min(data->n, spec.limit);
  const int64_t all = data->n * frame;
  if (spec.cache == SourceSpec::Cache::memory) {
    ASSAY_CHECK(check_picture_memory(all, where));
    data->bytes.resize(static_cast<size_t>(all));
    if (!read_whole(data->fd.get(), data->bytes.data(), all, 0))
      return bad_input(where + ": ended while it was read");
    data->fd.reset();
  } else if (spec.cache == SourceSpec::Cache::cold) {
    fdatasync(data->fd.get());  // dirty pages cannot be dropped
    posix_fadvise(data->fd.get(), 0, 0, POSIX_FADV_DONTNEED);
  } else {
    std::vector<uint8_t> one(static_cast<size_t>(frame));
    for (int64_t i = 0; i < data->n; ++i)
      if (!read_whole(data->fd.get(), one.data(), frame, i * frame)) break;
  }
  return data;
}

}  // namespace assay::frames
