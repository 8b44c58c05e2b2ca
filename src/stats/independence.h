// SPDX-License-Identifier: Apache-2.0
// Tests of whether neighbouring samples know of each other: autocorrelation, runs, beats. Pure
// functions; statistics.md section 3.6. Not computable (short, constant): p = 1, computed = false.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "stats/stationarity.h"

namespace assay::stats {

// Autocorrelations r_1..r_lags about the overall mean, divided by the variance at lag 0 (biased, as
// usual). Empty when the series is constant or lags >= n. `slices` > 1 takes the mean of each of
// that many equal slices away first, so that a slow change of level does not read as dependence.
std::vector<double> autocorrelation(std::span<const int64_t> values, int64_t lags);
std::vector<double> autocorrelation(std::span<const float> series, int64_t lags,
                                    int64_t slices = 1);
// Of the indicator 1{x > threshold}.
std::vector<double> autocorrelation_above(std::span<const float> series, float threshold,
                                          int64_t lags);

// Q = n(n+2) sum r_k^2/(n-k), p = P(chi2_m > Q), m = r.size(); `at` is the lag of the largest |r|.
// Oracles: Nile m=1/5/10: 25.5938 63.9717 88.1269; lh 16.9138 22.6732 25.3509. On raw values the
// size at 5 % is 20 % with rare spikes: judge by ranks.
TestValue ljung_box(std::span<const double> r, int64_t n);
TestValue ljung_box_values(std::span<const int64_t> values, int64_t lags);
TestValue ljung_box_ranks(std::span<const int64_t> values, int64_t lags);  // mid-ranks made here
TestValue ljung_box_above_p95(std::span<const int64_t> values, int64_t lags);

// Wald-Wolfowitz runs about the median (above: x > median; the rest below), normal, two-sided;
// `statistic` is z. Oracle: Nile z -4.22137, p 2.428e-5.
TestValue runs_about_median(std::span<const float> ranks);
TestValue runs_about_median(std::span<const int64_t> values);

// tau = max(1, 1 + 2 sum r_k), summed in pairs while r_{2j-1} + r_{2j} > 0 (Geyer), at most
// `max_lags` lags; n_e = n/tau. A constant series has tau 1.
double integrated_autocorrelation(std::span<const float> series, int64_t max_lags,
                                  int64_t slices = 1);
double integrated_autocorrelation_above(std::span<const float> series, float threshold,
                                        int64_t max_lags, int64_t slices = 1);

// Fisher's g: the largest periodogram ordinate over their sum, over the Fourier frequencies with at
// least 10 cycles in the segment (fewer cycles are a drift, not a beat). Series longer than 2^16
// are cut into equal segments, p by Bonferroni over them; each segment is shortened to a length of
// factors 2, 3, 5. `line`: how far the ordinate stands above its 2 x 32 neighbours, as a p-value
// over all ordinates: small for a beat, large for the broad hump of plain autocorrelation.
struct Periodic {
  TestValue test;     // statistic g; `at` = first sample of the segment it was found in
  double period = 0;  // samples, from the peak, 0 when not computed
  double line_p = 1;
};
Periodic fisher_g(std::span<const float> series);
Periodic fisher_g_above(std::span<const float> series, float threshold);
double fisher_g_tail(double g, int64_t ordinates);  // exact law for iid normal values

// The beat's fundamental and its strength: among the multiples 1..16 of `period` (a sharp beat
// peaks at its harmonics as well) the shortest lag whose autocorrelation is at least .8 of the
// largest.
struct Beat {
  double period = 0;  // samples
  double r = 0;       // autocorrelation at that lag (the better of its two neighbouring integers)
};
Beat beat_of(std::span<const float> series, double period);
Beat beat_of_above(std::span<const float> series, float threshold, double period);

// Brock-Dechert-Scheinkman for iid, embedding m >= 2, radius eps in the units of the values;
// normal. All sums run over the first n - longest + 1 values (longest < m: m), so that several m
// can be told apart on the same points, as R's tseries does. n <= 5000, else not computed (O(n^2)).
// Oracle: lh eps .5516, longest 3: m=2 7.9193, m=3 7.9308.
TestValue bds(std::span<const double> values, int64_t m, double eps, int64_t longest = 0);

}  // namespace assay::stats
