// SPDX-License-Identifier: Apache-2.0
// What run_child and its supervisor `assay-sandbox` say to each other. The job is one JSON object
// on job_descriptor; answers are JSON lines on the socket control_descriptor; a byte `kill_byte` on
// that socket asks the supervisor to kill everything, its end of file means that the parent is gone
// (same effect).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/result.h"

namespace assay::worker {

// Descriptors of the supervisor; 0 to 4 are passed on to the child.
inline constexpr int event_descriptor = 3, samples_descriptor = 4, job_descriptor = 5,
                     control_descriptor = 6;
inline constexpr char kill_byte = 'K';

struct SandboxJob {
  std::vector<std::string> argv, env;  // env: NAME=VALUE, complete
  std::string cwd;
  std::vector<int> cpus;  // empty = inherit
  int64_t file_limit_bytes = 0;
  bool network = false, samples = false;
  std::string cgroup_procs;  // file that the child writes "0" into to join its memory cgroup, or ""
  std::vector<std::string> writable;  // folders that stay writable; all else is mounted read-only
  int parent_pid = 0;
  int cgroup_fd = -1;  // of the supervisor: cgroup_procs, opened before everything turns read-only

  Json to_json() const;
  static Result<SandboxJob> from_json(const Json& j);
};

// Answers, told apart by "what":
//   isolation {network, pid_namespace, mount_namespace, user_namespace, killed_through, notes}
//   failed    {message}: the child could not be started; nothing follows
//   started   {joined_cgroup}
//   ended     {status (as of wait), wall_ns, cpu_ns, max_rss_bytes, leftovers [{pid, name}]}
namespace answer {
inline constexpr const char *isolation = "isolation", *failed = "failed", *started = "started",
                            *ended = "ended";
}

}  // namespace assay::worker
