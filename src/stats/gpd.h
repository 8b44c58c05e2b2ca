// SPDX-License-Identifier: Apache-2.0
// Generalised Pareto law of excesses y = x - u > 0: P(Y > y) = (1 + xi y / sigma)^(-1/xi), xi -> 0:
// exp(-y / sigma). Sign of xi as in Coles (2001): xi > 0 heavy tail, xi < 0 finite end point
// (scipy.genpareto c = +xi; Hosking's k = -xi). Source: statistics.md, sections 6.1, 6.2, 6.4.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace assay::stats {

// A fit. sigma in the unit of the excesses; nll the negative log-likelihood at the fit; the
// covariance of (sigma, xi) from the observed information (NaN when it is not positive definite).
// regular: xi > -0.5, where the usual likelihood theory holds. ok: a fit was possible.
struct GpdFit {
  double xi = 0, sigma = 0, nll = 0;
  double var_sigma = 0, cov = 0, var_xi = 0;
  int64_t k = 0;
  std::string method;  // "mle" | "l-moments"
  bool regular = false;
  bool ok = false;
};

// Excesses prepared for repeated evaluation: copied, scaled by their mean. Not ok: fewer than 2
// values, or any value that is not finite and > 0.
struct GpdSample {
  explicit GpdSample(std::span<const double> excesses);
  // m(theta) = mean log(1 + theta y) for scaled y, theta > -1 / max; accurate near theta = 0.
  double mean_log(double theta) const;
  // Grimshaw's profile of the negative log-likelihood per observation, scaled y:
  // log(xi / theta) + xi + 1 with xi = m(theta).
  double profile(double theta) const;

  std::vector<double> y;
  double scale = 1;  // the mean, in the caller's unit
  double max = 0, min = 0;
  double m2 = 0, m3 = 0, m4 = 0, m5 = 0;  // means of the powers of y, for the series at theta = 0
  bool ok = false;
};

// Maximum likelihood by Grimshaw's (1993) one-parameter profile over theta = xi / sigma in
// (-1 / ymax, 2 (ybar - ymin) / ymin^2), restricted to xi >= -1, where the likelihood is bounded:
// grid in log(theta + 1 / ymax) over the whole range, then Brent. Order of the excesses does not
// matter. `near`: start at this fit instead of the grid (bootstrap from a known law).
// Errors: ok = false for fewer than 2 values, values <= 0 or not finite, or all equal.
GpdFit fit_gpd_mle(std::span<const double> excesses);
GpdFit fit_gpd_mle(const GpdSample& sample, const GpdFit* near = nullptr);
// Same without covariance, for the bootstrap.
GpdFit fit_gpd_mle_point(const GpdSample& sample, const GpdFit* near = nullptr);

// L-moments (Hosking & Wallis 1987, unbiased PWM): xi = 2 - l1 / l2, sigma = (1 - xi) l1; the
// covariance is absent (NaN). Same errors.
GpdFit fit_gpd_lmoments(std::span<const double> excesses);

// Exceedance P(Y > y) and its inverse, the excess exceeded with probability p in (0, 1]; both
// smooth through xi = 0 (expm1 / log1p). y <= 0 gives 1; beyond the end point 0.
double gpd_exceedance(double y, double sigma, double xi);
double gpd_quantile(double p, double sigma, double xi);
double gpd_nll(std::span<const double> excesses, double sigma, double xi);

// One-sided upper bounds, confidence 1 - alpha, of the excess exceeded with probability `a` = p /
// zeta (zeta = k / n; its own error is ignored, small when k >= 100). Section 6.4.
// U_P = sup{x: 2 (lmax - lprof(x)) <= chi2_{1,1-2 alpha}}, found as the largest excess over the
// likelihood region. `weight` in (0, 1] multiplies the log-likelihood: 1 for independent
// exceedances, the extremal index when they come in clusters (k theta of them are independent).
// Absent when the fit is not ok or the region is not bounded.
// `correction` c: z_{1-alpha} + c / sqrt(k weight) in place of z_{1-alpha}, the square root of the
// chi2 limit. The estimate of xi is low in small samples, so that U_P covers .92 to .94 at nominal
// .95; c = kProfileCorrection repairs that for xi >= 0 (below it U_E does). Found by simulation:
// deficits of z at k = 100, 250, 1000 are .21, .12, .02 for xi = .2 and .29, .18, .07 for xi = 0.
inline constexpr double kProfileCorrection = 2;
std::vector<std::optional<double>> gpd_profile_upper(const GpdSample& sample, const GpdFit& mle,
                                                     std::span<const double> a, double confidence,
                                                     double weight = 1, double correction = 0);
// U_E = [2 k ybar / chi2_{2k, alpha}] ln(1 / a): exponential tail with the upper limit of its mean.
double gpd_exponential_upper(double mean_excess, double k, double a, double confidence);
// Two-sided profile and delta intervals of the same excess. Delta: for comparison with published
// values only, its coverage is .46-.81 at nominal .95 (6.4). `n`: adds the variance of zeta when
// given, as Coles does (0: zeta fixed).
struct ReturnInterval {
  double estimate = 0;
  std::optional<double> lower, upper;
};
ReturnInterval gpd_delta_interval(const GpdFit& fit, double a, double confidence, double p = 0,
                                  int64_t n = 0);
ReturnInterval gpd_profile_interval(const GpdSample& sample, const GpdFit& mle, double a,
                                    double confidence);

}  // namespace assay::stats
