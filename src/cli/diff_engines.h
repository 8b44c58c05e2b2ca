// SPDX-License-Identifier: Apache-2.0
// What `assay diff` is given: engine folders, locks, files of other tools.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "audit/lock/folder.h"
#include "base/files.h"
#include "diff/engine_map.h"

namespace assay::cli {

struct DiffEngine {
  fs::path path;                          // engine folder or file; a lock's engine, laid out
  std::optional<audit::LockFolder> lock;  // when it came from one
  diff::EngineMap map;
};

// `made`: existing folder for what is laid out. Labels are unequal afterwards.
Result<std::vector<DiffEngine>> open_diff_engines(const std::vector<std::string>& names,
                                                  const std::string& input_format,
                                                  const fs::path& made);

}  // namespace assay::cli
