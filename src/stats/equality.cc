// SPDX-License-Identifier: Apache-2.0
// Equality of run-level values: TOST on logarithms (statistics.md, section 7.1).
#include <algorithm>
#include <boost/math/special_functions/beta.hpp>
#include <cmath>

#include "stats/equality.h"
#include "stats/quiet.h"

namespace assay::stats {
namespace {

namespace bm = boost::math;

// Two-sided tail P(|T| > t) of Student's t with `df` degrees of freedom, and its inverse in t.
double t_tail(double t, double df) { return bm::ibeta(df / 2, 0.5, df / (df + t * t), Quiet()); }
double t_critical(double two_sided, double df) {
  const double x = bm::ibeta_inv(df / 2, 0.5, two_sided, Quiet());
  return x > 0 ? std::sqrt(df * (1 - x) / x) : INFINITY;
}

struct Moments {
  double n = 0, mean = 0, variance = 0;
  bool valid = true;
};

Moments log_moments(std::span<const double> values) {
  Moments m;
  m.n = static_cast<double>(values.size());
  for (const double v : values) {
    if (!(v > 0) || !std::isfinite(v)) {
      m.valid = false;
      return m;
    }
    m.mean += std::log(v);
  }
  if (values.empty()) return m;
  m.mean /= m.n;
  for (const double v : values) m.variance += (std::log(v) - m.mean) * (std::log(v) - m.mean);
  m.variance = values.size() > 1 ? m.variance / (m.n - 1) : 0;
  // Equal values leave a rounding residue in the mean; a variance below it is none at all.
  const double residue = 1e-15 * std::max(1.0, std::abs(m.mean));
  if (m.variance < residue * residue * m.n) m.variance = 0;
  return m;
}

// The larger p of the two one-sided tests difference <= -limit and difference >= limit.
double tost_p(double difference, double limit, double error, double df) {
  if (!(error > 0)) return std::abs(difference) < limit ? 0 : 1;
  const double t = (limit - std::abs(difference)) / error;
  const double tail = t_tail(t, df) / 2;
  return t > 0 ? tail : 1 - tail;
}

void judge(LogRatio& out, double difference, double error, double df, double margin, double alpha) {
  if (!(alpha > 0) || !(alpha < 0.5) || !(margin >= 0) || !std::isfinite(difference)) return;
  // Means of equal logs differ by rounding only; below 1e-13 no claim rests on it.
  if (std::abs(difference) < 1e-13) difference = 0;
  const double wide = error > 0 ? t_critical(alpha, df) * error : 0;
  const double narrow = error > 0 ? t_critical(2 * alpha, df) * error : 0;
  out.ratio = std::exp(difference);
  out.lower = std::exp(difference - wide);
  out.upper = std::exp(difference + wide);
  out.tost_lower = std::exp(difference - narrow);
  out.tost_upper = std::exp(difference + narrow);
  out.p_difference = error > 0 ? t_tail(difference / error, df) : (difference == 0 ? 1.0 : 0.0);
  if (!std::isfinite(wide)) return;
  const double limit = std::log1p(margin);
  out.p_equivalence = tost_p(difference, limit, error, df);
  const bool excludes_one = difference - wide > 0 || difference + wide < 0;
  if (difference - narrow > -limit && difference + narrow < limit)
    out.equality = Equality::equivalent;
  else if (excludes_one && std::abs(difference) > limit)
    out.equality = Equality::different;
  else if (excludes_one)
    out.equality = Equality::immaterial;
}

}  // namespace

LogRatio compare_log_ratio(std::span<const double> a, std::span<const double> b, double margin,
                           double alpha) {
  LogRatio out;
  out.n_a = static_cast<int64_t>(a.size());
  out.n_b = static_cast<int64_t>(b.size());
  out.upper = out.tost_upper = INFINITY;
  const Moments ma = log_moments(a), mb = log_moments(b);
  if (!ma.valid || !mb.valid || a.size() < 2 || b.size() < 2) return out;
  const double va = ma.variance / ma.n, vb = mb.variance / mb.n, error = std::sqrt(va + vb);
  // Welch-Satterthwaite degrees of freedom.
  const double df =
      error > 0 ? (va + vb) * (va + vb) / (va * va / (ma.n - 1) + vb * vb / (mb.n - 1)) : 1;
  judge(out, mb.mean - ma.mean, error, df, margin, alpha);
  return out;
}

LogRatio compare_log_ratio_paired(std::span<const double> a, std::span<const double> b,
                                  double margin, double alpha) {
  LogRatio out;
  out.n_a = static_cast<int64_t>(a.size());
  out.n_b = static_cast<int64_t>(b.size());
  out.upper = out.tost_upper = INFINITY;
  if (a.size() != b.size() || a.size() < 2) return out;
  std::vector<double> ratio(a.size());
  for (size_t i = 0; i < a.size(); ++i) {
    if (!(a[i] > 0) || !(b[i] > 0)) return out;
    ratio[i] = b[i] / a[i];
  }
  const Moments m = log_moments(ratio);
  if (!m.valid) return out;
  judge(out, m.mean, std::sqrt(m.variance / m.n), m.n - 1, margin, alpha);
  return out;
}

}  // namespace assay::stats
