// SPDX-License-Identifier: Apache-2.0
// Confidence sequences: intervals that hold at all sample sizes at once, so that one may look after
// each sample and stop at will. For independent samples. Wider than an interval for one
// n; sequential.h has the looks of fixed number. Sources: Robbins, Ann. Math.
// Statist. 41, 1970 (mixture); Howard & Ramdas, Bernoulli 28, 2022 (quantiles).
#pragma once

#include <cstdint>
#include <span>

#include "stats/intervals.h"

namespace assay::stats {

// log of the two-sided beta-binomial mixture martingale of "each of t trials succeeds with
// probability p" after S successes. The mixing law is Beta(kp, k(1-p)), k chosen so that the bound
// is tightest about t = t_opt for error 5 %. Exceeds ln(1/alpha) at any t with probability at most
// alpha. `successes` may be any real in [0, t]. -infinity for arguments without meaning.
double log_mixture_martingale(double successes, int64_t t, double p, double t_opt);

// Time-uniform interval of a proportion: all p that the martingale does not reject at alpha.
// (700 of 1000, .05, t_opt 100): .651629 .. .745949; (1 of 50, .05, 50): 0 .. .13489.
Interval proportion_sequence(int64_t successes, int64_t t, double alpha, double t_opt);

// Ranks of the time-uniform two-sided interval of the q-quantile; as Ranks of intervals.h.
Ranks quantile_sequence_ranks(int64_t n, double q, double alpha, double t_opt);

// Half width of a band about the empirical distribution function that holds at all t >= t_min
// (Howard & Ramdas, theorem 2): A sqrt((ln(1 + ln(t/t_min)) + C) / t), C the smallest that the
// theorem allows at this alpha. (1000, .05, 100, .85): .0820477. 1 when t < t_min or out of range
// (A must exceed 1/sqrt 2).
double distribution_sequence_half_width(int64_t t, double alpha, double t_min, double A = 0.85);

// p-value, valid at any time, of "the q-quantiles of a and b are equal" (values in any
// order). 1..1000 against the same + 85, q .5, t_opt 100: .0838055.
double quantile_difference_p(std::span<const int64_t> a, std::span<const int64_t> b, double q,
                             double t_opt);

}  // namespace assay::stats
