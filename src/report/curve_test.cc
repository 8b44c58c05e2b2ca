// SPDX-License-Identifier: Apache-2.0
#include "report/curve.h"

#include <gtest/gtest.h>

#include <algorithm>

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

}  // namespace
}  // namespace assay::report
