// SPDX-License-Identifier: Apache-2.0
// Extremal index theta in (0, 1]: 1 / theta is the mean size of a cluster of exceedances. It enters
// statements about a horizon, never the marginal exceedance. Source: statistics.md, section 6.1;
// Ferro & Segers (2003).
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace assay::stats {

// Positions (0-based, ascending) of the values > threshold (strict).
std::vector<int64_t> exceedance_times(std::span<const int64_t> run_order, int64_t threshold);

// Intervals estimator from exceedance positions: min(1, 2 (sum (T-1))^2 / ((N-1) sum (T-1)(T-2)))
// if max T > 2, else 2 (sum T)^2 / ((N-1) sum T^2). Fewer than 2 exceedances: 1.
double extremal_index(std::span<const int64_t> times);
// Runs estimator: clusters / exceedances, a new cluster after a gap of at least `run` values, the
// exceedance itself counted (evd's exi(r)). For comparison; it needs the run length.
double extremal_index_runs(std::span<const int64_t> times, int64_t run);

// Two-sided percentile interval of the intervals estimator: bootstrap of blocks of successive
// inter-exceedance times, block ceil(N^(1/3)), `bootstrap` replicates, seeded.
struct ExtremalIndex {
  double theta = 1, lower = 0, upper = 1;
  int64_t exceedances = 0;
};
ExtremalIndex extremal_index_interval(std::span<const int64_t> times, double confidence,
                                      int bootstrap, uint64_t seed);

// P(at least one exceedance among `inferences`) = 1 - (1 - p)^(inferences theta), e.g. per hour at
// 30 frames/s: inferences = 108 000.
double horizon_probability(double p, double inferences, double theta);

}  // namespace assay::stats
