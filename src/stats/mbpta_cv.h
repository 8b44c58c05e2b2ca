// SPDX-License-Identifier: Apache-2.0
// MBPTA-CV as second opinion (statistics.md, section 6.6): the residual coefficient of variation of
// excesses is 1 for an exponential tail, 1 / sqrt(1 - 2 xi) for a generalised Pareto one (xi < .5).
// Never the published bound: exponential bounds are unsafe for xi > 0 (6.4).
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace assay::stats {

struct ResidualCv {
  double cv = 0;             // sd (1/n) over mean of the excesses
  double cv_unbiased = 0;    // sd (1/(n-1)) over mean
  double xi = 0;             // (cv^2 - 1) / (2 cv^2)
  double z = 0;              // sqrt(k) (cv - 1): N(0, 1) under exponentiality
  bool exponential = false;  // |cv - 1| < 1.645 / sqrt(k)
  bool heavier = false;      // cv - 1 >= 1.645 / sqrt(k): an exponential bound would be unsafe
  int64_t k = 0;
};
// Empty, one value, mean 0 or not finite: k as given, all else 0.
ResidualCv residual_cv(std::span<const double> excesses);

// Asymptotic variance of sqrt(k) (cv - cv_xi), xi < 1/4: (1-xi)^2 (6 xi^2 - xi + 1) / ((1-2 xi)^2
// (1-3 xi) (1-4 xi)); 1 at xi = 0; infinite at xi >= 1/4.
double residual_cv_variance(double xi);

// Multiple-threshold statistic Tm = sum_j k_j (cv_j - 1)^2 over m nested thresholds with k_j =
// k / 2^j, j = 0..m-1, as many as keep k_j >= 20, at most `m`; p by simulation from the exponential
// law (scale free).
struct MultipleThreshold {
  double statistic = 0, p = 1;
  int levels = 0;
  int simulations = 0;
};
MultipleThreshold cv_multiple_threshold(std::span<const double> sorted_excesses, int m,
                                        int simulations, uint64_t seed);

// Exponential pWCET of MBPTA-CV: u + mean excess ln(zeta / p).
double exponential_quantile(double u, double mean_excess, double zeta, double p);

}  // namespace assay::stats
