// SPDX-License-Identifier: Apache-2.0
#include "worker/feed.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <new>

#include "base/json.h"
#include "base/text.h"

namespace assay::worker {
namespace {

constexpr int64_t alignment = 64;

std::string described(const TensorSpec& spec) {
  return fmt::format("{} {}", dtype_name(spec.dtype), shape_text(spec.shape));
}

}  // namespace

AlignedBuffer::AlignedBuffer(int64_t bytes) : size_(bytes) {
  const int64_t room = (std::max<int64_t>(bytes, 1) + alignment - 1) / alignment * alignment;
  data_.reset(std::aligned_alloc(alignment, static_cast<size_t>(room)));
  if (!data_) throw std::bad_alloc();
  std::memset(data_.get(), 0, static_cast<size_t>(room));  // faults the pages in
}

Slot::Slot(const std::vector<TensorSpec>& input_specs,
           const std::vector<TensorSpec>& output_specs) {
  for (const TensorSpec& spec : input_specs) inputs.emplace_back(spec.bytes());
  for (const TensorSpec& spec : output_specs) outputs.emplace_back(spec.bytes());
}

std::vector<void*> Slot::input_pointers() const {
  std::vector<void*> pointers;
  for (const AlignedBuffer& b : inputs) pointers.push_back(b.data());
  return pointers;
}

std::vector<void*> Slot::output_pointers() const {
  std::vector<void*> pointers;
  for (const AlignedBuffer& b : outputs) pointers.push_back(b.data());
  return pointers;
}

void Feed::File::Close::operator()(const int* fd) const {
  close(*fd);
  delete fd;
}

Result<Feed> Feed::open(const fs::path& folder, const std::vector<TensorSpec>& engine_inputs) {
  const std::string where = (folder / "dataset.json").string();
  ASSAY_TRY(const std::string text, read_file(where, int64_t{64} << 20));
  ASSAY_TRY(const Json j, parse_json(text, where));
  if (get_int(j, "format") != 1)
    return bad_input(fmt::format("{}: format {}, this assay reads 1", where, get_int(j, "format")));
  Feed feed;
  feed.n_ = get_int(j, "n");
  if (feed.n_ < 1)
    return bad_input(fmt::format("{}: n is {}, expected at least 1", where, feed.n_));
  for (const TensorSpec& wanted : engine_inputs) {
    const Json* found = nullptr;
    for (const Json& entry : get_array(j, "inputs"))
      if (get_string(entry, "name") == wanted.name) found = &entry;
    if (found == nullptr)
      return bad_input(
          fmt::format("{}: no input '{}', which the engine takes", where, one_line(wanted.name)),
          "name the data set's inputs as the model does");
    ASSAY_TRY(const TensorSpec spec, tensor_spec_from_json(*found, where));
    if (spec != wanted)
      return bad_input(fmt::format("{}: input '{}' is {}, the engine takes {}", where,
                                   one_line(wanted.name), described(spec), described(wanted)));
    ASSAY_TRY(const fs::path path, path_inside(folder, get_string(*found, "file")));
    File file;
    file.path = path.string();
    file.item_bytes = spec.bytes();
    const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0)
      return bad_input(fmt::format("{}: cannot be read: {}", file.path, std::strerror(errno)));
    file.fd.reset(new int(fd));
    struct stat info {};
    if (fstat(fd, &info) != 0 || !S_ISREG(info.st_mode))
      return bad_input(fmt::format("{}: not a regular file", file.path));
    if (file.item_bytes > 0 &&
        (info.st_size % file.item_bytes != 0 || info.st_size / file.item_bytes != feed.n_))
      return bad_input(fmt::format("{}: {} bytes, expected {} items of {} bytes", file.path,
                                   static_cast<int64_t>(info.st_size), feed.n_, file.item_bytes));
    feed.files_.push_back(std::move(file));
  }
  return feed;
}

Status Feed::fill(int64_t index, Slot& slot) const {
  for (size_t i = 0; i < files_.size(); ++i) {
    const File& file = files_[i];
    auto* to = static_cast<char*>(slot.inputs[i].data());
    int64_t done = 0;
    while (done < file.item_bytes) {
      const ssize_t got = pread(*file.fd, to + done, static_cast<size_t>(file.item_bytes - done),
                                index % n_ * file.item_bytes + done);
      if (got < 0 && errno == EINTR) continue;
      if (got <= 0)
        return bad_input(fmt::format("{}: item {} cannot be read: {}", file.path, index % n_,
                                     got == 0 ? "the file ended" : std::strerror(errno)));
      done += got;
    }
  }
  return {};
}

}  // namespace assay::worker
