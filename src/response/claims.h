// SPDX-License-Identifier: Apache-2.0
// What the numbers of a response plan can carry, before anything runs.
#pragma once

#include "audit/claims.h"
#include "response/plan.h"

namespace assay::response {

// Claims of one condition, and of comparisons between them. Sources: statistics.md sections 4
// (least n of a quantile's bound), 8.2 (repetitions), 9 (clean frames behind a rate).
std::vector<audit::Claim> plan_claims(const Plan& plan);

}  // namespace assay::response
