// SPDX-License-Identifier: Apache-2.0
#include "stats/pwcet_checks.h"

#include <algorithm>
#include <boost/math/special_functions/beta.hpp>
#include <cmath>

#include "stats/quiet.h"
#include "stats/random.h"

namespace assay::stats {

int64_t count_limit(double trials, double expected, double relative_variance, double level) {
  if (!(trials >= 1) || !(expected > 0) || !(expected < trials) || !(level > 0)) return 0;
  const auto above = [&](double c) {  // P(count > c)
    if (!(relative_variance > 1e-9)) {
      return boost::math::ibeta(c + 1, trials - c, expected / trials, Quiet());
    }
    const double shape = 1 / relative_variance;
    return boost::math::ibeta(c + 1, shape, expected / (expected + shape), Quiet());
  };
  int64_t c = 0;
  while (static_cast<double>(c) < trials - 1 && above(static_cast<double>(c)) > level) ++c;
  return c;
}

double log_exceedance_variance(const GpdFit& fit, double y, double k, double n) {
  const double xi = std::max(fit.xi, -0.45), z = std::min(y / fit.sigma, xi < 0 ? -.99 / xi : 1e9);
  const double d = 1 + xi * z;
  // d log S by log sigma and by xi; var(log sigma) = 2 (1 + xi) / k and so on.
  const double by_sigma = z / d;
  const double by_xi = std::fabs(xi) < 1e-4 ? z * z / 2 - 2 * xi * z * z * z / 3
                                            : std::log1p(xi * z) / (xi * xi) - z / (xi * d);
  const double a = 1 + xi;
  const double tail =
      (by_sigma * by_sigma * 2 * a - 2 * by_sigma * by_xi * a + by_xi * by_xi * a * a) / k;
  return tail + (1 / k - 1 / n);
}

HoldOut hold_out(std::span<const int64_t> run_order, int64_t u, double tick, uint64_t seed,
                 double weight, double level) {
  HoldOut h;
  h.n_half = static_cast<int64_t>(run_order.size() / 2);
  if (h.n_half < 100) return h;
  const auto half = static_cast<size_t>(h.n_half);
  std::vector<int64_t> top;
  for (const int64_t v : run_order.first(half)) {
    if (v > u) top.push_back(v);
  }
  std::sort(top.begin(), top.end());
  const auto k = static_cast<double>(top.size());
  if (k < 25) return h;
  const std::vector<double> y = excesses_over(top, u, tick, seed);
  GpdFit fit = fit_gpd_mle_point(GpdSample(y));
  if (fit.ok && !fit.regular) fit = fit_gpd_lmoments(y);
  const double n = static_cast<double>(h.n_half);
  const double a = static_cast<double>(h.expected) / k;  // (10 / n_h) / zeta
  if (!fit.ok || a >= 1) return h;
  h.level_ns = static_cast<double>(u) + tick / 2 + gpd_quantile(a, fit.sigma, fit.xi);
  for (const int64_t v : run_order.last(half)) {
    h.count += static_cast<double>(v) > h.level_ns ? 1 : 0;
  }
  const double variance = log_exceedance_variance(
      fit, h.level_ns - static_cast<double>(u) - tick / 2, k * weight, n * weight);
  const double expected = static_cast<double>(h.expected);
  h.critical = static_cast<int64_t>(std::floor(
      static_cast<double>(count_limit(n * weight, expected * weight, variance, level)) / weight));
  h.ran = true;
  h.pass = h.count <= h.critical;
  return h;
}

BlockMaxima block_maxima_check(std::span<const int64_t> run_order, double tau) {
  BlockMaxima b;
  b.tau = tau;
  const auto n = static_cast<int64_t>(run_order.size());
  b.block = std::max(block_length(tau), n / 200);
  b.blocks = n / b.block;
  if (b.blocks < 30) return b;
  const std::vector<double> maxima = block_maxima(run_order, b.block);
  b.gev = fit_gev_mle(maxima);
  b.gumbel = fit_gumbel(maxima);
  b.test = gumbel_test(b.gev, b.gumbel);
  return b;
}

std::vector<std::optional<double>> lmoment_bootstrap_upper(const GpdFit& fit, double k,
                                                           std::span<const double> a,
                                                           double confidence, int bootstrap,
                                                           uint64_t seed) {
  std::vector<std::optional<double>> out(a.size());
  if (!fit.ok || bootstrap < 20 || !(k >= 10)) return out;
  Random random(seed);
  std::vector<double> y(static_cast<size_t>(k));
  std::vector<std::vector<double>> drawn(a.size());
  for (int b = 0; b < bootstrap; ++b) {
    for (double& v : y) v = gpd_quantile(uniform(random), 1, fit.xi);
    std::sort(y.begin(), y.end());
    const GpdFit replicate = fit_gpd_lmoments(y);
    if (!replicate.ok) continue;
    for (size_t i = 0; i < a.size(); ++i) {
      drawn[i].push_back(gpd_quantile(a[i], replicate.sigma, replicate.xi));
    }
  }
  for (size_t i = 0; i < a.size(); ++i) {
    std::vector<double>& d = drawn[i];
    if (d.size() < 20 || !(a[i] > 0 && a[i] < 1)) continue;
    // Fewer replicates than one beyond the level: their largest is no limit at this confidence.
    if (static_cast<double>(d.size()) * (1 - confidence) < 1) continue;
    std::sort(d.begin(), d.end());
    const auto at = [&](double q) {
      return d[std::min(d.size() - 1, static_cast<size_t>(q * static_cast<double>(d.size())))];
    };
    const double estimate = gpd_quantile(a[i], 1, fit.xi);
    out[i] = fit.sigma * std::max(at(confidence), 2 * estimate - at(1 - confidence));
  }
  return out;
}

}  // namespace assay::stats
