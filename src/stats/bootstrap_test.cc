// SPDX-License-Identifier: Apache-2.0
#include "stats/bootstrap.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>

#include "stats/intervals.h"
#include "stats/random.h"
#include "stats/simulated.h"

namespace assay::stats {
namespace {

TEST(RandomTest, IsTheStandardEngineOnEveryPlatform) {
  Random random;
  for (int i = 0; i < 9999; ++i) random();
  EXPECT_EQ(random(), 9981545732273789042ull);  // [rand.predef]
  Random other(1);
  for (int i = 0; i < 1000; ++i) {
    const double u = uniform(other);
    EXPECT_GT(u, 0);
    EXPECT_LT(u, 1);
    EXPECT_LT(below(other, 3), 3u);
    EXPECT_EQ(below(other, 1), 0u);
  }
}

// The replicates come from the law of an order statistic; here the resamples are really drawn.
TEST(BootstrapMedian, AgreesWithResamplingByHand) {
  const auto x = simulated_lognormal(21, .2, 3);
  const auto got = bootstrap_median(x, {.confidence = .9, .replicates = 40000, .seed = 5});
  ASSERT_TRUE(got);
  std::vector<double> sorted = x;
  std::sort(sorted.begin(), sorted.end());
  EXPECT_EQ(got->estimate, sorted[10]);
  std::mt19937_64 engine(6);
  std::vector<double> medians;
  for (int i = 0; i < 40000; ++i) {
    std::vector<double> resample(x.size());
    for (auto& v : resample) v = x[engine() % x.size()];
    std::nth_element(resample.begin(), resample.begin() + 10, resample.end());
    medians.push_back(resample[10]);
  }
  std::sort(medians.begin(), medians.end());
  // n odd: neither bias nor acceleration to speak of, so BCa is near the plain percentiles.
  const auto rank = [&](double v) {
    return double(std::lower_bound(sorted.begin(), sorted.end(), v) - sorted.begin());
  };
  EXPECT_NEAR(rank(got->lower), rank(medians[2000]), 1);
  EXPECT_NEAR(rank(got->upper), rank(medians[38000]), 1);
}

TEST(BootstrapMedian, SeedsDecide) {
  const auto x = simulated_lognormal(30, .2, 1), y = simulated_lognormal(25, .2, 2);
  const auto a = bootstrap_ratio_of_medians(x, y), b = bootstrap_ratio_of_medians(x, y);
  EXPECT_EQ(a->lower, b->lower);
  EXPECT_EQ(a->upper, b->upper);
  EXPECT_EQ(a->method, "BCa");
  EXPECT_EQ(a->replicates, 2000);
  EXPECT_EQ(a->seed, 1u);
  EXPECT_LT(a->lower, a->estimate);
  EXPECT_GT(a->upper, a->estimate);
}

TEST(BootstrapMedian, ScalingOrderAndConfidence) {
  EXPECT_TRUE(rc::check([](uint64_t seed) {
    std::mt19937_64 engine(seed);
    auto x = simulated_lognormal(2 + engine() % 60, .3, seed),
         y = simulated_lognormal(2 + engine() % 60, .3, seed + 1);
    const BootstrapOptions few{.replicates = 400}, wide{.confidence = .99, .replicates = 400};
    const auto before = bootstrap_ratio_of_medians(x, y, few);
    const auto wider = bootstrap_ratio_of_medians(x, y, wide);
    std::shuffle(x.begin(), x.end(), engine);
    for (auto& v : y) v *= 4;
    const auto after = bootstrap_ratio_of_medians(x, y, few);
    RC_ASSERT(before && wider && after);
    for (const auto& [p, q] : {std::pair{before->lower, after->lower},
                               {before->upper, after->upper},
                               {before->estimate, after->estimate}})
      RC_ASSERT(std::abs(4 * p / q - 1) < 1e-9);
    RC_ASSERT(wider->lower <= before->lower);
    RC_ASSERT(wider->upper >= before->upper);
  }));
}

TEST(BlockBootstrap, DefaultBlock) {
  std::mt19937_64 engine(4);
  const auto slow = simulated_series(20000, .95, .05, 1e6, engine);
  EXPECT_GT(default_block(slow), 28);  // more than n^(1/3)
  EXPECT_EQ(default_block(simulated_series(500, 0, .05, 1e6, engine)), 10);
  EXPECT_EQ(default_block(std::vector<int64_t>{1, 2, 3}), 3);
  EXPECT_EQ(default_block({}), 0);
}

TEST(Bootstrap, RefusesWhatItCannotUse) {
  const std::vector<double> good = {1, 2, 3}, one = {1}, bad = {1, NAN}, zero = {0, 1, 2};
  EXPECT_FALSE(bootstrap_median({}));
  EXPECT_FALSE(bootstrap_median(one));
  EXPECT_FALSE(bootstrap_median(bad));
  EXPECT_TRUE(bootstrap_median(zero));
  EXPECT_FALSE(bootstrap_ratio_of_medians(zero, good));
  EXPECT_FALSE(bootstrap_ratio_of_medians(good, bad));
  for (const BootstrapOptions& o :
       {BootstrapOptions{.confidence = NAN}, BootstrapOptions{.confidence = 1},
        BootstrapOptions{.replicates = 10}, BootstrapOptions{.replicates = -1}})
    EXPECT_FALSE(bootstrap_median(good, o));
  const auto constant = bootstrap_median(std::vector<double>(9, 4.0));
  EXPECT_EQ(constant->lower, 4);
  EXPECT_EQ(constant->upper, 4);
  EXPECT_FALSE(block_bootstrap_median({}));
  EXPECT_FALSE(block_bootstrap_median(std::vector<int64_t>(39, 1)));
  EXPECT_TRUE(block_bootstrap_median(std::vector<int64_t>(40, 1)));
  EXPECT_FALSE(block_bootstrap_median(std::vector<int64_t>(40, 1), 11));
  EXPECT_FALSE(
      block_bootstrap_ratio_of_medians(std::vector<int64_t>(40, 0), std::vector<int64_t>(40, 1)));
  EXPECT_TRUE(
      block_bootstrap_median(std::vector<int64_t>(50, std::numeric_limits<int64_t>::min())));
  const std::vector<BuildLaunches> empty, hollow(7, BuildLaunches(3)),
      four(4, BuildLaunches(3, LaunchSamples(5, 7))),
      five(5, BuildLaunches(1, LaunchSamples(1, 7)));
  EXPECT_FALSE(hierarchical_bootstrap_median(empty));
  EXPECT_FALSE(hierarchical_bootstrap_median(hollow));
  EXPECT_FALSE(hierarchical_bootstrap_median(four));
  EXPECT_EQ(hierarchical_bootstrap_median(five)->upper, 7);
  EXPECT_FALSE(hierarchical_bootstrap_ratio_of_medians(five, four));
}

}  // namespace
}  // namespace assay::stats
