// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "stats/equality.h"

namespace assay::stats {
namespace {

// R's `sleep` data (Cushny & Peebles 1905), as logarithms of what is compared.
std::vector<double> exponentials(const std::vector<double>& logs) {
  std::vector<double> out;
  for (const double x : logs) out.push_back(std::exp(x));
  return out;
}
const std::vector<double> kFirst = exponentials({.7, -1.6, -.2, -1.2, -.1, 3.4, 3.7, .8, 0, 2});
const std::vector<double> kSecond = exponentials({1.9, .8, 1.1, .1, -.1, 4.4, 5.5, 1.6, 4.6, 3.4});

TEST(LogRatioTest, SleepDataWelch) {
  const LogRatio r = compare_log_ratio(kFirst, kSecond, std::expm1(4), .10);
  EXPECT_NEAR(std::log(r.lower), .10662, 1e-4);
  EXPECT_NEAR(std::log(r.upper), 3.05338, 1e-4);
  EXPECT_NEAR(std::log(r.ratio), 1.58, 1e-9);
  EXPECT_NEAR(r.p_difference, .07939, 1e-5);
}

TEST(LogRatioTest, SleepDataTostPValue) {  // equivalence holds from alpha = .0053616 on
  EXPECT_EQ(compare_log_ratio(kFirst, kSecond, std::expm1(4), .00537).equality,
            Equality::equivalent);
  EXPECT_NE(compare_log_ratio(kFirst, kSecond, std::expm1(4), .00535).equality,
            Equality::equivalent);
}

TEST(LogRatioTest, SleepDataTostPValues) {  // the larger p of the two is reported
  const LogRatio r = compare_log_ratio(kFirst, kSecond, std::expm1(4), .05);
  EXPECT_NEAR(r.p_equivalence, .0053616, 1e-7);
  // Seen from a margin of 0 about the other side: difference 1.58, limit 4 either way.
  EXPECT_NEAR(compare_log_ratio(kSecond, kFirst, std::expm1(4), .05).p_equivalence, .0053616, 1e-7);
  EXPECT_NEAR(std::log(r.tost_lower),
              -std::log(compare_log_ratio(kSecond, kFirst, 1, .05).tost_upper), 1e-9);
  // 90 % interval of section 12.
  EXPECT_NEAR(std::log(r.tost_lower), .10662, 1e-4);
  EXPECT_NEAR(std::log(r.tost_upper), 3.05338, 1e-4);
  // The p is the alpha at which the interval just fits the margin.
  const LogRatio edge = compare_log_ratio(kFirst, kSecond, std::expm1(4), r.p_equivalence);
  EXPECT_NEAR(std::log(edge.tost_upper), 4, 1e-6);
  EXPECT_NEAR(compare_log_ratio(kFirst, kSecond, std::expm1(1.58), .05).p_equivalence, .5, 1e-6);
  EXPECT_GT(compare_log_ratio(kFirst, kSecond, .01, .05).p_equivalence, .9);
}

TEST(LogRatioTest, SleepDataPaired) {
  const LogRatio r = compare_log_ratio_paired(kFirst, kSecond, .01, .05);
  EXPECT_NEAR(r.p_difference, .002833, 1e-6);
  EXPECT_NEAR(std::log(r.lower), .7001142, 1e-6);
  EXPECT_NEAR(std::log(r.upper), 2.4598858, 1e-6);
  EXPECT_EQ(r.equality, Equality::different);
}

TEST(LogRatioTest, ConstantsAndBadInput) {
  const std::vector<double> one(5, 3.7e5), two(5, 3.7e5 * 1.5), near(5, 3.7e5 * 1.001);
  EXPECT_EQ(compare_log_ratio(one, one, .01, .05).equality, Equality::equivalent);
  EXPECT_EQ(compare_log_ratio(one, one, .01, .05).p_difference, 1);
  EXPECT_EQ(compare_log_ratio(one, one, .01, .05).p_equivalence, 1 / 32.0);
  EXPECT_EQ(compare_log_ratio(one, two, .01, .05).p_equivalence, 1);
  EXPECT_EQ(compare_log_ratio(one, two, .01, .05).equality, Equality::different);
  EXPECT_EQ(compare_log_ratio(one, near, .01, .05).equality, Equality::equivalent);
  EXPECT_EQ(compare_log_ratio(one, one, 0, .05).equality, Equality::inconclusive);
  for (const double bad : {0.0, -1.0, double(NAN), double(INFINITY)}) {
    const std::vector<double> v = {1, 2, bad};
    EXPECT_EQ(compare_log_ratio(one, v, .01, .05).equality, Equality::inconclusive);
    EXPECT_EQ(compare_log_ratio_paired(v, v, .01, .05).equality, Equality::inconclusive);
  }
  const std::vector<double> single = {1};
  EXPECT_EQ(compare_log_ratio(single, one, .01, .05).equality, Equality::inconclusive);
  EXPECT_EQ(compare_log_ratio_paired(one, single, .01, .05).equality, Equality::inconclusive);
  EXPECT_EQ(compare_log_ratio(one, two, .01, 0).equality, Equality::inconclusive);
}

// A coarse clock: launches of one law read 10 or 11 ticks by the toss of a coin. Equal readings of
// two launches a side are no proof, neither of a difference nor of equality.
TEST(LogRatioTest, ValuesWithoutScatterAreNoCertainty) {
  const std::vector<double> ten(2, 10000), eleven(2, 11000);
  EXPECT_EQ(compare_log_ratio(ten, eleven, .01, .05).equality, Equality::inconclusive);
  EXPECT_NEAR(compare_log_ratio(ten, eleven, .01, .05).p_difference, 1 / 3.0, 1e-12);
  EXPECT_EQ(compare_log_ratio(ten, ten, .01, .05).equality, Equality::inconclusive);
  EXPECT_FALSE(std::isfinite(compare_log_ratio(ten, ten, .01, .05).tost_upper));
  EXPECT_EQ(compare_log_ratio_paired(ten, eleven, .01, .05).p_difference, .5);
  const std::vector<double> many(10, 10000), others(10, 11000);
  EXPECT_NEAR(compare_log_ratio(many, others, .01, .05).p_difference, 2 / 184756.0, 1e-12);
  EXPECT_EQ(compare_log_ratio(many, others, .01, .05).equality, Equality::different);
  EXPECT_EQ(compare_log_ratio(many, many, .01, .05).equality, Equality::equivalent);
  std::mt19937_64 engine(3);
  int wrong = 0;
  for (int audit = 0; audit < 4000; ++audit) {
    std::vector<double> a, b;
    for (int i = 0; i < 3; ++i) {
      a.push_back(engine() >> 63 ? 10000 : 11000);
      b.push_back(engine() >> 63 ? 10000 : 11000);
    }
    wrong += compare_log_ratio(a, b, .01, .05).p_difference < .05;
  }
  EXPECT_LE(wrong, 4000 * .05 + 3 * std::sqrt(4000 * .05 * .95));
}

TEST(LogRatioTest, ImmaterialIsNeitherEqualNorDifferent) {
  std::vector<double> a, b;
  for (int i = 0; i < 20; ++i) {
    a.push_back(100 + .1 * (i % 5));
    b.push_back(a.back() * 1.0098);  // surely off 1, inside 1 %, but not inside with room to spare
  }
  EXPECT_EQ(compare_log_ratio(a, b, .01, .05).equality, Equality::immaterial);
}

double rate(double true_ratio, double margin, Equality wanted, bool paired, uint64_t seed) {
  std::mt19937_64 engine(seed);
  std::normal_distribution<double> noise(0, .02), shared(0, .05);
  constexpr int kAudits = 4000;
  int count = 0;
  for (int audit = 0; audit < kAudits; ++audit) {
    std::vector<double> a(20), b(20);
    for (int i = 0; i < 20; ++i) {
      const double common = paired ? shared(engine) : 0;
      a[i] = std::exp(common + noise(engine));
      b[i] = true_ratio * std::exp(common + noise(engine));
    }
    const LogRatio r =
        paired ? compare_log_ratio_paired(a, b, margin, .05) : compare_log_ratio(a, b, margin, .05);
    count += r.equality == wanted;
  }
  return count / double(kAudits);
}

// Error rates over simulated audits: at most nominal + 3 sd, and power where it is due.
TEST(LogRatioTest, ErrorRates) {
  const double limit = .05 + 3 * std::sqrt(.05 * .95 / 4000);
  for (const bool paired : {false, true}) {
    EXPECT_LE(rate(1.03, .03, Equality::equivalent, paired, 11), limit);  // truth on the margin
    EXPECT_GE(rate(1.03, .03, Equality::equivalent, paired, 11), .03);
    EXPECT_LE(rate(1.0, 0, Equality::different, paired, 12), limit);
    EXPECT_GE(rate(1.0, 0, Equality::different, paired, 12), .03);
    EXPECT_GE(rate(1.0, .03, Equality::equivalent, paired, 13), .95);
    EXPECT_GE(rate(1.06, .03, Equality::different, paired, 14), .95);
  }
}

}  // namespace
}  // namespace assay::stats
