// SPDX-License-Identifier: Apache-2.0
// Two-sample difference tests, for screening only: a large p never means equal (statistics.md
// section 7.1); equality.h has the claims. Independent values; dependent ones reject too often.
#pragma once

#include <span>

namespace assay::stats {

struct Screening {
  double statistic = 0;  // U of a (pairs with a > b, ties half), or D
  double p = 1;          // two-sided; 1 when a side is empty or holds a NaN
};
// Mann-Whitney: exact when there are no ties and both sides have at most 20 values, else normal
// with tie and continuity correction.
Screening mann_whitney(std::span<const double> a, std::span<const double> b);
// Kolmogorov-Smirnov, asymptotic p with Stephens' small-sample factor. Ties make it conservative.
Screening two_sample_ks(std::span<const double> a, std::span<const double> b);

}  // namespace assay::stats
