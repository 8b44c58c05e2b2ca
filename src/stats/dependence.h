// SPDX-License-Identifier: Apache-2.0
// How much samples in run order say about each other. Pure functions.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace assay::stats {

// Sample autocorrelations r_0 = 1, r_1 .. r_lags of `x` in run order, divided by n at each lag (the
// form whose spectrum stays positive): `lags` + 1 values, fewer when x is shorter. A constant
// series has r_k = 0 for k > 0. Empty: x is empty, holds a value that is not finite, or lags < 0.
std::vector<double> autocorrelation(std::span<const double> x, int lags);

// Most lags that exceedance_tau() looks at: min(n/4, 10^4). A series whose memory is longer than
// that is not stationary for our purpose; its tau is then a lower bound, and large anyway.
inline constexpr int64_t kMostLags = 10000;

// Integrated autocorrelation time of the indicator 1{x > threshold}: tau = max(1, 1 + 2 sum r_k),
// summed in pairs while r_{2j-1} + r_{2j} > 0 (statistics.md section 4; the rule is Geyer's initial
// positive sequence, Statist. Sci. 7, 1992). n/tau is the effective sample size of the exceedance
// count. 1 when no sample or every sample exceeds: the data then say nothing about dependence.
// Cost n/64 words a lag: the indicator is a bit set, so sparse and dense exceedances cost the same.
double exceedance_tau(std::span<const int64_t> run_order, int64_t threshold);

}  // namespace assay::stats
