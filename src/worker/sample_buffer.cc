// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <utility>

#include "base/text.h"
#include "worker/child.h"
#include "worker/sample_layout.h"

namespace assay::worker {
namespace layout = sample_layout;

Result<SampleBuffer> SampleBuffer::create(int64_t capacity) {
  if (capacity < 1 || capacity > layout::max_capacity)
    return bad_input(fmt::format("sample buffer: capacity {}, expected 1 to {}", capacity,
                                 layout::max_capacity));
  SampleBuffer buffer;
  buffer.capacity_ = capacity;
  const auto bytes = static_cast<size_t>(layout::bytes(capacity));
  // All of it is locked and filled beforehand: more than an eighth of the machine is a mistake, not
  // a measurement.
  const auto ram =
      static_cast<size_t>(sysconf(_SC_PHYS_PAGES)) * static_cast<size_t>(sysconf(_SC_PAGESIZE));
  if (bytes > ram / 8)
    return bad_input(fmt::format("{} samples need {} of locked memory, this machine has {}",
                                 capacity, format_bytes(static_cast<int64_t>(bytes)),
                                 format_bytes(static_cast<int64_t>(ram))),
                     "ask for fewer --samples");
  buffer.fd_ = memfd_create("assay-samples", MFD_CLOEXEC | MFD_ALLOW_SEALING);
  if (buffer.fd_ < 0 || ftruncate(buffer.fd_, static_cast<off_t>(bytes)) != 0)
    return internal_error(
        fmt::format("sample buffer: memfd of {} bytes: {}", bytes, std::strerror(errno)));
  // The child must not be able to take pages away under our mapping (SIGBUS here).
  if (fcntl(buffer.fd_, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW) != 0)
    return internal_error(fmt::format("sample buffer: seals: {}", std::strerror(errno)));
  void* memory =
      mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, buffer.fd_, 0);
  if (memory == MAP_FAILED)
    return internal_error(fmt::format("sample buffer: {}", std::strerror(errno)));
  buffer.base_ = static_cast<int64_t*>(memory);
  buffer.base_[layout::at_magic] = layout::magic;
  buffer.base_[layout::at_version] = layout::version;
  buffer.base_[layout::at_capacity] = capacity;
  return buffer;
}

SampleBuffer::SampleBuffer(SampleBuffer&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)),
      capacity_(std::exchange(other.capacity_, 0)),
      base_(std::exchange(other.base_, nullptr)) {}

SampleBuffer::~SampleBuffer() {
  if (base_ != nullptr) munmap(base_, static_cast<size_t>(layout::bytes(capacity_)));
  if (fd_ >= 0) close(fd_);
}

int64_t SampleBuffer::written() const {
  if (base_ == nullptr) return 0;
  const int64_t count =
      std::atomic_ref<int64_t>(base_[layout::at_written]).load(std::memory_order_acquire);
  return std::clamp<int64_t>(count, 0, capacity_);
}

std::vector<int64_t> SampleBuffer::samples() const {
  const int64_t* begin = base_ + layout::header_words;
  return base_ == nullptr ? std::vector<int64_t>{} : std::vector<int64_t>(begin, begin + written());
}

std::vector<int64_t> SampleBuffer::slots() const {
  const int64_t* begin = base_ + layout::header_words + capacity_;
  return base_ == nullptr ? std::vector<int64_t>{} : std::vector<int64_t>(begin, begin + written());
}

}  // namespace assay::worker
