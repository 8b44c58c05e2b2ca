// SPDX-License-Identifier: Apache-2.0
// Return levels of block maxima with delta and profile intervals (statistics.md, section 6.1).
#include <cmath>

#include "stats/gev.h"
#include "stats/gev_search.h"
#include "stats/special.h"

namespace assay::stats {
namespace {

// d q / d xi of the standard quantile expm1(xi t) / xi.
double quantile_by_xi(double t, double xi) {
  const double x = xi * t;
  if (std::fabs(x) < 1e-4) return t * t * (0.5 + x / 3);
  return t * std::exp(x) / xi - std::expm1(x) / (xi * xi);
}

}  // namespace

ReturnInterval gev_delta_interval(const GevFit& fit, double block_p, double confidence) {
  ReturnInterval r;
  if (!fit.ok || !(block_p > 0 && block_p < 1) || !(confidence > 0 && confidence < 1)) return r;
  r.estimate = gev_quantile(1 - block_p, fit.mu, fit.sigma, fit.xi);
  const double t = -std::log(-std::log1p(-block_p));
  const double g[3] = {1, (r.estimate - fit.mu) / fit.sigma, fit.sigma * quantile_by_xi(t, fit.xi)};
  double variance = 0;
  for (size_t i = 0; i < 3; ++i) {
    for (size_t j = 0; j < 3; ++j) variance += g[i] * g[j] * fit.cov[3 * i + j];
  }
  if (!(variance >= 0)) return r;
  const double half = normal_quantile((1 + confidence) / 2) * std::sqrt(variance);
  r.lower = r.estimate - half;
  r.upper = r.estimate + half;
  return r;
}

ReturnInterval gev_profile_interval(std::span<const double> maxima, const GevFit& mle,
                                    double block_p, double confidence) {
  ReturnInterval r;
  if (!mle.ok || !(block_p > 0 && block_p < 1) || !(confidence > 0 && confidence < 1)) return r;
  r.estimate = gev_quantile(1 - block_p, mle.mu, mle.sigma, mle.xi);
  const double z = normal_quantile((1 + confidence) / 2);
  std::vector<double> x;  // standardised by the fit
  for (const double v : maxima) x.push_back((v - mle.mu) / mle.sigma);
  const double best = gev_nll(x, 0, 1, mle.xi);
  const double level_hat = (r.estimate - mle.mu) / mle.sigma;

  const auto side = [&](int sign) -> std::optional<double> {
    std::vector<double> nuisance = {0, mle.xi};  // log sigma, xi; warm from level to level
    const auto profile = [&](double level) {
      const auto f = [&](const std::vector<double>& v) {
        if (!(v[1] > -1)) return static_cast<double>(INFINITY);
        const double sigma = std::exp(v[0]);
        const double mu = level - (gev_quantile(1 - block_p, 0, 1, v[1]) * sigma);
        return gev_nll(x, mu, sigma, v[1]);
      };
      std::vector<double> start = nuisance;
      if (!std::isfinite(f(start))) start = {std::log(2.0), 0.05};
      start = minimise_simplex(f, start, {0.1, 0.05});
      const double value = f(start);
      if (std::isfinite(value)) nuisance = start;
      return value - best;
    };
    const double limit = z * z / 2;
    double inside = level_hat, step = 0.1;
    for (int i = 0; i < 40; ++i) {
      double outside = inside + sign * step;
      if (profile(outside) <= limit) {
        inside = outside;
        step *= 1.5;
        continue;
      }
      for (int j = 0; j < 24; ++j) {
        const double mid = (inside + outside) / 2;
        (profile(mid) <= limit ? inside : outside) = mid;
      }
      return mle.mu + mle.sigma * inside;
    }
    return std::nullopt;
  };
  r.lower = side(-1);
  r.upper = side(1);
  return r;
}

}  // namespace assay::stats
