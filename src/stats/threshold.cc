// SPDX-License-Identifier: Apache-2.0
// Goodness of fit and choice of threshold (statistics.md, section 6.3).
#include "stats/threshold.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "stats/random.h"
#include "stats/special.h"

namespace assay::stats {
namespace {

constexpr double kEdge = 1e-300;  // keeps logarithms finite

struct Statistics {
  double a2 = 0, w2 = 0, gap = 0;
};

// exp(x) - 1 and log(1 + x): short series where they are exact to a rounding error, which is nearly
// always, since neighbours in a sorted sample lie close. Half the time of the bootstrap goes here.
inline double expm1_near(double x) {
  if (std::fabs(x) > 0.02) return std::expm1(x);
  return x * (1 + x * (1. / 2 + x * (1. / 6 + x * (1. / 24 + x * (1. / 120 + x * (1. / 720))))));
}
inline double log1p_near(double x) {
  if (std::fabs(x) > 0.02) return std::log1p(x);
  const double s = x / (2 + x), q = s * s;
  return 2 * s * (1 + q * (1.0 / 3 + q * (1.0 / 5 + q * (1.0 / 7))));
}

// sum (2 i + 1) log f_i over ascending positions, one logarithm pair for eight values: within a
// block sum r log f_r is the logarithm of the product of the suffix products.
class WeightedLogs {
 public:
  void add(double f) {
    block_[filled_++] = f;
    if (filled_ == block_.size()) flush();
  }
  double sum() {
    flush();
    return sum_;
  }

 private:
  void flush() {
    double suffix = 1, product = 1;
    for (size_t r = filled_; r-- > 1;) {
      suffix *= block_[r];
      product *= suffix;
    }
    if (filled_ > 0) suffix *= block_[0];
    const double first = 2 * static_cast<double>(start_) + 1;
    if (suffix > 1e-280 && product > 1e-280) {
      sum_ += first * std::log(suffix) + 2 * std::log(product);
    } else {
      for (size_t r = 0; r < filled_; ++r) {
        sum_ += (first + 2 * static_cast<double>(r)) * std::log(block_[r]);
      }
    }
    start_ += filled_;
    filled_ = 0;
  }

  std::array<double, 8> block_{};
  size_t filled_ = 0, start_ = 0;
  double sum_ = 0;
};

// Statistics of ascending excesses against a fitted law. With E = -log(1 - F) the law is standard
// exponential and (k - i) (E_(i+1) - E_(i)) are, by Renyi, exponential again: their maximum, `gap`,
// is large when a stretch of the tail is empty, as between two modes, which A^2 weighs too little
// when few values lie beyond it.
Statistics statistics(std::span<const double> y, double sigma, double xi) {
  Statistics s;
  const bool exponential = std::fabs(xi) < 1e-9;
  const double shape = exponential ? 0 : 1 / xi;
  const auto n = static_cast<double>(y.size());
  const double inverse = 1 / sigma, twice = 1 / (2 * n);
  double z = 0, d = 1, e = 0, survival = 1, sum = 0;  // d = 1 + xi z, survival = exp(-e)
  WeightedLogs logs;
  for (size_t i = 0; i < y.size(); ++i) {
    const double next = y[i] * inverse;
    double step = next - z;
    if (!exponential) {
      const double growth = xi * step / d;
      step = growth > -1 + 1e-15 ? log1p_near(growth) * shape : 700;
      d = 1 + xi * next;
    }
    z = next;
    step = std::clamp(step, 0.0, 700.0);
    e += step;
    survival += survival * expm1_near(-step);
    // F without cancellation at the lower end.
    const double f = std::max(e < 0.02 ? -expm1_near(-e) : 1 - survival, kEdge);
    const auto j = static_cast<double>(i);
    logs.add(f);
    sum -= (2 * (n - j) - 1) * e;
    const double w = f - (2 * j + 1) * twice;
    s.w2 += w * w;
    if (i > 0) s.gap = std::max(s.gap, (n - j) * step);
  }
  s.a2 = -n - (sum + logs.sum()) / n;
  s.w2 += 1 / (12 * n);
  return s;
}

double p_value(int reached, int bootstrap) { return (1.0 + reached) / (1.0 + bootstrap); }

}  // namespace

double anderson_darling_uniform(std::span<const double> values) {
  if (values.empty()) return 0;
  std::vector<double> v(values.begin(), values.end());
  for (double& x : v) x = std::isnan(x) ? 0.5 : std::clamp(x, kEdge, 1 - 0x1p-53);
  std::sort(v.begin(), v.end());
  const auto n = static_cast<double>(v.size());
  double sum = 0;
  for (size_t i = 0; i < v.size(); ++i) {
    const auto j = static_cast<double>(i);
    sum += (2 * j + 1) * std::log(v[i]) + (2 * (n - j) - 1) * std::log1p(-v[i]);
  }
  return -n - sum / n;
}

double cramer_von_mises_uniform(std::span<const double> values) {
  if (values.empty()) return 0;
  std::vector<double> v(values.begin(), values.end());
  for (double& x : v) x = std::isnan(x) ? 0.5 : std::clamp(x, 0.0, 1.0);
  std::sort(v.begin(), v.end());
  const auto n = static_cast<double>(v.size());
  double sum = 1 / (12 * n);
  for (size_t i = 0; i < v.size(); ++i) {
    const double w = v[i] - (2 * static_cast<double>(i) + 1) / (2 * n);
    sum += w * w;
  }
  return sum;
}

GpdGoodness gpd_goodness(std::span<const double> sorted_excesses, int bootstrap, uint64_t seed) {
  GpdGoodness g;
  const GpdSample sample(sorted_excesses);
  g.fit = fit_gpd_mle(sample);
  if (!g.fit.ok) return g;
  const Statistics s = statistics(sorted_excesses, g.fit.sigma, g.fit.xi);
  g.a2 = s.a2, g.w2 = s.w2, g.gap = s.gap;
  g.bootstrap = std::max(0, bootstrap);
  if (g.bootstrap == 0) return g;
  Random random(seed);
  GpdFit law = g.fit;  // scale-free: replicates have sigma 1
  law.sigma = 1;
  std::vector<double> y(sorted_excesses.size());
  int a2 = 0, w2 = 0, gap = 0, done = 0;
  for (int b = 0; b < g.bootstrap; ++b) {
    // Ascending exponentials by Renyi's representation, no sorting; w = exp(xi e) - 1.
    double e = 0, w = 0;
    for (size_t i = 0; i < y.size(); ++i) {
      const double step = exponential(random) / static_cast<double>(y.size() - i);
      e += step;
      w += (1 + w) * expm1_near(law.xi * step);
      y[i] = std::fabs(law.xi) < 1e-9 ? e : w / law.xi;
    }
    const GpdSample replicate(y);
    const GpdFit fit = fit_gpd_mle_point(replicate, &law);
    if (!fit.ok) continue;
    const Statistics r = statistics(y, fit.sigma, fit.xi);
    a2 += r.a2 >= s.a2 ? 1 : 0;
    w2 += r.w2 >= s.w2 ? 1 : 0;
    gap += r.gap >= s.gap ? 1 : 0;
    ++done;
  }
  // Over all that were asked for: replicates that cannot be fitted must not count for the fit.
  g.p_a2 = p_value(a2, g.bootstrap), g.p_w2 = p_value(w2, g.bootstrap);
  g.p_gap = p_value(gap, g.bootstrap);
  g.bootstrap = done;
  return g;
}

std::vector<int64_t> candidate_sizes(int64_t n, const ThresholdOptions& o) {
  std::vector<int64_t> sizes;
  if (n < 1 || o.levels < 1 || !(o.top > 0 && o.top <= 0.5)) return sizes;
  const auto share = [&](double q) { return static_cast<int64_t>(q * static_cast<double>(n)); };
  const int64_t most = std::min(share(o.top), o.k_max);
  const int64_t least =
      std::max({o.k_min, o.k_floor, int64_t{2}, std::min(share(o.bottom), most / 4)});
  if (most < least || most >= n) return sizes;
  const double ratio = static_cast<double>(least) / static_cast<double>(most);
  for (int i = 0; i < o.levels; ++i) {
    const double t = o.levels == 1 ? 0 : static_cast<double>(i) / (o.levels - 1);
    const auto k =
        static_cast<int64_t>(std::lround(static_cast<double>(most) * std::pow(ratio, t)));
    if (sizes.empty() || k < sizes.back()) sizes.push_back(k);
  }
  return sizes;
}

int64_t threshold_n_needed(const ThresholdOptions& o) {
  if (!(o.top > 0)) return 0;
  return static_cast<int64_t>(
      std::ceil(static_cast<double>(std::max(o.k_min, o.k_floor)) / o.top - 1e-9));
}

std::vector<double> excesses_over(std::span<const int64_t> top_sorted, int64_t u, double tick,
                                  uint64_t seed) {
  const auto first = std::upper_bound(top_sorted.begin(), top_sorted.end(), u);
  std::vector<double> y;
  y.reserve(static_cast<size_t>(top_sorted.end() - first));
  Random random(seed);
  for (auto it = first; it != top_sorted.end(); ++it) {
    // Unsigned: the difference of two int64 need not fit one.
    const auto d = static_cast<double>(static_cast<uint64_t>(*it) - static_cast<uint64_t>(u));
    // The threshold of spread values lies half a tick above u, so that none falls below it.
    y.push_back(tick > 0 ? std::max(d - tick + tick * uniform(random), 1e-6 * tick) : d);
  }
  if (tick > 0) std::sort(y.begin(), y.end());
  return y;
}

ThresholdChoice choose_threshold(std::span<const int64_t> top_sorted, int64_t n,
                                 const ThresholdOptions& o) {
  ThresholdChoice choice;
  double sum = 0;
  int stop = 0;
  for (const int64_t size : candidate_sizes(n, o)) {
    if (static_cast<size_t>(size) >= top_sorted.size()) continue;
    ThresholdCandidate c;
    c.u = top_sorted[top_sorted.size() - static_cast<size_t>(size) - 1];
    if (!choice.candidates.empty() && choice.candidates.back().u == c.u) continue;
    const auto level = static_cast<uint64_t>(choice.candidates.size());
    const std::vector<double> y =
        excesses_over(top_sorted, c.u, o.tick, derived_seed(o.seed, 100 + level));
    c.k = static_cast<int64_t>(y.size());
    if (c.k < o.k_floor) continue;
    c.zeta = static_cast<double>(c.k) / static_cast<double>(n);
    c.goodness = gpd_goodness(y, o.bootstrap, derived_seed(o.seed, 200 + level));
    c.p_a2 = c.goodness.fit.ok ? c.goodness.p_a2 : p_value(0, o.bootstrap);
    // p = 1 would make the sum infinite and forbid every later rejection.
    sum -= std::log1p(-std::min(c.p_a2, 1 - 0.5 / (1.0 + o.bootstrap)));
    choice.candidates.push_back(std::move(c));
    const auto j = static_cast<int>(choice.candidates.size());
    choice.candidates.back().forward = sum / j;
    if (choice.candidates.back().forward <= o.forward_stop) stop = j;
  }
  for (int j = 0; j < stop; ++j) choice.candidates[static_cast<size_t>(j)].rejected = true;
  if (stop < static_cast<int>(choice.candidates.size())) choice.chosen = stop;
  return choice;
}

Stability xi_stability(std::span<const double> sorted_excesses, double weight, double level) {
  // Two comparisons, two-sided.
  const double z = -normal_quantile(level / 4);
  Stability s;
  s.agree = true;
  for (size_t part = 1; part <= 4; part *= 2) {
    const size_t k = sorted_excesses.size() / part;
    if (k < 20) break;
    const double base = part == 1 ? 0 : sorted_excesses[sorted_excesses.size() - k - 1];
    std::vector<double> y;
    for (const double v : sorted_excesses.last(k)) {
      if (v > base) y.push_back(v - base);
    }
    const GpdFit fit = fit_gpd_mle(y);
    if (!fit.ok) {
      s.agree = false;
      break;
    }
    s.k.push_back(static_cast<int64_t>(k));
    s.xi.push_back(fit.xi);
    const double xi = s.xi.front();
    s.se.push_back((1 + xi) / std::sqrt(static_cast<double>(k) * weight));
    if (part == 1) continue;
    const double variance = s.se.back() * s.se.back() - s.se.front() * s.se.front();
    if (!(std::fabs(fit.xi - xi) <= z * std::sqrt(variance))) s.agree = false;
  }
  if (s.k.size() < 2) s.agree = false;
  return s;
}

}  // namespace assay::stats
