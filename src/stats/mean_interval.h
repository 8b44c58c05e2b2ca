// SPDX-License-Identifier: Apache-2.0
// Student's t for the mean of run-level values (one number a launch), and Fieller's interval for
// the ratio of two means of the same launches. Values may be of either sign: differences of
// launches taken side by side. Pure functions.
#pragma once

#include <cstdint>
#include <span>

#include "stats/intervals.h"

namespace assay::stats {

// Mean with its two-sided t interval. No bounds (`n_needed` says from where on there are some) with
// fewer than 2 values, with a value that is not finite (then n_needed is 0), and with values
// without any scatter unless 2^-n < 1 - confidence: t has no error to go by, and a coarse clock
// gives equal values by chance (as in equality.h). n values without scatter that carry it have
// equal bounds.
Interval mean_interval(std::span<const double> values, double confidence);

// Two-sided p of "the mean is 0". Without scatter: 1 for zeros, else that of the sign test,
// 2^(1-n). 1 for fewer than 2 values and for values that are not finite.
double mean_p(std::span<const double> values);

// mean(numerator) / mean(denominator), pairs of the same launch (Fieller 1954, "Some problems in
// interval estimation", J. R. Statist. Soc. B 16, equation 10, with the covariance of the pairs).
// No bounds when the denominator's own interval reaches 0 (the set of ratios is then no interval),
// and where mean_interval has none. Sizes must be equal.
Interval ratio_of_means(std::span<const double> numerator, std::span<const double> denominator,
                        double confidence);

}  // namespace assay::stats
