// SPDX-License-Identifier: Apache-2.0
// Oracles: SciPy 1.17 (mannwhitneyu, kstwobign), and by hand.
#include "stats/screening.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <cmath>
#include <random>
#include <vector>

namespace assay::stats {
namespace {

const std::vector<double> kDepressed = {1.83, .50, 1.62, 2.48, 1.68, 1.88, 1.55, 3.06, 1.30};

TEST(MannWhitney, ExactByHand) {
  // All of a above all of b: one order of C(6,3) = 20 on each side.
  const Screening s = mann_whitney(std::vector<double>{4, 5, 6}, std::vector<double>{1, 2, 3});
  EXPECT_EQ(s.statistic, 9);
  EXPECT_NEAR(s.p, 2. / 20, 1e-12);
  EXPECT_NEAR(mann_whitney(std::vector<double>{1}, std::vector<double>{2}).p, 1, 1e-12);
}

TEST(MannWhitney, TiesTakeTheNormalForm) {
  const std::vector<double> x = {1, 2, 2, 3, 3, 3, 4, 5, 6, 7, 8, 9},
                            y = {2, 3, 4, 4, 5, 5, 6, 7, 9, 10, 11};
  EXPECT_EQ(mann_whitney(x, y).statistic, 44);
  EXPECT_NEAR(mann_whitney(x, y).p, .18303040961287909, 1e-10);
  EXPECT_NEAR(mann_whitney(y, x).p, .18303040961287909, 1e-10);
}

// Exact tail against a count over all orders, drawn one by one.
TEST(MannWhitney, ExactAgreesWithEnumeration) {
  for (int m = 1; m <= 5; ++m) {
    for (int n = 1; n <= 6; ++n) {
      std::vector<int> count(m * n + 1, 0);
      int all = 0;
      for (unsigned mask = 0; mask < 1u << (m + n); ++mask) {
        if (__builtin_popcount(mask) != m) continue;
        int u = 0, below = 0;
        for (int i = 0; i < m + n; ++i) {
          if (mask >> i & 1)
            u += below;
          else
            ++below;
        }
        ++count[u];
        ++all;
      }
      std::vector<double> a, b;  // all of b first, then a: U = mn; then shift a down
      for (int i = 0; i < n; ++i) b.push_back(i);
      for (int i = 0; i < m; ++i) a.push_back(n / 2 - .5 + .01 * i);
      const Screening s = mann_whitney(a, b);
      const double larger = std::max(s.statistic, m * n - s.statistic);
      double tail = 0;
      for (int u = 0; u <= m * n; ++u) tail += u >= larger ? count[u] : 0;
      EXPECT_NEAR(s.p, std::min(1.0, 2 * tail / all), 1e-12) << m << " " << n;
    }
  }
}

TEST(KolmogorovSmirnov, Oracles) {
  const std::vector<double> after = {.878, .647, .598, 2.05, 1.06, 1.29, 1.06, 3.14, 1.29};
  const Screening s = two_sample_ks(kDepressed, after);
  EXPECT_NEAR(s.statistic, 2. / 3, 1e-12);
  EXPECT_NEAR(s.p, .01866304443756398, 1e-8);
}

TEST(KolmogorovSmirnov, BothSeriesOfTheTailMeet) {
  // D moves in steps of 1/n; neighbouring p must fall monotonically through the switch at x = 1.
  std::vector<double> a(400), b(400);
  double before = 1;
  for (int shift = 0; shift < 60; ++shift) {
    for (int i = 0; i < 400; ++i) {
      a[i] = i;
      b[i] = i + shift + .5;
    }
    const double p = two_sample_ks(a, b).p;
    EXPECT_LE(p, before + 1e-12) << shift;
    EXPECT_GE(p, before - .13) << shift;
    before = p;
  }
  EXPECT_LT(before, 1e-3);
}

TEST(ScreeningTest, AnyInputAndAnyMonotoneScale) {
  const std::vector<double> bad = {1, NAN}, same(50, 3.0);
  for (const auto& test : {mann_whitney, two_sample_ks}) {
    EXPECT_EQ(test({}, same).p, 1);
    EXPECT_EQ(test(bad, same).p, 1);
    EXPECT_EQ(test(same, same).p, 1);
    EXPECT_LE(test(std::vector<double>{-INFINITY, INFINITY}, same).p, 1);
  }
  EXPECT_TRUE(rc::check([](uint64_t seed) {
    std::mt19937_64 engine(seed);
    std::vector<double> a(1 + engine() % 40), b(1 + engine() % 40);
    for (auto& v : a) v = double(engine() % 50);
    for (auto& v : b) v = double(engine() % 50);
    auto ea = a, eb = b;
    for (auto& v : ea) v = std::exp(v / 10);
    for (auto& v : eb) v = std::exp(v / 10);
    for (const auto& test : {mann_whitney, two_sample_ks}) {
      RC_ASSERT(test(a, b).p == test(ea, eb).p);
      RC_ASSERT(std::abs(test(a, b).p - test(b, a).p) < 1e-12);
    }
  }));
}

}  // namespace
}  // namespace assay::stats
