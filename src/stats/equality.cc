// SPDX-License-Identifier: Apache-2.0
// Equality of run-level values: TOST on logarithms (statistics.md, section 7.1).
#include <algorithm>
#include <cmath>

#include "stats/equality.h"
#include "stats/intervals.h"
#include "stats/special.h"

namespace assay::stats {
namespace {

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

// What values without any scatter can say, which is not everything: Student's t has no error to go
// by, and a coarse clock gives equal values by chance. `separated`: p of two sets that are each of
// one value, over all dealings of the values to the sets; `together`: chance that n launches all
// lie on one side of the median of their law.
struct NoScatter {
  double separated = 1, together = 1;
};

NoScatter no_scatter(size_t n_a, size_t n_b) {
  const size_t least = std::min(n_a, n_b);
  NoScatter out{2, std::exp2(-static_cast<double>(least))};
  for (size_t i = 1; i <= least && out.separated > 1e-300; ++i)
    out.separated *= static_cast<double>(i) / static_cast<double>(n_a + n_b - least + i);
  return out;
}

// The larger p of the two one-sided tests difference <= -limit and difference >= limit.
double tost_p(double difference, double limit, double error, double df) {
  const double t = (limit - std::abs(difference)) / error;
  const double tail = t_tail(t, df) / 2;
  return t > 0 ? tail : 1 - tail;
}

void judge_without_scatter(LogRatio& out, double difference, NoScatter p, double limit,
                           double alpha) {
  out.ratio = std::exp(difference);
  out.p_difference = difference == 0 ? 1 : std::min(1.0, p.separated);
  out.p_equivalence = std::abs(difference) < limit ? p.together : 1;
  if (p.together < alpha) out.lower = out.upper = out.tost_lower = out.tost_upper = out.ratio;
  if (out.p_equivalence < alpha)
    out.equality = Equality::equivalent;
  else if (out.p_difference < alpha)
    out.equality = std::abs(difference) > limit ? Equality::different : Equality::immaterial;
}

void judge(LogRatio& out, double difference, double error, double df, NoScatter constant,
           double margin, double alpha) {
  if (!(alpha > 0) || !(alpha < 0.5) || !(margin >= 0) || !std::isfinite(difference)) return;
  // Means of equal logs differ by rounding only; below 1e-13 no claim rests on it.
  if (std::abs(difference) < 1e-13) difference = 0;
  const double limit = std::log1p(margin);
  if (!(error > 0)) {
    judge_without_scatter(out, difference, constant, limit, alpha);
    return;
  }
  const double wide = t_critical(alpha, df) * error;
  const double narrow = t_critical(2 * alpha, df) * error;
  out.ratio = std::exp(difference);
  out.lower = std::exp(difference - wide);
  out.upper = std::exp(difference + wide);
  out.tost_lower = std::exp(difference - narrow);
  out.tost_upper = std::exp(difference + narrow);
  out.p_difference = t_tail(difference / error, df);
  if (!std::isfinite(wide)) return;
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
  judge(out, mb.mean - ma.mean, error, df, no_scatter(a.size(), b.size()), margin, alpha);
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
  const double sign = std::exp2(-m.n);
  judge(out, m.mean, std::sqrt(m.variance / m.n), m.n - 1, {2 * sign, sign}, margin, alpha);
  return out;
}

AllEqual all_equal(std::span<const LogRatio> pairs, double alpha) {
  AllEqual out;
  out.pairs = static_cast<int64_t>(pairs.size());
  if (pairs.empty()) return out;
  std::vector<double> p;
  for (const LogRatio& r : pairs) p.push_back(r.p_difference);
  const std::vector<double> adjusted = holm(p);
  out.p_equivalence = 0;
  for (size_t i = 0; i < pairs.size(); ++i) {
    out.equivalent += pairs[i].equality == Equality::equivalent;
    out.different += pairs[i].equality == Equality::different && adjusted[i] < alpha;
    const double q = pairs[i].p_equivalence;
    out.p_equivalence = std::max(out.p_equivalence, q >= 0 ? q : 1.0);  // NaN: 1
  }
  if (out.equivalent == out.pairs)
    out.equality = Equality::equivalent;
  else if (out.different > 0)
    out.equality = Equality::different;
  return out;
}

Regression regression(double lower, double upper, double band) {
  if (!(lower <= upper) || !(lower > 0) || !(band >= 0)) return Regression::ambiguous;  // also NaN
  const double most = 1 + band, least = 1 / most;
  if (lower >= least && upper <= most) return Regression::same;
  if (upper < least) return Regression::fast;
  if (lower > most) return Regression::slow;
  return Regression::ambiguous;
}

MarginCheck check_margin(double margin, const LogRatio& a_a) {
  MarginCheck out;
  const double half = std::log(a_a.tost_upper / a_a.tost_lower) / 2;
  out.minimum = std::isfinite(half) ? std::expm1(2 * half) : INFINITY;
  if (!std::isfinite(half))
    out.reason = "the A/A comparison has no interval: at least 2 launches a side are needed";
  else if (a_a.equality == Equality::different || a_a.equality == Equality::immaterial)
    out.reason = "the same engine differs from itself: the machine moved between the two halves";
  else if (!(margin > 0) || !(margin >= out.minimum))
    out.reason = "the margin is under twice the half width of the A/A comparison";
  out.allowed = out.reason.empty();
  return out;
}

}  // namespace assay::stats
