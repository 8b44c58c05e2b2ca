// SPDX-License-Identifier: Apache-2.0
// Equality of one quantile of two single processes: MOVER on logs (statistics.md, section 7.1).
#include <algorithm>
#include <cmath>

#include "stats/equality.h"
#include "stats/quantiles.h"

namespace assay::stats {
namespace {

struct LogLimits {
  double estimate = 0, lower = 0, upper = 0;
};

struct Side {
  std::string refusal;
  LogLimits narrow, wide;  // two-sided at 1-2 alpha and 1-alpha
};

LogLimits logs(const QuantileRow& row) {
  return {std::log(static_cast<double>(row.estimate)), std::log(static_cast<double>(*row.lower)),
          std::log(static_cast<double>(*row.upper))};
}

Side side(std::span<const int64_t> run_order, double q, double alpha) {
  std::vector<int64_t> sorted(run_order.begin(), run_order.end());
  std::sort(sorted.begin(), sorted.end());
  Side out;
  const QuantileRow narrow = quantile_row(run_order, sorted, q, 1 - 2 * alpha);
  const QuantileRow wide = quantile_row(run_order, sorted, q, 1 - alpha);
  if (!narrow.carried() || !wide.carried()) {
    out.refusal = wide.refusal + ": need n >= " + std::to_string(wide.n_needed);
  } else if (*wide.lower < 1) {
    out.refusal = "values under 1 ns have no logarithm";
  } else {
    out.narrow = logs(narrow);
    out.wide = logs(wide);
  }
  return out;
}

// Limits of ln(qB/qA): the distances from each estimate to the limit that counts, in quadrature.
std::pair<double, double> mover(const LogLimits& a, const LogLimits& b) {
  const double difference = b.estimate - a.estimate;
  return {difference - std::hypot(b.estimate - b.lower, a.upper - a.estimate),
          difference + std::hypot(b.upper - b.estimate, a.estimate - a.lower)};
}

}  // namespace

QuantileEquality compare_quantile(std::span<const int64_t> a_run_order,
                                  std::span<const int64_t> b_run_order, double q, double margin,
                                  double alpha) {
  QuantileEquality out;
  out.q = q;
  out.upper = out.upper_wide = INFINITY;
  if (!(alpha > 0) || !(alpha < 0.5) || !(margin >= 0) || !std::isfinite(margin)) {
    out.reason = "alpha must lie in (0, 0.5) and the margin must not be negative";
    return out;
  }
  const Side a = side(a_run_order, q, alpha), b = side(b_run_order, q, alpha);
  if (!a.refusal.empty() || !b.refusal.empty()) {
    out.reason = a.refusal.empty() ? "B: " + b.refusal : "A: " + a.refusal;
    return out;
  }
  const double difference = b.wide.estimate - a.wide.estimate;
  const auto [low, high] = mover(a.narrow, b.narrow);
  const auto [low_wide, high_wide] = mover(a.wide, b.wide);
  out.ratio = std::exp(difference);
  out.lower = std::exp(low);
  out.upper = std::exp(high);
  out.lower_wide = std::exp(low_wide);
  out.upper_wide = std::exp(high_wide);
  const double limit = std::log1p(margin);
  const bool excludes_one = low_wide > 0 || high_wide < 0;
  if (low > -limit && high < limit)
    out.equality = Equality::equivalent;
  else if (excludes_one)
    out.equality = std::abs(difference) > limit ? Equality::different : Equality::immaterial;
  return out;
}

}  // namespace assay::stats
