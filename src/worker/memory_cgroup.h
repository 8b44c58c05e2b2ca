// SPDX-License-Identifier: Apache-2.0
// A memory control group for one child, below the caller's own (version 1) or beside it (version
// 2).
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/files.h"

namespace assay::worker {

class MemoryCgroup {
 public:
  // Makes the group, limited to `limit_bytes` when > 0. Nothing (and why in `note`) where the
  // kernel does not let us.
  static std::optional<MemoryCgroup> create(int64_t limit_bytes, std::string& note);
  MemoryCgroup(MemoryCgroup&& other) noexcept;
  MemoryCgroup(const MemoryCgroup&) = delete;
  ~MemoryCgroup();  // removes the group

  fs::path procs_file() const { return folder_ / "cgroup.procs"; }
  int64_t peak_bytes() const;  // page cache included; -1 when the kernel does not tell
  int64_t oom_kills() const;   // processes that the kernel killed for the limit

 private:
  MemoryCgroup() = default;
  fs::path folder_;
  bool v2_ = false;
};

}  // namespace assay::worker
