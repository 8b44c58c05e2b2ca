// SPDX-License-Identifier: Apache-2.0
// Process trees as /proc tells them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace assay::worker {

struct ProcessEntry {
  int pid = 0, parent = 0;
  char state = '?';
  std::string name;  // comm
};

// Every process that /proc shows; those that end meanwhile are left out.
std::vector<ProcessEntry> list_processes();
// Descendants of `root` (not itself), zombies left out.
std::vector<ProcessEntry> descendants(int root);
// Sum of the resident sets of `root` and its descendants. Shared pages count once for each process.
int64_t tree_rss_bytes(int root);

}  // namespace assay::worker
