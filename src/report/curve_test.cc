// SPDX-License-Identifier: Apache-2.0
#include "report/curve.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

namespace assay::report {
namespace {

TEST(Ecdf, KeepsExtremesAndIsTrueAtEveryVertex) {
  std::vector<int64_t> s;
  uint64_t x = 1;
  for (int i = 0; i < 10'000; ++i)
    s.push_back(static_cast<int64_t>(1000 + (x = x * 6364136223846793005u + 1) % 100'000));
  std::sort(s.begin(), s.end());
  const AxisRange r = axis_range(static_cast<double>(s.front()), static_cast<double>(s.back()));
  const auto p = ecdf(s, r, 100);
  ASSERT_LE(p.size(), 101u);
  EXPECT_EQ(p.front().x, static_cast<double>(s.front()));
  EXPECT_EQ(p.back().x, static_cast<double>(s.back()));
  EXPECT_EQ(p.back().y, 1);
  for (const Point& v : p)
    EXPECT_EQ(v.y,
              static_cast<double>(std::upper_bound(s.begin(), s.end(), static_cast<int64_t>(v.x)) -
                                  s.begin()) /
                  1e4);
}

TEST(Ecdf, OneValueAndNone) {
  const std::vector<int64_t> one = {5, 5};
  const auto p = ecdf(one, axis_range(5, 5), 10);
  ASSERT_EQ(p.size(), 1u);
  EXPECT_EQ(p[0].y, 1);
  EXPECT_TRUE(ecdf({}, axis_range(0, 1), 10).empty());
}

TEST(RunOrder, KeepsEveryExtreme) {
  std::vector<int64_t> s(1000, 10);
  s[777] = 99;
  s[3] = 1;
  const auto c = run_order(s, 7);
  ASSERT_EQ(c.size(), 7u);
  EXPECT_EQ(
      std::max_element(c.begin(), c.end(), [](auto a, auto b) { return a.high < b.high; })->high,
      99);
  EXPECT_EQ(c[0].low, 1);
}

TEST(Exceedance, IsTrueAtEveryVertexAndKeepsTheExtremes) {
  std::vector<int64_t> s;
  uint64_t x = 1;
  for (int i = 0; i < 100'000; ++i) {
    x = x * 6364136223846793005u + 1;
    s.push_back(
        static_cast<int64_t>(-1e5 * std::log(static_cast<double>((x >> 11) + 1) * 0x1p-53)));
  }
  std::sort(s.begin(), s.end());
  const auto p = exceedance(s, 50, 100);
  ASSERT_LE(p.size(), 260u);
  EXPECT_EQ(p.front().x, static_cast<double>(s.front()));
  EXPECT_EQ(p.front().y, 1);
  for (size_t i = 0; i < p.size(); ++i) {
    EXPECT_EQ(p[i].y,
              static_cast<double>(
                  s.end() - std::lower_bound(s.begin(), s.end(), static_cast<int64_t>(p[i].x))) /
                  1e5);
    if (i) {
      EXPECT_GT(p[i].x, p[i - 1].x);
      EXPECT_LT(p[i].y, p[i - 1].y);
    }
  }
  for (size_t i = 1; i <= 50; ++i) {
    const auto want = static_cast<double>(s[s.size() - i]);
    EXPECT_TRUE(std::any_of(p.begin(), p.end(), [&](const Point& v) { return v.x == want; })) << i;
  }
}

TEST(Exceedance, TiesAndFew) {
  EXPECT_TRUE(exceedance({}).empty());
  const std::vector<int64_t> constant(1000, 7), extreme = {INT64_MIN, 0, INT64_MAX};
  ASSERT_EQ(exceedance(constant).size(), 1u);
  EXPECT_EQ(exceedance(constant)[0].y, 1);
  EXPECT_EQ(exceedance(extreme).size(), 3u);
  const std::vector<int64_t> ties = {1, 1, 1, 2, 9, 9};
  const auto p = exceedance(ties, 1, 2);
  EXPECT_EQ(p.back().x, 9);
  EXPECT_EQ(p.back().y, 2 / 6.0);
}

TEST(Cut, KeepsEndsTailAndOrder) {
  std::vector<Point> in;
  for (int i = 0; i < 100'000; ++i) in.push_back({1.0 * i, i / 1e5});
  in[10].y = NAN;
  in.push_back({INFINITY, 1});
  const auto out = cut(in, {0, 1e5, false}, {0, 1, false}, 100, 20);
  EXPECT_LE(out.size(), 220u);
  EXPECT_GE(out.size(), 100u);
  EXPECT_EQ(out.front().x, 0);
  for (size_t i = 0; i < 20; ++i)
    EXPECT_EQ(out[out.size() - 1 - i].x, 99'999.0 - static_cast<double>(i));
  EXPECT_TRUE(std::is_sorted(out.begin(), out.end(), [](auto& a, auto& b) { return a.x < b.x; }));
  EXPECT_TRUE(cut({}, {0, 1, false}, {0, 1, false}, 10).empty());
}

TEST(RunMiddles, AreTheLowerMedians) {
  const std::vector<int64_t> s = {3, 1, 2, 9, 8, 7, 6, 5};
  EXPECT_EQ(run_middles(s, 2), (std::vector<double>{2, 6}));
  EXPECT_EQ(run_middles(s, 100).size(), 8u);
  EXPECT_TRUE(run_middles({}, 3).empty());
}

}  // namespace
}  // namespace assay::report
