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
// Samples tau apart are still correlated: with r_k = rho^k those that are m apart have e^(-2m/tau)
// left, 0.14 at m = tau (their own tau is 1.31) and 0.02 at 2 tau. Simulation agrees
// (sequential_slow_test.cc): thinned by tau alone the error is three times alpha.
constexpr double kThinning = 2;

bool usable(double p0, double alpha) { return p0 > 0 && p0 < 1 && alpha > 0 && alpha < 1; }

// Logarithm of the incomplete beta function, not normalised: over (0, x), or over (x, 1).
double log_incomplete_beta(double a, double b, double x, bool upper) {
  const double share = upper ? bm::ibetac(a, b, x, Quiet()) : bm::ibeta(a, b, x, Quiet());
  if (!(share > 0)) return -INFINITY;
  return std::log(share) + bm::lgamma(a, Quiet()) + bm::lgamma(b, Quiet()) -
         bm::lgamma(a + b, Quiet());
}

// The test martingale of one side; what does not change with the data is computed once.
class Martingale {
 public:
  Martingale(double p0, bool upper)
      : p0_(p0), upper_(upper), b_(1 / p0 - 0.5), base_(log_incomplete_beta(kA, b_, p0, upper)) {}
  double log_value(int64_t exceedances, int64_t t) const {
    if (exceedances < 0 || exceedances > t || !(p0_ > 0) || !(p0_ < 1)) return -INFINITY;
    const auto over = static_cast<double>(exceedances);
    const auto under = static_cast<double>(t - exceedances);
    const double value = log_incomplete_beta(kA + over, b_ + under, p0_, upper_) - base_ -
                         over * std::log(p0_) - under * std::log1p(-p0_);
    return std::isnan(value) ? -INFINITY : value;
  }

 private:
  static constexpr double kA = 0.5;
  double p0_;
  bool upper_;
  double b_, base_;
};

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
  return Martingale(p0, false).log_value(exceedances, t);
}
double log_fail_martingale(int64_t exceedances, int64_t t, double p0) {
  return Martingale(p0, true).log_value(exceedances, t);
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
  if (out.tau > kTauIndependent) out.thin = static_cast<int64_t>(std::ceil(kThinning * out.tau));
  const int64_t most = static_cast<int64_t>(run_order.size()) / out.thin;
  const double threshold = -std::log(alpha);
  const Martingale pass(p0, false), fail(p0, true);
  for (int64_t next = 1; out.n < most;) {
    out.exceedances += run_order[static_cast<size_t>(out.n * out.thin)] > limit_ns;
    ++out.n;
    if (out.n < next && out.n < most) continue;
    next = out.n + std::max<int64_t>(1, out.n / 100);
    // The side that the data lean to; the other martingale is at most 1, whatever its mixture.
    const bool towards_pass =
        static_cast<double>(out.exceedances) < p0 * static_cast<double>(out.n);
    const double statistic = towards_pass ? pass.log_value(out.exceedances, out.n)
                                          : fail.log_value(out.exceedances, out.n);
    if (statistic >= threshold) out.decision = towards_pass ? Decision::pass : Decision::fail;
    out.looks.push_back({out.n, statistic, threshold, out.decision, out.exceedances});
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
