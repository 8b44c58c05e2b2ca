// SPDX-License-Identifier: Apache-2.0
// Bootstrap of series: circular blocks of time, and levels above them.
#include <algorithm>
#include <cmath>

#include "stats/bootstrap_internal.h"
#include "stats/dependence.h"
#include "stats/random.h"

namespace assay::stats {
namespace {

constexpr size_t kFewestUnits = 5, kFewestBlocks = 4;
// Block-bootstrap medians kept of each launch, from which the levels above draw: two hundred values
// stand for the law within a launch, whose part of the variance is small against launches.
constexpr size_t kPool = 200;

int64_t median_in_place(std::vector<int64_t>& v) {
  const auto middle = v.begin() + static_cast<std::ptrdiff_t>((v.size() + 1) / 2 - 1);
  std::nth_element(v.begin(), middle, v.end());
  return *middle;
}

double median_in_place(std::vector<double>& v) {
  const auto middle = v.begin() + static_cast<std::ptrdiff_t>((v.size() + 1) / 2 - 1);
  std::nth_element(v.begin(), middle, v.end());
  return *middle;
}

int64_t median(std::span<const int64_t> v) {
  std::vector<int64_t> copy(v.begin(), v.end());
  return median_in_place(copy);
}

// Median of one circular block resample; `scratch` is overwritten.
int64_t resampled_median(std::span<const int64_t> x, size_t block, Random& random,
                         std::vector<int64_t>& scratch) {
  scratch.resize(x.size());
  for (size_t filled = 0; filled < x.size();) {
    size_t from = below(random, x.size());
    for (size_t i = 0; i < block && filled < x.size(); ++i) {
      scratch[filled++] = x[from];
      if (++from == x.size()) from = 0;
    }
  }
  return median_in_place(scratch);
}

void percentiles(BootstrapInterval& out, std::vector<double>& replicates) {
  std::sort(replicates.begin(), replicates.end());
  const double tail = (1 - out.confidence) / 2;
  out.lower = percentile(replicates, tail);
  out.upper = percentile(replicates, 1 - tail);
}

// A block length asked for, or the default; 0 when the series is too short for four of them.
size_t block_for(std::span<const int64_t> x, int64_t wanted) {
  const int64_t block = wanted > 0 ? wanted : default_block(x);
  const auto n = static_cast<int64_t>(x.size());
  return block < 1 || block > n / static_cast<int64_t>(kFewestBlocks) ? 0
                                                                      : static_cast<size_t>(block);
}

// Medians of block resamples of each launch; a launch that is too short for blocks of the default
// length gets shorter ones.
struct LaunchPool {
  double median = 0;
  std::vector<double> medians;
};
using BuildPool = std::vector<LaunchPool>;

struct Levels {
  std::vector<BuildPool> builds;
  size_t longest_block = 1;
  bool positive = true;
};

Levels pools(std::span<const BuildLaunches> builds, Random& random) {
  Levels out;
  std::vector<int64_t> scratch;
  for (const BuildLaunches& build : builds) {
    BuildPool pool;
    for (const LaunchSamples& samples : build) {
      if (samples.empty()) continue;
      const auto quarter =
          std::max<int64_t>(1, static_cast<int64_t>(samples.size() / kFewestBlocks));
      const auto block = static_cast<size_t>(std::min(default_block(samples), quarter));
      LaunchPool launch;
      launch.median = static_cast<double>(median(samples));
      for (size_t i = 0; i < kPool; ++i)
        launch.medians.push_back(
            static_cast<double>(resampled_median(samples, block, random, scratch)));
      out.positive =
          out.positive && *std::min_element(launch.medians.begin(), launch.medians.end()) > 0;
      out.longest_block = std::max(out.longest_block, block);
      pool.push_back(std::move(launch));
    }
    if (!pool.empty()) out.builds.push_back(std::move(pool));
  }
  return out;
}

bool enough(const Levels& l) {
  return l.builds.size() == 1 ? l.builds[0].size() >= kFewestUnits
                              : l.builds.size() >= kFewestUnits;
}

double plain_statistic(const Levels& l) {
  std::vector<double> of_builds;
  for (const BuildPool& build : l.builds) {
    std::vector<double> of_launches;
    for (const LaunchPool& launch : build) of_launches.push_back(launch.median);
    of_builds.push_back(median_in_place(of_launches));
  }
  return median_in_place(of_builds);
}

double resampled_statistic(const Levels& l, Random& random) {
  std::vector<double> of_builds, of_launches;
  for (size_t i = 0; i < l.builds.size(); ++i) {
    const BuildPool& build = l.builds[below(random, l.builds.size())];
    of_launches.clear();
    for (size_t j = 0; j < build.size(); ++j) {
      const LaunchPool& launch = build[below(random, build.size())];
      of_launches.push_back(launch.medians[below(random, launch.medians.size())]);
    }
    of_builds.push_back(median_in_place(of_launches));
  }
  return median_in_place(of_builds);
}

std::string method_of(bool several_builds) {
  return several_builds ? "builds, launches, blocks, percentile"
                        : "launches of one build, blocks, percentile";
}

}  // namespace

int64_t default_block(std::span<const int64_t> run_order) {
  if (run_order.empty()) return 0;
  const auto n = static_cast<double>(run_order.size());
  const double tau = exceedance_tau(run_order, median(run_order));
  return static_cast<int64_t>(std::min(n, std::ceil(std::max({10.0, 2 * tau, std::cbrt(n)}))));
}

std::optional<BootstrapInterval> block_bootstrap_median(std::span<const int64_t> run_order,
                                                        int64_t block,
                                                        const BootstrapOptions& options) {
  const size_t length = block_for(run_order, block);
  if (length == 0 || !usable(options)) return std::nullopt;
  BootstrapInterval out = started(options, "circular block, percentile");
  out.block = static_cast<int64_t>(length);
  out.estimate = static_cast<double>(median(run_order));
  Random random(options.seed);
  std::vector<double> replicates(static_cast<size_t>(options.replicates));
  std::vector<int64_t> scratch;
  for (double& r : replicates)
    r = static_cast<double>(resampled_median(run_order, length, random, scratch));
  percentiles(out, replicates);
  return out;
}

std::optional<BootstrapInterval> block_bootstrap_ratio_of_medians(std::span<const int64_t> a,
                                                                  std::span<const int64_t> b,
                                                                  int64_t block,
                                                                  const BootstrapOptions& options) {
  const size_t of_a = block_for(a, block), of_b = block_for(b, block);
  if (of_a == 0 || of_b == 0 || !usable(options)) return std::nullopt;
  if (*std::min_element(a.begin(), a.end()) < 1 || *std::min_element(b.begin(), b.end()) < 1)
    return std::nullopt;
  BootstrapInterval out = started(options, "circular block, percentile");
  out.block = static_cast<int64_t>(std::max(of_a, of_b));
  out.estimate = static_cast<double>(median(b)) / static_cast<double>(median(a));
  Random random(options.seed);
  std::vector<double> replicates(static_cast<size_t>(options.replicates));
  std::vector<int64_t> scratch;
  for (double& r : replicates) {
    const auto below_line = static_cast<double>(resampled_median(a, of_a, random, scratch));
    r = static_cast<double>(resampled_median(b, of_b, random, scratch)) / below_line;
  }
  percentiles(out, replicates);
  return out;
}

std::optional<BootstrapInterval> hierarchical_bootstrap_median(
    std::span<const BuildLaunches> builds, const BootstrapOptions& options) {
  if (!usable(options)) return std::nullopt;
  Random random(options.seed);
  const Levels levels = pools(builds, random);
  if (!enough(levels)) return std::nullopt;
  BootstrapInterval out = started(options, method_of(levels.builds.size() > 1));
  out.block = static_cast<int64_t>(levels.longest_block);
  out.estimate = plain_statistic(levels);
  std::vector<double> replicates(static_cast<size_t>(options.replicates));
  for (double& r : replicates) r = resampled_statistic(levels, random);
  percentiles(out, replicates);
  return out;
}

std::optional<BootstrapInterval> hierarchical_bootstrap_ratio_of_medians(
    std::span<const BuildLaunches> a, std::span<const BuildLaunches> b,
    const BootstrapOptions& options) {
  if (!usable(options)) return std::nullopt;
  Random random(options.seed);
  const Levels la = pools(a, random), lb = pools(b, random);
  if (!enough(la) || !enough(lb) || !la.positive || !lb.positive) return std::nullopt;
  BootstrapInterval out = started(options, method_of(la.builds.size() > 1 && lb.builds.size() > 1));
  out.block = static_cast<int64_t>(std::max(la.longest_block, lb.longest_block));
  out.estimate = plain_statistic(lb) / plain_statistic(la);
  std::vector<double> replicates(static_cast<size_t>(options.replicates));
  for (double& r : replicates) {
    const double below_line = resampled_statistic(la, random);
    r = resampled_statistic(lb, random) / below_line;
  }
  percentiles(out, replicates);
  return out;
}

}  // namespace assay::stats
