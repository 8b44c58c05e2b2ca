// SPDX-License-Identifier: Apache-2.0
// assay compare RUN_A RUN_B: machines side by side.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"

namespace assay::cli {

struct CompareRunsFlags {
  std::string format = "text", out;
  double margin = 0.01;
  std::vector<std::string> fail_on;  // verdicts in lower case
  bool across_threads = false;
};
// Whether every argument is a run folder: yes, no; a mixture is a usage error.
Result<bool> are_runs(const std::vector<std::string>& folders);
// Exit code 0 whatever the machines, but for --fail-on.
Result<ExitCode> compare_runs(const std::vector<std::string>& folders,
                              const CompareRunsFlags& flags);

}  // namespace assay::cli
