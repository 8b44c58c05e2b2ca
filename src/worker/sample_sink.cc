// SPDX-License-Identifier: Apache-2.0
#include "worker/sample_sink.h"

#include <sys/mman.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "worker/sample_layout.h"

namespace assay::worker {
namespace layout = sample_layout;

bool is_sample_descriptor(int fd) {
  struct stat info {};
  return fstat(fd, &info) == 0 && S_ISREG(info.st_mode) && info.st_size > 0;
}

Result<SampleSink> SampleSink::attach(int fd, int64_t samples) {
  struct stat info {};
  if (fstat(fd, &info) != 0 || info.st_size < layout::bytes(0))
    return bad_input(fmt::format("sample buffer: descriptor {} is smaller than its header", fd));
  void* memory =
      mmap(nullptr, static_cast<size_t>(info.st_size), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (memory == MAP_FAILED)
    return bad_input(fmt::format("sample buffer: cannot be mapped: {}", std::strerror(errno)));
  SampleSink sink;
  sink.base_ = static_cast<int64_t*>(memory);
  sink.bytes_ = info.st_size;
  sink.capacity_ = sink.base_[layout::at_capacity];
  if (sink.base_[layout::at_magic] != layout::magic ||
      sink.base_[layout::at_version] != layout::version)
    return bad_input(fmt::format("sample buffer: descriptor {} holds no buffer of version {}", fd,
                                 layout::version));
  if (sink.capacity_ < samples || sink.capacity_ > layout::max_capacity ||
      layout::bytes(sink.capacity_) > sink.bytes_)
    return bad_input(fmt::format("sample buffer: capacity {} in {} bytes, {} samples wanted",
                                 sink.capacity_, sink.bytes_, samples));
  sink.fault_in();
  return sink;
}

Result<SampleSink> SampleSink::anonymous(int64_t samples) {
  SampleSink sink;
  sink.bytes_ = layout::bytes(samples);
  void* memory = mmap(nullptr, static_cast<size_t>(sink.bytes_), PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED)
    return internal_error(fmt::format("sample buffer: no memory for {} samples", samples));
  sink.base_ = static_cast<int64_t*>(memory);
  sink.capacity_ = samples;
  sink.fault_in();
  return sink;
}

SampleSink::SampleSink(SampleSink&& other) noexcept
    : base_(std::exchange(other.base_, nullptr)),
      capacity_(other.capacity_),
      bytes_(other.bytes_) {}

SampleSink::~SampleSink() {
  if (base_ != nullptr) munmap(base_, static_cast<size_t>(bytes_));
}

void SampleSink::fault_in() {
  base_[layout::at_written] = 0;
  std::memset(samples(), 0, static_cast<size_t>(2 * capacity_) * sizeof(int64_t));
}

int64_t* SampleSink::samples() const { return base_ + layout::header_words; }
int64_t* SampleSink::slots() const { return samples() + capacity_; }
int64_t* SampleSink::written() const { return base_ + layout::at_written; }
void SampleSink::set_warmup(int64_t runs) { base_[layout::at_warmup] = runs; }

}  // namespace assay::worker
