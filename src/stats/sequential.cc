// SPDX-License-Identifier: Apache-2.0
#include "stats/sequential.h"

#include <algorithm>
#include <boost/math/special_functions/beta.hpp>
#include <boost/math/special_functions/gamma.hpp>
#include <cmath>

#include "stats/dependence.h"
#include "stats/intervals.h"
#include "stats/quantiles.h"
#include "stats/quiet.h"
#include "stats/special.h"

namespace assay::stats {
namespace {

namespace bm = boost::math;

constexpr int64_t kFewExceedances = 20;

bool usable(double p0, double alpha) { return p0 > 0 && p0 < 1 && alpha > 0 && alpha < 1; }

// Logarithm of the incomplete beta function, not normalised: over (0, x), or over (x, 1).
double log_incomplete_beta(double a, double b, double x, bool upper) {
  const double share = upper ? bm::ibetac(a, b, x, Quiet()) : bm::ibeta(a, b, x, Quiet());
  if (!(share > 0)) return -INFINITY;
  return std::log(share) + bm::lgamma(a, Quiet()) + bm::lgamma(b, Quiet()) -
         bm::lgamma(a + b, Quiet());
}

double log_martingale(int64_t exceedances, int64_t t, double p0, bool upper) {
  if (exceedances < 0 || exceedances > t || !(p0 > 0) || !(p0 < 1)) return -INFINITY;
  const double a = 0.5, b = 1 / p0 - 0.5;
  const auto over = static_cast<double>(exceedances), under = static_cast<double>(t - exceedances);
  const double value = log_incomplete_beta(a + over, b + under, p0, upper) -
                       log_incomplete_beta(a, b, p0, upper) - over * std::log(p0) -
                       under * std::log1p(-p0);
  return std::isnan(value) ? -INFINITY : value;
}

// The smallest n in [low, 10^12] for which `holds`, which stays true once it is; 0 when none does.
template <class Holds>
int64_t smallest(int64_t low, Holds holds) {
  constexpr int64_t kMost = 1'000'000'000'000;
  int64_t high = std::max<int64_t>(low, 1);
  while (high <= kMost && !holds(high)) {
    low = high + 1;
    high *= 2;
  }
  if (high > kMost) return 0;
  while (low < high) {
    const int64_t mid = low + (high - low) / 2;
    if (holds(mid))
      high = mid;
    else
      low = mid + 1;
  }
  return low;
}

double tau_of(std::span<const int64_t> run_order, int64_t limit_ns) {
  double tau = exceedance_tau(run_order, limit_ns);
  int64_t over = 0;
  for (const int64_t x : run_order) over += x > limit_ns;
  if (over >= kFewExceedances || run_order.empty()) return tau;
  std::vector<int64_t> sorted(run_order.begin(), run_order.end());
  std::sort(sorted.begin(), sorted.end());
  return std::max(tau, quantile_tau(run_order, sorted, 0.95));
}

}  // namespace

std::string_view decision_word(Decision d) {
  switch (d) {
    case Decision::pass:
      return "PASS";
    case Decision::fail:
      return "FAIL";
    default:
      return "UNDECIDED";
  }
}

double log_pass_martingale(int64_t exceedances, int64_t t, double p0) {
  return log_martingale(exceedances, t, p0, false);
}
double log_fail_martingale(int64_t exceedances, int64_t t, double p0) {
  return log_martingale(exceedances, t, p0, true);
}

int64_t requirement_min_n(int64_t exceedances, double p0, double alpha) {
  if (exceedances < 0 || !usable(p0, alpha)) return 0;
  const double threshold = -std::log(alpha);
  return smallest(std::max<int64_t>(exceedances, 1),
                  [&](int64_t t) { return log_pass_martingale(exceedances, t, p0) >= threshold; });
}

SequentialResult test_requirement(std::span<const int64_t> run_order, int64_t limit_ns, double p0,
                                  double alpha) {
  SequentialResult out;
  out.p0 = p0;
  out.alpha = alpha;
  if (!usable(p0, alpha)) {
    out.reason = "p0 and alpha must lie in (0, 1)";
    return out;
  }
  out.tau = tau_of(run_order, limit_ns);
  if (out.tau > kTauIndependent) out.thin = static_cast<int64_t>(std::ceil(out.tau));
  const int64_t most = static_cast<int64_t>(run_order.size()) / out.thin;
  const double threshold = -std::log(alpha);
  for (int64_t next = 1; out.n < most;) {
    out.exceedances += run_order[static_cast<size_t>(out.n * out.thin)] > limit_ns;
    ++out.n;
    if (out.n < next && out.n < most) continue;
    next = out.n + std::max<int64_t>(1, out.n / 100);
    const double pass = log_pass_martingale(out.exceedances, out.n, p0);
    const double fail = log_fail_martingale(out.exceedances, out.n, p0);
    if (pass >= threshold) out.decision = Decision::pass;
    if (fail >= threshold) out.decision = Decision::fail;
    out.looks.push_back({out.n, std::max(pass, fail), threshold, out.decision, out.exceedances});
    if (out.decision != Decision::undecided) break;
  }
  out.n_taken = out.n * out.thin;
  if (out.decision == Decision::undecided)
    out.reason = "the samples ended before the evidence reached the threshold";
  return out;
}

double default_precision(double q) { return q <= 0.5 ? 0.01 : q <= 0.99 ? 0.02 : 0.05; }

PrecisionResult test_precision(std::span<const int64_t> run_order, const PrecisionPlan& plan) {
  PrecisionResult out;
  if (!(plan.q > 0) || !(plan.q < 1) || !(plan.alpha > 0) || !(plan.alpha < 1) || plan.looks < 1 ||
      plan.looks > 40) {
    out.reason = "q and alpha must lie in (0, 1), looks in 1 .. 40";
    return out;
  }
  const double alpha = plan.alpha / plan.looks, confidence = 1 - alpha;
  const double relative = plan.relative > 0 ? plan.relative : default_precision(plan.q);
  int64_t n = plan.n0;
  if (n < 1)
    n = 2 * std::max(smallest_power(plan.q, alpha / 2), smallest_power(1 - plan.q, alpha / 2));
  const auto available = static_cast<int64_t>(run_order.size());
  for (int look = 0; look < plan.looks; ++look) {
    if (n > available) {
      out.next_n = n;
      out.reason = "more samples are needed for the next look";
      return out;
    }
    const auto prefix = run_order.first(static_cast<size_t>(n));
    std::vector<int64_t> sorted(prefix.begin(), prefix.end());
    std::sort(sorted.begin(), sorted.end());
    const QuantileRow row = quantile_row(prefix, sorted, plan.q, confidence);
    double width = INFINITY;
    if (row.carried() && row.estimate > 0) {
      width = (static_cast<double>(*row.upper) - static_cast<double>(*row.lower)) /
              (2 * static_cast<double>(row.estimate));
      out.n = n;
      out.estimate = row.estimate;
      out.lower = *row.lower;
      out.upper = *row.upper;
    }
    if (width <= relative) out.decision = Decision::pass;
    out.looks.push_back({n, width, relative, out.decision, 0});
    if (out.decision == Decision::pass) return out;
    n *= 2;
  }
  out.reason = "all looks are spent and the interval is still too wide";
  return out;
}

int64_t mlperf_min_n(int64_t t, double p, double confidence, double d) {
  const double success = p - d;
  if (t < 0 || !(success > 0) || !(success < 1) || !(confidence > 0) || !(confidence < 1)) return 0;
  return smallest(t + 1,
                  [&](int64_t n) { return binomial_cdf(t, n, 1 - success) <= 1 - confidence; });
}

}  // namespace assay::stats
