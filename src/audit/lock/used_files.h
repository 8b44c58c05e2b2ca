// SPDX-License-Identifier: Apache-2.0
// The files that builds and launches really mapped, imported or started, named so that a lock can
// be checked on another machine or after an update.
#pragma once

#include <string>
#include <vector>

#include "audit/catalog.h"
#include "audit/job.h"
#include "audit/lock/lock.h"

namespace assay::audit {

// Where "{venv}", "{python}", "{assay}" and "{share}" lie here.
class FileRoots {
 public:
  explicit FileRoots(const Installation& installation);
  std::string shorten(const fs::path& path) const;
  // The file a shortened path stands for here; empty when its root is not there.
  fs::path expand(const std::string& path) const;

 private:
  std::vector<std::pair<std::string, fs::path>> roots_;  // longest path first
};

// The `loaded` events of a child, hashed by us: what the child says is names only. Sorted, each
// file once. Usage error for a file that cannot be read.
Result<std::vector<UsedFile>> used_files(const EventLog& log, const FileRoots& roots,
                                         std::string_view by);

}  // namespace assay::audit
