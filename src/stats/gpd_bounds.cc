// SPDX-License-Identifier: Apache-2.0
// Bounds on a quantile of the generalised Pareto tail (statistics.md, section 6.4).
//
// The likelihood region {2 (lmax - l(sigma, xi)) <= c} is walked along theta = xi / sigma: for one
// theta the log-likelihood per observation is -(log xi + m / xi - log theta + m), m = m(theta), so
// with xi = m r the deficit against the profile at that theta is h(r) = log r + 1/r - 1, whatever
// the data. The quantile grows with r, so its largest value over the region is the maximum, over
// one variable, of x(theta, r(theta)); m(theta) is all that touches the data.
#include <algorithm>
#include <boost/math/special_functions/gamma.hpp>
#include <boost/math/tools/minima.hpp>
#include <cmath>

#include "stats/gpd.h"
#include "stats/quiet.h"
#include "stats/special.h"

namespace assay::stats {
namespace {

namespace bm = boost::math;

// Root r of log r + 1/r - 1 = e on the side asked for (e >= 0).
double solve_ratio(double e, bool upper) {
  if (!(e > 0)) return 1;
  const double s = std::sqrt(2 * e);
  double r = upper ? 1 + s + s * s * 2 / 3 : 1 / (1 + s + s * s / 3);
  for (int i = 0; i < 50; ++i) {
    const double step = (std::log(r) + 1 / r - 1 - e) * r * r / (r - 1);
    double next = r - step;
    if (upper ? next <= 1 : next >= 1) next = (r + 1) / 2;
    if (next <= 0) next = r / 2;
    if (std::fabs(next - r) <= 1e-14 * r) return next;
    r = next;
  }
  return r;
}

// Region of one sample and one chi-square limit, in t = log(theta + 1 / max).
class Region {
 public:
  Region(const GpdSample& sample, const GpdFit& mle, double limit_per_observation)
      : s_(sample), limit_(limit_per_observation) {
    const double theta = mle.xi / mle.sigma * sample.scale;
    pole_ = 1 / sample.max;
    if (!(theta + pole_ > 0)) return;
    centre_ = std::log(theta + pole_);
    least_ = s_.profile(theta);
    left_ = edge(-1);
    right_ = edge(1);
    ok_ = std::isfinite(left_) && std::isfinite(right_) && right_ > left_;
  }
  bool ok() const { return ok_; }

  // Largest (or smallest) excess, in the sample's scale, exceeded with probability a.
  double extreme(double a, bool upper) const {
    constexpr int kPoints = 24;
    const double step = (right_ - left_) / kPoints;
    auto worth = [&](double t) { return upper ? -excess(t, a, true) : excess(t, a, false); };
    int best = 0;
    double least = INFINITY;
    for (int i = 0; i <= kPoints; ++i) {
      const double f = worth(left_ + step * i);
      if (f < least) least = f, best = i;
    }
    std::uintmax_t iterations = 50;
    const double lo = left_ + step * std::max(0, best - 1);
    const double hi = left_ + step * std::min(kPoints, best + 1);
    const double f = bm::tools::brent_find_minima(worth, lo, hi, 24, iterations).second;
    return upper ? -std::min(f, least) : std::min(f, least);
  }

 private:
  double deficit(double t) const { return s_.profile(std::exp(t) - pole_) - least_; }

  // Where the profile leaves the region; infinite when it does not within the range searched. To
  // the left xi = -1 ends the family: a region that reaches it is cut there.
  double edge(int side) const {
    double inside = centre_, step = 0.02;
    for (int i = 0; i < 60; ++i) {
      double outside = inside + side * step;
      const bool cut = s_.mean_log(std::exp(outside) - pole_) < -1;
      if (outside > 36 || !std::isfinite(outside)) return INFINITY;
      if (!cut && deficit(outside) <= limit_) {
        inside = outside;
        step *= 1.5;
        continue;
      }
      for (int j = 0; j < 40 && std::fabs(outside - inside) > 1e-7; ++j) {
        const double mid = (inside + outside) / 2;
        const bool in = s_.mean_log(std::exp(mid) - pole_) >= -1 && deficit(mid) <= limit_;
        (in ? inside : outside) = mid;
      }
      return inside;
    }
    return INFINITY;
  }

  double excess(double t, double a, bool upper) const {
    const double theta = std::exp(t) - pole_;
    const double m = s_.mean_log(theta);
    const double ratio = std::fabs(theta) < 1e-12 ? 1 : m / theta;
    const double d = std::log(ratio) + m + 1 - least_;
    const double r = solve_ratio(limit_ - d, upper);
    return gpd_quantile(a, ratio * r, m * r);
  }

  const GpdSample& s_;
  double limit_ = 0, pole_ = 0, centre_ = 0, least_ = 0, left_ = NAN, right_ = NAN;
  bool ok_ = false;
};

}  // namespace

std::vector<std::optional<double>> gpd_profile_upper(const GpdSample& sample, const GpdFit& mle,
                                                     std::span<const double> a, double confidence,
                                                     double weight, double correction) {
  std::vector<std::optional<double>> out(a.size());
  if (!sample.ok || !mle.ok || !(confidence > 0.5 && confidence < 1)) return out;
  if (!(weight > 0 && weight <= 1)) return out;
  const auto k = static_cast<double>(sample.y.size()) * weight;
  // chi2_{1, 1-2 alpha} = z_{1-alpha}^2
  const double z = normal_quantile(confidence) + std::max(0.0, correction) / std::sqrt(k);
  const Region region(sample, mle, z * z / (2 * k));
  if (!region.ok()) return out;
  for (size_t i = 0; i < a.size(); ++i) {
    if (!(a[i] > 0 && a[i] < 1)) continue;
    const double x = region.extreme(a[i], true) * sample.scale;
    if (std::isfinite(x)) out[i] = x;
  }
  return out;
}

double gpd_exponential_upper(double mean_excess, double k, double a, double confidence) {
  const double alpha = 1 - confidence;
  const double half_chi2 = bm::gamma_p_inv(k, alpha, Quiet());  // chi2_{2k, alpha} / 2
  return mean_excess * k / half_chi2 * -std::log(a);
}

ReturnInterval gpd_delta_interval(const GpdFit& fit, double a, double confidence, double p,
                                  int64_t n) {
  ReturnInterval r;
  if (!fit.ok || !(a > 0 && a < 1) || !(confidence > 0 && confidence < 1)) return r;
  r.estimate = gpd_quantile(a, fit.sigma, fit.xi);
  // Derivatives of the quantile by sigma and xi; the latter by its series near 0.
  const double t = -std::log(a), x = fit.xi * t;
  const double by_sigma = r.estimate / fit.sigma;
  const double by_xi =
      std::fabs(x) < 1e-4
          ? fit.sigma * t * t * (0.5 + x / 3)
          : fit.sigma * (t * std::exp(x) / fit.xi - std::expm1(x) / (fit.xi * fit.xi));
  double variance = by_sigma * by_sigma * fit.var_sigma + 2 * by_sigma * by_xi * fit.cov +
                    by_xi * by_xi * fit.var_xi;
  if (n > 0 && p > 0) {
    const double zeta = p / a;
    const double by_zeta = fit.sigma * std::exp(x) / zeta;
    variance += by_zeta * by_zeta * zeta * (1 - zeta) / static_cast<double>(n);
  }
  if (!(variance >= 0)) return r;
  const double half = normal_quantile((1 + confidence) / 2) * std::sqrt(variance);
  r.lower = r.estimate - half;
  r.upper = r.estimate + half;
  return r;
}

ReturnInterval gpd_profile_interval(const GpdSample& sample, const GpdFit& mle, double a,
                                    double confidence) {
  ReturnInterval r;
  if (!sample.ok || !mle.ok || !(a > 0 && a < 1) || !(confidence > 0 && confidence < 1)) return r;
  r.estimate = gpd_quantile(a, mle.sigma, mle.xi);
  const double z = normal_quantile((1 + confidence) / 2);
  const Region region(sample, mle, z * z / (2 * static_cast<double>(sample.y.size())));
  if (!region.ok()) return r;
  r.lower = region.extreme(a, false) * sample.scale;
  r.upper = region.extreme(a, true) * sample.scale;
  return r;
}

}  // namespace assay::stats
