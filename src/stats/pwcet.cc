// SPDX-License-Identifier: Apache-2.0
// The pWCET of one series: threshold, fit, applicability list, bounds (statistics.md, section 6).
#include "stats/pwcet.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <limits>

#include "stats/dependence.h"
#include "stats/pwcet_checks.h"
#include "stats/quantiles.h"
#include "stats/random.h"

namespace assay::stats {
namespace {

enum Stream : uint64_t { kThreshold = 1, kTheta, kSpread, kCv, kBounds };

template <typename... Args>
std::string text(const char* format, Args... args) {
  char buffer[256];
  std::snprintf(buffer, sizeof buffer, format, args...);
  return buffer;
}

void add(Pwcet& r, std::string name, bool pass, bool required, std::string detail) {
  if (required && !pass) r.reasons.push_back(name + ": " + detail);
  r.list.push_back({std::move(name), pass, required, std::move(detail)});
}

bool valid(const PwcetOptions& o) {
  const bool probabilities =
      std::all_of(o.p.begin(), o.p.end(), [](double p) { return p > 0 && p < 1; });
  return probabilities && o.confidence > 0.5 && o.confidence < 1 && o.bootstrap >= 0 &&
         o.k_floor >= 20 && o.k_min >= o.k_floor && o.k_max >= o.k_min && o.levels >= 1;
}

ThresholdOptions threshold_options(const PwcetOptions& o, double tick) {
  ThresholdOptions t;
  t.levels = o.levels;
  t.k_min = o.k_min, t.k_floor = o.k_floor, t.k_max = o.k_max;
  t.bootstrap = o.bootstrap;
  t.seed = derived_seed(o.seed, kThreshold);
  t.forward_stop = o.forward_stop;
  t.tick = tick;
  return t;
}

// Distinct values among the ascending `values`, and the smallest step between two of them.
struct Ties {
  int64_t distinct = 0;
  double share = 0, step = 0;
};
Ties ties_of(std::span<const int64_t> values) {
  Ties t;
  for (size_t i = 0; i < values.size(); ++i) {
    if (i > 0 && values[i] == values[i - 1]) continue;
    ++t.distinct;
    if (i == 0) continue;
    const auto d = static_cast<double>(static_cast<uint64_t>(values[i]) -
                                       static_cast<uint64_t>(values[i - 1]));
    t.step = t.step > 0 ? std::min(t.step, d) : d;
  }
  if (!values.empty()) {
    t.share = 1 - static_cast<double>(t.distinct) / static_cast<double>(values.size());
  }
  return t;
}

// Excess bounds over a threshold for several a = p / zeta.
struct Bounds {
  std::vector<std::optional<double>> profile, exponential;
};
Bounds bounds_of(std::span<const double> y, const GpdFit& fit, std::span<const double> a,
                 double weight, const PwcetOptions& o) {
  Bounds b;
  const GpdSample sample(y);
  const double k = static_cast<double>(y.size()) * weight;
  b.profile = fit.method == "mle"
                  ? gpd_profile_upper(sample, fit, a, o.confidence, weight, o.profile_correction)
                  : lmoment_bootstrap_upper(fit, k, a, o.confidence, std::max(o.bootstrap, 199),
                                            derived_seed(o.seed, kBounds));
  b.exponential.resize(a.size());
  for (size_t i = 0; i < a.size(); ++i) {
    if (!(a[i] > 0 && a[i] < 1)) continue;
    const double u = gpd_exponential_upper(sample.scale, k, a[i], o.confidence);
    if (std::isfinite(u)) b.exponential[i] = u;
  }
  return b;
}

void check_goodness(Pwcet& r, const PwcetOptions& o) {
  const auto count = r.threshold.candidates.size();
  if (r.threshold.chosen < 0) {
    add(r, "goodness of fit", false, true,
        text("ForwardStop at %g rejects all %zu thresholds: the tail is no generalised Pareto law",
             o.forward_stop, count));
    return;
  }
  const ThresholdCandidate& c = r.threshold.candidates[static_cast<size_t>(r.threshold.chosen)];
  add(r, "goodness of fit", true, true,
      text("Anderson-Darling %.3f, bootstrap p %.3f; ForwardStop rejects %d of %zu thresholds",
           c.goodness.a2, c.p_a2, r.threshold.chosen, count));
  add(r, "no gap in the tail", c.goodness.p_gap > o.gap_level, true,
      text("largest normalised spacing %.2f, bootstrap p %.4f", c.goodness.gap, c.goodness.p_gap));
}

void check_shape(Pwcet& r, const GpdFit& mle) {
  const double se = std::isfinite(mle.var_xi) && mle.regular
                        ? std::sqrt(mle.var_xi / r.weight)
                        : (1 + std::fabs(mle.xi)) / std::sqrt(static_cast<double>(r.k) * r.weight);
  // Two standard errors of xi or, where it is more, of the difference: for xi = -.3 L-moments vary
  // so much more than the likelihood that the former would refuse one good tail in ten. Variance of
  // the L-moment estimate: Hosking & Wallis (1987), times k.
  const double q = std::clamp(mle.xi, -0.5, 0.49);
  const double moments = (1 - q) * (2 - q) * (2 - q) * (1 - q + 2 * q * q) /
                         ((1 - 2 * q) * (3 - 2 * q)) / (static_cast<double>(r.k) * r.weight);
  const double apart = std::max(se, std::sqrt(std::max(0.0, moments - se * se)));
  const bool agree = !mle.regular || std::fabs(mle.xi - r.fit_lmoments.xi) < 2 * apart;
  const bool inside = r.fit.ok && r.fit.xi < 0.5 && r.fit.xi > -1;
  add(r, "shape", inside && agree, true,
      text("xi %.3f (95 %% %.3f to %.3f) by %s, L-moments %.3f; needs -1 < xi < .5 and agreement "
           "within 2 standard errors",
           r.fit.xi, r.fit.xi - 1.96 * se, r.fit.xi + 1.96 * se, r.fit.method.c_str(),
           r.fit_lmoments.xi));
}

// The distribution-free bound of section 4 for a quantile inside the sample; `weight`: share of the
// samples that count as independent.
void order_point(PwcetPoint& point, std::vector<int64_t>& copy, std::span<const int64_t> sorted,
                 double confidence, double weight) {
  const auto n = static_cast<int64_t>(sorted.empty() ? copy.size() : sorted.size());
  const auto at = [&](int64_t rank) {
    const auto i = static_cast<size_t>(std::clamp<int64_t>(rank, 1, n) - 1);
    if (!sorted.empty()) return static_cast<double>(sorted[i]);
    std::nth_element(copy.begin(), copy.begin() + static_cast<std::ptrdiff_t>(i), copy.end());
    return static_cast<double>(copy[i]);
  };
  point.order_statistic = true;
  point.estimate_ns =
      at(static_cast<int64_t>(std::ceil(static_cast<double>(n) * (1 - point.p) - 1e-9)));
  const double q = 1 - point.p;
  const auto rank = weight < 1 ? upper_rank(n, q, confidence, static_cast<double>(n) * weight)
                               : upper_rank(n, q, confidence);
  if (rank) point.bound_ns = at(*rank);
}

}  // namespace

int64_t pwcet_n_needed(const PwcetOptions& options) {
  const ThresholdOptions t = threshold_options(options, 0);
  // The first half must hold enough exceedances to be fitted alone.
  return std::max(threshold_n_needed(t), static_cast<int64_t>(2 * 10 * options.k_floor));
}

int64_t pwcet_n_for(double p) {
  if (!(p > 0 && p < 1)) return 0;
  const double n = std::ceil(1 / (100 * p) - 1e-9);
  return n < 9e18 ? std::max<int64_t>(1, static_cast<int64_t>(n))
                  : std::numeric_limits<int64_t>::max();
}

Pwcet pwcet(std::span<const int64_t> run_order, Trust gate, const PwcetOptions& o,
            std::span<const int64_t> sorted) {
  Pwcet r;
  r.n = static_cast<int64_t>(run_order.size());
  r.confidence = o.confidence;
  r.seed = o.seed;
  for (const double p : o.p) {
    PwcetPoint point;
    point.p = p;
    point.extrapolation = !(p * 100 * static_cast<double>(r.n) >= 1 - 1e-9);
    r.points.push_back(point);
  }
  if (!valid(o)) {
    r.reasons.emplace_back("options: a probability, confidence or count is out of range");
    return r;
  }
  add(r, "representativity", false, false,
      "inputs, temperature, clocks and co-runners must be argued to be those of operation; no test "
      "can show it");
  add(r, "gate", gate != Trust::rejected, true, "the series is " + std::string(word(gate)));
  const int64_t needed = pwcet_n_needed(o);
  add(r, "sample size", r.n >= needed, true,
      text("%lld samples, needs %lld", static_cast<long long>(r.n),
           static_cast<long long>(needed)));
  if (r.n < needed) r.n_needed = needed;
  if (r.n == 0) return r;
  r.high_water_ns = *std::max_element(run_order.begin(), run_order.end());
  if (r.n < needed) return r;

  // The largest values, ascending. One copy of the samples at most.
  std::vector<int64_t> copy;
  const bool have_sorted = sorted.size() == run_order.size();
  if (!have_sorted) {
    sorted = {};
    copy.assign(run_order.begin(), run_order.end());
  }
  const auto n = run_order.size();
  const std::vector<int64_t> sizes = candidate_sizes(r.n, threshold_options(o, 0));
  const auto keep = std::min(n, static_cast<size_t>(sizes.empty() ? o.k_min : sizes.front()) + 1);
  std::vector<int64_t> top;
  if (have_sorted) {
    top.assign(sorted.end() - static_cast<std::ptrdiff_t>(keep), sorted.end());
  } else {
    const auto from = copy.end() - static_cast<std::ptrdiff_t>(keep);
    std::nth_element(copy.begin(), from, copy.end());
    top.assign(from, copy.end());
    std::sort(top.begin(), top.end());
  }
  const auto middle = static_cast<std::ptrdiff_t>(n / 2);
  if (!have_sorted) std::nth_element(copy.begin(), copy.begin() + middle, copy.end());
  const int64_t median = have_sorted ? sorted[n / 2] : copy[n / 2];

  const Ties all = ties_of(top);
  if (all.distinct < 2) {
    add(r, "exceedances", false, true, "the largest values are all equal: there is no tail");
    return r;
  }
  if (all.share >= 0.05) r.tick_ns = all.step;

  r.threshold = choose_threshold(top, r.n, threshold_options(o, r.tick_ns));
  if (r.threshold.candidates.empty()) {
    add(r, "exceedances", false, true,
        text("fewer than %lld values above every threshold", static_cast<long long>(o.k_floor)));
    return r;
  }
  check_goodness(r, o);
  const size_t chosen = r.threshold.chosen < 0 ? r.threshold.candidates.size() - 1
                                               : static_cast<size_t>(r.threshold.chosen);
  const ThresholdCandidate& c = r.threshold.candidates[chosen];
  r.threshold_ns = c.u, r.k = c.k, r.zeta = c.zeta;
  const auto first = std::upper_bound(top.begin(), top.end(), c.u);
  const Ties ties = ties_of({first, top.end()});
  r.distinct = ties.distinct, r.ties = ties.share;
  add(r, "exceedances", r.distinct >= o.k_floor, true,
      text("%lld over the threshold, %lld distinct, needs %lld distinct",
           static_cast<long long>(r.k), static_cast<long long>(r.distinct),
           static_cast<long long>(o.k_floor)));

  const std::vector<int64_t> times = exceedance_times(run_order, c.u);
  r.theta = extremal_index_interval(times, 0.95, o.bootstrap, derived_seed(o.seed, kTheta));
  r.weight = r.theta.upper < 1 ? std::clamp(r.theta.theta, 0.01, 1.0) : 1;
  add(r, "independence of exceedances", r.weight >= 1, false,
      text("extremal index %.3f (95 %% %.3f to %.3f); bounds count %.0f of %lld exceedances as "
           "independent",
           r.theta.theta, r.theta.lower, r.theta.upper, r.weight * static_cast<double>(r.k),
           static_cast<long long>(r.k)));

  const uint64_t spread_seed =
      derived_seed(threshold_options(o, 0).seed, 100 + static_cast<uint64_t>(chosen));
  const std::vector<double> y = excesses_over(top, c.u, r.tick_ns, spread_seed);
  r.fit_lmoments = fit_gpd_lmoments(y);
  r.fit = c.goodness.fit.regular ? c.goodness.fit : r.fit_lmoments;
  check_shape(r, c.goodness.fit);
  r.stability = xi_stability(y, r.weight, o.stability_level);
  std::string shapes;
  for (size_t i = 0; i < r.stability.k.size(); ++i) {
    shapes += text("%sk=%lld: %.3f", i ? ", " : "xi at ", static_cast<long long>(r.stability.k[i]),
                   r.stability.xi[i]);
  }
  add(r, "stability", r.stability.agree, true, shapes.empty() ? "no fit" : shapes);
  r.hold_out = hold_out(run_order, c.u, r.tick_ns, derived_seed(o.seed, kSpread), r.weight,
                        o.hold_out_level);
  add(r, "hold-out", r.hold_out.pass, true,
      r.hold_out.ran
          ? text("%lld values of the second half above the level that the first half puts at "
                 "%lld, allowed %lld",
                 static_cast<long long>(r.hold_out.count),
                 static_cast<long long>(r.hold_out.expected),
                 static_cast<long long>(r.hold_out.critical))
          : "the first half has too few exceedances to be fitted");

  r.cv = residual_cv(y);
  r.cv_multiple = cv_multiple_threshold(y, 6, o.bootstrap, derived_seed(o.seed, kCv));
  r.block_maxima = block_maxima_check(run_order, exceedance_tau(run_order, median));

  const double base = static_cast<double>(c.u) + r.tick_ns / 2;
  std::vector<double> a;
  for (const double p : o.p) a.push_back(p / r.zeta);
  const Bounds b = bounds_of(y, r.fit, a, r.weight, o);
  std::vector<PwcetPoint> points = r.points;
  for (size_t i = 0; i < points.size(); ++i) {
    PwcetPoint& point = points[i];
    const BlockMaxima& bm = r.block_maxima;
    if (bm.gev.ok) {
      const double x = gev_quantile(std::exp(static_cast<double>(bm.block) * std::log1p(-point.p)),
                                    bm.gev.mu, bm.gev.sigma, bm.gev.xi);
      if (std::isfinite(x)) point.block_maxima_ns = x;
    }
    if (a[i] >= 1 || point.p * static_cast<double>(r.n) >= 50) {
      order_point(point, copy, sorted, o.confidence, r.weight);
      continue;
    }
    point.estimate_ns = base + gpd_quantile(a[i], r.fit.sigma, r.fit.xi);
    if (b.profile[i]) point.profile_upper_ns = base + *b.profile[i];
    if (b.exponential[i]) point.exponential_upper_ns = base + *b.exponential[i];
    // Without both there is nothing to publish.
    if (b.profile[i] && b.exponential[i]) {
      point.bound_ns = base + std::max(*b.profile[i], *b.exponential[i]);
    }
  }
  // A rarer level never has a lower bound, also where the two kinds of bound meet.
  std::vector<size_t> order(points.size());
  for (size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t x, size_t z) { return points[x].p > points[z].p; });
  bool implausible = false;
  for (size_t i = 0; i < order.size(); ++i) {
    PwcetPoint& point = points[order[i]];
    if (!point.bound_ns) continue;
    for (size_t j = 0; j < i; ++j) {
      const auto& before = points[order[j]].bound_ns;
      if (before) point.bound_ns = std::max(*point.bound_ns, *before);
    }
    point.below_high_water = point.p * static_cast<double>(r.n) <= 1 + 1e-9 &&
                             *point.bound_ns < static_cast<double>(r.high_water_ns);
    // Were the bound right, so large a maximum would have been seen with probability n p at most.
    implausible |= point.below_high_water && point.p * static_cast<double>(r.n) <= 0.05;
  }
  const auto bounded = std::count_if(points.begin(), points.end(), [](const PwcetPoint& point) {
    return point.bound_ns && std::isfinite(*point.bound_ns);
  });
  if (static_cast<size_t>(bounded) < points.size()) {
    add(r, "bounds", false, true,
        text("only %lld of %zu levels have an upper limit", static_cast<long long>(bounded),
             points.size()));
  }
  add(r, "high-water mark", !implausible, true,
      text("largest value seen %lld ns; a bound at p <= .05 / n below it would be an error",
           static_cast<long long>(r.high_water_ns)));
  if (r.tick_ns > 0 && !points.empty()) {
    // The same bound without spreading, for the rarest level asked.
    const size_t last = order.back();
    const std::vector<double> raw = excesses_over(top, c.u, 0, 0);
    const GpdFit fit = fit_gpd_mle(raw);
    const Bounds plain = bounds_of(raw, fit, a, r.weight, o);
    if (points[last].bound_ns && plain.profile[last] && plain.exponential[last]) {
      const double before =
          static_cast<double>(c.u) + std::max(*plain.profile[last], *plain.exponential[last]);
      if (before != 0) r.tick_change = *points[last].bound_ns / before - 1;
    }
  }
  add(r, "ties", r.tick_ns == 0, false,
      r.tick_ns == 0
          ? text("%.1f %% of the exceedances equal another", 100 * r.ties)
          : text("%.1f %% of the largest values equal another: spread over %.0f ns, which changes "
                 "the rarest bound by %+.2g %%",
                 100 * all.share, r.tick_ns, 100 * r.tick_change.value_or(0)));
  r.refused = !r.reasons.empty();
  if (!r.refused) r.points = std::move(points);
  return r;
}

}  // namespace assay::stats
