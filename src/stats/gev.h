// SPDX-License-Identifier: Apache-2.0
// Generalised extreme value law of block maxima: P(M <= x) = exp(-(1 + xi (x - mu) / sigma)^(-1 /
// xi)), xi = 0: Gumbel. Sign of xi as in Coles (scipy.genextreme c = -xi; Hosking's k = -xi).
// Cross-check of the peaks over threshold only. Source: statistics.md, sections 6.1, 6.2, 6.8.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "stats/gpd.h"

namespace assay::stats {

// cov: covariance of (mu, sigma, xi), row by row, from the observed information (0 in the xi parts
// of a Gumbel fit; NaN for L-moments). ok: a fit was possible. regular: xi > -0.5.
struct GevFit {
  double mu = 0, sigma = 0, xi = 0, nll = 0;
  std::array<double, 9> cov{};
  int64_t n = 0;
  std::string method;  // "mle" | "l-moments" | "gumbel"
  bool regular = false;
  bool ok = false;
};

// Maximum likelihood with xi > -1, from the L-moment fit by a simplex search and Newton steps.
// Errors: ok = false for fewer than 5 values, values that are not finite, or all equal.
GevFit fit_gev_mle(std::span<const double> maxima);
GevFit fit_gev_lmoments(std::span<const double> maxima);
GevFit fit_gumbel(std::span<const double> maxima);

// First four sample L-moments l1, l2, t3 = l3 / l2, t4 = l4 / l2 (unbiased; n >= 4, else zeros).
std::array<double, 4> sample_lmoments(std::span<const double> values);

double gev_nll(std::span<const double> maxima, double mu, double sigma, double xi);
// Value not exceeded with probability P in (0, 1), smooth through xi = 0.
double gev_quantile(double P, double mu, double sigma, double xi);

// Likelihood ratio 2 (nll_gumbel - nll_gev) >= 0 and its p-value (chi2_1): Gumbel is tested, never
// assumed (6.8).
struct GumbelTest {
  double statistic = 0, p = 1;
};
GumbelTest gumbel_test(const GevFit& gev, const GevFit& gumbel);

// Level exceeded by one block maximum with probability `block_p`: estimate, delta and profile
// intervals, two-sided.
ReturnInterval gev_delta_interval(const GevFit& fit, double block_p, double confidence);
ReturnInterval gev_profile_interval(std::span<const double> maxima, const GevFit& mle,
                                    double block_p, double confidence);

// Maxima of consecutive blocks of `block` values in run order; an incomplete last block is dropped
// (its maximum has another law). Empty when block < 1.
std::vector<double> block_maxima(std::span<const int64_t> run_order, int64_t block);
// Smallest block whose maxima may count as independent: 10 tau (section 14), at least 10.
int64_t block_length(double tau);
// Block exceedance of a level exceeded by one inference with probability p: 1 - (1 - p)^block, and
// back. The quantile of the block law is not the quantile per inference (6.1).
double block_probability(double p, double block);
double inference_probability(double block_p, double block);

}  // namespace assay::stats
