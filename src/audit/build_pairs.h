// SPDX-License-Identifier: Apache-2.0
// Every pair of builds against a margin, one value a launch: difference by Welch's t with Holm over
// the pairs, equivalence by TOST (statistics.md 7.1). Shared by the verdicts on medians and tails.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "stats/equality.h"

namespace assay::audit {

struct BuildValues {
  int64_t build = 0;
  std::vector<double> values;  // one a launch, ns
};

struct PairClaims {
  // {a, b, ratio, lower, upper, p, p_equivalence, word, nvbench}: nvbench is SAME, FAST, SLOW or
  // AMBG by where the 1-2 alpha interval lies against the margin, uncorrected.
  Json pairs = Json::array();
  int64_t count = 0, different = 0, equivalent = 0;
  std::optional<double> widest;  // largest ratio of geometric means, either way round; absent: none
  double p_different = 1;        // smallest p after Holm over the pairs
  double p_equivalent = 1;       // largest TOST p: "all equal" is an intersection-union claim
};

// "by up to 1.20 %" from `widest`, or that it is not known.
std::string widest_text(const PairClaims& pairs);

// A difference counts only if it survives Holm over all pairs. Every pair is judged for equivalence
// at alpha without correction; `equivalence` false makes no such claim at all (profile quick).
PairClaims compare_builds(const std::vector<BuildValues>& builds, double margin, double alpha,
                          bool equivalence);

}  // namespace assay::audit
