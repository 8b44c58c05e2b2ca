// SPDX-License-Identifier: Apache-2.0
// The latencies of a run folder, by recipe, with what was seen of the machine in each launch.
#pragma once

#include <string>
#include <vector>

#include "base/files.h"
#include "report/series/wcet.h"

namespace assay::cli {

struct RecipeSeries {
  std::string label;
  std::vector<report::WcetLaunch> launches;  // group: the build index
};
// Recipes with latencies, in the order of the run. Usage error when there is none.
Result<std::vector<RecipeSeries>> read_run(const fs::path& folder);

}  // namespace assay::cli
