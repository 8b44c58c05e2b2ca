// SPDX-License-Identifier: Apache-2.0
#include "stats/variance.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/math/distributions/chi_squared.hpp>
#include <boost/math/distributions/fisher_f.hpp>
#include <cmath>
#include <tuple>
#include <utility>

#include "stats/intervals.h"
#include "stats/quiet.h"
#include "stats/special.h"

namespace assay::stats {
namespace {

namespace bm = boost::math;
using ChiSquared = bm::chi_squared_distribution<double, Quiet>;
using FisherF = bm::fisher_f_distribution<double, Quiet>;

constexpr int64_t kMost = int64_t{1} << 40;

// Running mean and sum of squares about it (Welford): exact enough for ns that differ little.
struct Moments {
  double n = 0, mean = 0, squares = 0;
  void add(double x) {
    n += 1;
    const double off = x - mean;
    mean += off / n;
    squares += off * (x - mean);
  }
  double variance() const { return n > 1 ? squares / (n - 1) : 0; }
};

// Two-sided limits of S^2 (df degrees) minus its share of the level below, S_b^2/r (df_b degrees).
// Graybill and Wang 1980; Burdick and Graybill 1992, section 3.3, with c1 = 1, c2 = 1/r.
std::pair<double, double> difference_limits(double s2, double df, double below, double df_below,
                                            double half_alpha) {
  df = std::min(df, 1e6);  // as good as known; the F law's inverse is slow beyond
  df_below = std::min(df_below, 1e6);
  const auto f_upper = [](double d1, double d2, double a) {
    return bm::quantile(bm::complement(FisherF(d1, d2), a));
  };
  const auto chi = [](double df, double p) { return bm::quantile(ChiSquared(df), p) / df; };
  const double g1 = 1 - 1 / chi(df, 1 - half_alpha);
  const double g2 = 1 - 1 / chi(df_below, 1 - half_alpha);
  const double h1 = 1 / chi(df, half_alpha) - 1;
  const double h2 = 1 / chi(df_below, half_alpha) - 1;
  const double f = f_upper(df, df_below, half_alpha);
  const double f_low = 1 / f_upper(df_below, df, half_alpha);
  const double g12 = ((f - 1) * (f - 1) - g1 * g1 * f * f - h2 * h2) / f;
  const double h12 = ((1 - f_low) * (1 - f_low) - h1 * h1 * f_low * f_low - g2 * g2) / f_low;
  const double down = g1 * g1 * s2 * s2 + h2 * h2 * below * below + g12 * s2 * below;
  const double up = h1 * h1 * s2 * s2 + g2 * g2 * below * below + h12 * s2 * below;
  const double estimate = s2 - below;
  return {estimate - std::sqrt(std::max(0.0, down)), estimate + std::sqrt(std::max(0.0, up))};
}

// The tree of values, high level first; at(i) reads value i in that order. The shape is fit().
template <class At>
VarianceSplit split(At at, std::span<const int64_t> high_to_low, std::span<const double> costs,
                    double confidence) {
  VarianceSplit out;
  out.used = 1;
  for (const int64_t r : high_to_low) out.used *= r;
  out.given = out.used;
  out.confidence = confidence > 0 && confidence < 1 ? confidence : 0.95;
  const size_t depth = high_to_low.size();
  std::vector<int64_t> r(high_to_low.rbegin(), high_to_low.rend());  // low to high, as levels
  out.levels.resize(depth);
  for (size_t i = 0; i < depth; ++i) {
    out.levels[i].repetitions = r[i];
    if (i < costs.size()) out.levels[i].cost = costs[i];
  }
  // One pass: the open group of every level.
  std::vector<Moments> open(depth);
  std::vector<Moments> group_variance(depth);  // of the groups' own variances, a level
  const int64_t groups = out.used / r[0];
  for (int64_t g = 0; g < groups; ++g) {
    for (int64_t k = 0; k < r[0]; ++k) open[0].add(at(g * r[0] + k));
    for (size_t level = 0; level < depth; ++level) {
      if (open[level].n < static_cast<double>(r[level])) break;
      group_variance[level].add(open[level].variance());
      const double mean = open[level].mean;
      if (level + 1 == depth) {
        out.mean = mean;
        break;
      }
      open[level] = {};
      open[level + 1].add(mean);
    }
  }
  const double half_alpha = (1 - out.confidence) / 2;
  std::vector<double> t2(depth), df(depth);
  double total = 0;
  for (size_t i = 0; i < depth; ++i) {
    VarianceLevel& level = out.levels[i];
    level.s2 = group_variance[i].mean;
    df[i] = group_variance[i].n * static_cast<double>(r[i] - 1);
    const double below = i > 0 ? out.levels[i - 1].s2 / static_cast<double>(r[i - 1]) : 0;
    level.t2 = t2[i] = level.s2 - below;
    level.sd = std::sqrt(std::max(0.0, level.t2));
    total += std::max(0.0, level.t2);
    double low = 0, high = 0;
    if (i == 0) {
      // The groups' own variances, not the chi-square law: latencies are skewed.
      const double m = group_variance[0].n;
      if (m < 2) continue;
      const double half =
          t_critical(2 * half_alpha, m - 1) * std::sqrt(group_variance[0].variance() / m);
      low = level.s2 - half;
      high = level.s2 + half;
    } else {
      std::tie(low, high) = difference_limits(level.s2, df[i], below, df[i - 1], half_alpha);
    }
    if (!std::isfinite(low) || !std::isfinite(high)) continue;
    level.sd_lower = std::sqrt(std::max(0.0, low));
    level.sd_upper = std::sqrt(std::max(0.0, high));
  }
  for (VarianceLevel& level : out.levels)
    level.share = total > 0 ? std::max(0.0, level.t2) / total : 0;
  const auto top = static_cast<double>(r[depth - 1]);
  const double half =
      t_critical(2 * half_alpha, top - 1) * std::sqrt(out.levels[depth - 1].s2 / top);
  if (std::isfinite(half)) {
    out.mean_lower = out.mean - half;
    out.mean_upper = out.mean + half;
  }
  if (costs.size() == depth) {
    const auto best = best_repetitions(t2, costs);
    for (size_t i = 0; i < best.size(); ++i) {
      out.levels[i].repetitions_best = best[i];
      if (best[i] && *best[i] < 1e15)
        out.levels[i].repetitions_best_ceil =
            std::max<int64_t>(1, static_cast<int64_t>(std::ceil(*best[i])));
    }
  }
  out.valid = std::isfinite(out.mean) && std::isfinite(total);
  if (!out.valid) out.note = "values that are not finite";
  return out;
}

// Why the shape cannot be split; empty when it can.
std::string unfit(std::span<const int64_t> repetitions) {
  if (repetitions.size() < 2) return "needs at least 2 levels";
  int64_t product = 1;
  for (const int64_t r : repetitions) {
    if (r < 2) return "needs at least 2 repetitions at every level";
    if (r > kMost / product) return "too many repetitions";
    product *= r;
  }
  return "";
}

// Builds with at least one launch that has samples; launches and samples cut to the smallest.
struct Balanced {
  std::vector<std::vector<std::span<const int64_t>>> builds;
  int64_t launches = 0, samples = 0, given = 0;
  std::string truncation;
};
Balanced balance(const Builds& builds) {
  Balanced out;
  int64_t most_launches = 0, most_samples = 0, empty_launches = 0, empty_builds = 0;
  for (const auto& build : builds) {
    std::vector<std::span<const int64_t>> kept;
    for (const auto& launch : build) {
      const auto n = static_cast<int64_t>(launch.size());
      out.given += n;
      empty_launches += n == 0;
      if (n == 0) continue;
      kept.push_back(launch);
      out.samples = out.samples == 0 ? n : std::min(out.samples, n);
      most_samples = std::max(most_samples, n);
    }
    empty_builds += kept.empty();
    if (kept.empty()) continue;
    const auto count = static_cast<int64_t>(kept.size());
    out.launches = out.launches == 0 ? count : std::min(out.launches, count);
    most_launches = std::max(most_launches, count);
    out.builds.push_back(std::move(kept));
  }
  const auto say = [&](std::string text) {
    out.truncation += (out.truncation.empty() ? "" : "; ") + std::move(text);
  };
  if (empty_builds > 0) say(fmt::format("{} builds without samples left out", empty_builds));
  if (empty_launches > 0) say(fmt::format("{} launches without samples left out", empty_launches));
  if (most_launches > out.launches)
    say(fmt::format("launches a build cut from up to {} to {}", most_launches, out.launches));
  if (most_samples > out.samples)
    say(fmt::format("samples a launch cut from up to {} to {}", most_samples, out.samples));
  return out;
}

}  // namespace

VarianceSplit variance_split(std::span<const double> values, std::span<const int64_t> repetitions,
                             std::span<const double> costs, double confidence) {
  VarianceSplit out;
  out.given = static_cast<int64_t>(values.size());
  out.note = unfit(repetitions);
  if (!out.note.empty()) return out;
  int64_t product = 1;
  for (const int64_t r : repetitions) product *= r;
  if (product != out.given) {
    out.note = "the number of values is not the product of the repetitions";
    return out;
  }
  return split([&](int64_t i) { return values[i]; }, repetitions, costs, confidence);
}

VarianceSplit variance_split(const Builds& builds, std::span<const double> costs,
                             double confidence) {
  const Balanced b = balance(builds);
  const std::vector<int64_t> shape = {static_cast<int64_t>(b.builds.size()), b.launches, b.samples};
  VarianceSplit out;
  out.note = unfit(shape);
  if (out.note.empty()) {
    const int64_t per_build = b.launches * b.samples;
    out = split(
        [&](int64_t i) {
          return static_cast<double>(
              b.builds[i / per_build][i % per_build / b.samples][i % b.samples]);
        },
        shape, costs, confidence);
  }
  out.given = b.given;
  out.truncation = b.truncation;
  return out;
}

VarianceSplit variance_split_medians(const Builds& builds, std::span<const double> costs,
                                     double confidence) {
  const Balanced b = balance(builds);
  const std::vector<int64_t> shape = {static_cast<int64_t>(b.builds.size()), b.launches};
  std::vector<double> medians;
  std::vector<int64_t> sorted;
  for (const auto& build : b.builds) {
    for (int64_t l = 0; l < b.launches; ++l) {
      // All samples of the launch: a median needs no equal numbers.
      sorted.assign(build[l].begin(), build[l].end());
      const auto middle = sorted.begin() + (static_cast<int64_t>(sorted.size()) + 1) / 2 - 1;
      std::nth_element(sorted.begin(), middle, sorted.end());
      medians.push_back(static_cast<double>(*middle));
    }
  }
  VarianceSplit out;
  out.note = unfit(shape);
  if (out.note.empty())
    out = split([&](int64_t i) { return medians[i]; }, shape, costs, confidence);
  out.given = 0;
  for (const auto& build : builds)
    for (const auto& launch : build) out.given += !launch.empty();
  if (out.given > static_cast<int64_t>(medians.size()))
    out.truncation = fmt::format("launches cut from {} to {}", out.given, medians.size());
  return out;
}

std::vector<std::optional<double>> best_repetitions(std::span<const double> t2,
                                                    std::span<const double> costs) {
  std::vector<std::optional<double>> out;
  for (size_t i = 0; i + 1 < t2.size() && i + 1 < costs.size(); ++i) {
    const double r = std::sqrt(costs[i + 1] / costs[i] * std::max(0.0, t2[i]) / t2[i + 1]);
    const bool known = costs[i] > 0 && costs[i + 1] > 0 && t2[i + 1] > 0 && std::isfinite(r);
    out.push_back(known ? std::optional<double>(r) : std::nullopt);
  }
  return out;
}

double next_exceeds_max(int64_t k) { return k < 0 ? 1 : 1 / (static_cast<double>(k) + 1); }

int64_t builds_for_tolerance(double coverage, double confidence) {
  if (!(coverage > 0 && coverage < 1) || !(confidence > 0 && confidence < 1)) return 0;
  return quantile_n_needed(coverage, confidence);
}

double coverage_of_max(int64_t k, double confidence) {
  if (k < 1 || !(confidence >= 0 && confidence <= 1)) return 0;
  return std::pow(1 - confidence, 1 / static_cast<double>(k));
}

std::optional<double> sd_upper_factor(int64_t k, double confidence) {
  if (k < 2 || !(confidence > 0 && confidence < 1)) return std::nullopt;
  const auto df = static_cast<double>(k - 1);
  const double factor = std::sqrt(df / bm::quantile(ChiSquared(df), 1 - confidence));
  return std::isfinite(factor) ? std::optional<double>(factor) : std::nullopt;
}

}  // namespace assay::stats
