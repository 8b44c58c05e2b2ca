// SPDX-License-Identifier: Apache-2.0
// How much of the variation each level brings: inference, launch, build. Kalibera and Jones 2013
// with the erratum T_i^2 = S_i^2 - S_{i-1}^2/r_{i-1} (statistics.md section 2). Pure functions.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace assay::stats {

// One level, lowest first: levels[0] = inference, the last = build.
struct VarianceLevel {
  int64_t repetitions = 0;  // r_i used
  double s2 = 0;            // S_i^2, variance of the level's means, biased by what is below
  double t2 = 0;            // T_i^2 as estimated; may be negative, then the level reads as 0
  double sd = 0;            // sqrt(max(0, T_i^2)), in the units of the values
  double share = 0;         // of sum max(0, T^2)
  std::optional<double> sd_lower, sd_upper;  // two-sided interval of the level's sd
  double cost = 0;                           // c_i, as given
  std::optional<double> repetitions_best;    // r_i of the optimal design, real; absent at the top
  int64_t repetitions_best_ceil = 0;         // and rounded up (at least 1); 0 where absent
};

// Intervals: level 0 from the spread of the groups' own variances (t over groups: holds for skewed
// latencies as well); every level above by the modified large sample method of Graybill and Wang
// (1980) on S_i^2 - S_{i-1}^2/r_{i-1}, chi-square limits for each part: normal group effects. For
// the top level s2_upper is the exact chi-square limit of sqrt(S_n^2), the sd of means as measured.
struct VarianceSplit {
  std::vector<VarianceLevel> levels;
  double mean = 0;
  std::optional<double> mean_lower, mean_upper;  // t, r_n - 1 degrees, sqrt(S_n^2/r_n)
  double confidence = 0.95;
  int64_t used = 0, given = 0;  // values; used < given: cut to the smallest group
  std::string truncation;       // says what was cut, empty when nothing
  bool valid = false;           // at least 2 levels, each with r_i >= 2, finite
  std::string note;             // why not valid, or what to know
};

// `values` lie as the tree does, first index highest; repetitions high to low, e.g. {3, 2, 2} for 3
// builds x 2 launches x 2 inferences, product == values.size(). `costs` low to high as levels are
// (c_1 = one inference, c_2 = one more launch, ...), or empty: no optimal design.
VarianceSplit variance_split(std::span<const double> values, std::span<const int64_t> repetitions,
                             std::span<const double> costs, double confidence = 0.95);
// builds -> launches -> samples (ns). Unbalanced input is cut to the smallest number of launches
// and to the smallest number of samples (the first ones, run order); groups that are empty are
// dropped first and named in `truncation`. Never copies the samples.
using Builds = std::vector<std::vector<std::span<const int64_t>>>;
VarianceSplit variance_split(const Builds& builds, std::span<const double> costs,
                             double confidence = 0.95);
// The same on one number a launch, the median, since means are not robust: two levels, launch and
// build. costs: {launch, build} or empty.
VarianceSplit variance_split_medians(const Builds& builds, std::span<const double> costs,
                                     double confidence = 0.95);

// r_i = sqrt((c_{i+1}/c_i) (T_i^2/T_{i+1}^2)), i = 1..n-1, low to high. T_{i+1}^2 <= 0 (the level
// above adds nothing): absent. T_i^2 <= 0: 0, so 1 when rounded up. Oracle: T2 (.72667 .26278
// .7747), costs 3, 20, 100: 4.2937, 1.3023.
std::vector<std::optional<double>> best_repetitions(std::span<const double> t2,
                                                    std::span<const double> costs);

// P(the next build is slower than the slowest of k) = 1/(k+1), whatever the law. k < 0: 1.
double next_exceeds_max(int64_t k);
// Fewest builds whose slowest bounds `coverage` of all builds with `confidence` (Wilks):
// ceil(ln(1-confidence)/ln(coverage)); .95/.95: 59. Bad input: 0.
int64_t builds_for_tolerance(double coverage, double confidence);
// Share of all builds that the slowest of k bounds with `confidence`: (1-confidence)^(1/k).
double coverage_of_max(int64_t k, double confidence);
// sqrt((k-1)/chi2_{alpha, k-1}): the one-sided 1-alpha upper bound of a sd from k normal values
// over the sd observed: 4.4 at k=3, 1.64 at 10, 1.37 at 20 (95 %). k < 2: absent.
std::optional<double> sd_upper_factor(int64_t k, double confidence = 0.95);

}  // namespace assay::stats
