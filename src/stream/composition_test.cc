// SPDX-License-Identifier: Apache-2.0
#include "stream/composition.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "stats/random.h"

namespace assay::stream {
namespace {

constexpr Stage kFour[] = {Stage::read, Stage::pre, Stage::infer, Stage::post};

// A law with exact answers in place of the unnamed one of the table in statistics.md, 8.1: stages
// N(mean, sd) in us, any two correlated by rho. Then R is N(M, sd_R), the sum of q-quantiles is
// M + z_q S with S the sum of the sds, and the Boole bound of large samples M + z_(1-(1-q)/4) S.
// Means 19 and S = 2.087 give that table's columns within 1 %.
constexpr double kMean[] = {1, 14.5, 3, .5}, kSd[] = {.2, 1.39, .4, .097};
constexpr double kZ999 = 3.0902323, kZ99975 = 3.4807564;

std::vector<StageColumn> normals(double rho, int64_t n, uint64_t seed) {
  std::vector<StageColumn> out;
  for (const Stage s : kFour) out.push_back({s, {}});
  stats::Random random(seed);
  for (int64_t i = 0; i < n; ++i) {
    const double shared = stats::normal(random);
    for (size_t k = 0; k < 4; ++k) {
      const double z = std::sqrt(rho) * shared + std::sqrt(1 - rho) * stats::normal(random);
      out[k].values.push_back(std::llround(1e6 * (kMean[k] + kSd[k] * z)));
    }
  }
  return out;
}

double sd_of_sum(double rho) {
  double s = 0, s2 = 0;
  for (const double sd : kSd) s += sd, s2 += sd * sd;
  return std::sqrt((1 - rho) * s2 + rho * s * s);
}

TEST(Composition, NormalStagesOfAnyDependenceHaveTheirExactQuantiles) {
  ComposeOptions options;
  options.dependent = false;
  double mean = 0, s = 0;
  for (size_t k = 0; k < 4; ++k) mean += kMean[k], s += kSd[k];
  for (const double rho : {0.0, .8, 1.0}) {
    const Composition c = compose(normals(rho, 400'000, 3), .999, options);
    ASSERT_TRUE(c.joint && c.joint_upper && c.boole_upper && c.sum_of_quantiles && c.convolution);
    // The estimate's own error: sqrt(q(1-q)/n)/f = about .015 sd of the sum at p99.9.
    EXPECT_NEAR(*c.joint / 1e6, mean + kZ999 * sd_of_sum(rho), .06 * sd_of_sum(rho)) << rho;
    EXPECT_NEAR(*c.convolution / 1e6, mean + kZ999 * sd_of_sum(0), .06 * sd_of_sum(0)) << rho;
    EXPECT_NEAR(*c.sum_of_quantiles / 1e6, mean + kZ999 * s, .06 * s) << rho;
    EXPECT_NEAR(*c.boole_upper / 1e6, mean + kZ99975 * s, .2 * s) << rho;
    EXPECT_NEAR(*c.joint / 1e6, rho == 0 ? 23.43 : rho == 1 ? 25.42 : 25.06, .25) << "the table's";
    EXPECT_NEAR(*c.sum_of_quantiles / 1e6, 25.44, .25);
    EXPECT_NEAR(*c.boole_upper / 1e6, 26.2, .5);
    EXPECT_GE(*c.joint_upper, *c.joint);
    EXPECT_TRUE(c.boole_holds) << rho;
    EXPECT_GT(*c.boole_upper, *c.joint_upper);
    // Independent stages: convolution is right. Comonotone: the sum is, and convolution is unsafe.
    if (rho == 0) {
      EXPECT_NEAR(*c.joint, *c.convolution, 6e4);
    } else {
      EXPECT_GT(*c.joint, *c.convolution + 3e5);
    }
    if (rho == 1) {
      EXPECT_NEAR(*c.joint, *c.sum_of_quantiles, 5);
    }
    ASSERT_EQ(c.pairs.size(), 6);
    for (const auto& p : c.pairs) {
      EXPECT_NEAR(p.rank_correlation, 6 / M_PI * std::asin(rho / 2), .01);
      EXPECT_GE(p.chi, rho == 0 ? 0 : rho == 1 ? .99 : .2);
      EXPECT_LE(p.chi, rho == 0 ? .02 : 1);
    }
  }
}

// statistics.md, 8.1: two stages of 1 with a spike of +10 in 0.6 % of frames each.
TEST(Composition, SumOfQuantilesIsNoBound) {
  std::vector<StageColumn> two = {{Stage::pre, {}}, {Stage::infer, {}}};
  stats::Random random(5);
  for (int i = 0; i < 100'000; ++i)
    for (StageColumn& s : two)
      s.values.push_back(1'000'000 + (stats::uniform(random) < .006 ? 10'000'000 : 0));
  ComposeOptions options;
  options.dependent = false;
  const Composition c = compose(two, .99, options);
  EXPECT_EQ(*c.sum_of_quantiles, 2e6);
  EXPECT_EQ(*c.joint, 12e6);
  EXPECT_EQ(*c.convolution, 12e6);
  EXPECT_EQ(*c.boole_upper, 22e6);
  EXPECT_TRUE(c.boole_holds);
  EXPECT_THAT(c.note, testing::HasSubstr("above the sum of the stages' (2.00 ms)"));
  EXPECT_THAT(c.note, testing::HasSubstr("pre and infer"));
}

TEST(Composition, NamesThePairThatIsSlowTogether) {
  std::vector<StageColumn> four = normals(0, 20'000, 9);
  for (size_t i = 0; i < four[0].values.size(); i += 50)
    four[1].values[i] += 8'000'000, four[3].values[i] += 8'000'000;
  const Composition c = compose(four, .99, {});
  ASSERT_FALSE(c.pairs.empty());
  EXPECT_EQ(c.pairs[0].a, Stage::pre);
  EXPECT_EQ(c.pairs[0].b, Stage::post);
  EXPECT_GT(c.pairs[0].chi, .4);  // 2 % spikes, ranked at random among themselves: half above p99
  EXPECT_GT(*c.joint, *c.convolution);
}

TEST(Composition, SaysWhatFramesDoNotCarry) {
  const Composition few = compose(normals(0, 100, 1), .99, {});
  EXPECT_FALSE(few.joint || few.boole_upper || few.sum_of_quantiles || few.convolution);
  EXPECT_THAT(few.note, testing::HasSubstr("100 frames do not carry p99"));
  const Composition some = compose(normals(0, 1000, 1), .99, {});
  EXPECT_TRUE(some.joint);
  EXPECT_FALSE(some.boole_upper);  // four stages at p99.75 and 98.75 %: 1751 frames
  EXPECT_THAT(some.note, testing::HasSubstr("do not carry the Boole bound"));
  EXPECT_EQ(compose({}, .99, {}).note, "no frame was done");
}

TEST(Composition, StagesThatTakeNoTimeDoNotCountForBoole) {
  std::vector<StageColumn> with = normals(0, 4000, 1), without = with;
  with.push_back({Stage::second, std::vector<int64_t>(4000, 0)});
  const Composition a = compose(with, .99, {}), b = compose(without, .99, {});
  EXPECT_EQ(*a.boole_upper, *b.boole_upper);
  EXPECT_EQ(a.pairs.size(), 6);
}

TEST(Composition, TheSameSeedDrawsTheSame) {
  const auto stages = normals(.3, 3000, 1);
  EXPECT_EQ(*compose(stages, .99, {}).convolution, *compose(stages, .99, {}).convolution);
}

}  // namespace
}  // namespace assay::stream
