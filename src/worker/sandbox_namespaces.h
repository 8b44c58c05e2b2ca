// SPDX-License-Identifier: Apache-2.0
// Namespaces and rights of the supervisor. For a process with one thread only.
#pragma once

#include <string>
#include <vector>

#include "base/json.h"

namespace assay::worker {

struct Isolation {
  bool network = false, pid = false, mount = false, ipc = false,
       user = false;                             // namespaces that were had
  bool private_proc = false, read_only = false;  // read_only: all but the scratch folders
  std::vector<std::string> notes;
  Json to_json() const;
};

// Unshares network (unless `keep_network`), pid, mount and ipc: with the rights at hand, else
// inside a user namespace, else what can be had. The pid namespace begins with the next fork.
Isolation unshare_all(bool keep_network);
// In the first process of the new pid namespace: mounts kept to ourselves, own /proc, loopback up.
// Then everything but `writable` (existing folders) and a /dev/shm of our own turns read-only, so
// that a child cannot write into evidence, caches or other engines.
void settle_namespaces(Isolation& isolation, const std::vector<std::string>& writable);
// Drops every capability but those a measurement needs (memory locking, scheduling, reading files
// as root) from what an exec could gain, and forbids to gain new ones. Without effect on an
// ordinary user but the last.
void drop_rights();

}  // namespace assay::worker
