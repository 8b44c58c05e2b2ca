// SPDX-License-Identifier: Apache-2.0
// The worker's side of the sample buffer: the shared memfd, or private memory when the parent gave
// none.
#pragma once

#include <cstdint>

#include "base/result.h"

namespace assay::worker {

class SampleSink {
 public:
  // Maps descriptor `fd` (a memfd or regular file with a valid header of enough capacity), faults
  // every page in.
  static Result<SampleSink> attach(int fd, int64_t samples);
  static Result<SampleSink> anonymous(int64_t samples);
  SampleSink(SampleSink&& other) noexcept;
  SampleSink(const SampleSink&) = delete;
  ~SampleSink();

  int64_t* samples() const;
  int64_t* slots() const;
  int64_t* written() const;
  void set_warmup(int64_t runs);

 private:
  SampleSink() = default;
  void fault_in();
  int64_t* base_ = nullptr;
  int64_t capacity_ = 0, bytes_ = 0;
};

// Whether `fd` looks like something the parent put there: an open regular file (memfd) that is not
// empty.
bool is_sample_descriptor(int fd);

}  // namespace assay::worker
