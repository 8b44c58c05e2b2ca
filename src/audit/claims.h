// SPDX-License-Identifier: Apache-2.0
// What the numbers of a plan can carry, before anything runs: one row a claim, with what it lacks.
#pragma once

#include <string>
#include <vector>

#include "audit/plan.h"

namespace assay::audit {

struct Claim {
  std::string name;  // "p99 of a build"
  bool supported = false;
  std::string basis;  // what carries it: "3000 samples a build"
  std::string needs;  // "" when supported, else what would
};

// The inputs of one model as its data set allows them to be counted (design.md, rule 6). `units`:
// inputs when independent, clusters when clustered, 0 when fixed.
struct InputUnits {
  int64_t inputs = 0, units = 0;
  bool boxes = false;  // the model is a detector: boxes take the place of labels
};

// Claims of one model of the plan, in the order of the report. Sources: statistics.md sections 4
// (least n of a bound), 6.3 (50 to 100 exceedances), 7.1 (10 launches a side), 7.2 (59 builds for
// 95/95), 7.3 (zero flips).
std::vector<Claim> plan_claims(const Plan& plan, const InputUnits& data);

}  // namespace assay::audit
