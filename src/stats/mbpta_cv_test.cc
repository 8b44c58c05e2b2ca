// SPDX-License-Identifier: Apache-2.0
#include "stats/mbpta_cv.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "stats/gpd.h"
#include "stats/random.h"

namespace assay::stats {
namespace {

// The series iFFT and MA of the literature are in no package here; the published line of iFFT (top
// 50: u = 1101372, mean excess 9985.72) still gives its exponential quantiles.
TEST(MbptaCv, PublishedExponentialQuantiles) {
  EXPECT_NEAR(exponential_quantile(1101372, 9985.72, .05, 1e-6), 1209415.3, .5);
  EXPECT_NEAR(exponential_quantile(1101372, 9985.72, .05, 1e-9), 1278394.2, .5);
  EXPECT_NEAR(exponential_quantile(1101372, 9985.72, .05, 1e-12), 1347373.1, .5);
}

TEST(MbptaCv, CoefficientByHand) {
  const ResidualCv r = residual_cv(std::vector<double>{1, 2, 3, 6});
  EXPECT_NEAR(r.cv, std::sqrt(3.5) / 3, 1e-12);
  EXPECT_NEAR(r.cv_unbiased, std::sqrt(14.0 / 3) / 3, 1e-12);
  EXPECT_NEAR(r.xi, (r.cv * r.cv - 1) / (2 * r.cv * r.cv), 1e-12);
  EXPECT_NEAR(residual_cv_variance(0), 1, 1e-12);
  EXPECT_TRUE(std::isinf(residual_cv_variance(.25)));
}

TEST(MbptaCv, SimulatedLawOfTheCoefficient) {
  double mean = 0;
  int accepted = 0, multiple = 0;
  const int rounds = 400;
  for (int i = 0; i < rounds; ++i) {
    Random random(static_cast<uint64_t>(i));
    std::vector<double> y;
    for (int j = 0; j < 200; ++j) y.push_back(3e4 * exponential(random));
    const ResidualCv r = residual_cv(y);
    mean += r.cv / rounds;
    accepted += r.exponential ? 1 : 0;
    if (i >= 100) continue;
    std::sort(y.begin(), y.end());
    multiple += cv_multiple_threshold(y, 4, 99, 5).p <= .1 ? 1 : 0;
  }
  EXPECT_NEAR(mean, .993, .01);
  EXPECT_NEAR(accepted / 400.0, .90, .05);
  EXPECT_LE(multiple, 19);  // 10 expected, sd 3
  EXPECT_GE(multiple, 2);
}

TEST(MbptaCv, SeesOtherTails) {
  Random random(1);
  std::vector<double> heavy, light;
  for (int j = 0; j < 400; ++j) {
    heavy.push_back(gpd_quantile(uniform(random), 1, .4));
    light.push_back(uniform(random));
  }
  EXPECT_TRUE(residual_cv(heavy).heavier);
  EXPECT_FALSE(residual_cv(light).exponential);
  EXPECT_FALSE(residual_cv(light).heavier);
  std::sort(heavy.begin(), heavy.end());
  std::sort(light.begin(), light.end());
  EXPECT_LE(cv_multiple_threshold(heavy, 5, 199, 1).p, .02);
  EXPECT_LE(cv_multiple_threshold(light, 5, 199, 1).p, .02);
}

TEST(MbptaCv, HostileInput) {
  EXPECT_EQ(residual_cv({}).k, 0);
  EXPECT_EQ(residual_cv(std::vector<double>{1}).cv, 0);
  EXPECT_EQ(residual_cv(std::vector<double>{0, 0, 0}).cv, 0);
  EXPECT_EQ(residual_cv(std::vector<double>{1, NAN}).cv, 0);
  EXPECT_EQ(cv_multiple_threshold({}, 5, 10, 1).levels, 0);
  const std::vector<double> same(40, 2.0);
  EXPECT_GE(cv_multiple_threshold(same, 5, 10, 1).p, 0);
}

}  // namespace
}  // namespace assay::stats
