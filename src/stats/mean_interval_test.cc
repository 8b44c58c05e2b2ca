// SPDX-License-Identifier: Apache-2.0
#include "stats/mean_interval.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include "stats/simulated.h"

namespace assay::stats {
namespace {

// Student's sleep data (1908), the ten differences of the two drugs; R: t.test(...) gives the 95 %
// interval [0.7001142, 2.4598858] and p = 0.002833.
const std::vector<double> kSleep = {1.2, 2.4, 1.3, 1.3, 0.0, 1.0, 1.8, 0.8, 4.6, 1.4};

TEST(MeanInterval, StudentsSleepData) {
  const Interval i = mean_interval(kSleep, 0.95);
  EXPECT_NEAR(i.estimate, 1.58, 1e-12);
  EXPECT_NEAR(*i.lower, 0.7001142, 5e-7);
  EXPECT_NEAR(*i.upper, 2.4598858, 5e-7);
  EXPECT_NEAR(mean_p(kSleep), 0.002833, 5e-7);
}

TEST(MeanInterval, WhatCannotCarryBoundsHasNone) {
  EXPECT_FALSE(mean_interval(std::vector<double>{}, 0.95).lower);
  const Interval one = mean_interval(std::vector<double>{3}, 0.95);
  EXPECT_FALSE(one.lower);
  EXPECT_EQ(one.n_needed, 2);
  const Interval four = mean_interval(std::vector<double>(4, 0.1), 0.95);  // 2^-4 > 0.05
  EXPECT_FALSE(four.lower || four.upper);
  EXPECT_EQ(four.n_needed, 5);
  const Interval five = mean_interval(std::vector<double>(5, 0.1), 0.95);
  EXPECT_EQ(*five.lower, five.estimate);
  EXPECT_EQ(mean_p(std::vector<double>(5, 0.1)), 0.0625);
  EXPECT_EQ(mean_p(std::vector<double>(5, 0.0)), 1);
  const std::vector<double> infinite = {1, 2, std::numeric_limits<double>::infinity()};
  EXPECT_FALSE(mean_interval(infinite, 0.95).lower);
  EXPECT_EQ(mean_p(infinite), 1);
}

TEST(RatioOfMeans, FollowsFieller) {
  // By hand: x = (1,2,3), y = (4,5,6): means 2 and 5, variances and covariance 1, t = 4.302653.
  const std::vector<double> x = {1, 2, 3}, y = {4, 5, 6};
  const Interval r = ratio_of_means(x, y, 0.95);
  EXPECT_NEAR(r.estimate, 0.4, 1e-12);
  const double s = 4.302652729911275 * 4.302652729911275 / 3;
  const double a = 25 - s, b = 10 - s, c = 4 - s;
  EXPECT_NEAR(*r.lower, (b - std::sqrt(b * b - a * c)) / a, 1e-9);
  EXPECT_NEAR(*r.upper, (b + std::sqrt(b * b - a * c)) / a, 1e-9);
}

TEST(RatioOfMeans, NoIntervalWhenTheDenominatorMayBeZero) {
  const std::vector<double> x = {1, 2, 3}, y = {-1, 0.5, 1};
  EXPECT_FALSE(ratio_of_means(x, y, 0.95).lower);
  EXPECT_FALSE(ratio_of_means(x, std::vector<double>{1, 2}, 0.95).lower);
  const std::vector<double> twos(5, 2.0), fours(5, 4.0), few(4, 2.0);
  EXPECT_NEAR(*ratio_of_means(twos, fours, 0.95).lower, 0.5, 1e-9);
  EXPECT_FALSE(ratio_of_means(few, few, 0.95).lower);
}

TEST(MeanInterval, CoversAsOftenAsItSays) {
  std::mt19937_64 engine(7);
  std::normal_distribution<double> noise(0, 1);
  const int audits = 4000;
  int missed_mean = 0, missed_ratio = 0;
  for (int i = 0; i < audits; ++i) {
    std::vector<double> x, y;
    for (int k = 0; k < 8; ++k) {
      const double shared = noise(engine);
      x.push_back(3 + shared + noise(engine));
      y.push_back(10 + shared + noise(engine));
    }
    const Interval mean = mean_interval(x, 0.95), ratio = ratio_of_means(x, y, 0.95);
    missed_mean += !(*mean.lower <= 3 && 3 <= *mean.upper);
    missed_ratio += !(*ratio.lower <= 0.3 && 0.3 <= *ratio.upper);
  }
  EXPECT_LE(missed_mean / static_cast<double>(audits), most_errors(0.05, audits));
  EXPECT_LE(missed_ratio / static_cast<double>(audits), most_errors(0.05, audits));
  // Not by being far too wide.
  EXPECT_GE(missed_mean / static_cast<double>(audits), 0.03);
  EXPECT_GE(missed_ratio / static_cast<double>(audits), 0.03);
}

}  // namespace
}  // namespace assay::stats
