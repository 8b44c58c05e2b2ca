// SPDX-License-Identifier: Apache-2.0
#include "stats/threshold.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "stats/random.h"

namespace assay::stats {
namespace {

std::vector<double> ascending(int k, double xi, uint64_t seed) {
  Random random(seed);
  std::vector<double> y;
  for (int i = 0; i < k; ++i) y.push_back(1e5 * gpd_quantile(uniform(random), 1, xi));
  std::sort(y.begin(), y.end());
  return y;
}

TEST(AndersonDarling, UniformOracles) {
  const std::vector<double> v = {.5, .1, .9, .2, .35};
  EXPECT_NEAR(anderson_darling_uniform(v), .445295, 1e-6);
  EXPECT_NEAR(cramer_von_mises_uniform(v), .0891667, 1e-7);
  // goftest's p-value has a correction for n = 5; ours is the limit law.
  EXPECT_NEAR(anderson_darling_case0_p(.445295), .795551, 0.01);
  EXPECT_NEAR(anderson_darling_case0_p(2.492), .05, 2e-4);  // published 5 % point
  EXPECT_NEAR(anderson_darling_case0_p(1.933), .10, 2e-4);
  EXPECT_NEAR(anderson_darling_case0_p(3.8781), .01, 1e-4);
  EXPECT_EQ(anderson_darling_uniform({}), 0);
  EXPECT_TRUE(std::isfinite(anderson_darling_uniform(std::vector<double>{0, 1, -3, 7, NAN})));
}

// The statistic over a fitted law is that of the uniform values F(y).
TEST(Goodness, AgreesWithTheUniformStatistic) {
  for (const double xi : {-.3, 0., .3}) {
    const auto y = ascending(200, xi, 4);
    const GpdGoodness g = gpd_goodness(y, 0, 1);
    std::vector<double> v;
    for (const double e : y) v.push_back(1 - gpd_exceedance(e, g.fit.sigma, g.fit.xi));
    EXPECT_NEAR(g.a2, anderson_darling_uniform(v), 1e-8);
    EXPECT_NEAR(g.w2, cramer_von_mises_uniform(v), 1e-8);
  }
}

TEST(Goodness, SizeAndPowerOfTheReestimatingBootstrap) {
  int rejected = 0, gaps = 0;
  const int rounds = 150;
  for (int i = 0; i < rounds; ++i) {
    const GpdGoodness g = gpd_goodness(ascending(150, .1, static_cast<uint64_t>(50 + i)), 99,
                                       static_cast<uint64_t>(i));
    rejected += g.p_a2 <= .10 ? 1 : 0;
    gaps += g.p_gap <= .10 ? 1 : 0;
  }
  EXPECT_LE(rejected, 27);  // 15 expected, sd 3.7
  EXPECT_GE(rejected, 4);
  EXPECT_LE(gaps, 27);
  EXPECT_GE(gaps, 4);
  // Uniform values pushed into two clumps.
  std::vector<double> y = ascending(150, -.2, 3);
  for (size_t i = 120; i < y.size(); ++i) y[i] += 5e5;
  const GpdGoodness g = gpd_goodness(y, 99, 1);
  EXPECT_LE(g.p_a2, .02);
  EXPECT_LE(g.p_gap, .02);
}

TEST(Goodness, Deterministic) {
  const auto y = ascending(120, 0, 9);
  const GpdGoodness a = gpd_goodness(y, 50, 3), b = gpd_goodness(y, 50, 3),
                    c = gpd_goodness(y, 50, 4);
  EXPECT_EQ(a.p_a2, b.p_a2);
  EXPECT_EQ(a.p_gap, b.p_gap);
  EXPECT_TRUE(a.p_a2 != c.p_a2 || a.p_w2 != c.p_w2 || a.p_gap != c.p_gap);
}

TEST(Threshold, CandidateSizes) {
  const ThresholdOptions o;
  EXPECT_EQ(candidate_sizes(10000, o).front(), 1000);
  EXPECT_EQ(candidate_sizes(10000, o).back(), 100);
  EXPECT_EQ(candidate_sizes(10000, o).size(), 10u);
  EXPECT_EQ(candidate_sizes(50000, o).back(), 250);
  EXPECT_EQ(candidate_sizes(1000000, o).front(), 1000);
  EXPECT_EQ(candidate_sizes(1000000, o).back(), 250);
  EXPECT_EQ(candidate_sizes(1000, o), std::vector<int64_t>{100});
  EXPECT_TRUE(candidate_sizes(999, o).empty());
  EXPECT_EQ(threshold_n_needed(o), 1000);
  EXPECT_TRUE(candidate_sizes(0, o).empty());
  EXPECT_TRUE(candidate_sizes(-5, o).empty());
}

// A body that is no tail, with a tail above its top 3 %: the low levels go.
TEST(Threshold, ForwardStopPassesOverTheBody) {
  Random random(21);
  std::vector<int64_t> x;
  for (int i = 0; i < 20000; ++i) {
    const bool tail = uniform(random) < .02;
    x.push_back(static_cast<int64_t>(tail ? 1.2e6 + 2e5 * exponential(random)
                                          : 1e6 + 2e5 * uniform(random)));
  }
  std::sort(x.begin(), x.end());
  ThresholdOptions o;
  o.bootstrap = 99;
  o.k_max = 2000;
  const ThresholdChoice c = choose_threshold(x, 20000, o);
  ASSERT_GE(c.chosen, 1);
  EXPECT_TRUE(c.candidates[0].rejected);
  const ThresholdCandidate& chosen = c.candidates[static_cast<size_t>(c.chosen)];
  EXPECT_FALSE(chosen.rejected);
  EXPECT_LE(chosen.k, 500);
  // Replay of ForwardStop from the p-values.
  double sum = 0;
  int last = 0;
  for (size_t j = 0; j < c.candidates.size(); ++j) {
    sum -= std::log1p(-std::min(c.candidates[j].p_a2, .995));
    EXPECT_NEAR(c.candidates[j].forward, sum / static_cast<double>(j + 1), 1e-12);
    if (c.candidates[j].forward <= .1) last = static_cast<int>(j) + 1;
  }
  EXPECT_EQ(c.chosen, last);
}

TEST(Threshold, ExcessesOverExtremesDoNotOverflow) {
  const int64_t lo = std::numeric_limits<int64_t>::min(), hi = std::numeric_limits<int64_t>::max();
  const std::vector<int64_t> x = {lo, 0, hi};
  const auto y = excesses_over(x, lo, 0, 1);
  ASSERT_EQ(y.size(), 2u);
  EXPECT_DOUBLE_EQ(y[1], 0x1p64);
  for (const double v : excesses_over(std::vector<int64_t>{10, 20, 20, 30}, 10, 10, 1)) {
    EXPECT_GT(v, 0);
    EXPECT_LT(v, 20);
  }
}

TEST(Stability, AgreesOnOneLawAndNotOnTwo) {
  int agree = 0;
  for (uint64_t i = 0; i < 60; ++i) agree += xi_stability(ascending(400, .1, i)).agree ? 1 : 0;
  EXPECT_GE(agree, 52);  // 57 or more expected
  std::vector<double> y = ascending(400, -.3, 2);
  for (size_t i = 380; i < y.size(); ++i) y[i] += 1e6;
  EXPECT_FALSE(xi_stability(y).agree);
  EXPECT_FALSE(xi_stability({}).agree);
}

}  // namespace
}  // namespace assay::stats
