// SPDX-License-Identifier: Apache-2.0
// `assay doctor --fix` and `--restore`.
#pragma once

#include <string>
#include <vector>

#include "base/files.h"
#include "base/result.h"
#include "platform/roots.h"

namespace assay::cli {

struct FixFlags {
  bool dry_run = false, allow_unfixed = false;
  int64_t gpu_mhz = 0;               // 0: GPU clocks stay as they are
  std::vector<std::string> command;  // empty: hold until a signal
};

// The command's exit code, 128 + N for signal N. Missing when nothing can be set here,
// or not what measuring rests on: the measuring CPU's clock, GPU clocks that were asked for.
Result<ExitCode> doctor_fix(const platform::Roots& roots, const FixFlags& flags);
Result<ExitCode> doctor_restore(const platform::Roots& roots);

}  // namespace assay::cli
