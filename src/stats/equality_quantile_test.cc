// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>

#include "stats/equality.h"
#include "stats/equality_design.h"
#include "stats/quantiles.h"

namespace assay::stats {
namespace {

std::vector<int64_t> lognormal(size_t n, double sigma, double centre, uint64_t seed) {
  std::mt19937_64 engine(seed);
  std::normal_distribution<double> noise(0, sigma);
  std::vector<int64_t> out(n);
  for (auto& v : out) v = static_cast<int64_t>(centre * std::exp(noise(engine)));
  return out;
}

TEST(CompareQuantile, IsMoverOfTheOrderStatistics) {
  const auto a = lognormal(3000, .1, 1e6, 1), b = lognormal(4000, .1, 1.2e6, 2);
  const QuantileEquality e = compare_quantile(a, b, .9, .05, .05);
  auto sa = a, sb = b;
  std::sort(sa.begin(), sa.end());
  std::sort(sb.begin(), sb.end());
  const QuantileRow ra = quantile_row(a, sa, .9, .9), rb = quantile_row(b, sb, .9, .9);
  const double d = std::log(double(rb.estimate) / double(ra.estimate));
  const double down = std::hypot(std::log(double(rb.estimate) / double(*rb.lower)),
                                 std::log(double(*ra.upper) / double(ra.estimate)));
  EXPECT_NEAR(std::log(e.lower), d - down, 1e-12);
  EXPECT_NEAR(std::log(e.ratio), d, 1e-12);
  EXPECT_LT(e.lower_wide, e.lower);
  EXPECT_GT(e.upper_wide, e.upper);
  EXPECT_EQ(e.equality, Equality::different);
  EXPECT_TRUE(e.reason.empty());
}

TEST(CompareQuantile, FourOutcomes) {
  const auto a = lognormal(20000, .05, 1e6, 1), same = lognormal(20000, .05, 1e6, 2);
  const auto near = lognormal(20000, .05, 1.012e6, 3);
  EXPECT_EQ(compare_quantile(a, same, .5, .02, .05).equality, Equality::equivalent);
  EXPECT_EQ(compare_quantile(a, same, .5, .0005, .05).equality, Equality::inconclusive);
  EXPECT_EQ(compare_quantile(a, near, .5, .005, .05).equality, Equality::different);
  const double just_over = compare_quantile(a, near, .5, .005, .05).ratio - 1 + 1e-4;
  EXPECT_EQ(compare_quantile(a, near, .5, just_over, .05).equality, Equality::immaterial);
}

TEST(CompareQuantile, RefusesWithAReason) {
  const auto few = lognormal(100, .1, 1e6, 1), many = lognormal(5000, .1, 1e6, 2);
  const QuantileEquality e = compare_quantile(few, many, .99, .05, .05);
  EXPECT_EQ(e.equality, Equality::inconclusive);
  EXPECT_EQ(e.reason.rfind("A: ", 0), 0u) << e.reason;
  EXPECT_EQ(compare_quantile(many, few, .99, .05, .05).reason.rfind("B: ", 0), 0u);
  std::vector<int64_t> zeros(1000, 0), ends(1000, std::numeric_limits<int64_t>::max());
  EXPECT_FALSE(compare_quantile(zeros, many, .5, .05, .05).reason.empty());
  EXPECT_EQ(compare_quantile(ends, ends, .5, .05, .05).equality, Equality::equivalent);
  EXPECT_FALSE(compare_quantile({}, {}, .5, .05, .05).reason.empty());
  for (const double bad : {0.0, .5, double(NAN)})
    EXPECT_FALSE(compare_quantile(many, many, .5, .05, bad).reason.empty());
  for (const double bad : {-.1, double(NAN), double(INFINITY)})
    EXPECT_FALSE(compare_quantile(many, many, .5, bad, .05).reason.empty());
  EXPECT_FALSE(compare_quantile(many, many, NAN, .05, .05).reason.empty());
}

TEST(CompareQuantile, SwapInvertsAndScaleCancels) {
  int compared = 0;
  EXPECT_TRUE(rc::check([&](uint64_t seed) {
    const auto a = lognormal(300, .1, 1e6, seed), b = lognormal(400, .1, 1.1e6, seed + 1);
    auto a3 = a, b3 = b;
    for (auto& v : a3) v *= 3;
    for (auto& v : b3) v *= 3;
    const auto e = compare_quantile(a, b, .9, .05, .05),
               swapped = compare_quantile(b, a, .9, .05, .05);
    const auto scaled = compare_quantile(a3, b3, .9, .05, .05);
    if (!e.reason.empty()) return;
    ++compared;
    RC_ASSERT(std::abs(e.lower * swapped.upper - 1) < 1e-9);
    RC_ASSERT(std::abs(e.upper_wide * swapped.lower_wide - 1) < 1e-9);
    RC_ASSERT(e.equality == swapped.equality);
    RC_ASSERT(std::abs(e.upper - scaled.upper) < 1e-9);
  }));
  EXPECT_GE(compared, 50);
}

LogRatio pair(Equality e, double p_difference, double p_equivalence) {
  LogRatio r;
  r.equality = e;
  r.p_difference = p_difference;
  r.p_equivalence = p_equivalence;
  return r;
}

TEST(AllEqual, IsAnIntersectionUnionClaim) {
  const LogRatio equal = pair(Equality::equivalent, .6, .03),
                 sharp = pair(Equality::equivalent, .9, .001);
  const LogRatio open = pair(Equality::inconclusive, .2, .2),
                 off = pair(Equality::different, .004, 1);
  const LogRatio weak = pair(Equality::different, .04, 1);
  const std::vector<LogRatio> all = {equal, sharp, equal}, some = {equal, open},
                              broken = {equal, off, open}, lucky = {open, weak};
  EXPECT_EQ(all_equal(all, .05).equality, Equality::equivalent);
  EXPECT_EQ(all_equal(all, .05).p_equivalence, .03);  // the largest, uncorrected
  EXPECT_EQ(all_equal(some, .05).equality, Equality::inconclusive);
  EXPECT_EQ(all_equal(broken, .05).equality, Equality::different);
  EXPECT_EQ(all_equal(lucky, .05).equality, Equality::inconclusive);  // Holm: 2 x .04
  EXPECT_EQ(all_equal({}, .05).equality, Equality::inconclusive);
  EXPECT_EQ(all_equal({}, .05).p_equivalence, 1);
}

TEST(RegressionWords, ByTheIntervalAndTheBand) {
  EXPECT_EQ(regression_word(regression(.99, 1.01, .02)), "SAME");
  EXPECT_EQ(regression_word(regression(.90, .97, .02)), "FAST");
  EXPECT_EQ(regression_word(regression(1.03, 1.10, .02)), "SLOW");
  EXPECT_EQ(regression_word(regression(.97, 1.01, .02)), "AMBG");
  EXPECT_EQ(regression_word(regression(1.01, 1.05, .02)), "AMBG");
  EXPECT_EQ(regression(1 / 1.02, 1.02, .02), Regression::same);
  for (const auto& [l, u] : {std::pair{NAN, 1.0}, {1.0, double(NAN)}, {0.0, 1.0}, {2.0, 1.0}})
    EXPECT_EQ(regression(l, u, .02), Regression::ambiguous);
  EXPECT_EQ(regression(1, 1, NAN), Regression::ambiguous);
  EXPECT_EQ(regression(1.5, INFINITY, .02), Regression::slow);
}

TEST(MarginCheckTest, TwiceTheHalfWidthOfAA) {
  LogRatio a_a;
  a_a.tost_lower = std::exp(-.004);
  a_a.tost_upper = std::exp(.006);
  a_a.equality = Equality::equivalent;
  EXPECT_NEAR(check_margin(.02, a_a).minimum, std::expm1(.01), 1e-12);
  EXPECT_TRUE(check_margin(.0101, a_a).allowed);
  EXPECT_FALSE(check_margin(.0100, a_a).allowed);
  EXPECT_FALSE(check_margin(NAN, a_a).allowed);
  a_a.equality = Equality::immaterial;
  EXPECT_FALSE(check_margin(.5, a_a).allowed);
  EXPECT_FALSE(check_margin(.5, LogRatio()).allowed);
  const MarginCheck unbounded =
      check_margin(.5, compare_log_ratio(std::vector<double>{1}, std::vector<double>{1}, .01, .05));
  EXPECT_FALSE(unbounded.allowed);
  EXPECT_EQ(unbounded.minimum, INFINITY);
}

TEST(Design, RunsPerGroupOracles) {  // statistics.md section 7.1
  const struct {
    double cv;
    int64_t at_1, at_2;
  } cases[] = {{.01, 22, 6}, {.05, 547, 138}, {.30, 19675, 4968}, {.78, 133003, 33581}};
  for (const auto& c : cases) {
    EXPECT_EQ(tost_n_per_group(c.cv, .01), c.at_1) << c.cv;
    EXPECT_EQ(tost_n_per_group(c.cv, .02), c.at_2) << c.cv;
  }
  EXPECT_EQ(tost_n_per_group(0, .01), 2);
  for (const double bad : {0.0, -1.0, double(NAN)}) {
    EXPECT_EQ(tost_n_per_group(.01, bad), 0);
    EXPECT_EQ(tost_n_per_group(.01, .01, bad), 0);
    EXPECT_EQ(tost_n_per_group(.01, .01, .05, bad), 0);
  }
  EXPECT_EQ(tost_n_per_group(INFINITY, .01), 0);
}

TEST(Design, SamplesForP99OfALognormal) {
  // Lognormal sigma .1: f(x_q) x_q = phi(z) / sigma.
  const double z = 2.3263478740408408;
  const double density = std::exp(-z * z / 2) / std::sqrt(2 * M_PI) / .1;
  EXPECT_NEAR(std::sqrt(.99 * .01) / density, .373, 5e-4);
  EXPECT_EQ(quantile_n_per_group(.99, density, .05), 1268);
  EXPECT_EQ(quantile_n_per_group(1, density, .05), 0);
  EXPECT_EQ(quantile_n_per_group(.99, 0, .05), 0);
}

TEST(Design, AlphaOfSomePairs) {
  EXPECT_EQ(alpha_of_some_pairs(.05, 2), .05);
  EXPECT_NEAR(alpha_of_some_pairs(.05, 3), .05 / 2.25, 1e-15);
  EXPECT_NEAR(alpha_of_some_pairs(.05, 10), .002, 1e-15);
  EXPECT_EQ(alpha_of_some_pairs(.05, 0), .05);
}

}  // namespace
}  // namespace assay::stats
