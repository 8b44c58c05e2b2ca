// SPDX-License-Identifier: Apache-2.0
// Tests of whether a series has one level: warm-up, trend, step, change of law, bursts. Pure
// functions; sources in statistics.md sections 3.4 and 3.5. Values are latencies in ns (or any
// integers) in run order. A test that cannot be computed (too short, constant) has p = 1 and
// computed = false: it claims nothing.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace assay::stats {

struct TestValue {
  double statistic = 0;
  double p = 1;     // two-sided or upper tail, as the test has it; in [0, 1]
  int64_t at = -1;  // index (0-based) the test points at, -1 where it points at none
  bool computed = false;
};

// Ascending. At most 12 bytes a value at any moment, the result's 8 among them.
std::vector<int64_t> sorted_copy(std::span<const int64_t> values);

// Mid-ranks (1..n, ties share their mean rank) in run order, as float: exact to n = 2^23. Memory:
// one sorted copy of the values (8n bytes), freed before return, beside the 4n bytes returned.
std::vector<float> mid_ranks(std::span<const int64_t> values);
// The same where the caller has the sorted copy already. Sizes must agree, else empty.
std::vector<float> mid_ranks(std::span<const int64_t> values, std::span<const int64_t> sorted);

// Mid-ranks of a stretch of a series from the mid-ranks in the whole: what mid_ranks() of those
// values alone would give. O(n) time, memory 4 bytes a value of the whole.
std::vector<float> rerank(std::span<const float> part);
// Mid-rank of the value that stands at `position` (1-based) of the sorted series: samples with a
// higher rank lie strictly above that quantile. Empty series: 0.
float rank_at(std::span<const float> ranks, int64_t position);

// MSER-5: batch means Y_1..Y_m of 5; d* = argmin_d sum_{i>d} (Y_i - mean_d)^2 / (m-d)^2 over d <=
// m-10 (the statistic is 0 at d = m-1 whatever the data). `cut` = 5 d* samples; steady is false
// when d* > m/2: no steady state. Feed it ranks: on raw values one outlier decides. Fewer than 100
// values: cut 0, computed false.
struct WarmUp {
  int64_t cut = 0;
  bool steady = true;
  bool computed = false;
};
WarmUp mser5(std::span<const float> series);
WarmUp mser5(std::span<const int64_t> series);

// KPSS for a level: eta = n^-2 sum S_t^2 / s^2(l), Bartlett weights 1 - j/(l+1). lags < 0: l =
// trunc(4 (n/100)^(1/4)). p from the limit law of eta, the integral of a squared Brownian bridge
// (Anderson and Darling 1952, eq. 4.35), not from a table: .347/.461/.581/.743 at 10/5/2.5/1 %.
// Oracle: Nile l=4 .965435, l=12 .549720; lh l=3 .293816.
TestValue kpss_level(std::span<const int64_t> values, int64_t lags = -1);
// Upper tail of that law (also the limit of Cramer-von Mises' W^2).
double brownian_bridge_square_tail(double x);

// Pettitt: U_t = 2 sum_{i<=t} R_i - t(n+1), K = max |U_t|, p = min(1, 2 exp(-6 K^2/(n^3+n^2))).
// `at` = t: the number of values before the break. Oracle: Nile K=1617, t=28, p 3.59e-7.
TestValue pettitt(std::span<const float> ranks);

// Kolmogorov-Smirnov of values [0, split) against [split, n), from mid-ranks. p: limit law at (sqrt
// ne + .12 + .11/sqrt ne) D, ne = n1 n2/(n1+n2) (Stephens 1970); conservative with ties. `at`: the
// index of a value at which the two laws are farthest apart. Memory 8n bytes. Oracle: Nile 28/72
// D .706349.
TestValue ks_split(std::span<const float> ranks, int64_t split);

// Counts of values above a high quantile over `slices` equal slices of time; chi-square of the
// 2 x slices table, slices-1 degrees. The quantile is p99, lower where n is short: 10 exceedances
// a slice are wanted (at n = 1000 that is p90), else the chi-square law does not hold. `at`: the
// first index of the fullest slice. Too few strict exceedances (ties): not computed.
struct Slices {
  TestValue test;
  double share = 0;             // of the values that lie above, e.g. .01
  double fullest = 0;           // count of the fullest slice over its expectation
  std::vector<int64_t> counts;  // a slice
};
Slices exceedance_slices(std::span<const float> ranks, int64_t slices = 10);

// Mann-Kendall: `statistic` is Kendall's tau-b against time, p normal with the correction for ties
// and for continuity. O(n log n). Oracle: Nile tau -.280741.
TestValue mann_kendall(std::span<const int64_t> values);

// Largest F of one break in the mean over the breaks in [trim n, (1-trim) n] (Andrews 1993), and
// its position: `at` = values before the break. No p (claims nothing). Oracle: Nile 75.9298 at 28.
TestValue sup_f(std::span<const int64_t> values, double trim = 0.15);
// OLS-CUSUM: max |sum of residuals| / (s sqrt n), s^2 with n-1; p from the limit law sup |Brownian
// bridge| (Kolmogorov). Oracle: Nile 2.95177.
TestValue ols_cusum(std::span<const int64_t> values);

// Does a step describe the level better than a straight line? Least squares on the ranks.
struct Shape {
  double step_r2 = 0, line_r2 = 0;  // share of the variance each explains
  int64_t step_at = 0;              // values before the best step
  double line_slope = 0;            // ranks a sample
};
Shape level_shape(std::span<const float> ranks);

}  // namespace assay::stats
