// SPDX-License-Identifier: Apache-2.0
#include "stats/variance.h"

#include <gtest/gtest.h>

#include <cmath>

#include "stats/test_coverage.h"

namespace assay::stats {
namespace {

// libkalibera's example: 3 builds x 2 launches x 2 samples.
const std::vector<double> kKalibera = {9, 5, 8, 3, 10, 6, 7, 11, 1, 12, 2, 4};

TEST(Variance, KaliberaOracle) {
  const std::vector<int64_t> shape = {3, 2, 2};
  const VarianceSplit v = variance_split(kKalibera, shape, {});
  ASSERT_TRUE(v.valid);
  EXPECT_NEAR(v.levels[0].s2, 16.5, 0.05);
  EXPECT_NEAR(v.levels[1].s2, 2.6, 0.05);
  EXPECT_NEAR(v.levels[2].s2, 3.6, 0.05);
  EXPECT_NEAR(v.levels[0].t2, 16.5, 0.05);
  EXPECT_NEAR(v.levels[1].t2, -5.7, 0.05);  // kept as it is
  EXPECT_NEAR(v.levels[2].t2, 2.3, 0.05);
  EXPECT_EQ(v.levels[1].sd, 0);
  EXPECT_EQ(v.levels[1].share, 0);
  EXPECT_NEAR(v.levels[0].share + v.levels[2].share, 1, 1e-12);
  EXPECT_NEAR(v.mean, 6.5, 1e-12);
  // t_{.975, 2} = 4.302653.
  EXPECT_NEAR(*v.mean_upper - v.mean, 4.302653 * std::sqrt(v.levels[2].s2 / 3), 1e-5);
}

TEST(Variance, KaliberaRepetitions) {
  const std::vector<double> t2 = {.72667, .26278, .7747}, costs = {3, 20, 100};
  const auto r = best_repetitions(t2, costs);
  ASSERT_EQ(r.size(), 2u);
  EXPECT_NEAR(*r[0], 4.2937, 5e-4);
  EXPECT_NEAR(*r[1], 1.3023, 5e-4);
  EXPECT_FALSE(best_repetitions(std::vector<double>{1, -1, 1}, costs)[0]);
  EXPECT_EQ(*best_repetitions(std::vector<double>{1, -1, 1}, costs)[1], 0);
}

TEST(Variance, SamplesGiveWhatValuesGive) {
  std::vector<std::vector<int64_t>> launches;
  for (size_t i = 0; i < 12; i += 2)
    launches.push_back(
        {static_cast<int64_t>(kKalibera[i]), static_cast<int64_t>(kKalibera[i + 1])});
  launches[3].push_back(1000);  // one sample too many
  Builds builds;
  for (size_t b = 0; b < 3; ++b) builds.push_back({launches[2 * b], launches[2 * b + 1]});
  builds.push_back({{}});
  const std::vector<int64_t> shape = {3, 2, 2};
  const std::vector<double> costs = {3, 20, 100};
  const VarianceSplit a = variance_split(kKalibera, shape, costs),
                      b = variance_split(builds, costs);
  for (size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(a.levels[i].t2, b.levels[i].t2);
    EXPECT_EQ(a.levels[i].sd_upper, b.levels[i].sd_upper);
    EXPECT_EQ(a.levels[i].repetitions_best_ceil, b.levels[i].repetitions_best_ceil);
  }
  EXPECT_EQ(b.used, 12);
  EXPECT_EQ(b.given, 13);
  EXPECT_EQ(b.truncation,
            "1 builds without samples left out; 1 launches without samples left out; samples a "
            "launch cut from up to 3 to 2");
  const VarianceSplit m = variance_split_medians(builds, {});
  ASSERT_TRUE(m.valid);
  EXPECT_EQ(m.levels.size(), 2u);
  EXPECT_NEAR(m.mean, (5 + 3 + 6 + 11 + 1 + 2) / 6.0, 1e-12);  // launch 3 has median 11 of 3
}

TEST(Variance, NothingToSplit) {
  EXPECT_FALSE(variance_split(Builds{}, {}).valid);
  EXPECT_FALSE(variance_split(kKalibera, std::vector<int64_t>{12}, {}).valid);
  EXPECT_FALSE(variance_split(kKalibera, std::vector<int64_t>{12, 1}, {}).valid);
  EXPECT_FALSE(variance_split(kKalibera, std::vector<int64_t>{5, 2}, {}).valid);
  EXPECT_FALSE(
      variance_split(kKalibera, std::vector<int64_t>{int64_t{1} << 40, int64_t{1} << 40}, {})
          .valid);
  std::vector<double> bad = kKalibera;
  bad[3] = NAN;
  EXPECT_FALSE(variance_split(bad, std::vector<int64_t>{3, 2, 2}, {}).valid);
  const VarianceSplit flat =
      variance_split(std::vector<double>(8, 5.0), std::vector<int64_t>{2, 2, 2}, {});
  EXPECT_TRUE(flat.valid);
  EXPECT_EQ(flat.levels[2].sd, 0);
  EXPECT_EQ(flat.levels[2].share, 0);
}

TEST(Variance, Tolerance) {
  EXPECT_EQ(next_exceeds_max(3), 0.25);
  EXPECT_EQ(builds_for_tolerance(.95, .95), 59);
  EXPECT_NEAR(coverage_of_max(59, .95), 0.9505, 1e-4);
  EXPECT_NEAR(*sd_upper_factor(3), 4.415, 0.001);
  EXPECT_NEAR(*sd_upper_factor(10), 1.645, 0.001);
  EXPECT_NEAR(*sd_upper_factor(20), 1.370, 0.001);
  EXPECT_FALSE(sd_upper_factor(1));
  EXPECT_EQ(builds_for_tolerance(1, .95), 0);
  EXPECT_EQ(next_exceeds_max(-1), 1);
}

TEST(Variance, IntervalsCover) {
  constexpr int kTrials = 200;
  const Coverage c = coverage({10, 5, 20}, {2, 1, 1}, false, kTrials, 5);
  const double slack = 3 * std::sqrt(0.05 * 0.95 / kTrials);
  for (const double level : c.level) EXPECT_GE(level, 0.95 - slack);
  EXPECT_NEAR(c.mean, 0.95, slack);
}

}  // namespace
}  // namespace assay::stats
