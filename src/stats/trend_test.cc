// SPDX-License-Identifier: Apache-2.0
#include "stats/trend.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>
#include <random>

namespace assay::stats {
namespace {

using Groups = std::vector<std::vector<double>>;

// By definition, over pairs.
double slow_j(const Groups& g) {
  double j = 0;
  for (size_t a = 0; a < g.size(); ++a)
    for (size_t b = a + 1; b < g.size(); ++b)
      for (const double x : g[a])
        for (const double y : g[b]) j += x < y ? 1 : x == y ? 0.5 : 0;
  return j;
}

// All n! orders of the values, dealt to the groups in turn.
double slow_p_up(const Groups& g) {
  std::vector<double> all;
  for (const auto& v : g) all.insert(all.end(), v.begin(), v.end());
  std::vector<size_t> order(all.size());
  std::iota(order.begin(), order.end(), size_t{0});
  double up = 0, count = 0;
  do {
    Groups dealt = g;
    size_t k = 0;
    for (auto& v : dealt)
      for (double& x : v) x = all[order[k++]];
    up += slow_j(dealt) >= slow_j(g);
    count += 1;
  } while (std::next_permutation(order.begin(), order.end()));
  return up / count;
}

TEST(Jonckheere, ExactAgreesWithAllOrders) {
  for (const Groups& g : {Groups{{1, 2}, {3, 2.5}, {4, 1.5}}, Groups{{1, 2, 2}, {2, 3}, {3}},
                          Groups{{5}, {4, 4}, {3, 2, 6}}}) {
    const Trend t = jonckheere_terpstra(g);
    EXPECT_TRUE(t.exact);
    EXPECT_EQ(t.statistic, slow_j(g));
    EXPECT_NEAR(t.p_up, slow_p_up(g), 1e-12);
  }
}

TEST(Jonckheere, ManyGroupsAndTies) {
  std::mt19937_64 engine(5);
  Groups some(40), many(200000);
  for (int i = 0; i < 300; ++i)
    some[engine() % some.size()].push_back(static_cast<double>(engine() % 25));
  EXPECT_EQ(jonckheere_terpstra(some).statistic, slow_j(some));
  for (size_t g = 0; g < many.size(); ++g)  // a pass over all pairs would take minutes
    many[g].push_back(1e6 + static_cast<double>(g) + static_cast<double>(engine() % 1000));
  const Trend t = jonckheere_terpstra(many);
  EXPECT_EQ(t.direction, 1);
  EXPECT_NEAR(t.slope_percent, 100 / 1.1e6, 1e-6);
}

TEST(Jonckheere, VarianceWithTiesIsThatOfAllOrders) {
  const Groups g = {{1, 2, 2}, {2, 3}, {3, 3}};
  std::vector<double> all = {1, 2, 2, 2, 3, 3, 3};
  std::vector<size_t> order(all.size());
  std::iota(order.begin(), order.end(), size_t{0});
  double sum = 0, squares = 0, count = 0;
  do {
    Groups dealt = g;
    size_t k = 0;
    for (auto& v : dealt)
      for (double& x : v) x = all[order[k++]];
    const double j = slow_j(dealt);
    sum += j;
    squares += j * j;
    count += 1;
  } while (std::next_permutation(order.begin(), order.end()));
  const double mean = sum / count, sd = std::sqrt(squares / count - mean * mean);
  EXPECT_NEAR(jonckheere_terpstra(g).z, (slow_j(g) - mean) / sd, 1e-9);
}

TEST(Jonckheere, RisingBuilds) {
  Groups g;
  for (int b = 0; b < 8; ++b) g.push_back({100.0 + b, 100.2 + b, 99.9 + b, 100.1 + b, 100.3 + b});
  const Trend t = jonckheere_terpstra(g);
  EXPECT_FALSE(t.exact);
  EXPECT_EQ(t.direction, 1);
  EXPECT_LT(t.p, 1e-6);
  EXPECT_NEAR(t.slope_percent, 100 / 103.6, 0.02);
  std::reverse(g.begin(), g.end());
  EXPECT_EQ(jonckheere_terpstra(g).direction, -1);
  EXPECT_LT(jonckheere_terpstra(g).p_down, 1e-6);
}

double slow_l(const Groups& blocks) {
  double l = 0;
  for (const auto& b : blocks)
    for (size_t t = 0; t < b.size(); ++t) {
      double r = 0.5;
      for (const double y : b) r += y < b[t] ? 1 : y == b[t] ? 0.5 : 0;
      l += static_cast<double>(t + 1) * r;
    }
  return l;
}

TEST(Page, ExactAgreesWithAllOrders) {
  for (const Groups& blocks :
       {Groups{{1, 2, 3}, {2, 1, 3}, {1, 3, 2}}, Groups{{1, 1, 2}, {3, 2, 1}, {5, 6, 6}}}) {
    double up = 0, count = 0;
    const double seen = slow_l(blocks);
    std::vector<std::vector<size_t>> o(3, {0, 1, 2});
    std::function<void(size_t, Groups&)> deal = [&](size_t b, Groups& dealt) {
      if (b == blocks.size()) {
        up += slow_l(dealt) >= seen;
        count += 1;
        return;
      }
      std::vector<size_t> order = {0, 1, 2};
      do {
        for (size_t t = 0; t < 3; ++t) dealt[b][t] = blocks[b][order[t]];
        deal(b + 1, dealt);
      } while (std::next_permutation(order.begin(), order.end()));
    };
    Groups dealt = blocks;
    deal(0, dealt);
    EXPECT_EQ(count, 216);
    const Trend t = page(blocks);
    EXPECT_TRUE(t.exact);
    EXPECT_EQ(t.statistic, seen);
    EXPECT_NEAR(t.p_up, up / count, 1e-12);
  }
}

TEST(Page, CriticalValueOfTheTables) {
  // Page 1963: k=3, 10 blocks, 5 %: L >= 128 (of 140).
  Groups blocks(10, {1, 2, 3});
  EXPECT_EQ(page(blocks).statistic, 140);
  blocks[0] = blocks[1] = blocks[2] = {3, 2, 1};  // each turned block takes 4 off
  EXPECT_EQ(page(blocks).statistic, 128);
  EXPECT_LE(page(blocks).p_up, 0.05);
  blocks[3] = {2, 1, 3};  // 127
  EXPECT_EQ(page(blocks).statistic, 127);
  EXPECT_GT(page(blocks).p_up, 0.05);
}

TEST(Page, RisesInNineOfTenNetworks) {
  Groups blocks(10, {1.00, 1.02, 1.05});
  blocks[4] = {1.02, 1.00, 1.05};
  const Trend t = page(blocks);
  EXPECT_LT(t.p_up, 1e-5);
  EXPECT_EQ(t.direction, 1);
  EXPECT_NEAR(t.slope_percent, 2.451, 0.01);
  EXPECT_NEAR(chance_all_rise(9, 10, 3), 10 * std::pow(6, -9) * 5 / 6 + std::pow(6, -10), 1e-12);
  EXPECT_NEAR(chance_all_rise(9, 10, 3), 8.4e-7, 0.1e-7);
}

TEST(Trend, NothingToJudge) {
  EXPECT_FALSE(jonckheere_terpstra({}).computed);
  EXPECT_FALSE(jonckheere_terpstra(Groups{{1, 2}}).computed);
  EXPECT_FALSE(jonckheere_terpstra(Groups{{1, 1}, {1, 1}}).computed);
  EXPECT_FALSE(jonckheere_terpstra(Groups{{1, NAN}, {1, 2}}).computed);
  EXPECT_FALSE(page({}).computed);
  EXPECT_FALSE(page(Groups{{1, 2}, {1, 2, 3}}).computed);
  EXPECT_FALSE(page(Groups{{1, 1}, {2, 2}}).computed);
  EXPECT_EQ(page(Groups{{1, 1}, {2, 2}}).p, 1);
}

TEST(Jonckheere, SizeAtFivePercent) {
  std::mt19937_64 rng(11);
  std::normal_distribution<double> normal;
  int rejected = 0;
  constexpr int kTrials = 1000;
  for (int i = 0; i < kTrials; ++i) {
    Groups g(6, std::vector<double>(8));
    for (auto& v : g)
      for (double& x : v) x = normal(rng);
    rejected += jonckheere_terpstra(g).p < 0.05;
  }
  EXPECT_NEAR(rejected / double{kTrials}, 0.05, 3 * std::sqrt(0.05 * 0.95 / kTrials));
}

}  // namespace
}  // namespace assay::stats
