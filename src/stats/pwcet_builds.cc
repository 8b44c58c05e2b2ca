// SPDX-License-Identifier: Apache-2.0
#include "stats/pwcet_builds.h"

#include <algorithm>
#include <boost/math/distributions/non_central_t.hpp>
#include <cmath>

#include "stats/intervals.h"
#include "stats/quiet.h"
#include "stats/random.h"
#include "stats/special.h"
#include "stats/variance.h"

namespace assay::stats {
namespace {

constexpr size_t kBuildsForTolerance = 5;

// Chi-square of the exceedances of `u` over launches against one rate; 1 for a single launch.
double launch_homogeneity(const BuildSeries& build, int64_t u) {
  double n = 0, k = 0, statistic = 0;
  std::vector<std::pair<double, double>> counts;
  for (const auto& launch : build.launches) {
    const auto above =
        std::count_if(launch.begin(), launch.end(), [u](int64_t v) { return v > u; });
    counts.emplace_back(static_cast<double>(launch.size()), static_cast<double>(above));
    n += counts.back().first, k += counts.back().second;
  }
  if (!(k > 0) || !(k < n)) return 1;
  int cells = 0;
  for (const auto& [size, above] : counts) {
    if (!(size > 0)) continue;
    const double expected = size * k / n;
    statistic += (above - expected) * (above - expected) / (expected * (1 - k / n));
    ++cells;
  }
  if (cells < 2) return 1;
  return chi_square_tail(statistic, cells - 1);
}

BuildPwcet one_build(const BuildSeries& build, const PwcetOptions& options) {
  BuildPwcet r;
  r.build = build.build;
  r.launches = static_cast<int64_t>(build.launches.size());
  r.confidence = options.confidence;
  r.bound_ns.resize(options.p.size());
  std::vector<int64_t> joined;
  for (const auto& launch : build.launches) {
    joined.insert(joined.end(), launch.begin(), launch.end());
  }
  r.joined = pwcet(joined, build.trust, options);
  if (r.joined.k > 0) r.launch_p = launch_homogeneity(build, r.joined.threshold_ns);
  r.launches_alike = r.launch_p >= 0.01;
  if (r.launches_alike) {
    r.reasons = r.joined.reasons;
    r.refused = r.joined.refused;
    for (size_t i = 0; i < r.joined.points.size(); ++i) {
      r.bound_ns[i] = r.joined.points[i].bound_ns;
    }
    return r;
  }
  PwcetOptions split = options;
  split.confidence = 1 - (1 - options.confidence) / static_cast<double>(build.launches.size());
  for (size_t j = 0; j < build.launches.size(); ++j) {
    split.seed = derived_seed(options.seed, 1000 + j);
    const Pwcet launch = pwcet(build.launches[j], build.trust, split);
    for (const std::string& reason : launch.reasons) {
      r.reasons.push_back("launches differ; launch " + std::to_string(j) + ": " + reason);
    }
    for (size_t i = 0; i < launch.points.size(); ++i) {
      const auto& bound = launch.points[i].bound_ns;
      if (bound && (j == 0 || r.bound_ns[i])) {
        r.bound_ns[i] = std::max(r.bound_ns[i].value_or(*bound), *bound);
      } else {
        r.bound_ns[i].reset();
      }
    }
  }
  r.refused = !r.reasons.empty();
  if (r.refused) r.bound_ns.assign(options.p.size(), std::nullopt);
  return r;
}

}  // namespace

double normal_tolerance_factor(int64_t n, double content, double confidence) {
  if (n < 2 || !(content > 0 && content < 1) || !(confidence > 0 && confidence < 1)) {
    return INFINITY;
  }
  const double z = normal_quantile(content);
  const double root = std::sqrt(static_cast<double>(n));
  const boost::math::non_central_t_distribution<double, Quiet> t(static_cast<double>(n - 1),
                                                                 z * root);
  return boost::math::quantile(t, confidence) / root;
}

PopulationPwcet pwcet_over_builds(std::span<const BuildSeries> builds, const PwcetOptions& options,
                                  double content) {
  PopulationPwcet r;
  r.confidence = options.confidence;
  r.content = content;
  const auto k = static_cast<double>(builds.size());
  const double alpha = 1 - options.confidence;
  r.builds_needed = builds_for_tolerance(content, options.confidence);
  if (builds.empty()) {
    r.reasons.emplace_back("no build was measured");
    return r;
  }
  const auto count = static_cast<int64_t>(builds.size());
  r.next_exceeds = next_exceeds_max(count);
  r.next_exceeds_bound = std::min(1.0, r.next_exceeds + alpha);
  r.wilks_content = coverage_of_max(count, options.confidence);
  r.wilks = r.builds_needed > 0 && count >= r.builds_needed;

  PwcetOptions adjusted = options;
  adjusted.confidence = 1 - alpha / k;
  adjusted.hold_out_level /= k;
  adjusted.stability_level /= k;
  int64_t smallest = std::numeric_limits<int64_t>::max();
  std::vector<std::vector<double>> logs(options.p.size());  // of the bounds
  for (size_t b = 0; b < builds.size(); ++b) {
    adjusted.seed = derived_seed(options.seed, b);
    r.builds.push_back(one_build(builds[b], adjusted));
    const BuildPwcet& build = r.builds.back();
    smallest = std::min(smallest, build.joined.n);
    for (const std::string& reason : build.reasons) {
      r.reasons.push_back("build " + std::to_string(build.build) + ": " + reason);
    }
    for (size_t i = 0; i < options.p.size(); ++i) {
      const auto& bound = build.bound_ns[i];
      if (bound && *bound > 0) logs[i].push_back(std::log(*bound));
    }
  }
  r.refused = !r.reasons.empty();
  for (size_t i = 0; i < options.p.size(); ++i) {
    PopulationPoint point;
    point.p = options.p[i];
    point.extrapolation = !(point.p * 100 * static_cast<double>(smallest) >= 1 - 1e-9);
    if (!r.refused) {
      bool all = true;
      for (const BuildPwcet& build : r.builds) {
        if (!build.bound_ns[i]) {
          all = false;
        } else if (!point.seen_bound_ns || *build.bound_ns[i] > *point.seen_bound_ns) {
          point.seen_bound_ns = build.bound_ns[i];
          point.worst_build = build.build;
        }
      }
      if (!all) point.seen_bound_ns.reset(), point.worst_build = -1;
      const std::vector<double>& v = logs[i];
      if (v.size() == builds.size() && v.size() >= kBuildsForTolerance) {
        double mean = 0, square = 0;
        for (const double x : v) mean += x / k;
        for (const double x : v) square += (x - mean) * (x - mean);
        const double factor =
            normal_tolerance_factor(static_cast<int64_t>(v.size()), content, options.confidence);
        const double bound = std::exp(mean + factor * std::sqrt(square / (k - 1)));
        if (std::isfinite(bound)) point.tolerance_ns = bound;
      }
    }
    r.points.push_back(point);
  }
  return r;
}

}  // namespace assay::stats
