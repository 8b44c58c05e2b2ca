// SPDX-License-Identifier: Apache-2.0
#include "stats/noninferiority.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <cmath>
#include <random>

#include "stats/intervals.h"

namespace assay::stats {
namespace {

// Limits found by maximising the likelihood numerically (SciPy), not by the quadratic.
TEST(AccuracyLossTest, ScoreLimitsAgreeWithNumericalLikelihood) {
  const struct {
    int64_t b, c, n;
    double lower, upper;
  } cases[] = {{20, 10, 500, .0020706554791, .0392814958627},
               {105, 80, 50000, 5.293776323e-05, 9.54190274976e-04},
               {12, 3, 100, .0288582415447, .158763693942}};
  for (const auto& c : cases) {
    const AccuracyLoss l = accuracy_loss(c.b, c.c, c.n, .01);
    EXPECT_EQ(l.method, "score");
    EXPECT_NEAR(l.lower, c.lower, 1e-4 * std::abs(c.lower));
    EXPECT_NEAR(l.upper, c.upper, 1e-4 * c.upper);
  }
}

TEST(AccuracyLossTest, FewDiscordantInputsTakeTheExactLimits) {
  const AccuracyLoss l = accuracy_loss(0, 0, 50000, .001);
  EXPECT_EQ(l.method, "exact");
  EXPECT_NEAR(l.upper, clopper_pearson_upper(0, 50000, .975), 1e-12);
  EXPECT_NEAR(l.lower, -l.upper, 1e-12);
  EXPECT_TRUE(l.noninferior);
  EXPECT_FALSE(accuracy_loss(0, 0, 50000, 1e-5).noninferior);
}

TEST(AccuracyLossTest, NoninferiorOnlyUnderTheMargin) {
  EXPECT_TRUE(accuracy_loss(105, 80, 50000, .001).noninferior);
  EXPECT_FALSE(accuracy_loss(105, 80, 50000, .0009).noninferior);
}

TEST(AccuracyLossTest, SwapNegatesAndConfidenceWidens) {
  EXPECT_TRUE(rc::check([](uint64_t seed) {
    std::mt19937_64 engine(seed);
    const auto n = static_cast<int64_t>(1 + engine() % 5000);
    const auto b = static_cast<int64_t>(engine() % static_cast<uint64_t>(n + 1));
    const auto c = static_cast<int64_t>(engine() % static_cast<uint64_t>(n - b + 1));
    const AccuracyLoss x = accuracy_loss(b, c, n, .01), y = accuracy_loss(c, b, n, .01);
    const AccuracyLoss sure = accuracy_loss(b, c, n, .01, .01);
    RC_ASSERT(std::abs(x.lower + y.upper) < 1e-9);
    RC_ASSERT(x.lower <= x.loss + 1e-9);
    RC_ASSERT(x.upper >= x.loss - 1e-9);
    RC_ASSERT(sure.upper >= x.upper - 1e-9);
    RC_ASSERT(x.upper <= 1);
  }));
}

TEST(AccuracyLossTest, AnyInput) {
  for (const auto& [b, c, n] : {std::tuple<int64_t, int64_t, int64_t>{0, 0, 0},
                                {-1, 0, 5},
                                {3, 3, 5},
                                {6, 0, 5},
                                {INT64_MAX, INT64_MAX, INT64_MAX}}) {
    EXPECT_EQ(accuracy_loss(b, c, n, .01).method, "none");
    EXPECT_FALSE(accuracy_loss(b, c, n, 2).noninferior);
  }
  EXPECT_FALSE(accuracy_loss(1, 1, 10, NAN).noninferior);
  EXPECT_EQ(accuracy_loss(1, 1, 10, .01, NAN).method, "none");
  EXPECT_LE(accuracy_loss(10, 0, 10, .01).upper, 1);
}

}  // namespace
}  // namespace assay::stats
