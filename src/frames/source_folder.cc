// SPDX-License-Identifier: Apache-2.0
// A folder of JPEG and PNG files. The list is taken once; a file that is not then what it was when
// it was listed is a fault of the frame that shows it.
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <numeric>

#include "base/text.h"
#include "frames/picture_size.h"
#include "frames/source.h"
#include "worker/feed.h"
#include "worker/spawn.h"

namespace assay::frames {
namespace {

using vision::FrameFault;
constexpr size_t max_files = 1 << 20;
constexpr int max_depth = 16;

struct File {
  std::string name;  // below the folder, without links
  int64_t bytes = 0, modified_ns = 0;
  uint64_t inode = 0;
  PictureSize size;                     // {0, 0}: not known
  std::vector<std::byte> kept;          // cache memory: the content
  FrameFault fault = FrameFault::none;  // cache memory: why there is none
};

int64_t modified_ns(const struct stat& info) {
  return info.st_mtim.tv_sec * int64_t{1000000000} + info.st_mtim.tv_nsec;
}

// Opens `name` below `folder` and nowhere else, whatever was put there since. -1 on failure.
int open_below(int folder, const char* name) noexcept {
  open_how how{};
  how.flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS;
  const long fd = syscall(SYS_openat2, folder, name, &how, sizeof how);
  if (fd >= 0 || (errno != ENOSYS && errno != EPERM)) return static_cast<int>(fd);
  return openat(folder, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY | O_NOFOLLOW);
}

struct FolderData : SourceData {
  SourceSpec spec;
  worker::Fd folder;
  std::vector<File> files;     // sorted by path; the index is the picture's number
  std::vector<int64_t> order;  // seeded
  int64_t largest_bytes = 1;   // of the files that may be read
  vision::DecodeLimits limits{1, 1, 1};
  std::string told;

  Result<std::unique_ptr<Source>> use() const override;
  int64_t frames() const override {
    return spec.loop ? INT64_MAX : static_cast<int64_t>(order.size());
  }
  int64_t max_width() const override { return limits.max_width; }
  int64_t max_height() const override { return limits.max_height; }
  std::string note() const override { return told; }

  // The content of `file` to `to` (largest_bytes). The whole of stage read for a file.
  FrameFault read(const File& file, void* to) const noexcept {
    const int fd = open_below(folder.get(), file.name.c_str());
    if (fd < 0) return FrameFault::absent;
    const FrameFault fault = read_open(fd, file, to);
    close(fd);
    return fault;
  }
  void forget(const File& file) const noexcept {
    const int fd = open_below(folder.get(), file.name.c_str());
    if (fd < 0) return;
    posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
    close(fd);
  }

 private:
  FrameFault read_open(int fd, const File& file, void* to) const noexcept {
    struct stat info {};
    if (fstat(fd, &info) != 0 || !S_ISREG(info.st_mode)) return FrameFault::unreadable;
    if (info.st_size == 0) return FrameFault::empty;
    if (info.st_size > spec.max_file_bytes) return FrameFault::too_large;
    if (info.st_size != file.bytes || modified_ns(info) != file.modified_ns ||
        info.st_ino != file.inode)
      return FrameFault::unreadable;  // no longer the file that was listed
    return read_whole(fd, to, file.bytes, 0) ? FrameFault::none : FrameFault::unreadable;
  }
};

class FolderSource : public Source {
 public:
  FolderSource(const FolderData& data, vision::FrameDecoder decoder)
      : data_(data), buffer_(data.largest_bytes), decoder_(std::move(decoder)) {}

  int64_t picture_of(int64_t frame) const noexcept override {
    const auto n = static_cast<int64_t>(data_.order.size());
    return frame >= n && !data_.spec.loop ? -1 : data_.order[static_cast<size_t>(frame % n)];
  }
  FrameFault read(int64_t picture) noexcept override {
    const File& file = data_.files[static_cast<size_t>(picture)];
    bytes_ = file.bytes;
    if (data_.spec.cache != SourceSpec::Cache::memory) return data_.read(file, buffer_.data());
    if (file.fault == FrameFault::none)
      std::memcpy(buffer_.data(), file.kept.data(), file.kept.size());
    return file.fault;
  }
  FrameFault decode(const vision::DecodeTarget& target, SourceFrame* out) noexcept override {
    vision::DecodedFrame decoded;
    const FrameFault fault = decoder_.decode(
        {static_cast<const std::byte*>(buffer_.data()), static_cast<size_t>(bytes_)}, target,
        &decoded);
    *out = {decoded.view, decoded.full_width, decoded.full_height, decoded.scale};
    return fault;
  }
  void size_of(int64_t picture, int64_t* width, int64_t* height) const noexcept override {
    *width = data_.files[static_cast<size_t>(picture)].size.width;
    *height = data_.files[static_cast<size_t>(picture)].size.height;
  }
  void forget(int64_t picture) noexcept override {
    if (data_.spec.cache == SourceSpec::Cache::cold)
      data_.forget(data_.files[static_cast<size_t>(picture)]);
  }

 private:
  const FolderData& data_;
  worker::AlignedBuffer buffer_;
  int64_t bytes_ = 0;
  vision::FrameDecoder decoder_;
};

Result<std::unique_ptr<Source>> FolderData::use() const {
  ASSAY_TRY(vision::FrameDecoder decoder, vision::FrameDecoder::create(limits));
  return std::make_unique<FolderSource>(*this, std::move(decoder));
}

bool is_picture(const fs::path& path) {
  std::string ext = path.extension().string();
  for (char& c : ext) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
  return ext == ".jpg" || ext == ".jpeg" || ext == ".png";
}

// The name to open: links are followed now and must stay inside.
Result<std::string> name_below(const fs::path& root, const fs::path& path) {
  std::error_code ec;
  if (!fs::is_symlink(fs::symlink_status(path, ec))) return path.lexically_relative(root).string();
  const fs::path target = fs::canonical(path, ec);
  if (ec) return path.lexically_relative(root).string();  // leads nowhere: absent when it is shown
  const std::string name = target.lexically_relative(root).string();
  if (name.rfind("..", 0) == 0)
    return bad_input(fmt::format("{}: leads out of the folder to {}", one_line(path.string()),
                                 one_line(target.string())),
                     "copy the file into the folder, or remove the link");
  return name;
}

Status list_files(const fs::path& root, std::vector<fs::path>& found) {
  std::error_code ec;
  fs::recursive_directory_iterator it(root, ec);
  if (ec) return bad_input(fmt::format("{}: cannot be listed: {}", root.string(), ec.message()));
  for (const fs::recursive_directory_iterator end; it != end; it.increment(ec)) {
    if (ec) return bad_input(fmt::format("{}: cannot be listed: {}", root.string(), ec.message()));
    const std::string name = it->path().filename().string();
    std::error_code ignored;
    if (name[0] == '.' || it.depth() >= max_depth) it.disable_recursion_pending();
    if (name[0] == '.' || !is_picture(it->path()) || fs::is_directory(it->path(), ignored))
      continue;
    if (found.size() >= max_files)
      return bad_input(fmt::format("{}: more than {} pictures", root.string(), max_files),
                       "split the folder");
    found.push_back(it->path());
  }
  std::sort(found.begin(), found.end(), [](const fs::path& a, const fs::path& b) {
    return a.generic_string() < b.generic_string();
  });
  return {};
}

Status describe(FolderData& data, const fs::path& root, const std::vector<fs::path>& found) {
  for (const fs::path& path : found) {
    File file;
    ASSAY_TRY(file.name, name_below(root, path));
    struct stat info {};
    if (fstatat(data.folder.get(), file.name.c_str(), &info, 0) == 0) {
      if (!S_ISREG(info.st_mode)) continue;
      file.bytes = info.st_size;
      file.modified_ns = modified_ns(info);
      file.inode = info.st_ino;
    }
    data.files.push_back(std::move(file));
  }
  if (data.files.empty())
    return bad_input(root.string() + ": no JPEG or PNG file in it",
                     "pictures are known by .jpg, .jpeg or .png; hidden files are not taken");
  return {};
}

void shuffle(FolderData& data) {
  size_t n = data.files.size();
  if (data.spec.limit > 0) n = std::min(n, static_cast<size_t>(data.spec.limit));
  data.order.resize(n);
  std::iota(data.order.begin(), data.order.end(), int64_t{0});
  uint64_t state = mix(data.spec.seed);
  for (size_t i = n; i > 1; --i) {
    state = mix(state);
    std::swap(data.order[i - 1], data.order[state % i]);
  }
}

// Reads what the first `frames` frames show: learns the sides, warms or fills memory.
Status read_ahead(FolderData& data, int64_t frames) {
  const auto used =
      static_cast<size_t>(std::clamp<int64_t>(frames, 1, static_cast<int64_t>(data.order.size())));
  const auto file_at = [&](size_t i) -> File& {
    return data.files[static_cast<size_t>(data.order[i])];
  };
  int64_t all = 0;
  for (size_t i = 0; i < used; ++i) {
    if (file_at(i).bytes > data.spec.max_file_bytes) continue;
    data.largest_bytes = std::max(data.largest_bytes, file_at(i).bytes);
    all += file_at(i).bytes;
  }
  const bool memory = data.spec.cache == SourceSpec::Cache::memory;
  if (memory) ASSAY_CHECK(check_picture_memory(all, data.spec.path.string()));
  if (!memory && !check_picture_memory(all, ""))
    data.told = fmt::format("{} of pictures do not all stay in the page cache", format_bytes(all));
  std::vector<std::byte> bytes(static_cast<size_t>(data.largest_bytes));
  for (size_t i = 0; i < used; ++i) {
    File& file = file_at(i);
    const FrameFault fault = data.read(file, bytes.data());
    if (memory) file.fault = fault;
    if (fault != FrameFault::none) continue;
    const std::span<const std::byte> content(bytes.data(), static_cast<size_t>(file.bytes));
    if (memory) file.kept.assign(content.begin(), content.end());
    const auto size = picture_size(content);
    if (!size || size->width < 1 || size->height < 1 || size->width > data.spec.max_width ||
        size->height > data.spec.max_height)
      continue;  // its frames fail when they are decoded
    file.size = *size;
    data.limits.max_width = std::max(data.limits.max_width, size->width);
    data.limits.max_height = std::max(data.limits.max_height, size->height);
    data.limits.max_pixels = std::max(data.limits.max_pixels, size->width * size->height);
  }
  if (data.spec.cache == SourceSpec::Cache::cold) {
    syncfs(data.folder.get());  // dirty pages cannot be dropped
    for (size_t i = 0; i < used; ++i) data.forget(file_at(i));
  }
  return {};
}

}  // namespace

Result<std::shared_ptr<const SourceData>> load_folder(const SourceSpec& spec, int64_t frames) {
  auto data = std::make_shared<FolderData>();
  data->spec = spec;
  std::error_code ec;
  const fs::path root = fs::canonical(spec.path, ec);
  if (!ec) data->folder.reset(open(root.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (ec || data->folder.get() < 0)
    return bad_input(fmt::format("{}: no folder that can be read", spec.path.string()));
  std::vector<fs::path> found;
  ASSAY_CHECK(list_files(root, found));
  ASSAY_CHECK(describe(*data, root, found));
  shuffle(*data);
  ASSAY_CHECK(read_ahead(*data, frames));
  return data;
}

}  // namespace assay::frames
