// SPDX-License-Identifier: Apache-2.0
// Parts of the applicability list of a pWCET; private to pwcet.cc and its tests.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "stats/pwcet.h"

namespace assay::stats {

// Fit on the first half over threshold u, count in the second above x_{10 / n_h} (6.7, item 8).
// `weight` < 1: clusters; the count is compared as weight x count against weight x 10.
// The plain binomial limit takes the level as known and rejects 10 to 15 % of good fits at nominal
// 5 %; the variance of the fitted level is therefore part of the limit.
HoldOut hold_out(std::span<const int64_t> run_order, int64_t u, double tick, uint64_t seed,
                 double weight, double level);

// Smallest c with P(count > c) <= level for a count of `trials` with mean `expected`, binomial when
// `relative_variance` of the mean is 0, else negative binomial (gamma mixture of Poisson). 10^4
// trials, mean 10, level .05, variance 0: 15.
int64_t count_limit(double trials, double expected, double relative_variance, double level);
// Asymptotic variance of the logarithm of the exceedance of a fitted level `y` (excess) when k of n
// values lie above the threshold; xi is taken as -.45 where it is less.
double log_exceedance_variance(const GpdFit& fit, double y, double k, double n);

// Blocks of max(10 tau, n / 200) and their fits; no fits when fewer than 30 blocks.
BlockMaxima block_maxima_check(std::span<const int64_t> run_order, double tau);

// Upper bounds when xi <= -.5 and the likelihood is not regular: L-moments with parametric
// bootstrap; per a the larger of the percentile and the basic limit.
std::vector<std::optional<double>> lmoment_bootstrap_upper(const GpdFit& fit, double k,
                                                           std::span<const double> a,
                                                           double confidence, int bootstrap,
                                                           uint64_t seed);

}  // namespace assay::stats
