// SPDX-License-Identifier: Apache-2.0
#include "stats/intervals.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>

namespace assay::stats {
namespace {

void expect_ranks(int64_t n, double q, int64_t lower, int64_t upper) {
  const Ranks r = quantile_ranks(n, q, 0.95);
  ASSERT_TRUE(r.lower && r.upper) << n << " " << q;
  EXPECT_EQ(*r.lower, lower) << n << " " << q;
  EXPECT_EQ(*r.upper, upper) << n << " " << q;
}

TEST(QuantileRanks, PublishedOracles) {
  expect_ranks(100, 0.5, 40, 61);
  expect_ranks(1000, 0.5, 469, 532);
  expect_ranks(10000, 0.99, 9880, 9920);
  expect_ranks(100000, 0.999, 99880, 99920);
}

TEST(QuantileRanks, OneSidedOraclesAsHalfOfANinetyPercentInterval) {
  EXPECT_EQ(quantile_ranks(299, 0.99, 0.90).upper, 299);
  EXPECT_EQ(quantile_ranks(473, 0.99, 0.90).upper, 472);
  EXPECT_EQ(quantile_ranks(100000, 0.999, 0.90).upper, 99917);
  EXPECT_FALSE(quantile_ranks(298, 0.99, 0.90).upper.has_value());
}

TEST(QuantileRanks, MinimumSampleSizes) {
  const struct {
    double q;
    int64_t n95, n99;
  } cases[] = {
      {.99, 299, 459}, {.999, 2995, 4603}, {.9999, 29956, 46050}, {.99999, 299572, 460515}};
  for (const auto& c : cases) {
    EXPECT_EQ(quantile_n_needed(c.q, .95), c.n95);
    EXPECT_EQ(quantile_n_needed(c.q, .99), c.n99);
  }
}

TEST(QuantileRanks, NeededIsTheFirstThatSuffices) {
  for (const double q : {.5, .9, .95, .99, .999}) {
    const int64_t need = quantile_n_needed(q, .975);
    EXPECT_TRUE(quantile_ranks(need, q, .95).upper.has_value()) << q;
    EXPECT_FALSE(quantile_ranks(need - 1, q, .95).upper.has_value()) << q;
  }
}

TEST(QuantileRanks, RefusesNonsense) {
  for (const auto& r :
       {quantile_ranks(0, .5, .95), quantile_ranks(10, 0, .95), quantile_ranks(10, NAN, .95),
        quantile_ranks(10, 1.5, .95), quantile_ranks(-4, .5, .95)}) {
    EXPECT_FALSE(r.lower || r.upper);
  }
  EXPECT_FALSE(
      quantile_ranks(1000, 1.0, .95).upper.has_value());  // nothing bounds the maximum of a law
}

TEST(QuantilePoint, IsAnObservation) {
  std::vector<int64_t> v(1000);
  for (int i = 0; i < 1000; ++i) v[i] = i + 1;
  EXPECT_EQ(quantile_point(v, .5), 500);
  EXPECT_EQ(quantile_point(v, .999), 999);
  EXPECT_EQ(quantile_point(v, .99), 990);
  EXPECT_EQ(quantile_point(v, 1.0), 1000);
  EXPECT_EQ(quantile_point(v, 1e-9), 1);
  for (int k = 1; k <= 1000; ++k) EXPECT_EQ(quantile_point(v, k / 1000.0), k);
}

TEST(QuantileInterval, SaysWhatItLacks) {
  std::vector<int64_t> v(100);
  for (int i = 0; i < 100; ++i) v[i] = i;
  const Interval i = quantile_interval(v, .99, .95);
  EXPECT_FALSE(i.upper.has_value());
  EXPECT_TRUE(i.lower.has_value());
  EXPECT_EQ(i.n_needed, quantile_n_needed(.99, .975));
  const Interval tiny = quantile_interval(std::vector<int64_t>{7}, .5, .95);
  EXPECT_FALSE(tiny.lower || tiny.upper);
  EXPECT_EQ(tiny.n_needed, 6);  // 2^-6 <= .025 < 2^-5
  EXPECT_EQ(quantile_interval(v, .5, .95).n_needed, 0);
  EXPECT_EQ(quantile_interval({}, .5, .95).n, 0);
}

// Coverage over seeded draws of three laws, one of them with many ties: never under nominal - 3 sd.
TEST(QuantileInterval, CoverageByLaw) {
  constexpr int kAudits = 2000, kN = 400;
  const double floor = .95 - 3 * std::sqrt(.95 * .05 / kAudits);
  std::mt19937_64 engine(20240117);
  std::exponential_distribution<double> exponential(1);
  std::normal_distribution<double> normal(0, 1);
  const double q = .9;
  for (int law = 0; law < 3; ++law) {
    int covered = 0;
    for (int audit = 0; audit < kAudits; ++audit) {
      std::vector<int64_t> v(kN);
      for (auto& x : v) {
        if (law == 0)
          x = static_cast<int64_t>(1e6 * exponential(engine));
        else if (law == 1)
          x = static_cast<int64_t>(1e6 * normal(engine));
        else
          x = static_cast<int64_t>(engine() % 5);
      }
      std::sort(v.begin(), v.end());
      const double truth = law == 0   ? -1e6 * std::log(1 - q)
                           : law == 1 ? 1e6 * 1.2815515655446004
                                      : 4;
      const Interval i = quantile_interval(v, q, .95);
      covered += *i.lower <= truth && truth <= *i.upper;
    }
    EXPECT_GE(covered / double(kAudits), floor) << "law " << law;
    if (law < 2) {
      EXPECT_LE(covered / double(kAudits), .985) << "law " << law;  // and not needlessly wide
    }
  }
}

void expect_relative(double got, double want, double tolerance) {
  EXPECT_NEAR(got, want, tolerance * std::abs(want));
}

TEST(ClopperPearson, PublishedOracles) {
  const struct {
    int64_t x, n;
    double lower, upper, tolerance;
  } cases[] = {{5, 100, .0164319, .1128349, 1e-5},
               {1, 50000, 5.064e-7, 1.1143e-4, 1e-4},
               {105, 50000, 1.718e-3, 2.542e-3, 3e-4},
               {497, 50000, 9.09e-3, 1.085e-2, 6e-4}};
  for (const auto& c : cases) {
    const Interval i = clopper_pearson(c.x, c.n, .95);
    expect_relative(*i.lower, c.lower, c.tolerance);
    expect_relative(*i.upper, c.upper, c.tolerance);
  }
  expect_relative(clopper_pearson_upper(0, 50000, .95), 5.99e-5, 1e-3);
  expect_relative(clopper_pearson_upper(0, 50000, .99), 9.21e-5, 1e-3);
  EXPECT_LE(clopper_pearson_upper(0, 29956, .95), 1e-4);
  EXPECT_GT(clopper_pearson_upper(0, 29955, .95), 1e-4);
  EXPECT_LE(clopper_pearson_upper(0, 2995731, .95), 1e-6 * (1 + 1e-6));
}

TEST(ClopperPearson, EndsAndNonsense) {
  EXPECT_EQ(*clopper_pearson(0, 10, .95).lower, 0);
  EXPECT_EQ(*clopper_pearson(10, 10, .95).upper, 1);
  expect_relative(*clopper_pearson(0, 10, .95).upper, 1 - std::pow(.025, .1), 1e-9);
  EXPECT_EQ(*clopper_pearson(3, 0, .95).upper, 1);
  EXPECT_EQ(*clopper_pearson(30, 10, .95).upper, 1);
  EXPECT_EQ(clopper_pearson(-3, 10, .95).estimate, 0);
  EXPECT_GT(*clopper_pearson(1, 10, NAN).upper, .1);
}

// The exact coverage over the whole law, by summation: at least nominal for each p.
TEST(ClopperPearson, ExactCoverage) {
  constexpr int64_t kN = 40;
  std::vector<Interval> all;
  for (int64_t x = 0; x <= kN; ++x) all.push_back(clopper_pearson(x, kN, .95));
  for (double p = .01; p < 1; p += .007) {
    double covered = 0, mass = std::pow(1 - p, kN);
    for (int64_t x = 0; x <= kN; ++x) {
      if (*all[x].lower <= p && p <= *all[x].upper) covered += mass;
      mass *= double(kN - x) / double(x + 1) * p / (1 - p);
    }
    EXPECT_GE(covered, .95) << p;
  }
}

TEST(ProportionTest, BoundsByDesign) {
  std::vector<uint8_t> hit(1000, 0);
  std::vector<int64_t> cluster(1000);
  for (int i = 0; i < 1000; ++i) cluster[i] = i / 100;
  Proportion p = proportion(hit, Design::fixed, {}, .95);
  EXPECT_EQ(p.unit, "none");
  EXPECT_FALSE(p.lower || p.upper);
  p = proportion(hit, Design::independent, {}, .95);
  expect_relative(*p.upper, 1 - std::pow(.05, 1e-3), 1e-9);
  p = proportion(hit, Design::clustered, cluster, .95);
  EXPECT_EQ(p.units, 10);
  expect_relative(*p.upper, 1 - std::pow(.05, .1), 1e-9);
  hit[5] = hit[6] = hit[950] = 1;
  p = proportion(hit, Design::clustered, cluster, .95);
  EXPECT_EQ(p.count, 3);
  EXPECT_EQ(p.unit_count, 2);
  EXPECT_EQ(p.unit, "cluster");
  p = proportion(hit, Design::clustered, std::vector<int64_t>{1, 2},
                 .95);  // does not fit: no bound
  EXPECT_EQ(p.unit, "none");
  EXPECT_FALSE(p.upper.has_value());
  EXPECT_FALSE(proportion({}, Design::independent, {}, .95).upper.has_value());
}

// Copies of inputs carry no information: a bound over clusters, or none, must not move.
TEST(ProportionTest, DuplicatesTightenNothing) {
  std::mt19937_64 engine(3);
  for (int round = 0; round < 200; ++round) {
    const size_t n = 1 + engine() % 60;
    std::vector<uint8_t> hit(n);
    std::vector<int64_t> cluster(n);
    for (size_t i = 0; i < n; ++i) {
      hit[i] = engine() % 7 == 0;
      cluster[i] = static_cast<int64_t>(engine() % 9) - 4;
    }
    auto hit2 = hit;
    auto cluster2 = cluster;
    hit2.insert(hit2.end(), hit.begin(), hit.end());
    cluster2.insert(cluster2.end(), cluster.begin(), cluster.end());
    const Proportion a = proportion(hit, Design::clustered, cluster, .95);
    const Proportion b = proportion(hit2, Design::clustered, cluster2, .95);
    EXPECT_EQ(a.lower, b.lower);
    EXPECT_EQ(a.upper, b.upper);
    EXPECT_EQ(2 * a.count, b.count);
    EXPECT_FALSE(proportion(hit2, Design::fixed, {}, .95).upper.has_value());
  }
}

TEST(Mcnemar, Oracle) {
  EXPECT_NEAR(mcnemar_p(10, 4), .1795654, 1e-7);
  EXPECT_NEAR(mcnemar_p(4, 10), .1795654, 1e-7);
  EXPECT_EQ(mcnemar_p(0, 0), 1);
  EXPECT_EQ(mcnemar_p(5, 5), 1);
  EXPECT_NEAR(mcnemar_p(0, 6), 2.0 / 64, 1e-12);
}

TEST(Holm, StepDown) {
  const std::vector<double> got = holm(std::vector<double>{.04, .01, .03, NAN});
  EXPECT_NEAR(got[1], .04, 1e-12);
  EXPECT_NEAR(got[2], .09, 1e-12);
  EXPECT_NEAR(got[0], .09, 1e-12);  // 2 * .04 is smaller than the step before: stays monotone
  EXPECT_EQ(got[3], 1);
  EXPECT_TRUE(holm({}).empty());
}

}  // namespace
}  // namespace assay::stats
