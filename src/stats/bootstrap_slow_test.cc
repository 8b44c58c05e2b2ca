// SPDX-License-Identifier: Apache-2.0
// Coverage of the bootstrap intervals over simulated audits; figures as test properties.
#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "stats/simulated.h"

#include "stats/bootstrap.h"

namespace assay::stats {
namespace {

TEST(BootstrapSlow, MediansOfIndependentValues) {
  constexpr int kAudits = 1000;
  int median = 0, ratio = 0;
  for (int i = 0; i < kAudits; ++i) {
    const auto x = simulated_lognormal(25, .1, 100 + i), y = simulated_lognormal(31, .1, 90000 + i);
    const BootstrapOptions options{.replicates = 500, .seed = static_cast<uint64_t>(i)};
    const auto m = bootstrap_median(x, options);
    const auto r = bootstrap_ratio_of_medians(x, y, options);
    median += m->lower <= 1e6 && 1e6 <= m->upper;
    ratio += r->lower <= 1 && 1 <= r->upper;
  }
  RecordProperty("median_coverage", std::to_string(median / double(kAudits)));
  RecordProperty("ratio_coverage", std::to_string(ratio / double(kAudits)));
  EXPECT_GE(median, kAudits * .92);
  EXPECT_GE(ratio, kAudits * .92);
  EXPECT_LE(ratio, kAudits * .99);
}

TEST(BootstrapSlow, BlocksCoverWhereSingleSamplesDoNot) {
  constexpr int kAudits = 250;
  std::mt19937_64 engine(11);
  int blocks = 0, single = 0, ratio = 0;
  for (int i = 0; i < kAudits; ++i) {
    const auto x = simulated_series(2000, .9, .05, 1e6, engine),
               y = simulated_series(2000, .9, .05, 1e6, engine);
    const BootstrapOptions options{.replicates = 200, .seed = static_cast<uint64_t>(i)};
    const auto b = block_bootstrap_median(x, 0, options);
    const auto s = block_bootstrap_median(x, 1, options);
    const auto r = block_bootstrap_ratio_of_medians(x, y, 0, options);
    blocks += b->lower <= 1e6 && 1e6 <= b->upper;
    single += s->lower <= 1e6 && 1e6 <= s->upper;
    ratio += r->lower <= 1 && 1 <= r->upper;
  }
  RecordProperty("blocks", std::to_string(blocks / double(kAudits)));
  RecordProperty("single", std::to_string(single / double(kAudits)));
  RecordProperty("ratio", std::to_string(ratio / double(kAudits)));
  EXPECT_GE(blocks, kAudits * .87);
  EXPECT_GE(ratio, kAudits * .87);
  EXPECT_LE(single, kAudits * .6);  // why blocks are needed
}

std::vector<BuildLaunches> engine_of(size_t builds, size_t launches, double of_build,
                                     double of_launch, std::mt19937_64& engine) {
  std::normal_distribution<double> noise(0, 1);
  std::vector<BuildLaunches> out(builds);
  for (auto& build : out) {
    const double shift = of_build * noise(engine);
    for (size_t l = 0; l < launches; ++l)
      build.push_back(
          simulated_series(60, 0, .02, 1e6 * std::exp(shift + of_launch * noise(engine)), engine));
  }
  return out;
}

TEST(BootstrapSlow, LevelsCoverWhatVariesBetweenLaunchesAndBuilds) {
  constexpr int kAudits = 150;
  std::mt19937_64 engine(12);
  int launches = 0, builds = 0, ratio = 0;
  for (int i = 0; i < kAudits; ++i) {
    const BootstrapOptions options{.replicates = 300, .seed = static_cast<uint64_t>(i)};
    const auto one = engine_of(1, 21, 0, .02, engine), other = engine_of(1, 21, 0, .02, engine);
    const auto l = hierarchical_bootstrap_median(one, options);
    const auto r = hierarchical_bootstrap_ratio_of_medians(one, other, options);
    const auto b = hierarchical_bootstrap_median(engine_of(11, 3, .03, .01, engine), options);
    launches += l->lower <= 1e6 && 1e6 <= l->upper;
    ratio += r->lower <= 1 && 1 <= r->upper;
    builds += b->lower <= 1e6 && 1e6 <= b->upper;
    EXPECT_EQ(l->method, "launches of one build, blocks, percentile");
    EXPECT_EQ(b->method, "builds, launches, blocks, percentile");
  }
  RecordProperty("launches", std::to_string(launches / double(kAudits)));
  RecordProperty("builds", std::to_string(builds / double(kAudits)));
  RecordProperty("ratio", std::to_string(ratio / double(kAudits)));
  EXPECT_GE(launches, kAudits * .88);
  EXPECT_GE(ratio, kAudits * .88);
  EXPECT_GE(builds, kAudits * .88);
}

}  // namespace
}  // namespace assay::stats
