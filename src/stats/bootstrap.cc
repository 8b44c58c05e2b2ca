// SPDX-License-Identifier: Apache-2.0
// Bias-corrected and accelerated intervals for medians of independent values.
#include "stats/bootstrap.h"

#include <algorithm>
#include <boost/math/special_functions/beta.hpp>
#include <cmath>

#include "stats/bootstrap_internal.h"
#include "stats/quiet.h"
#include "stats/random.h"
#include "stats/special.h"

namespace assay::stats {
namespace {

namespace bm = boost::math;

std::vector<double> sorted(std::span<const double> values) {
  std::vector<double> out(values.begin(), values.end());
  std::sort(out.begin(), out.end());
  return out;
}

bool all_finite(std::span<const double> values) {
  return std::all_of(values.begin(), values.end(), [](double v) { return std::isfinite(v); });
}

size_t median_rank(size_t n) { return (n + 1) / 2; }  // 1-based, ceil(n/2)
double median_of_sorted(const std::vector<double>& v) { return v[median_rank(v.size()) - 1]; }

// The median of a resample of n from n values: the values are drawn at uniform positions, and the
// r-th smallest of n uniforms is Beta(r, n-r+1), so one inverse replaces n draws, exactly.
double resampled_median(const std::vector<double>& v, Random& random) {
  const auto n = static_cast<double>(v.size()), r = static_cast<double>(median_rank(v.size()));
  const double u = bm::ibeta_inv(r, n - r + 1, uniform(random), Quiet());
  const double place = std::isfinite(u) ? std::floor(u * n) : 0;
  return v[static_cast<size_t>(std::clamp(place, 0.0, n - 1))];
}

// Sums of squares and cubes of the jackknife influence of each value on the median: leaving out a
// value up to the rank of the new median moves it one place up.
struct Influence {
  double squares = 0, cubes = 0;
};
Influence median_influence(const std::vector<double>& v) {
  const size_t n = v.size(), r = median_rank(n - 1);  // rank of the median of n-1
  const double when_low = v[r], when_high = v[r - 1];
  const auto low = static_cast<double>(r), high = static_cast<double>(n - r);
  const double all = static_cast<double>(n);
  const double mean = (low * when_low + high * when_high) / all;
  const double a = (all - 1) * (mean - when_low), b = (all - 1) * (mean - when_high);
  return {(low * a * a + high * b * b) / (all * all),
          (low * a * a * a + high * b * b * b) / (all * all * all)};
}

double acceleration(const Influence& a, const Influence& b) {
  const double squares = a.squares + b.squares;
  return squares > 0 ? (a.cubes + b.cubes) / (6 * std::pow(squares, 1.5)) : 0;
}

// Efron's percentiles of the replicates for an estimate with this acceleration.
void bca(BootstrapInterval& out, std::vector<double>& replicates, double accelerated) {
  std::sort(replicates.begin(), replicates.end());
  const auto count = static_cast<double>(replicates.size());
  const auto [first, last] = std::equal_range(replicates.begin(), replicates.end(), out.estimate);
  // Medians are tied often: half of the ties count as below.
  const double below = (static_cast<double>(first - replicates.begin()) +
                        static_cast<double>(last - replicates.begin())) /
                       2 / count;
  const double bias = normal_quantile(std::clamp(below, 1 / (count + 1), count / (count + 1)));
  const auto limit = [&](double level) {
    const double z = bias + normal_quantile(level);
    const double denominator = 1 - accelerated * z;
    const double adjusted = denominator > 0 ? normal_cdf(bias + z / denominator) : (z > 0 ? 1 : 0);
    return percentile(replicates, adjusted);
  };
  const double tail = (1 - out.confidence) / 2;
  out.lower = limit(tail);
  out.upper = limit(1 - tail);
}

}  // namespace

double percentile(const std::vector<double>& sorted_replicates, double level) {
  const auto n = static_cast<double>(sorted_replicates.size());
  const double rank = std::clamp(std::ceil(level * n), 1.0, n);
  return sorted_replicates[static_cast<size_t>(rank) - 1];
}

bool usable(const BootstrapOptions& o) {
  return o.confidence > 0 && o.confidence < 1 && o.replicates >= 100 && o.replicates <= 10'000'000;
}

BootstrapInterval started(const BootstrapOptions& o, std::string method) {
  BootstrapInterval out;
  out.confidence = o.confidence;
  out.replicates = o.replicates;
  out.seed = o.seed;
  out.method = std::move(method);
  return out;
}

std::optional<BootstrapInterval> bootstrap_median(std::span<const double> values,
                                                  const BootstrapOptions& options) {
  if (values.size() < 2 || !all_finite(values) || !usable(options)) return std::nullopt;
  const std::vector<double> v = sorted(values);
  BootstrapInterval out = started(options, "BCa");
  out.estimate = median_of_sorted(v);
  Random random(options.seed);
  std::vector<double> replicates(static_cast<size_t>(options.replicates));
  for (double& r : replicates) r = resampled_median(v, random);
  bca(out, replicates, acceleration(median_influence(v), {}));
  return out;
}

std::optional<BootstrapInterval> bootstrap_ratio_of_medians(std::span<const double> a,
                                                            std::span<const double> b,
                                                            const BootstrapOptions& options) {
  if (a.size() < 2 || b.size() < 2 || !all_finite(a) || !all_finite(b) || !usable(options))
    return std::nullopt;
  std::vector<double> va = sorted(a), vb = sorted(b);
  if (!(va.front() > 0) || !(vb.front() > 0)) return std::nullopt;
  // On logs, where the ratio is a difference; the interval is the same, the acceleration simpler.
  for (double& x : va) x = std::log(x);
  for (double& x : vb) x = std::log(x);
  BootstrapInterval out = started(options, "BCa");
  out.estimate = median_of_sorted(vb) - median_of_sorted(va);
  Random random(options.seed);
  std::vector<double> replicates(static_cast<size_t>(options.replicates));
  for (double& r : replicates) {
    const double of_a = resampled_median(va, random);
    r = resampled_median(vb, random) - of_a;
  }
  Influence of_a = median_influence(va);
  of_a.cubes = -of_a.cubes;  // a stands in the denominator
  bca(out, replicates, acceleration(of_a, median_influence(vb)));
  out.estimate = std::exp(out.estimate);
  out.lower = std::exp(out.lower);
  out.upper = std::exp(out.upper);
  return out;
}

}  // namespace assay::stats
