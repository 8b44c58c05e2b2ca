// SPDX-License-Identifier: Apache-2.0
// The randomised order of jobs: blocks of one build of each recipe, then blocks of one launch of
// each build. The block is the unit of comparison (what drifts hits every recipe alike) and, for
// launches, of resumption.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace assay::audit {

enum class JobKind { build, launch };

struct Job {
  std::string job_id;  // content id of what it is, so that a plan gives the same ids again
  JobKind kind = JobKind::build;
  size_t recipe = 0;  // index into the list of recipes given to make_schedule
  int64_t build_index = 0, launch_index = 0;
  int64_t block = 0, position = 0;
  uint64_t seed = 0;  // below 2^53: survives JSON readers that use doubles
};

// recipe_ids: one per recipe. Deterministic in (ids, builds, launches, seed); the shuffle is our
// own Fisher-Yates over std::mt19937_64, since std::shuffle differs between libraries.
// `builds`: of each recipe.
std::vector<Job> make_schedule(const std::vector<std::string>& recipe_ids,
                               const std::vector<int64_t>& builds, int64_t launches, uint64_t seed);
std::vector<Job> make_schedule(const std::vector<std::string>& recipe_ids, int64_t builds,
                               int64_t launches, uint64_t seed);

}  // namespace assay::audit
