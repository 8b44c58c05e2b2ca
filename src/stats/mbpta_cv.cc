// SPDX-License-Identifier: Apache-2.0
// MBPTA-CV (statistics.md, section 6.6).
#include "stats/mbpta_cv.h"

#include <algorithm>
#include <cmath>

#include "stats/random.h"

namespace assay::stats {
namespace {

// Sum over nested thresholds of k_j (cv_j - 1)^2; the threshold of level j > 0 is the value just
// below the k_j largest, as in choose_threshold.
double statistic(std::span<const double> sorted, int levels) {
  double t = 0;
  size_t k = sorted.size();
  for (int j = 0; j < levels; ++j, k /= 2) {
    const double base = j == 0 ? 0 : sorted[sorted.size() - k - 1];
    double sum = 0, square = 0;
    for (size_t i = sorted.size() - k; i < sorted.size(); ++i) {
      const double y = sorted[i] - base;
      sum += y, square += y * y;
    }
    const auto count = static_cast<double>(k);
    const double mean = sum / count;
    const double cv = mean > 0 ? std::sqrt(std::max(0.0, square / count - mean * mean)) / mean : 0;
    t += count * (cv - 1) * (cv - 1);
  }
  return t;
}

}  // namespace

ResidualCv residual_cv(std::span<const double> excesses) {
  ResidualCv r;
  r.k = static_cast<int64_t>(excesses.size());
  if (excesses.size() < 2) return r;
  const auto k = static_cast<double>(excesses.size());
  double mean = 0, square = 0;
  for (const double y : excesses) mean += y / k;
  for (const double y : excesses) square += (y - mean) * (y - mean);
  if (!(mean > 0) || !std::isfinite(square)) return r;
  r.cv = std::sqrt(square / k) / mean;
  r.cv_unbiased = std::sqrt(square / (k - 1)) / mean;
  if (r.cv > 0) r.xi = (r.cv * r.cv - 1) / (2 * r.cv * r.cv);
  r.z = std::sqrt(k) * (r.cv - 1);
  r.exponential = std::fabs(r.z) < 1.645;
  r.heavier = r.z >= 1.645;
  return r;
}

double residual_cv_variance(double xi) {
  if (!(xi < 0.25)) return INFINITY;
  const double a = 1 - xi, b = 1 - 2 * xi;
  return a * a * (6 * xi * xi - xi + 1) / (b * b * (1 - 3 * xi) * (1 - 4 * xi));
}

MultipleThreshold cv_multiple_threshold(std::span<const double> sorted_excesses, int m,
                                        int simulations, uint64_t seed) {
  MultipleThreshold r;
  for (size_t k = sorted_excesses.size(); k >= 20 && r.levels < m; k /= 2) ++r.levels;
  if (r.levels == 0) return r;
  r.statistic = statistic(sorted_excesses, r.levels);
  r.simulations = std::max(0, simulations);
  Random random(seed);
  std::vector<double> y(sorted_excesses.size());
  int reached = 0;
  for (int s = 0; s < r.simulations; ++s) {
    // Order statistics of an exponential sample by Renyi's representation: no sorting.
    double sum = 0;
    for (size_t i = 0; i < y.size(); ++i) {
      sum += exponential(random) / static_cast<double>(y.size() - i);
      y[i] = sum;
    }
    reached += statistic(y, r.levels) >= r.statistic ? 1 : 0;
  }
  r.p = (1.0 + reached) / (r.simulations + 1.0);
  return r;
}

double exponential_quantile(double u, double mean_excess, double zeta, double p) {
  return u + mean_excess * std::log(zeta / p);
}

}  // namespace assay::stats
