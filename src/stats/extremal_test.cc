// SPDX-License-Identifier: Apache-2.0
#include "stats/extremal.h"

#include <gtest/gtest.h>

#include <cmath>

#include "stats/random.h"

namespace assay::stats {
namespace {

// Positions for which evd 2.3-6.1 gives exi(r = 0) .8149563, r = 1, 2: .5, r = 6: .4285714. (The
// rain and wooster series of the literature are not in any package here.)
const std::vector<int64_t> kTimes = {2, 3, 8, 9, 10, 39, 79, 80, 119, 120, 121, 122, 159, 198};

TEST(ExtremalIndex, IntervalsAndRunsAgainstEvd) {
  EXPECT_NEAR(extremal_index(kTimes), .8149563, 1e-6);
  EXPECT_DOUBLE_EQ(extremal_index_runs(kTimes, 1), .5);
  EXPECT_DOUBLE_EQ(extremal_index_runs(kTimes, 2), .5);
  EXPECT_NEAR(extremal_index_runs(kTimes, 6), .4285714, 1e-6);
}

TEST(ExtremalIndex, ShortGapsUseTheOtherForm) {
  // T = 1, 2, 1: 2 * 16 / (3 * 6) > 1.
  EXPECT_DOUBLE_EQ(extremal_index(std::vector<int64_t>{0, 1, 3, 4}), 1);
}

// Moving maximum of w independent values: theta = 1 / w exactly.
TEST(ExtremalIndex, MovingMaximum) {
  for (const int width : {1, 2, 5}) {
    int covered = 0;
    const int rounds = 60;
    for (int round = 0; round < rounds; ++round) {
      Random random(derived_seed(9, static_cast<uint64_t>(100 * width + round)));
      std::vector<int64_t> raw, x;
      for (int i = 0; i < 10000; ++i) raw.push_back(static_cast<int64_t>(1e9 * uniform(random)));
      for (size_t i = static_cast<size_t>(width) - 1; i < raw.size(); ++i) {
        int64_t m = 0;
        for (int j = 0; j < width; ++j) m = std::max(m, raw[i - static_cast<size_t>(j)]);
        x.push_back(m);
      }
      const auto u = static_cast<int64_t>(1e9 * (1 - .05 / width));
      const auto r = extremal_index_interval(exceedance_times(x, u), .95, 199, 7);
      EXPECT_NEAR(r.theta, 1.0 / width, .25 / width);
      covered += r.lower <= 1.0 / width && 1.0 / width <= r.upper ? 1 : 0;
    }
    EXPECT_GE(covered, 50) << width;  // 57 expected
  }
}

TEST(ExtremalIndex, HostileInput) {
  EXPECT_EQ(extremal_index({}), 1);
  EXPECT_EQ(extremal_index(std::vector<int64_t>{5}), 1);
  EXPECT_EQ(extremal_index_runs({}, 3), 1);
  const auto r = extremal_index_interval({}, .95, 99, 1);
  EXPECT_EQ(r.lower, 0);
  EXPECT_EQ(r.upper, 1);
  std::vector<int64_t> every(50);
  for (size_t i = 0; i < every.size(); ++i) every[i] = static_cast<int64_t>(i);
  EXPECT_LE(extremal_index_interval(every, .95, 99, 1).upper, 1);
}

TEST(Horizon, HourOfFrames) {
  EXPECT_NEAR(horizon_probability(1e-6, 108000, 1), 1 - std::pow(1 - 1e-6, 108000), 1e-10);
  EXPECT_NEAR(horizon_probability(1e-6, 108000, .5), .0525679, 1e-5);
  EXPECT_EQ(horizon_probability(0, 10, 1), 0);
  EXPECT_EQ(horizon_probability(1, 10, 1), 1);
}

}  // namespace
}  // namespace assay::stats
