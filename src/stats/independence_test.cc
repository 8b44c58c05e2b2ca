// SPDX-License-Identifier: Apache-2.0
#include "stats/independence.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "stats/test_series.h"

namespace assay::stats {
namespace {

TEST(Autocorrelation, ByDefinition) {
  std::mt19937_64 rng(3);
  const auto v = clean(Law::lognormal, 9001, rng);  // more than two blocks of the kernel
  const auto n = v.size();
  const double mean = std::accumulate(v.begin(), v.end(), 0.0) / static_cast<double>(n);
  const auto product = [&](size_t k) {
    double sum = 0;
    for (size_t i = 0; i + k < n; ++i)
      sum += (static_cast<double>(v[i]) - mean) * (static_cast<double>(v[i + k]) - mean);
    return sum;
  };
  const auto r = autocorrelation(v, 30);
  ASSERT_EQ(r.size(), 30u);
  for (const size_t k : {1, 2, 17, 30}) EXPECT_NEAR(r[k - 1], product(k) / product(0), 1e-9);
}

TEST(Autocorrelation, TauOfAnAutoregression) {
  std::mt19937_64 rng(4);
  std::normal_distribution<double> normal;
  std::vector<float> x(200000);
  double level = 0;
  for (float& v : x) v = static_cast<float>(level = 0.8 * level + normal(rng));
  EXPECT_NEAR(integrated_autocorrelation(x, 400), 9, 0.9);  // (1 + .8)/(1 - .8)
  // A step of the mean is not dependence once the slices' means are taken away.
  std::vector<float> step(20000);
  for (size_t i = 0; i < step.size(); ++i)
    step[i] = static_cast<float>(normal(rng)) + (i < 10000 ? 0.0f : 1.0f);
  EXPECT_GT(integrated_autocorrelation(step, 400), 20);
  EXPECT_LT(integrated_autocorrelation(step, 400, 10), 1.5);
}

TEST(Fisher, LawForSmallSeries) {
  // m = 2: P(g > x) = 2(1-x) for x >= 1/2; m = 3, x >= 1/2: 3(1-x)^2.
  EXPECT_NEAR(fisher_g_tail(0.7, 2), 0.6, 1e-12);
  EXPECT_NEAR(fisher_g_tail(0.7, 3), 0.27, 1e-12);
  EXPECT_NEAR(fisher_g_tail(0.4, 3), 3 * 0.36 - 3 * 0.04, 1e-12);
  EXPECT_EQ(fisher_g_tail(1.0 / 3 - 1e-12, 3), 1);
  // Fisher 1929: the 5 % point for m = 50 is .13135.
  EXPECT_NEAR(fisher_g_tail(0.13135, 50), 0.05, 2e-4);
  EXPECT_EQ(fisher_g_tail(0, 50), 1);
  EXPECT_EQ(fisher_g_tail(1, 50), 0);
}

TEST(Fisher, FindsThePeriodAcrossSegments) {
  std::mt19937_64 rng(5);
  std::normal_distribution<double> normal;
  std::vector<float> x(200001);
  for (size_t i = 0; i < x.size(); ++i)
    x[i] = static_cast<float>(normal(rng) +
                              std::sin(6.283185307179586 * static_cast<double>(i) / 47.3));
  const Periodic p = fisher_g(x);
  EXPECT_LT(p.test.p, 1e-12);
  EXPECT_LT(p.line_p, 1e-6);
  EXPECT_NEAR(p.period, 47.3, 0.05);
  // The hump of an autoregression is no line.
  double level = 0;
  for (float& v : x) v = static_cast<float>(level = 0.9 * level + normal(rng));
  EXPECT_LT(fisher_g(x).test.p, 0.01);
  EXPECT_GT(fisher_g(x).line_p, 0.01);
}

TEST(Fisher, SharpBeatGivesItsFundamental) {
  std::mt19937_64 rng(6);
  std::normal_distribution<double> normal;
  std::vector<float> x(8000);
  for (size_t i = 0; i < x.size(); ++i)
    x[i] = static_cast<float>(normal(rng) + (i % 30 == 7 ? 8.0 : 0.0));
  EXPECT_EQ(beat_of(x, 30.0 / 7).period, 30);
  EXPECT_EQ(beat_of(x, 30).period, 30);
  EXPECT_GT(beat_of_above(x, 5, 10).r, 0.9);
}

TEST(IndependenceProperty, OrderStatisticsOfTestsDependOnRanksAlone) {
  EXPECT_TRUE(rc::check("monotone transform", [] {
    std::mt19937_64 rng(*rc::gen::arbitrary<uint64_t>());
    auto v = clean(kLaws[rng() % 5], 400, rng);
    for (int64_t& x : v) x = std::clamp<int64_t>(x, 0, 1000000000);
    auto w = v;
    for (int64_t& x : w) x = x * x;
    RC_ASSERT(ljung_box_ranks(v, 20).statistic == ljung_box_ranks(w, 20).statistic);
    RC_ASSERT(runs_about_median(v).statistic == runs_about_median(w).statistic);
    auto back = v;
    std::reverse(back.begin(), back.end());
    RC_ASSERT(std::abs(ljung_box_ranks(v, 20).statistic - ljung_box_ranks(back, 20).statistic) <
              1e-6);
  }));
}

TEST(Independence, NothingToTest) {
  EXPECT_FALSE(ljung_box_values({}, 5).computed);
  EXPECT_FALSE(ljung_box_ranks(std::vector<int64_t>(100, 7), 5).computed);
  EXPECT_FALSE(runs_about_median(std::vector<int64_t>(100, 7)).computed);
  EXPECT_FALSE(runs_about_median(std::vector<int64_t>{}).computed);
  EXPECT_FALSE(fisher_g(std::vector<float>(1000, 1.0f)).test.computed);
  EXPECT_FALSE(fisher_g(std::vector<float>{}).test.computed);
  EXPECT_FALSE(bds(std::vector<double>{1, 2, NAN, 4, 5, 6}, 2, 1).computed);
  EXPECT_TRUE(autocorrelation(std::vector<int64_t>{INT64_MIN, INT64_MAX, 0}, 5).empty());
  EXPECT_EQ(integrated_autocorrelation(std::vector<float>{}, 10), 1);
}

}  // namespace
}  // namespace assay::stats
