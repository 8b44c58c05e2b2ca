// SPDX-License-Identifier: Apache-2.0
#include "stats/confseq.h"

#include <algorithm>
#include <boost/math/special_functions/gamma.hpp>
#include <cmath>
#include <vector>

#include "stats/quiet.h"

namespace assay::stats {
namespace {

namespace bm = boost::math;

constexpr double kAlphaTuned = 0.05;

double log_beta(double a, double b) {
  return bm::lgamma(a, Quiet()) + bm::lgamma(b, Quiet()) - bm::lgamma(a + b, Quiet());
}

// The crossing of `f` between a point where it is positive and one where it is not.
template <class F>
double crossing(F f, double positive, double other) {
  for (int i = 0; i < 80; ++i) {
    const double mid = (positive + other) / 2;
    (f(mid) > 0 ? positive : other) = mid;
  }
  return (positive + other) / 2;
}

// Theorem 2: the error probability of the band with constant C when time is cut at powers of eta.
double band_error(double A, double C, double eta) {
  const double rest = A - std::sqrt(2 * (eta - 1) / C);
  const double gamma_squared = rest > 0 ? 2 / eta * rest * rest : 0;
  if (!(gamma_squared > 1)) return INFINITY;
  return 4 * std::exp(-gamma_squared * C) * (1 + 1 / ((gamma_squared - 1) * std::log(eta)));
}

// The smallest error over eta in (1, 2A^2), which first falls and then rises: a grid in log(eta -
// 1), refined about its best point by golden sections.
double best_band_error(double A, double C) {
  const double most = std::log(2 * A * A - 1), least = most - 25;
  constexpr int kGrid = 200;
  const auto at = [&](double s) { return band_error(A, C, 1 + std::exp(s)); };
  int best = 0;
  double smallest = INFINITY;
  for (int i = 0; i < kGrid; ++i) {
    const double value = at(least + (most - least) * i / kGrid);
    if (value < smallest) {
      smallest = value;
      best = i;
    }
  }
  double low = least + (most - least) * (best - 1) / kGrid;
  double high = least + (most - least) * (best + 1) / kGrid;
  for (int i = 0; i < 60; ++i) {
    const double a = high - 0.618033988749895 * (high - low);
    const double b = low + 0.618033988749895 * (high - low);
    if (at(a) < at(b))
      high = b;
    else
      low = a;
  }
  return std::min(smallest, at((low + high) / 2));
}

// Of one arm: samples sorted, and the smallest log martingale over what "successes" may be when the
// common quantile is x: between the number of samples below x and the number not above it.
class Arm {
 public:
  Arm(std::span<const int64_t> v, double q, double t_opt)
      : sorted_(v.begin(), v.end()), q_(q), t_opt_(t_opt) {
    std::sort(sorted_.begin(), sorted_.end());
    // The martingale is convex in the successes: find its lowest point by ternary search.
    double low = 0, high = size();
    for (int i = 0; i < 100; ++i) {
      const double a = low + (high - low) / 3, b = high - (high - low) / 3;
      if (value(a) < value(b))
        high = b;
      else
        low = a;
    }
    lowest_ = (low + high) / 2;
  }
  double least_at(int64_t x) const {
    const auto [first, last] = std::equal_range(sorted_.begin(), sorted_.end(), x);
    return value(std::clamp(lowest_, static_cast<double>(first - sorted_.begin()),
                            static_cast<double>(last - sorted_.begin())));
  }

 private:
  double size() const { return static_cast<double>(sorted_.size()); }
  double value(double successes) const {
    return log_mixture_martingale(successes, static_cast<int64_t>(sorted_.size()), q_, t_opt_);
  }
  std::vector<int64_t> sorted_;
  double q_, t_opt_, lowest_ = 0;
};

}  // namespace

double log_mixture_martingale(double successes, int64_t t, double p, double t_opt) {
  const auto total = static_cast<double>(t);
  if (!(successes >= 0) || !(successes <= total) || !(p > 0) || !(p < 1) || !(t_opt > 0))
    return -INFINITY;
  // Variance of the mixing law for which the normal approximation is tightest at t_opt.
  const double log_inverse = std::log(1 / kAlphaTuned);
  const double k = std::max(t_opt / (2 * log_inverse + std::log1p(2 * log_inverse)) - 1, 1e-3);
  return log_beta(k * p + successes, k * (1 - p) + total - successes) -
         log_beta(k * p, k * (1 - p)) - successes * std::log(p) -
         (total - successes) * std::log1p(-p);
}

Interval proportion_sequence(int64_t successes, int64_t t, double alpha, double t_opt) {
  Interval out;
  out.lower = 0;
  out.upper = 1;
  out.confidence = 1 - alpha;
  out.n = std::max<int64_t>(t, 0);
  if (t < 1 || successes < 0 || successes > t || !(alpha > 0) || !(alpha < 1) || !(t_opt > 0))
    return out;
  out.estimate = static_cast<double>(successes) / static_cast<double>(t);
  const auto rejected = [&](double p) {
    return log_mixture_martingale(static_cast<double>(successes), t, p, t_opt) + std::log(alpha);
  };
  constexpr double kEdge = 1e-300;
  if (successes > 0) out.lower = crossing(rejected, kEdge, out.estimate);
  if (successes < t) out.upper = crossing(rejected, 1 - 1e-16, out.estimate);
  return out;
}

Ranks quantile_sequence_ranks(int64_t n, double q, double alpha, double t_opt) {
  Ranks out;
  if (n < 1 || !(q > 0) || !(q < 1) || !(alpha > 0) || !(alpha < 1) || !(t_opt > 0)) return out;
  const auto rejected = [&](int64_t count) {
    return log_mixture_martingale(static_cast<double>(count), n, q, t_opt) >= -std::log(alpha);
  };
  const auto centre = static_cast<int64_t>(std::floor(static_cast<double>(n) * q));
  // The number of samples at or below the quantile is in no rejected place. Lower: the quantile is
  // at least x_(r) when counts under r are rejected; upper: at most x_(s) when counts from s on
  // are.
  if (rejected(0)) {
    int64_t low = 0, high = centre;  // rejected(low)
    while (low < high) {
      const int64_t mid = low + (high - low + 1) / 2;
      if (rejected(mid))
        low = mid;
      else
        high = mid - 1;
    }
    out.lower = low + 1;
  }
  if (rejected(n)) {
    int64_t low = centre, high = n;  // rejected(high)
    while (low < high) {
      const int64_t mid = low + (high - low) / 2;
      if (rejected(mid))
        high = mid;
      else
        low = mid + 1;
    }
    out.upper = high;
  }
  return out;
}

double distribution_sequence_half_width(int64_t t, double alpha, double t_min, double A) {
  const auto time = static_cast<double>(t);
  if (!(t_min >= 1) || !(time >= t_min) || !(alpha > 0) || !(alpha < 1) || !(A * A > 0.5) ||
      !(A < 100))
    return 1;
  double high = 1;
  while (best_band_error(A, high) > alpha && high < 1e6) high *= 2;
  const double C =
      crossing([&](double c) { return best_band_error(A, c) - alpha; }, high / 1024, high);
  return std::min(1.0, A * std::sqrt((std::log1p(std::log(time / t_min)) + C) / time));
}

double quantile_difference_p(std::span<const int64_t> a, std::span<const int64_t> b, double q,
                             double t_opt) {
  if (a.empty() || b.empty() || !(q > 0) || !(q < 1) || !(t_opt > 0)) return 1;
  const Arm of_a(a, q, t_opt), of_b(b, q, t_opt);
  // Between two samples nothing changes that the ends do not allow as well, so samples suffice.
  double least = INFINITY;
  for (const auto& side : {a, b})
    for (const int64_t x : side) least = std::min(least, of_a.least_at(x) + of_b.least_at(x));
  return std::clamp(std::exp(-least), 0.0, 1.0);
}

}  // namespace assay::stats
