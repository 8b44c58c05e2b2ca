// SPDX-License-Identifier: Apache-2.0
// pWCET over a population of builds. Builds are never pooled into one sample: each has a law of its
// own, and the statement over builds is about the largest of them (taking the smallest, as one
// published tool does over its inputs, is unsafe). Source: statistics.md, sections 1, 6, 7.2, 13.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "stats/pwcet.h"

namespace assay::stats {

struct BuildSeries {
  int64_t build = 0;
  std::vector<std::span<const int64_t>> launches;  // each in run order, ns, after warm-up
  Trust trust = Trust::trusted;                    // of the build's series
};

// One build. Launches with one exceedance rate (chi-square over launches at 1 %) are joined, in
// order, into the series of the build. Launches that differ are bounded one by one (confidence
// split over them) and the largest bound is taken; a launch that cannot carry a bound refuses.
struct BuildPwcet {
  int64_t build = 0;
  int64_t launches = 0;
  double launch_p = 1;  // chi-square of exceedances over launches; 1 for one launch
  bool launches_alike = true;
  double confidence = 0;  // of each bound of this build: 1 - alpha / builds
  Pwcet joined;           // of the joined series (evidence; its bound counts if alike)
  bool refused = true;
  std::vector<std::string> reasons;
  std::vector<std::optional<double>> bound_ns;  // per options.p
};

// One exceedance probability over builds.
struct PopulationPoint {
  double p = 0;
  // Builds seen: with `confidence`, no build's true quantile exceeds this. Maximum over builds of
  // bounds at 1 - alpha / builds (Bonferroni). Absent when any build refused.
  std::optional<double> seen_bound_ns;
  int64_t worst_build = -1;
  // Next build, random-effect: with `confidence`, at least `content` of the builds have a quantile
  // below this. exp(mean + K s) of the logs of the per-build bounds, K the normal
  // one-sided tolerance factor (non-central t). Assumes builds exchangeable and the logs normal;
  // the error of each bound adds to s, which makes it conservative. Needs `builds` >= 5.
  std::optional<double> tolerance_ns;
  bool extrapolation = false;  // p < 1 / (100 n) for the smallest n of a build
};

struct PopulationPwcet {
  bool refused = true;  // no build-seen bound
  std::vector<std::string> reasons;
  std::vector<BuildPwcet> builds;
  std::vector<PopulationPoint> points;  // in the order of options.p
  double confidence = 0.95, content = 0.95;
  // Distribution-free, builds exchangeable: P(quantile of the next build > largest of those seen) =
  // 1 / (k + 1). The bound seen_bound_ns adds its own alpha: P(next > seen_bound) <= that + alpha.
  double next_exceeds = 1;
  double next_exceeds_bound = 1;
  // Wilks: with `confidence`, at least this share of builds lies below the largest of k:
  // alpha^(1/k).
  double wilks_content = 0;
  int64_t builds_needed = 0;  // for wilks_content >= content: 59 for 95/95
  bool wilks = false;         // builds >= builds_needed
};

// Options apply to every build; confidence is split over builds, and so are the levels of hold-out
// and stability, else ten good builds would be refused as often as not. No build: refused.
PopulationPwcet pwcet_over_builds(std::span<const BuildSeries> builds,
                                  const PwcetOptions& options = {}, double content = 0.95);

// One-sided normal tolerance factor K: P(mean + K s >= z_content quantile) = confidence for n
// values (n >= 2). n = 10, 95/95: 2.911.
double normal_tolerance_factor(int64_t n, double content, double confidence);

}  // namespace assay::stats
