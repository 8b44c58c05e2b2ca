// SPDX-License-Identifier: Apache-2.0
// Oracles: statistics.md section 12, values of the authors' own library.
#include "stats/confseq.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

namespace assay::stats {
namespace {

TEST(ConfidenceSequence, ProportionOracles) {
  const Interval a = proportion_sequence(700, 1000, .05, 100);
  EXPECT_NEAR(*a.lower, .651629, 1e-6);
  EXPECT_NEAR(*a.upper, .745949, 1e-6);
  const Interval b = proportion_sequence(1, 50, .05, 50);
  EXPECT_NEAR(*b.lower, 0, 1e-4);
  EXPECT_NEAR(*b.upper, .13489, 1e-5);
}

TEST(ConfidenceSequence, DistributionBandOracle) {
  EXPECT_NEAR(distribution_sequence_half_width(1000, .05, 100, .85), .0820477, 1e-7);
  EXPECT_EQ(distribution_sequence_half_width(99, .05, 100, .85), 1);
  EXPECT_EQ(distribution_sequence_half_width(1000, .05, 100, .7), 1);
}

TEST(ConfidenceSequence, QuantileDifferenceOracle) {
  std::vector<int64_t> a(1000), b(1000);
  std::iota(a.begin(), a.end(), 1);
  std::iota(b.begin(), b.end(), 86);
  EXPECT_NEAR(quantile_difference_p(a, b, .5, 100), .0838055, 1e-6);
  EXPECT_NEAR(quantile_difference_p(b, a, .5, 100), .0838055, 1e-6);
  EXPECT_EQ(quantile_difference_p(a, a, .5, 100), 1);
}

// The ranks are those whose counts the interval of the proportion admits: two routes to one number.
TEST(ConfidenceSequence, RanksAgreeWithTheMartingaleAndContainThoseOfOneN) {
  for (const int64_t n : {100, 1000, 10000}) {
    for (const double q : {.5, .9, .99}) {
      const Ranks r = quantile_sequence_ranks(n, q, .05, 1000), fixed = quantile_ranks(n, q, .95);
      const double threshold = -std::log(.05);
      if (r.upper) {
        EXPECT_GE(log_mixture_martingale(double(*r.upper), n, q, 1000), threshold);
        EXPECT_LT(log_mixture_martingale(double(*r.upper) - 1, n, q, 1000), threshold);
        EXPECT_GE(*r.upper, *fixed.upper);
      }
      ASSERT_TRUE(r.lower) << n << " " << q;
      EXPECT_GE(log_mixture_martingale(double(*r.lower) - 1, n, q, 1000), threshold);
      EXPECT_LT(log_mixture_martingale(double(*r.lower), n, q, 1000), threshold);
      EXPECT_LE(*r.lower, *fixed.lower);
    }
  }
  EXPECT_FALSE(quantile_sequence_ranks(100, .99, .05, 1000).upper);
}

TEST(ConfidenceSequence, RefusesNonsense) {
  EXPECT_EQ(log_mixture_martingale(3, 2, .5, 10), -INFINITY);
  EXPECT_EQ(log_mixture_martingale(NAN, 2, .5, 10), -INFINITY);
  EXPECT_EQ(*proportion_sequence(3, 2, .05, 10).upper, 1);
  EXPECT_EQ(*proportion_sequence(0, 10, .05, 10).lower, 0);
  EXPECT_EQ(*proportion_sequence(10, 10, .05, 10).upper, 1);
  EXPECT_FALSE(quantile_sequence_ranks(0, .5, .05, 10).upper);
  EXPECT_FALSE(quantile_sequence_ranks(10, NAN, .05, 10).upper);
  EXPECT_EQ(quantile_difference_p({}, std::vector<int64_t>{1}, .5, 10), 1);
  EXPECT_EQ(quantile_difference_p(std::vector<int64_t>{1}, std::vector<int64_t>{1}, .5, 10), 1);
}

}  // namespace
}  // namespace assay::stats
