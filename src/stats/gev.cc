// SPDX-License-Identifier: Apache-2.0
// Generalised extreme value fits (statistics.md, sections 6.1, 6.2, 6.8).
#include "stats/gev.h"

#include <algorithm>
#include <boost/math/special_functions/gamma.hpp>
#include <boost/math/tools/roots.hpp>
#include <cmath>
#include <limits>

#include "stats/gev_search.h"
#include "stats/quiet.h"

namespace assay::stats {
namespace {

constexpr double kEuler = 0.57721566490153286;

// Values standardised by location and scale, so that the search sees numbers near 1.
struct Standardised {
  std::vector<double> x;
  double location = 0, scale = 1;
  bool ok = false;
};

Standardised standardise(std::span<const double> values) {
  Standardised s;
  if (values.size() < 5) return s;
  double lo = INFINITY, hi = -INFINITY;
  for (const double v : values) {
    if (!std::isfinite(v)) return s;
    lo = std::min(lo, v), hi = std::max(hi, v);
  }
  s.scale = hi / 4 - lo / 4;
  s.location = lo / 2 + hi / 2;
  if (!(s.scale > 0) || !std::isfinite(s.scale)) return s;
  for (const double v : values) s.x.push_back((v - s.location) / s.scale);
  s.ok = std::isfinite(s.x.front());
  return s;
}

void to_caller(const Standardised& s, GevFit& fit) {
  fit.n = static_cast<int64_t>(s.x.size());
  fit.mu = s.location + s.scale * fit.mu;
  fit.sigma *= s.scale;
  fit.nll += static_cast<double>(fit.n) * std::log(s.scale);
  for (int i = 0; i < 3; ++i) {
    for (int j = 0; j < 3; ++j) {
      fit.cov[static_cast<size_t>(3 * i + j)] *= (i < 2 ? s.scale : 1) * (j < 2 ? s.scale : 1);
    }
  }
}

void no_covariance(GevFit& fit) { fit.cov.fill(std::numeric_limits<double>::quiet_NaN()); }

// Inverse of the symmetric Hessian `h` of dimension d (2 or 3), row by row into 3 x 3.
bool invert(const std::vector<double>& h, int d, std::array<double, 9>& out) {
  const auto at = [&](int i, int j) { return h[static_cast<size_t>(d * i + j)]; };
  out.fill(0);
  if (d == 2) {
    const double det = at(0, 0) * at(1, 1) - at(0, 1) * at(1, 0);
    if (!(det > 0) || !(at(0, 0) > 0)) return false;
    out = {at(1, 1) / det, -at(0, 1) / det, 0, -at(1, 0) / det, at(0, 0) / det, 0, 0, 0, 0};
    return true;
  }
  double det = 0;
  for (int i = 0; i < 3; ++i) {
    for (int j = 0; j < 3; ++j) {
      const int a = (j + 1) % 3, b = (j + 2) % 3, c = (i + 1) % 3, e = (i + 2) % 3;
      out[static_cast<size_t>(3 * i + j)] = at(a, c) * at(b, e) - at(a, e) * at(b, c);
    }
  }
  for (int j = 0; j < 3; ++j) det += at(0, j) * out[static_cast<size_t>(3 * j)];
  if (!(det > 0) || !(at(0, 0) > 0)) return false;
  for (double& v : out) v /= det;
  return out[0] > 0 && out[4] > 0 && out[8] > 0;
}

}  // namespace

std::array<double, 4> sample_lmoments(std::span<const double> values) {
  if (values.size() < 4) return {0, 0, 0, 0};
  std::vector<double> x(values.begin(), values.end());
  if (!std::all_of(x.begin(), x.end(), [](double v) { return std::isfinite(v); })) {
    return {0, 0, 0, 0};
  }
  std::sort(x.begin(), x.end());
  const auto n = static_cast<double>(x.size());
  double b0 = 0, b1 = 0, b2 = 0, b3 = 0;
  for (size_t j = 0; j < x.size(); ++j) {
    const auto i = static_cast<double>(j);
    const double w1 = i / (n - 1), w2 = w1 * (i - 1) / (n - 2), w3 = w2 * (i - 2) / (n - 3);
    b0 += x[j] / n, b1 += w1 * x[j] / n, b2 += w2 * x[j] / n, b3 += w3 * x[j] / n;
  }
  const double l2 = 2 * b1 - b0;
  if (!(l2 > 0)) return {b0, 0, 0, 0};
  return {b0, l2, (6 * b2 - 6 * b1 + b0) / l2, (20 * b3 - 30 * b2 + 12 * b1 - b0) / l2};
}

double gev_nll(std::span<const double> maxima, double mu, double sigma, double xi) {
  if (!(sigma > 0)) return INFINITY;
  double sum = 0;
  for (const double v : maxima) {
    const double z = (v - mu) / sigma;
    double log_t;  // log of (1 + xi z)^(-1/xi)
    if (std::fabs(xi) < 1e-9) {
      log_t = -z + xi * z * z / 2;
    } else {
      if (!(1 + xi * z > 0)) return INFINITY;
      log_t = -std::log1p(xi * z) / xi;
    }
    sum += std::exp(log_t) - (1 + xi) * log_t;
  }
  return sum + static_cast<double>(maxima.size()) * std::log(sigma);
}

double gev_quantile(double P, double mu, double sigma, double xi) {
  const double t = -std::log(-std::log(P)), x = xi * t;
  if (std::fabs(x) < 1e-10) return mu + sigma * t * (1 + x / 2);
  return mu + sigma * std::expm1(x) / xi;
}

GevFit fit_gev_lmoments(std::span<const double> maxima) {
  GevFit fit;
  fit.method = "l-moments";
  no_covariance(fit);
  const Standardised s = standardise(maxima);
  if (!s.ok) return fit;
  const auto l = sample_lmoments(s.x);
  if (!(l[1] > 0) || !(std::fabs(l[2]) < 1)) return fit;
  // t3 = 2 (1 - 3^-k) / (1 - 2^-k) - 3, k = -xi; decreasing in k, solved by bisection.
  const auto t3 = [](double k) {
    return std::fabs(k) < 1e-7
               ? 2 * std::log(3.0) / std::log(2.0) - 3
               : 2 * std::expm1(-k * std::log(3.0)) / std::expm1(-k * std::log(2.0)) - 3;
  };
  double lo = -0.999, hi = 20;
  for (int i = 0; i < 100; ++i) {
    const double mid = (lo + hi) / 2;
    (t3(mid) > l[2] ? lo : hi) = mid;
  }
  const double k = (lo + hi) / 2;
  if (std::fabs(k) < 1e-6) {
    fit.sigma = l[1] / std::log(2.0);
    fit.mu = l[0] - kEuler * fit.sigma;
  } else {
    const double g = boost::math::tgamma(1 + k, Quiet());
    fit.sigma = -l[1] * k / (std::expm1(-k * std::log(2.0)) * g);
    fit.mu = l[0] - fit.sigma * (1 - g) / k;
  }
  fit.xi = -k;
  fit.ok = fit.sigma > 0 && std::isfinite(fit.sigma) && std::isfinite(fit.mu);
  fit.regular = fit.ok && fit.xi > -0.5;
  fit.nll = gev_nll(s.x, fit.mu, fit.sigma, fit.xi);
  to_caller(s, fit);
  return fit;
}

GevFit fit_gumbel(std::span<const double> maxima) {
  GevFit fit;
  fit.method = "gumbel";
  no_covariance(fit);
  const Standardised s = standardise(maxima);
  if (!s.ok) return fit;
  const auto n = static_cast<double>(s.x.size());
  // sigma solves sigma = mean x - sum x e^(-x/sigma) / sum e^(-x/sigma); values span 4 units.
  const double least = *std::min_element(s.x.begin(), s.x.end());
  double mean = 0;
  for (const double v : s.x) mean += v / n;
  const auto gap = [&](double sigma) {
    double w = 0, wx = 0;
    for (const double v : s.x) {
      const double e = std::exp((least - v) / sigma);
      w += e, wx += e * v;
    }
    return mean - wx / w - sigma;
  };
  double lo = 1e-3, hi = 4;
  for (int i = 0; i < 100; ++i) {
    const double mid = (lo + hi) / 2;
    (gap(mid) > 0 ? lo : hi) = mid;
  }
  fit.sigma = (lo + hi) / 2;
  double w = 0;
  for (const double v : s.x) w += std::exp((least - v) / fit.sigma);
  fit.mu = least - fit.sigma * std::log(w / n);
  fit.nll = gev_nll(s.x, fit.mu, fit.sigma, 0);
  fit.ok = fit.regular = std::isfinite(fit.nll);
  const auto h =
      numeric_hessian([&](const std::vector<double>& v) { return gev_nll(s.x, v[0], v[1], 0); },
                      {fit.mu, fit.sigma}, {0.002 * fit.sigma, 0.002 * fit.sigma});
  if (!invert(h, 2, fit.cov)) no_covariance(fit);
  to_caller(s, fit);
  return fit;
}

GevFit fit_gev_mle(std::span<const double> maxima) {
  GevFit fit;
  fit.method = "mle";
  no_covariance(fit);
  const Standardised s = standardise(maxima);
  if (!s.ok) return fit;
  // Start: the L-moment fit when it is feasible, else Gumbel's.
  GevFit start = fit_gev_lmoments(s.x);
  if (!start.ok || !std::isfinite(start.nll) || start.xi <= -0.9) start = fit_gumbel(s.x);
  if (!start.ok) return fit;
  const auto nll = [&](const std::vector<double>& v) {
    return v[2] > -1 ? gev_nll(s.x, v[0], std::exp(v[1]), v[2]) : INFINITY;
  };
  const std::vector<double> best =
      minimise_simplex(nll, {start.mu, std::log(start.sigma), start.xi}, {0.2, 0.2, 0.1});
  fit.mu = best[0], fit.sigma = std::exp(best[1]), fit.xi = best[2];
  fit.nll = gev_nll(s.x, fit.mu, fit.sigma, fit.xi);
  fit.ok = std::isfinite(fit.nll);
  fit.regular = fit.ok && fit.xi > -0.5;
  const auto h =
      numeric_hessian([&](const std::vector<double>& v) { return gev_nll(s.x, v[0], v[1], v[2]); },
                      {fit.mu, fit.sigma, fit.xi}, {0.002 * fit.sigma, 0.002 * fit.sigma, 0.002});
  if (!invert(h, 3, fit.cov)) no_covariance(fit);
  to_caller(s, fit);
  return fit;
}

GumbelTest gumbel_test(const GevFit& gev, const GevFit& gumbel) {
  GumbelTest t;
  if (!gev.ok || !gumbel.ok) return t;
  t.statistic = std::max(0.0, 2 * (gumbel.nll - gev.nll));
  t.p = std::erfc(std::sqrt(t.statistic / 2));
  return t;
}

std::vector<double> block_maxima(std::span<const int64_t> run_order, int64_t block) {
  std::vector<double> out;
  if (block < 1) return out;
  const auto b = static_cast<size_t>(block);
  for (size_t i = 0; i + b <= run_order.size(); i += b) {
    out.push_back(static_cast<double>(
        *std::max_element(run_order.begin() + static_cast<std::ptrdiff_t>(i),
                          run_order.begin() + static_cast<std::ptrdiff_t>(i + b))));
  }
  return out;
}

int64_t block_length(double tau) {
  if (!(tau > 1)) return 10;
  return tau < 1e15 ? static_cast<int64_t>(std::ceil(10 * tau)) : int64_t{1} << 53;
}

double block_probability(double p, double block) { return -std::expm1(block * std::log1p(-p)); }
double inference_probability(double block_p, double block) {
  return -std::expm1(std::log1p(-block_p) / block);
}

}  // namespace assay::stats
