// SPDX-License-Identifier: Apache-2.0
// Parts of Settings: single writes, the guard process, the state file, GPU clocks.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "platform/settings.h"

namespace assay::platform {

inline constexpr std::string_view kGpuPath = "nvml:gpu";  // nvml:gpu0.locked_mhz
inline constexpr std::string_view kNotLocked = "not locked";

// What a change's path holds now; absent when it cannot be read (GPU clocks never can).
std::optional<std::string> value_now(const Roots& roots, const std::string& path);
// Writes one value. Missing error: the kernel or the driver refuses (why).
Status write_value(const Roots& roots, const std::string& path, const std::string& value);
// Where the file lies; bad input when it leaves the root (a link in a tree of somebody else).
Result<fs::path> file_of(const Roots& roots, const std::string& path);

// Number of the GPU in a path of a change; -1 for a file.
int gpu_of(std::string_view path);

// A process that waits for the end of this one, however it ends, and then writes all values before.
class Guard {
 public:
  // `lock_fd`: held by it too, so that nobody sets anything while it restores.
  static Result<Guard> start(const Roots& roots, const std::vector<Change>& changes,
                             const fs::path& state, int lock_fd);
  Guard(Guard&& other) noexcept;
  Guard& operator=(Guard&&) = delete;
  ~Guard();
  void dismiss();  // all is restored: it leaves

 private:
  Guard(pid_t pid, int fd) : pid_(pid), fd_(fd) {}
  pid_t pid_;
  int fd_;  // write end: the guard reads its end of file when this process is gone
};

struct State {
  int64_t pid = 0;
  std::string boot_id, root, started_utc;
  std::vector<Change> changes;
};
Json to_json(const State& state);
Result<State> read_state(const fs::path& file);  // untrusted: paths are checked
std::string boot_id();                           // of this machine, never of a tree

// Exclusive over processes: the descriptor of "STATE.lock". Bad input, naming the process, while
// another holds it.
Result<int> lock_state(const fs::path& state);

}  // namespace assay::platform
