// SPDX-License-Identifier: Apache-2.0
#include "stats/mean_interval.h"

#include <algorithm>
#include <cmath>

#include "stats/special.h"

namespace assay::stats {
namespace {

struct Moments {
  double n = 0, mean = 0, variance = 0;
  bool finite = true;
};

Moments moments(std::span<const double> values) {
  Moments m;
  m.n = static_cast<double>(values.size());
  if (values.empty()) return m;
  double largest = 0;
  for (const double v : values) {
    m.finite = m.finite && std::isfinite(v);
    m.mean += v / m.n;
    largest = std::max(largest, std::abs(v));
  }
  if (values.size() < 2 || !m.finite) return m;
  for (const double v : values) m.variance += (v - m.mean) * (v - m.mean) / (m.n - 1);
  // Equal values leave a rounding residue in the mean; a variance below it is none at all.
  const double residue = 1e-15 * largest;
  if (m.variance <= residue * residue * m.n) m.variance = 0;
  return m;
}

double covariance(std::span<const double> x, std::span<const double> y, double mean_x,
                  double mean_y) {
  double sum = 0;
  for (size_t i = 0; i < x.size(); ++i) sum += (x[i] - mean_x) * (y[i] - mean_y);
  return sum / (static_cast<double>(x.size()) - 1);
}

}  // namespace

Interval mean_interval(std::span<const double> values, double confidence) {
  const double alpha = 1 - clamp_confidence(confidence);
  const Moments m = moments(values);
  Interval out;
  out.estimate = m.mean;
  out.confidence = 1 - alpha;
  out.n = static_cast<int64_t>(values.size());
  if (!m.finite) return out;
  if (values.size() < 2) {
    out.n_needed = 2;
    return out;
  }
  if (m.variance == 0) {
    const int64_t needed = smallest_power(0.5, alpha);
    if (out.n < needed) {
      out.n_needed = needed;
    } else {
      out.lower = out.upper = m.mean;
    }
    return out;
  }
  const double half = t_critical(alpha, m.n - 1) * std::sqrt(m.variance / m.n);
  out.lower = m.mean - half;
  out.upper = m.mean + half;
  return out;
}

double mean_p(std::span<const double> values) {
  const Moments m = moments(values);
  if (values.size() < 2 || !m.finite) return 1;
  if (m.variance == 0) return m.mean == 0 ? 1 : std::exp2(1 - m.n);
  return t_tail(std::abs(m.mean) / std::sqrt(m.variance / m.n), m.n - 1);
}

Interval ratio_of_means(std::span<const double> numerator, std::span<const double> denominator,
                        double confidence) {
  const Moments x = moments(numerator), y = moments(denominator);
  Interval out;
  out.confidence = clamp_confidence(confidence);
  out.n = static_cast<int64_t>(numerator.size());
  out.estimate = y.mean == 0 ? std::nan("") : x.mean / y.mean;
  if (numerator.size() != denominator.size() || !x.finite || !y.finite) return out;
  if (out.n < 2) {
    out.n_needed = 2;
    return out;
  }
  const double alpha = 1 - out.confidence;
  const int64_t needed = smallest_power(0.5, alpha);
  if (x.variance == 0 && y.variance == 0 && out.n < needed) {
    out.n_needed = needed;
    return out;
  }
  const double t = t_critical(alpha, x.n - 1);
  const double scale = t * t / x.n;
  const double cross = covariance(numerator, denominator, x.mean, y.mean);
  const double a = y.mean * y.mean - scale * y.variance;
  const double b = x.mean * y.mean - scale * cross;
  const double c = x.mean * x.mean - scale * x.variance;
  const double root = b * b - a * c;
  if (!(a > 0) || !(root >= -1e-12 * b * b)) return out;
  const double half = std::sqrt(std::max(root, 0.0)) / a;
  out.lower = b / a - half;
  out.upper = b / a + half;
  return out;
}

}  // namespace assay::stats
