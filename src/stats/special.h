// SPDX-License-Identifier: Apache-2.0
// Distribution functions that several files of this room need; none throws (quiet.h).
#pragma once

#include <cstdint>

namespace assay::stats {

double clamp_confidence(double confidence);  // into (0, 1 - 1e-12]; NaN and less than 0 become 0.5
// P(X <= k), X ~ Binomial(n, q).
double binomial_cdf(int64_t k, int64_t n, double q);
double normal_cdf(double z);
double normal_quantile(double p);  // -infinity at 0, infinity at 1
// Two-sided tail P(|T| > t) of Student's t with `df` degrees of freedom, and its inverse in t.
double t_tail(double t, double df);
double t_critical(double two_sided, double df);
double unit(double p);  // into [0, 1]; NaN, which claims nothing, becomes 1
// P(X > x), X chi-square with `df` degrees of freedom; 1 for NaN and for df that are none.
double chi_square_tail(double x, double df);
// P(sup |B(t)| > lambda) of the Brownian bridge: the law of Kolmogorov and Smirnov.
double kolmogorov_tail(double lambda);
// Smallest n >= 1 with base^n <= alpha; 0 when there is none below 9e15.
int64_t smallest_power(double base, double alpha);

}  // namespace assay::stats
