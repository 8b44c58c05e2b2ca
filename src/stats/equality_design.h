// SPDX-License-Identifier: Apache-2.0
// How many runs an equality claim takes, and at which level. Source: statistics.md section 7.1.
#pragma once

#include <cstdint>

namespace assay::stats {

// Runs a group so that TOST at `alpha` shows equality within `margin` with probability `power` when
// the engines are truly equal: 2 (z_{1-alpha} + z_{1-(1-power)/2})^2 (cv / ln(1+margin))^2, rounded
// up; cv the run-to-run coefficient of variation (as a fraction). Normal approximation: under ten
// runs add one or two. At least 2; 0 when there is no such number (margin <= 0, cv < 0, not
// finite). Oracles (alpha .05, power .9): cv 1 % -> 22 (1 %), 6 (2 %); 5 % -> 547, 138; 30 % ->
// 19675, 4968.
int64_t tost_n_per_group(double cv, double margin, double alpha = 0.05, double power = 0.9);
// Samples a group for the q-quantile of single processes: the same with c = sqrt(q(1-q)) / (f(x_q)
// x_q) in the place of cv, f the density at the quantile. Lognormal, sigma .1, q .99: c .373 ->
// 1268 at 5 %. Times tau when samples depend on each other.
int64_t quantile_n_per_group(double q, double density_times_quantile, double margin,
                             double alpha = 0.05, double power = 0.9);

// Level of each pair when *some* pairs among k engines are to be called equal: alpha / (k^2/4),
// never above alpha (Caffo, Lauzon & Roehmel 2013, correcting their k-1 of 2009). Claims about
// *all* pairs need no correction: all_equal().
double alpha_of_some_pairs(double alpha, int64_t k);

}  // namespace assay::stats
