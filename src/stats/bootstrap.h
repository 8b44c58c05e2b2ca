// SPDX-License-Identifier: Apache-2.0
// Bootstrap intervals for medians and ratios of medians. Nothing here takes a quantile level: the
// bootstrap is inconsistent for extreme quantiles and the maximum (statistics.md section 4); their
// bounds are order statistics (quantiles.h). Medians are observed values, x_(ceil(n/2)), as in
// quantile_point(). Pure functions; the seed is a parameter.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace assay::stats {

struct BootstrapInterval {
  double estimate = 0, lower = 0, upper = 0, confidence = 0.95;
  int64_t replicates = 0;
  uint64_t seed = 0;
  int64_t block = 1;  // samples resampled together (the larger of the two series)
  std::string
      method;  // "BCa", "circular block, percentile", "builds, launches, blocks, percentile"
};

struct BootstrapOptions {
  double confidence = 0.95;  // two-sided
  int64_t replicates = 2000;
  uint64_t seed = 1;
};

// All below: empty when a series is shorter than the function can use (2 values; 4 blocks; 5 units
// at the level resampled first), holds a value that is not finite, for a ratio not positive, or
// when confidence is not in (0,1) or replicates < 100.

// Median of independent values (one a launch, say), bias-corrected and accelerated (Efron 1987).
std::optional<BootstrapInterval> bootstrap_median(std::span<const double> values,
                                                  const BootstrapOptions& options = {});
// median(b) / median(a) of two independent samples, BCa; jackknife over both.
std::optional<BootstrapInterval> bootstrap_ratio_of_medians(std::span<const double> a,
                                                            std::span<const double> b,
                                                            const BootstrapOptions& options = {});

// max(10, 2 tau, n^(1/3)) rounded up, tau of the indicator above the median; at most n.
int64_t default_block(std::span<const int64_t> run_order);
// Median of one series in run order (ns), circular blocks (Politis & Romano 1992), percentile
// interval. block 0: default_block().
std::optional<BootstrapInterval> block_bootstrap_median(std::span<const int64_t> run_order,
                                                        int64_t block = 0,
                                                        const BootstrapOptions& options = {});
std::optional<BootstrapInterval> block_bootstrap_ratio_of_medians(
    std::span<const int64_t> a, std::span<const int64_t> b, int64_t block = 0,
    const BootstrapOptions& options = {});

// A build is its launches; a launch is its samples in run order (ns). The level resampled first is
// the highest that varies: builds, or launches when there is one build (then the interval is about
// that build alone, and `method` says so); launches within builds next; blocks of time in each
// launch last. Statistic: median over builds of the median over launches of the launch median,
// which weighs launches, not samples. Resampling single inferences would give intervals far too
// short (statistics.md sections 2 and 14). Empty with fewer than 5 units at the level resampled
// first.
using LaunchSamples = std::vector<int64_t>;
using BuildLaunches = std::vector<LaunchSamples>;
std::optional<BootstrapInterval> hierarchical_bootstrap_median(
    std::span<const BuildLaunches> builds, const BootstrapOptions& options = {});
std::optional<BootstrapInterval> hierarchical_bootstrap_ratio_of_medians(
    std::span<const BuildLaunches> a, std::span<const BuildLaunches> b,
    const BootstrapOptions& options = {});

}  // namespace assay::stats
