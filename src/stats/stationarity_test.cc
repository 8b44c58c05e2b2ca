// SPDX-License-Identifier: Apache-2.0
#include "stats/stationarity.h"
#include "stats/special.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "stats/independence.h"
#include "stats/test_series.h"

namespace assay::stats {
namespace {

constexpr double kRelative = 1e-4;
void expect_near(double got, double want) { EXPECT_NEAR(got, want, std::abs(want) * kRelative); }

TEST(Stationarity, NileOracles) {
  const auto ranks = mid_ranks(kNile);
  expect_near(kpss_level(kNile).statistic, 0.965435);
  expect_near(kpss_level(kNile, 12).statistic, 0.549720);
  EXPECT_LT(kpss_level(kNile).p, 0.01);
  EXPECT_NEAR(kpss_level(kNile, 12).p, 0.03, 0.005);  // between 5 % and 2.5 %
  const TestValue p = pettitt(ranks);
  EXPECT_EQ(p.statistic, 1617);
  EXPECT_EQ(p.at, 28);
  EXPECT_NEAR(p.p, 3.59e-7, 0.005e-7);
  const TestValue f = sup_f(kNile);
  expect_near(f.statistic, 75.9298);
  EXPECT_EQ(f.at, 28);
  expect_near(ols_cusum(kNile).statistic, 2.95177);
  expect_near(ks_split(ranks, 28).statistic, 0.706349);
  expect_near(mann_kendall(kNile).statistic, -0.280741);
  EXPECT_EQ(level_shape(ranks).step_at, 28);
}

TEST(Stationarity, LhOracle) { expect_near(kpss_level(kLh).statistic, 0.293816); }

TEST(Stationarity, KpssLawHasTheKnownQuantiles) {
  // Anderson and Darling 1952, table 1.
  EXPECT_NEAR(brownian_bridge_square_tail(0.34730), 0.10, 1e-5);
  EXPECT_NEAR(brownian_bridge_square_tail(0.46136), 0.05, 1e-5);
  EXPECT_NEAR(brownian_bridge_square_tail(0.74346), 0.01, 1e-5);
  EXPECT_NEAR(brownian_bridge_square_tail(1.16786), 0.001, 2e-6);
  // The two formulas meet.
  EXPECT_NEAR(brownian_bridge_square_tail(1.4999999) / brownian_bridge_square_tail(1.5000001), 1,
              1e-3);
}

TEST(Stationarity, KolmogorovTail) {
  EXPECT_NEAR(kolmogorov_tail(1.3581), 0.05, 1e-4);
  EXPECT_NEAR(kolmogorov_tail(1.6276), 0.01, 1e-4);
  EXPECT_NEAR(kolmogorov_tail(1.1799999) / kolmogorov_tail(1.1800001), 1, 1e-5);
}

// Mid-ranks by definition.
std::vector<float> slow_ranks(const std::vector<int64_t>& v) {
  std::vector<float> out;
  for (const int64_t x : v) {
    double below = 0, equal = 0;
    for (const int64_t y : v) {
      below += y < x;
      equal += y == x;
    }
    out.push_back(static_cast<float>(below + (equal + 1) / 2));
  }
  return out;
}

TEST(Stationarity, RanksByTwoRoutes) {
  std::mt19937_64 rng(1);
  for (const Law law : kLaws) {
    auto v = clean(law, 600, rng);
    v[3] = INT64_MAX;
    v[4] = INT64_MIN;
    const auto ranks = mid_ranks(v);
    EXPECT_EQ(ranks, slow_ranks(v)) << name_of(law);
    const std::vector<int64_t> part(v.begin() + 100, v.end());
    EXPECT_EQ(rerank(std::span<const float>(ranks).subspan(100)), slow_ranks(part));
    auto sorted = v;
    std::sort(sorted.begin(), sorted.end());
    for (const int64_t at : {1, 17, 300, 570, 600}) {
      const float r = rank_at(ranks, at);
      const auto above = std::count_if(ranks.begin(), ranks.end(), [&](float x) { return x > r; });
      EXPECT_EQ(above, std::count_if(v.begin(), v.end(), [&](int64_t x) {
                  return x > sorted[static_cast<size_t>(at - 1)];
                }));
    }
  }
}

TEST(Stationarity, MserFindsTheWarmUp) {
  std::mt19937_64 rng(2);
  auto v = clean(Law::normal, 2000, rng);
  EXPECT_LT(mser5(mid_ranks(v)).cut, 400);
  for (int i = 0; i < 300; ++i) v[i] += 200000 * (300 - i) / 300;
  const WarmUp w = mser5(mid_ranks(v));
  EXPECT_TRUE(w.steady);
  EXPECT_GT(w.cut, 230);
  EXPECT_LT(w.cut, 450);
  for (int i = 0; i < 1500; ++i) v[i] += 200000;
  EXPECT_FALSE(mser5(mid_ranks(v)).steady);
}

TEST(Independence, Oracles) {
  const std::vector<std::pair<int64_t, double>> nile = {{1, 25.5938}, {5, 63.9717}, {10, 88.1269}},
                                                lh = {{1, 16.9138}, {5, 22.6732}, {10, 25.3509}};
  for (const auto& [m, q] : nile) expect_near(ljung_box_values(kNile, m).statistic, q);
  for (const auto& [m, q] : lh) expect_near(ljung_box_values(kLh, m).statistic, q);
  EXPECT_NEAR(ljung_box_values(kNile, 1).p, 4.21e-7, 0.005e-7);
  EXPECT_NEAR(ljung_box_values(kNile, 5).p, 1.83e-12, 0.005e-12);
  EXPECT_NEAR(ljung_box_values(kNile, 10).p, 1.25e-14, 0.01e-14);
  expect_near(runs_about_median(kNile).statistic, -4.22137);
  EXPECT_NEAR(runs_about_median(kNile).p, 2.428e-5, 0.001e-5);
  std::vector<double> v;
  for (const int64_t x : kLh) v.push_back(static_cast<double>(x) / 10);
  expect_near(bds(v, 2, 0.5516, 3).statistic, 7.9193);
  expect_near(bds(v, 3, 0.5516).statistic, 7.9308);
}

}  // namespace
}  // namespace assay::stats
