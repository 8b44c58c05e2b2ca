// SPDX-License-Identifier: Apache-2.0
// Runs one child process in isolation and reports all that happened to it. A crash, hang or lie of
// a child is a ChildResult, never an Error; an Error means that assay itself could not start or
// watch it.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/files.h"
#include "base/json.h"
#include "base/result.h"

namespace assay::worker {

struct ChildSpec {
  std::vector<std::string> argv;           // argv[0] absolute
  std::map<std::string, std::string> env;  // added to the minimal environment (PATH, LANG=C.UTF-8,
                                           // HOME.. in scratch); nothing else is inherited
  std::string stdin_text;                  // the request
  fs::path scratch;  // existing empty folder: HOME, TMPDIR, XDG_CACHE_HOME, cwd lie in it; writable
  std::vector<fs::path>
      writable;  // further existing folders the child may write to; all else is read-only
  fs::path stdout_file,
      stderr_file;  // captured, each cut at log_limit_bytes (the child goes on, cut is noted)
  int64_t log_limit_bytes = 64 << 20;
  std::vector<int> cpus;   // set before exec; empty = inherit
  double timeout_s = 600;  // wall; then SIGKILL of everything
  int64_t memory_limit_bytes =
      0;  // 0 = none; cgroup where writable, else an RSS watchdog; never RLIMIT_AS
  int64_t file_limit_bytes = int64_t{16} << 30;  // RLIMIT_FSIZE
  bool network = false;  // false: no network but loopback, where the kernel lets us
  int samples_fd = -1;   // becomes descriptor 4 when >= 0
  int64_t event_line_limit_bytes = 1 << 20;  // longer lines are cut and reported
  int64_t event_limit_bytes = 256 << 20;     // all events
  std::function<void(std::string_view line)>
      on_event;  // each line from descriptor 3, called on the caller's thread
  const std::atomic<bool>* cancel =
      nullptr;  // when it turns true the child is killed: outcome cancelled
  // While it is true this process wakes once a second for the child, not twenty times: what is
  // timed has the CPUs to itself. cancel, the time and the RSS watchdog act that much later.
  const std::atomic<bool>* quiet = nullptr;
};

enum class Outcome { exited, signalled, timed_out, out_of_memory, cancelled };

struct Leftover {
  int pid = 0;
  std::string name;
};  // process alive after the child itself ended (killed then)

struct ChildResult {
  Outcome outcome = Outcome::exited;
  int exit_code = 0, signal = 0;
  int64_t wall_ns = 0, cpu_ns = 0;  // cpu: user + system of the child and all its descendants that
                                    // could be waited for
  int64_t peak_memory_bytes = 0;    // see memory_method
  std::string memory_method;        // "cgroup peak", "sampled RSS sum", ...
  std::vector<Leftover> leftovers;
  bool event_overflow = false, log_cut = false;
  // {"network": "none|host", "pid_namespace": bool, "mount_namespace": bool, "user_namespace":
  // bool, "memory_limit": "cgroup|watchdog|none",
  //  "killed_through": "pid namespace|subreaper", "notes": ["why something was not had"]}
  Json isolation;
};

Result<ChildResult> run_child(const ChildSpec& spec);

// What this machine lets run_child isolate: the same object as ChildResult::isolation (for `assay
// doctor`).
Json probe_isolation();

// Shared sample buffer (docs/formats.md, worker protocol): memfd with header and two int64 arrays.
class SampleBuffer {
 public:
  static Result<SampleBuffer> create(int64_t capacity);
  SampleBuffer(SampleBuffer&&) noexcept;
  ~SampleBuffer();
  int fd() const { return fd_; }
  int64_t written() const;  // clamped to capacity: the child is not trusted
  std::vector<int64_t> samples() const;
  std::vector<int64_t> slots() const;

 private:
  SampleBuffer() = default;
  int fd_ = -1;
  int64_t capacity_ = 0;
  int64_t* base_ = nullptr;
};

}  // namespace assay::worker
