// SPDX-License-Identifier: Apache-2.0
// Generalised Pareto: Grimshaw's profile, L-moments, the law itself (statistics.md, 6.1, 6.2).
#include "stats/gpd.h"

#include <algorithm>
#include <boost/math/tools/minima.hpp>
#include <cmath>
#include <limits>

namespace assay::stats {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
// Range of t = log(theta + 1 / max) that is searched, beside the bounds of theta.
constexpr double kLowestT = -18;  // above log(1 / max): theta within 1.5e-8 of the pole
constexpr double kHighestTheta = 1e15;

double theta_of(double t, double max) { return std::exp(t) - 1 / max; }

double brent(const GpdSample& s, double lo, double hi, int bits) {
  std::uintmax_t iterations = 60;
  return boost::math::tools::brent_find_minima(
             [&](double t) { return s.profile(theta_of(t, s.max)); }, lo, hi, bits, iterations)
      .first;
}

// Bracket [lo, hi] of a local minimum by walking downhill from `t`.
std::pair<double, double> bracket_from(const GpdSample& s, double t, double lowest,
                                       double highest) {
  double step = 0.25;
  auto f = [&](double x) { return s.profile(theta_of(x, s.max)); };
  double lo = std::max(lowest, t - step), hi = std::min(highest, t + step);
  double ft = f(t), flo = f(lo), fhi = f(hi);
  for (int i = 0; i < 40 && (flo < ft || fhi < ft); ++i) {
    step *= 1.6;
    if (flo < ft) {
      hi = t, fhi = ft, t = lo, ft = flo;
      lo = std::max(lowest, t - step);
      if (lo == t) break;
      flo = f(lo);
    } else {
      lo = t, flo = ft, t = hi, ft = fhi;
      hi = std::min(highest, t + step);
      if (hi == t) break;
      fhi = f(hi);
    }
  }
  return {lo, hi};
}

std::pair<double, double> bracket_by_grid(const GpdSample& s, double lowest, double highest) {
  const int points = std::clamp(static_cast<int>((highest - lowest) / 0.6), 16, 90);
  const double step = (highest - lowest) / points;
  int best = 0;
  double least = INFINITY;
  for (int i = 0; i <= points; ++i) {
    const double f = s.profile(theta_of(lowest + step * i, s.max));
    if (f < least) least = f, best = i;
  }
  return {lowest + step * std::max(0, best - 1), lowest + step * std::min(points, best + 1)};
}

// Observed information of (sigma, xi), its inverse into the fit.
void add_covariance(const GpdSample& sample, GpdFit& fit) {
  const double sigma = fit.sigma / sample.scale, xi = fit.xi;
  double a = 0, b = 0, c = 0, e = 0, s2 = 0, s3 = 0, s4 = 0;
  for (const double y : sample.y) {
    const double z = y / sigma, d = 1 + xi * z;
    if (!(d > 0)) return;
    a += std::log1p(xi * z);
    b += z / d;
    c += z * z / (d * d);
    e += z / (d * d);
    s2 += z * z, s3 += z * z * z, s4 += z * z * z * z;
  }
  const auto k = static_cast<double>(sample.y.size());
  const double ss = -(k - (1 + xi) * (b + e)) / (sigma * sigma);
  const double sx = -(b - (1 + xi) * c) / sigma;
  // -2a/xi^3 cancels near 0: a series there, s_j the sums of powers.
  const double xx = std::fabs(xi) < 1e-3
                        ? -(s2 - 2 * s3 / 3 + xi * (1.5 * s4 - 2 * s3))
                        : -(-2 * a / (xi * xi * xi) + 2 * b / (xi * xi) + (1 + 1 / xi) * c);
  const double det = ss * xx - sx * sx;
  if (!(det > 0) || !(ss > 0)) return;
  fit.var_sigma = xx / det * sample.scale * sample.scale;
  fit.cov = -sx / det * sample.scale;
  fit.var_xi = ss / det;
}

}  // namespace

GpdSample::GpdSample(std::span<const double> excesses) {
  if (excesses.size() < 2) return;
  double sum = 0, largest = 0;
  for (const double v : excesses) {
    if (!(v > 0) || !std::isfinite(v)) return;
    largest = std::max(largest, v);
  }
  for (const double v : excesses) sum += v;
  scale = sum / static_cast<double>(excesses.size());
  const double inverse = 1 / scale;
  // Values so large or small that sum or inverse overflow are not latencies.
  if (!std::isfinite(inverse) || !(inverse > 0) || !std::isfinite(largest * inverse)) return;
  y.reserve(excesses.size());
  min = INFINITY;
  for (const double v : excesses) {
    const double w = v * inverse, w2 = w * w;
    y.push_back(w);
    max = std::max(max, w);
    min = std::min(min, w);
    m2 += w2, m3 += w2 * w, m4 += w2 * w2, m5 += w2 * w2 * w;
  }
  const auto k = static_cast<double>(y.size());
  m2 /= k, m3 /= k, m4 /= k, m5 /= k;
  ok = min > 0 && max > min && std::isfinite(m5);
}

// The mean of logarithms is the logarithm of products: one log for as many factors as cannot
// overflow, four products side by side. This is the inner loop of every fit and bootstrap.
double GpdSample::mean_log(double theta) const {
  if (std::fabs(theta) * max < 1e-3) {
    return theta * (1 - theta * (m2 / 2 - theta * (m3 / 3 - theta * (m4 / 4 - theta * m5 / 5))));
  }
  const double largest = std::fabs(std::log1p(theta * max));
  const size_t factors =
      largest < 1 ? 512 : static_cast<size_t>(std::max(1.0, std::floor(600 / largest)));
  const size_t k = y.size();
  double sum = 0;
  size_t i = 0;
  while (i < k) {
    double p0 = 1, p1 = 1, p2 = 1, p3 = 1;
    const size_t rows = std::min(factors, (k - i) / 4);
    const double* v = y.data() + i;
    for (size_t j = 0; j < rows; ++j, v += 4) {
      p0 *= 1 + theta * v[0];
      p1 *= 1 + theta * v[1];
      p2 *= 1 + theta * v[2];
      p3 *= 1 + theta * v[3];
    }
    i += rows * 4;
    if (rows == 0) {
      for (; i < k; ++i) sum += std::log1p(theta * y[i]);
      break;
    }
    // A product of two could leave the range of a double.
    if (largest * static_cast<double>(rows) < 150) {
      sum += std::log(p0 * p1 * (p2 * p3));
    } else {
      sum += std::log(p0) + std::log(p1) + std::log(p2) + std::log(p3);
    }
  }
  return sum / static_cast<double>(k);
}

double GpdSample::profile(double theta) const {
  const double m = mean_log(theta);
  if (m < -1) return std::log(-1 / theta);  // xi held at -1
  const double ratio = theta == 0 ? 1 : m / theta;
  return std::log(ratio) + m + 1;
}

GpdFit fit_gpd_mle_point(const GpdSample& sample, const GpdFit* near) {
  GpdFit fit;
  fit.method = "mle";
  fit.var_sigma = fit.cov = fit.var_xi = kNan;
  fit.k = static_cast<int64_t>(sample.y.size());
  if (!sample.ok) return fit;
  const double pole = 1 / sample.max;
  const double lowest = std::log(pole) + kLowestT;
  const double top =
      std::clamp(2 * (1 - sample.min) / (sample.min * sample.min), 0.0, kHighestTheta);
  const double highest = std::log(pole + top);
  std::pair<double, double> range;
  if (near != nullptr && near->ok && near->sigma > 0) {
    const double start = near->xi / near->sigma * sample.scale + pole;
    const double t = start > 0 ? std::log(start) : std::log(pole) - 3;
    range = bracket_from(sample, std::clamp(t, lowest, highest), lowest, highest);
  } else {
    range = bracket_by_grid(sample, lowest, highest);
  }
  const double theta =
      theta_of(brent(sample, range.first, range.second, near ? 20 : 26), sample.max);
  const double m = sample.mean_log(theta);
  fit.xi = std::max(m, -1.0);
  fit.sigma = (std::fabs(theta) < 1e-300 ? 1 : fit.xi / theta) * sample.scale;
  fit.nll = static_cast<double>(fit.k) * (sample.profile(theta) + std::log(sample.scale));
  fit.ok = fit.sigma > 0 && std::isfinite(fit.sigma) && std::isfinite(fit.nll);
  fit.regular = fit.ok && fit.xi > -0.5;
  return fit;
}

GpdFit fit_gpd_mle(const GpdSample& sample, const GpdFit* near) {
  GpdFit fit = fit_gpd_mle_point(sample, near);
  if (fit.ok) add_covariance(sample, fit);
  return fit;
}

GpdFit fit_gpd_mle(std::span<const double> excesses) { return fit_gpd_mle(GpdSample(excesses)); }

GpdFit fit_gpd_lmoments(std::span<const double> excesses) {
  GpdFit fit;
  fit.method = "l-moments";
  fit.var_sigma = fit.cov = fit.var_xi = kNan;
  fit.k = static_cast<int64_t>(excesses.size());
  const GpdSample sample(excesses);
  if (!sample.ok) return fit;
  std::vector<double> y = sample.y;
  if (!std::is_sorted(y.begin(), y.end())) std::sort(y.begin(), y.end());
  const auto k = static_cast<double>(y.size());
  double b1 = 0;
  for (size_t i = 0; i < y.size(); ++i) b1 += static_cast<double>(i) * y[i];
  b1 /= k * (k - 1);
  const double l1 = 1, l2 = 2 * b1 - l1;
  if (!(l2 > 0)) return fit;
  fit.xi = 2 - l1 / l2;
  fit.sigma = (1 - fit.xi) * sample.scale;
  fit.ok = fit.sigma > 0 && std::isfinite(fit.sigma);
  fit.regular = fit.ok && fit.xi > -0.5;
  fit.nll = gpd_nll(excesses, fit.sigma, fit.xi);  // infinite when a value lies beyond the end
  return fit;
}

double gpd_exceedance(double y, double sigma, double xi) {
  if (!(y > 0)) return 1;
  const double z = y / sigma;
  if (std::fabs(xi * z) < 1e-10) return std::exp(-z + xi * z * z / 2);
  if (!(1 + xi * z > 0)) return 0;
  return std::exp(-std::log1p(xi * z) / xi);
}

double gpd_quantile(double p, double sigma, double xi) {
  const double t = -std::log(p), x = xi * t;
  if (std::fabs(x) < 1e-10) return sigma * t * (1 + x / 2);
  return sigma * std::expm1(x) / xi;
}

double gpd_nll(std::span<const double> excesses, double sigma, double xi) {
  double sum = 0;
  for (const double y : excesses) {
    const double z = y / sigma;
    if (std::fabs(xi * z) < 1e-10) {
      sum += z + xi * (z - z * z / 2);
    } else if (1 + xi * z > 0) {
      sum += (1 + 1 / xi) * std::log1p(xi * z);
    } else {
      return INFINITY;
    }
  }
  return sum + static_cast<double>(excesses.size()) * std::log(sigma);
}

}  // namespace assay::stats
