// SPDX-License-Identifier: Apache-2.0
#include "stats/variance.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

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

// Coverage of the intervals of the three levels; sds as given, low to high.
struct Coverage {
  double level[3] = {0, 0, 0}, mean = 0;
};
Coverage coverage(const std::vector<int64_t>& shape, const double (&sd)[3], bool skewed, int trials,
                  uint64_t seed) {
  std::mt19937_64 rng(seed);
  std::normal_distribution<double> normal;
  Coverage out;
  const double skew_sd = std::sqrt((std::exp(0.25) - 1) * std::exp(0.25));  // of exp(N(0, .5))
  for (int t = 0; t < trials; ++t) {
    std::vector<double> v;
    for (int64_t b = 0; b < shape[0]; ++b) {
      const double build = sd[2] * normal(rng);
      for (int64_t l = 0; l < shape[1]; ++l) {
        const double launch = build + sd[1] * normal(rng);
        for (int64_t i = 0; i < shape[2]; ++i) {
          const double z = normal(rng);
          v.push_back(launch +
                      sd[0] * (skewed ? (std::exp(z / 2) - std::exp(0.125)) / skew_sd : z));
        }
      }
    }
    const VarianceSplit s = variance_split(v, shape, {});
    for (size_t i = 0; i < 3; ++i)
      out.level[i] += s.levels[i].sd_lower && *s.levels[i].sd_lower <= sd[i] + 1e-12 &&
                      sd[i] <= *s.levels[i].sd_upper;
    out.mean += *s.mean_lower <= 0 && 0 <= *s.mean_upper;
  }
  for (double& c : out.level) c /= trials;
  out.mean /= trials;
  return out;
}

TEST(Variance, IntervalsCover) {
  constexpr int kTrials = 600;
  const double slack = 3 * std::sqrt(0.05 * 0.95 / kTrials);
  const double cases[][3] = {{2, 1, 1}, {10, 1, 0.5}, {2, 0, 0}, {1, 1, 5}};
  for (const auto& sd : cases)
    for (const bool skewed : {false, true}) {
      const Coverage c = coverage({10, 5, 20}, {sd[0], sd[1], sd[2]}, skewed, kTrials, 5);
      for (size_t i = 0; i < 3; ++i)
        EXPECT_GE(c.level[i], 0.95 - slack - (i == 0 && skewed ? 0.02 : 0.0))
            << "sds " << sd[0] << " " << sd[1] << " " << sd[2] << " level " << i << " skewed "
            << skewed;
      EXPECT_NEAR(c.mean, 0.95, slack);
    }
}

}  // namespace
}  // namespace assay::stats
