// SPDX-License-Identifier: Apache-2.0
#include "stats/quantiles.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <algorithm>
#include <boost/math/special_functions/beta.hpp>
#include <cmath>
#include <limits>
#include <random>

namespace assay::stats {
namespace {

constexpr int64_t kMin = std::numeric_limits<int64_t>::min();
constexpr int64_t kMax = std::numeric_limits<int64_t>::max();

std::vector<int64_t> ascending(std::vector<int64_t> v) {
  std::sort(v.begin(), v.end());
  return v;
}

std::vector<int64_t> draws(size_t n, uint64_t seed, uint64_t modulus = 1000000) {
  std::mt19937_64 engine(seed);
  std::vector<int64_t> out(n);
  for (auto& v : out) v = 1 + static_cast<int64_t>(engine() % modulus);
  return out;
}

// Values that last: AR(1) in units of 1e-6, about 1e9.
std::vector<int64_t> autoregressive(size_t n, double phi, uint64_t seed) {
  std::mt19937_64 engine(seed);
  std::normal_distribution<double> noise(0, std::sqrt(1 - phi * phi));
  std::vector<int64_t> out(n);
  double x = 0;
  for (int i = 0; i < 200; ++i) x = phi * x + noise(engine);
  for (auto& v : out) {
    x = phi * x + noise(engine);
    v = 1000000000 + static_cast<int64_t>(1e6 * x);
  }
  return out;
}

TEST(OneSidedRanks, Oracles) {
  EXPECT_EQ(upper_rank(299, .99, .95), 299);
  EXPECT_FALSE(upper_rank(298, .99, .95));
  EXPECT_EQ(upper_rank(473, .99, .95), 472);
  EXPECT_EQ(upper_rank(100000, .999, .95), 99917);
  EXPECT_EQ(lower_rank(299, .01, .95), 1);
  EXPECT_FALSE(lower_rank(298, .01, .95));
}

// Two routes to one rank: the definition by the binomial sum, and the inverse of the beta function
// (the upper limit of a share k/n is under q exactly when rank k+1 is no bound).
TEST(OneSidedRanks, AgreeWithTheInverseBeta) {
  EXPECT_TRUE(rc::check([] {
    const int64_t n = *rc::gen::inRange<int64_t>(1, 5000);
    const double q = *rc::gen::inRange(1, 1000) / 1000.0;
    const double confidence = *rc::gen::inRange(500, 999) / 1000.0 + .00037;  // no exact ties
    const auto rank = upper_rank(n, q, confidence);
    // s is a bound when the one-sided lower limit of the share s/n, BetaInv(alpha; s, n-s+1), is
    // at least q.
    const auto is_bound = [&](int64_t s) {
      return boost::math::ibeta_inv(double(s), double(n - s + 1), 1 - confidence) >= q - 1e-12;
    };
    RC_ASSERT(rank.has_value() == is_bound(n));
    if (rank) {
      RC_ASSERT(is_bound(*rank));
      if (*rank > 1)
        RC_ASSERT(boost::math::ibeta_inv(double(*rank - 1), double(n - *rank + 2), 1 - confidence) <
                  q + 1e-12);
    }
    const auto mirror = lower_rank(n, 1 - q, confidence);
    RC_ASSERT(rank.has_value() == mirror.has_value());
    if (rank) RC_ASSERT(std::abs(*rank + *mirror - (n + 1)) <= 1);  // 1-q rounds
  }));
}

TEST(OneSidedRanks, MonotoneInConfidenceAndN) {
  EXPECT_TRUE(rc::check([] {
    const int64_t n = *rc::gen::inRange<int64_t>(1000, 50000);
    const double q = *rc::gen::inRange(100, 990) / 1000.0;
    const double low = *rc::gen::inRange(500, 990) / 1000.0;
    const double high = low + (1 - low) / 2;
    for (const double ne : {double(n), n / 1.7, n / 4.0}) {
      const auto a = upper_rank(n, q, low, ne), b = upper_rank(n, q, high, ne);
      if (a && b) RC_ASSERT(*a <= *b);
      if (b) RC_ASSERT(a.has_value());
      const auto c = lower_rank(n, q, low, ne), d = lower_rank(n, q, high, ne);
      if (c && d) RC_ASSERT(*c >= *d);
    }
    // Fewer effective samples: wider.
    const auto all = upper_rank(n, q, low, double(n)), half = upper_rank(n, q, low, n / 2.0);
    if (all && half) RC_ASSERT(*all <= *half);
    // Four times n: the bound is a lower quantile of the sample.
    const auto small = upper_rank(n, q, low), large = upper_rank(4 * n, q, low);
    if (small) RC_ASSERT(double(*large) / double(4 * n) <= (double(*small) + 1) / double(n));
  }));
}

// With all samples effective the corrected ranks are the exact ones, or one place from them (a
// Clopper-Pearson limit of the share above the estimate is not the inversion that the exact rank
// makes).
TEST(EffectiveRanks, JoinTheExactOnes) {
  EXPECT_EQ(upper_rank(10000, .99, .975, 10000.0), 9919);  // exact: 9920
  EXPECT_EQ(lower_rank(10000, .99, .975, 10000.0), 9879);  // exact: 9880
  EXPECT_EQ(upper_rank(100, .5, .975, 100.0), 61);
  EXPECT_EQ(lower_rank(100, .5, .975, 100.0), 40);
  for (const int64_t n : {1000, 4321, 20000}) {
    for (const double q : {.5, .9, .97}) {
      const int64_t gap = *upper_rank(n, q, .95, double(n)) - *upper_rank(n, q, .95);
      EXPECT_GE(gap, -1) << n << " " << q;
      EXPECT_LE(gap, 1) << n << " " << q;
    }
  }
  EXPECT_FALSE(upper_rank(10000, .99, .95, 999.0));  // 9.99 effective exceedances
  EXPECT_TRUE(upper_rank(10000, .99, .95, 1001.0));
  EXPECT_FALSE(upper_rank(10000, .99, 1 - 1e-7, 1001.0));  // .99^1001 > 1e-7: not even the maximum
  EXPECT_FALSE(upper_rank(10000, .99, .95, NAN));
  EXPECT_FALSE(lower_rank(10000, .01, .95, 999.0));
}

TEST(QuantileTable, PrintsWhatItCarriesAndRefusesTheRest) {
  const auto x = draws(1000, 1);
  const auto rows = quantile_table(x, ascending(x));
  ASSERT_EQ(rows.size(), 5u);
  for (const QuantileRow& row : rows) {
    if (row.q < .999) {
      ASSERT_TRUE(row.carried()) << row.q;
      EXPECT_LE(*row.lower, row.estimate);
      EXPECT_GE(*row.upper, row.estimate);
      EXPECT_LE(*row.upper_one_sided, *row.upper);
      EXPECT_TRUE(row.refusal.empty());
      EXPECT_EQ(row.n_needed, 0);
    } else {
      EXPECT_FALSE(row.carried());
      EXPECT_FALSE(row.upper_one_sided);
      EXPECT_EQ(row.n_needed, quantile_n_needed(.999, .975));
      EXPECT_FALSE(row.refusal.empty());
    }
  }
}

TEST(QuantileTable, NeededIsWhatCarries) {
  for (const double q : {.01, .5, .9, .99}) {
    const int64_t need = quantile_row(draws(3, 1), ascending(draws(3, 1)), q, .95).n_needed;
    for (const int64_t n : {need - 1, need}) {
      const auto x = draws(static_cast<size_t>(n), 9);
      EXPECT_EQ(quantile_row(x, ascending(x), q, .95, false).carried(), n == need) << q << " " << n;
    }
  }
}

TEST(QuantileTable, SimultaneousIsBonferroni) {
  const auto x = draws(20000, 3);
  const auto sorted = ascending(x);
  const auto joint = quantile_table(x, sorted, {.q = {.5, .9}, .simultaneous = true});
  for (const QuantileRow& row : joint) {
    EXPECT_NEAR(row.confidence, .975, 1e-12);
    const QuantileRow alone = quantile_row(x, sorted, row.q, .975);
    EXPECT_EQ(row.upper, alone.upper);
    EXPECT_LT(*row.lower, *quantile_row(x, sorted, row.q, .95).lower);
  }
}

TEST(QuantileTable, DependenceWidens) {
  const auto x = autoregressive(10000, .8, 5);
  const auto sorted = ascending(x);
  const QuantileRow free = quantile_row(x, sorted, .99, .95, false);
  const QuantileRow row = quantile_row(x, sorted, .99, .95);
  EXPECT_GT(row.tau, 2);
  EXPECT_LT(row.tau, 8);
  // Raised by 1.5 relative errors of tau: one over the root of the effective exceedances.
  EXPECT_NEAR(row.n_effective * row.tau * (1 + 1.5 / std::sqrt(100 / row.tau)), 10000, 1e-6);
  EXPECT_GT(*row.upper, *free.upper);
  EXPECT_LT(*row.lower, *free.lower);
  EXPECT_EQ(free.tau, 1);
  // 1000 samples with phi .95 have far fewer than 10 effective exceedances of p99.
  const auto slow = autoregressive(1000, .95, 6);
  const QuantileRow refused = quantile_row(slow, ascending(slow), .99, .95);
  EXPECT_FALSE(refused.carried());
  EXPECT_GT(refused.n_needed, 1000);
  // 10 effective exceedances after tau is raised: x / (1 + 1.5/sqrt(x)) = 10 at x = 14.
  EXPECT_NEAR(double(refused.n_needed) / (refused.tau * 1000), 1.4, .02);
}

TEST(QuantileTable, TiesAtTheTopDoNotHideDependence) {
  std::vector<int64_t> x(6000);
  for (size_t i = 0; i < x.size(); ++i) x[i] = i / 100 % 10 == 3 ? 60 : 50;
  EXPECT_GT(quantile_tau(x, ascending(x), .95), 10);  // no sample exceeds the estimate, 60
}

TEST(QuantileTable, ScalingAndPermutation) {
  EXPECT_TRUE(rc::check([](uint64_t seed) {
    std::mt19937_64 engine(seed);
    auto x = draws(1 + engine() % 2000, seed, 1 + engine() % 100000);
    const auto sorted = ascending(x);
    const QuantileOptions free{.dependent = false};
    const auto before = quantile_table(x, sorted, free);
    auto scaled = x;
    for (auto& v : scaled) v = 7 * v + 3;
    const auto after = quantile_table(scaled, ascending(scaled));
    const auto dependent = quantile_table(x, sorted);
    std::shuffle(x.begin(), x.end(), engine);
    const auto shuffled = quantile_table(x, sorted, free);
    for (size_t i = 0; i < before.size(); ++i) {
      RC_ASSERT(before[i].upper == shuffled[i].upper);
      RC_ASSERT(before[i].lower == shuffled[i].lower);
      RC_ASSERT(after[i].estimate == 7 * dependent[i].estimate + 3);
      RC_ASSERT(after[i].carried() == dependent[i].carried());
      if (after[i].carried()) RC_ASSERT(*after[i].upper == 7 * *dependent[i].upper + 3);
    }
  }));
}

TEST(QuantileTable, AnyInput) {
  for (const QuantileRow& row : quantile_table({}, {})) EXPECT_FALSE(row.carried());
  const std::vector<int64_t> one = {7}, same(5000, 7), ends = {kMin, kMin, kMax, kMax};
  for (const QuantileRow& row : quantile_table(one, one)) {
    EXPECT_FALSE(row.carried());
    EXPECT_GT(row.n_needed, 1);
  }
  for (const QuantileRow& row : quantile_table(same, same)) {
    EXPECT_TRUE(row.carried());
    EXPECT_EQ(*row.upper, 7);
    EXPECT_EQ(row.tau, 1);
  }
  EXPECT_FALSE(quantile_table(ends, ends)[0].carried());
  EXPECT_FALSE(quantile_row(one, same, .5, .95).carried());  // spans that do not belong together
  for (const double q : {0.0, 1.0, -1.0, double(NAN), double(INFINITY)}) {
    EXPECT_FALSE(quantile_row(same, same, q, .95).carried());
    EXPECT_FALSE(quantile_row(same, same, q, .95).refusal.empty());
  }
  EXPECT_TRUE(quantile_table(same, same, {.q = {}}).empty());
  EXPECT_FALSE(quantile_row(same, same, .5, NAN).refusal.size());
}

TEST(Dkw, HalfWidth) {
  EXPECT_NEAR(dkw_half_width(1000, .95), .0429468, 1e-6);  // sqrt(ln 40 / 2000)
  EXPECT_EQ(dkw_half_width(0, .95), 1);
  EXPECT_EQ(dkw_half_width(1, .95), 1);
}

}  // namespace
}  // namespace assay::stats
