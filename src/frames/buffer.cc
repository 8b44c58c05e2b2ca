// SPDX-License-Identifier: Apache-2.0
#include "frames/buffer.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <utility>

#include "base/text.h"

namespace assay::frames {
namespace layout = buffer_layout;
namespace {

std::atomic_ref<int64_t> word_at(int64_t* base, int64_t at) {
  return std::atomic_ref<int64_t>(base[at]);
}

Status check_sizes(int64_t streams, int64_t capacity) {
  if (streams < 1 || streams > layout::max_streams || capacity < 1 || capacity > layout::max_frames)
    return bad_input(
        fmt::format("frame buffer: {} streams of {} frames, expected 1 to {} of 1 to {}", streams,
                    capacity, layout::max_streams, layout::max_frames));
  return {};
}

stream::FrameRecord* region(int64_t* base, int64_t stream, int64_t capacity) {
  return reinterpret_cast<stream::FrameRecord*>(base + layout::header_words) + stream * capacity;
}

}  // namespace

Result<FrameBuffer> FrameBuffer::create(int64_t streams, int64_t capacity) {
  ASSAY_CHECK(check_sizes(streams, capacity));
  FrameBuffer buffer;
  buffer.bytes_ = layout::bytes(streams, capacity);
  buffer.streams_ = streams;
  buffer.capacity_ = capacity;
  // All of it is locked and filled beforehand: more than an eighth of the machine is a mistake.
  const int64_t ram =
      static_cast<int64_t>(sysconf(_SC_PHYS_PAGES)) * static_cast<int64_t>(sysconf(_SC_PAGESIZE));
  if (buffer.bytes_ > ram / 8)
    return bad_input(
        fmt::format("{} frames of {} streams need {} of locked memory, this machine has {}",
                    capacity, streams, format_bytes(buffer.bytes_), format_bytes(ram)),
        "ask for fewer --frames");
  buffer.fd_ = memfd_create("assay-frames", MFD_CLOEXEC | MFD_ALLOW_SEALING);
  buffer.own_fd_ = true;
  if (buffer.fd_ < 0 || ftruncate(buffer.fd_, static_cast<off_t>(buffer.bytes_)) != 0)
    return internal_error(
        fmt::format("frame buffer: memfd of {} bytes: {}", buffer.bytes_, std::strerror(errno)));
  // The child must not be able to take pages away under our mapping (SIGBUS here).
  if (fcntl(buffer.fd_, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW) != 0)
    return internal_error(fmt::format("frame buffer: seals: {}", std::strerror(errno)));
  void* memory = mmap(nullptr, static_cast<size_t>(buffer.bytes_), PROT_READ | PROT_WRITE,
                      MAP_SHARED | MAP_POPULATE, buffer.fd_, 0);
  if (memory == MAP_FAILED)
    return internal_error(fmt::format("frame buffer: {}", std::strerror(errno)));
  buffer.base_ = static_cast<int64_t*>(memory);
  buffer.base_[layout::at_magic] = layout::magic;
  buffer.base_[layout::at_version] = layout::version;
  buffer.base_[layout::at_streams] = streams;
  buffer.base_[layout::at_capacity] = capacity;
  return buffer;
}

Result<FrameBuffer> FrameBuffer::attach(int fd, int64_t streams, int64_t capacity) {
  ASSAY_CHECK(check_sizes(streams, capacity));
  struct stat info {};
  if (fstat(fd, &info) != 0 || !S_ISREG(info.st_mode) || info.st_size < layout::bytes(0, 0))
    return bad_input(fmt::format("frame buffer: descriptor {} is smaller than its header", fd));
  FrameBuffer buffer;
  void* memory =
      mmap(nullptr, static_cast<size_t>(info.st_size), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (memory == MAP_FAILED)
    return bad_input(fmt::format("frame buffer: cannot be mapped: {}", std::strerror(errno)));
  buffer.base_ = static_cast<int64_t*>(memory);
  buffer.bytes_ = info.st_size;
  buffer.fd_ = fd;
  if (buffer.base_[layout::at_magic] != layout::magic ||
      buffer.base_[layout::at_version] != layout::version)
    return bad_input(fmt::format("frame buffer: descriptor {} holds no buffer of version {}", fd,
                                 layout::version));
  buffer.streams_ = buffer.base_[layout::at_streams];
  buffer.capacity_ = buffer.base_[layout::at_capacity];
  if (!check_sizes(buffer.streams_, buffer.capacity_) || buffer.streams_ != streams ||
      buffer.capacity_ < capacity ||
      layout::bytes(buffer.streams_, buffer.capacity_) > buffer.bytes_)
    return bad_input(
        fmt::format("frame buffer: {} streams of {} frames in {} bytes, {} of {} wanted",
                    buffer.streams_, buffer.capacity_, buffer.bytes_, streams, capacity));
  // Written, not only read: the page tables of this process must have every page writable before
  // frames are timed.
  for (int64_t s = 0; s < layout::max_streams; ++s)
    word_at(buffer.base_, layout::at_written_of(s)).store(0, std::memory_order_release);
  std::memset(buffer.base_ + layout::header_words, 0,
              static_cast<size_t>(layout::bytes(buffer.streams_, buffer.capacity_) -
                                  layout::header_words * 8));
  return buffer;
}

FrameBuffer::FrameBuffer(FrameBuffer&& other) noexcept { *this = std::move(other); }

FrameBuffer& FrameBuffer::operator=(FrameBuffer&& other) noexcept {
  std::swap(fd_, other.fd_);
  std::swap(own_fd_, other.own_fd_);
  std::swap(streams_, other.streams_);
  std::swap(capacity_, other.capacity_);
  std::swap(bytes_, other.bytes_);
  std::swap(base_, other.base_);
  return *this;
}

FrameBuffer::~FrameBuffer() {
  if (base_ != nullptr) munmap(base_, static_cast<size_t>(bytes_));
  if (own_fd_ && fd_ >= 0) close(fd_);
}

bool FrameBuffer::ready() const {
  return word_at(base_, layout::at_ready).load(std::memory_order_acquire) != 0;
}
void FrameBuffer::go_at(int64_t monotonic_ns) {
  word_at(base_, layout::at_go_at).store(monotonic_ns, std::memory_order_release);
}
void FrameBuffer::stop() { word_at(base_, layout::at_stop).store(1, std::memory_order_release); }

int64_t FrameBuffer::written(int64_t stream) const {
  if (stream < 0 || stream >= streams_) return 0;
  return std::clamp<int64_t>(
      word_at(base_, layout::at_written_of(stream)).load(std::memory_order_acquire), 0, capacity_);
}

std::vector<stream::FrameRecord> FrameBuffer::records(int64_t stream) const {
  if (stream < 0 || stream >= streams_) return {};
  const int64_t count = written(stream);
  const stream::FrameRecord* first = region(base_, stream, capacity_);
  return {first, first + count};
}

void FrameBuffer::set_ready() {
  word_at(base_, layout::at_ready).store(1, std::memory_order_release);
}

int64_t FrameBuffer::wait_for_go() const {
  constexpr timespec poll{0, 1000000};
  for (;;) {
    if (stopped()) return 0;
    const int64_t at = word_at(base_, layout::at_go_at).load(std::memory_order_acquire);
    if (at != 0) return at;
    clock_nanosleep(CLOCK_MONOTONIC, 0, &poll, nullptr);
  }
}

bool FrameBuffer::stopped() const {
  return word_at(base_, layout::at_stop).load(std::memory_order_acquire) != 0;
}

bool FrameBuffer::append(int64_t stream, const stream::FrameRecord& record) noexcept {
  if (stream < 0 || stream >= streams_) return false;
  auto written = word_at(base_, layout::at_written_of(stream));
  const int64_t count = written.load(std::memory_order_relaxed);
  if (count < 0 || count >= capacity_) return false;
  region(base_, stream, capacity_)[count] = record;
  written.store(count + 1, std::memory_order_release);
  return true;
}

}  // namespace assay::frames
