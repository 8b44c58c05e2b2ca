// SPDX-License-Identifier: Apache-2.0
// Run folders for tests and the benchmark, written row by row as an audit writes them, from a fixed
// seed: equal options give equal bytes.
#pragma once

#include <string>

#include "base/files.h"
#include "base/json.h"
#include "store/run_folder.h"

namespace assay::report {

struct FixtureOptions {
  int64_t recipes = 3, builds = 3, launches = 3, samples = 400, inputs = 500;
  bool hostile = false;        // names and texts that attack the reader
  bool only_failures = false;  // every build crashed
  bool derived = true;
  std::string clock = "monotonic";
  std::string salt;  // changes ids, not content
};

// Text that breaks out of whatever does not escape it.
std::string hostile_text();
Result<store::RunFolder> make_run(const fs::path& folder, const FixtureOptions& options);

// statistic_json of the latency and tail verdicts of recipe `r`: 0 close builds, 1 sparse, 2 builds
// that differ. builds -> launches -> samples, ns.
Json made_latency(int64_t r, const std::string& clock,
                  const std::vector<std::vector<std::vector<int64_t>>>& builds);
Json made_tail(int64_t r, int64_t builds);

}  // namespace assay::report
