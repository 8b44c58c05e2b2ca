// SPDX-License-Identifier: Apache-2.0
// Starts assay-sandbox with its descriptors in place. Safe in a process with threads: no code of
// ours runs between fork and exec.
#pragma once

#include <sys/types.h>

#include <string>
#include <utility>

#include "base/files.h"
#include "base/result.h"
#include "worker/sandbox_job.h"

namespace assay::worker {

// Owned descriptor, -1 when empty.
class Fd {
 public:
  explicit Fd(int fd = -1) : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Fd& operator=(Fd&& other) noexcept {
    reset(std::exchange(other.fd_, -1));
    return *this;
  }
  ~Fd() { reset(); }
  int get() const { return fd_; }
  void reset(int fd = -1);

 private:
  int fd_;
};

struct SpawnedSandbox {
  pid_t pid = -1;
  Fd control;           // SandboxJob answers; `kill_byte` goes the other way
  Fd events, out, err;  // read ends
};

// `samples_fd` (-1: none) becomes descriptor 4. Error missing when the supervisor's binary is not
// beside the running program, internal when the kernel refuses a descriptor or process.
Result<SpawnedSandbox> spawn_sandbox(const SandboxJob& job, const std::string& stdin_text,
                                     int samples_fd);

}  // namespace assay::worker
