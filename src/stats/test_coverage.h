// SPDX-License-Identifier: Apache-2.0
// How often the intervals of a variance split hold the truth; for the tests.
#pragma once

#include <cmath>
#include <cstdint>
#include <random>
#include <vector>

#include "stats/variance.h"

namespace assay::stats {

// Coverage of the intervals of the three levels; sds as given, low to high.
struct Coverage {
  double level[3] = {0, 0, 0}, mean = 0;
};
inline Coverage coverage(const std::vector<int64_t>& shape, const double (&sd)[3], bool skewed,
                         int trials, uint64_t seed) {
  std::mt19937_64 rng(seed);
  std::normal_distribution<double> normal;
  Coverage out;
  const double skew_sd = std::sqrt((std::exp(0.25) - 1) * std::exp(0.25));  // of exp(N(0, .5))
  for (int t = 0; t < trials; ++t) {
    std::vector<double> v;
    for (int64_t b = 0; b < shape[0]; ++b) {
      const double build = sd[2] * normal(rng);
      for (int64_t l = 0; l < shape[1]; ++l) {
        const double launch = build + sd[1] * normal(rng);
        for (int64_t i = 0; i < shape[2]; ++i) {
          const double z = normal(rng);
          v.push_back(launch +
                      sd[0] * (skewed ? (std::exp(z / 2) - std::exp(0.125)) / skew_sd : z));
        }
      }
    }
    const VarianceSplit s = variance_split(v, shape, {});
    for (size_t i = 0; i < 3; ++i)
      out.level[i] += s.levels[i].sd_lower && *s.levels[i].sd_lower <= sd[i] + 1e-12 &&
                      sd[i] <= *s.levels[i].sd_upper;
    out.mean += *s.mean_lower <= 0 && 0 <= *s.mean_upper;
  }
  for (double& c : out.level) c /= trials;
  out.mean /= trials;
  return out;
}

}  // namespace assay::stats
