// SPDX-License-Identifier: Apache-2.0
// Clocks as a factor of a plan (docs/doctor.md): recipes at the machine's own clocks and at fixed
// ones. Both states of a recipe launch the same engines, so that the clock is all that differs.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "audit/job.h"
#include "audit/prepare.h"
#include "platform/settings.h"

namespace assay::audit {

// Every recipe once for each of `states` ("default", "fixed"; empty: default alone), in their
// order; the reference beside other compilers at default clocks alone. Usage error for another word
// or one that stands twice.
Result<std::vector<RecipePlan>> in_clock_states(std::vector<RecipePlan> recipes,
                                                const std::vector<std::string>& states);

// The recipe whose engines this one launches: the same at default clocks. Absent: builds of its
// own.
std::optional<size_t> engine_source(const Prepared& prepared, size_t recipe);

// Builds that are taken from another recipe stand behind the others of their block.
void order_copies(const Prepared& prepared, std::vector<Job>& jobs);

// Records for `job` the build that another recipe made under the same index: the same engine, blobs
// and outcome; isolation_json names it (`engine_of`). An outcome "not_run" where there is none.
Result<JobOutcome> take_build(const Context& ctx, const Job& job, const std::string& recipe_id);

// Sets and restores around jobs. One for an audit.
class Clocks {
 public:
  // Does nothing when no recipe of the plan asks for fixed clocks.
  Clocks(const Prepared& prepared, int64_t gpu_mhz);
  // Before a job of that recipe; records what was found and set as an event `clocks` of the job.
  // Usage error when another process holds the machine's settings.
  Status enter(const Context& ctx, const Job& job, const RecipePlan& recipe);
  Status leave();  // after it; an error when something could not be put back

 private:
  bool asked_ = false;
  int gpu_mhz_ = 0;
  platform::Roots roots_;
  std::optional<platform::Settings> held_;
};

}  // namespace assay::audit
