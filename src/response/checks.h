// SPDX-License-Identifier: Apache-2.0
// Checks of a plan that need nothing but the plan. Internal to response/.
#pragma once

#include "response/plan.h"

namespace assay::response {

// Words of every factor, each once; how many conditions they make.
Status check_factors(const Plan& plan);
// Counts, times and the memory that they take. Usage error naming the first that is out of range.
Status check_numbers(const Plan& plan);

}  // namespace assay::response
