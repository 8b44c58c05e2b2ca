// SPDX-License-Identifier: Apache-2.0
#include "stats/gev.h"

#include <gtest/gtest.h>

#include <cmath>

#include "stats/extreme_test_data.h"

namespace assay::stats {
namespace {

void expect_near(double value, double oracle, double relative = 1e-4) {
  EXPECT_NEAR(value, oracle, relative * std::fabs(oracle));
}

TEST(Gev, PortPirie) {
  const GevFit fit = fit_gev_mle(kPortPirie);
  ASSERT_TRUE(fit.ok);
  expect_near(fit.mu, 3.874750);
  expect_near(fit.sigma, .198044);
  EXPECT_NEAR(fit.xi, -.050110, 1e-5);
  expect_near(-fit.nll, 4.339058);
  EXPECT_NEAR(std::sqrt(fit.cov[0]), .02793, 1e-5);
  EXPECT_NEAR(std::sqrt(fit.cov[4]), .02025, 1e-5);
  EXPECT_NEAR(std::sqrt(fit.cov[8]), .09826, 1e-5);
  expect_near(fit.cov[1], 1.970e-4, 1e-3);
  expect_near(fit.cov[2], -1.074e-3, 1e-3);
  expect_near(fit.cov[5], -7.774e-4, 1e-3);
  const GevFit gumbel = fit_gumbel(kPortPirie);
  expect_near(gumbel.mu, 3.869443);
  expect_near(gumbel.sigma, .194889);
  expect_near(-gumbel.nll, 4.217682);
  expect_near(gumbel_test(fit, gumbel).statistic, .24275, 1e-3);
  const auto l = sample_lmoments(kPortPirie);
  expect_near(l[0], 3.980615);
  expect_near(l[1], .134644);
  expect_near(l[2], .137433);
  expect_near(l[3], .132831);
  const GevFit moments = fit_gev_lmoments(kPortPirie);
  expect_near(moments.mu, 3.873148);
  expect_near(moments.sigma, .203222, 2e-4);
  EXPECT_NEAR(moments.xi, -.051212, 5e-4);
}

TEST(Gev, PortPirieReturnLevels) {
  const GevFit fit = fit_gev_mle(kPortPirie);
  const auto ten = gev_profile_interval(kPortPirie, fit, .1, .95);
  expect_near(ten.estimate, 4.29621);
  ASSERT_TRUE(ten.lower && ten.upper);
  expect_near(*ten.lower, 4.2046);
  expect_near(*ten.upper, 4.4451);
  const auto hundred = gev_profile_interval(kPortPirie, fit, .01, .95);
  expect_near(hundred.estimate, 4.68840);
  ASSERT_TRUE(hundred.lower && hundred.upper);
  expect_near(*hundred.lower, 4.4904);
  expect_near(*hundred.upper, 5.2607);
  const auto delta = gev_delta_interval(fit, .01, .95);
  expect_near(*delta.lower, 4.3771);
  expect_near(*delta.upper, 4.9997);
}

TEST(Gev, VeniceOxfordLisbon) {
  const GevFit venice = fit_gev_mle(kVenice);
  expect_near(venice.mu, 111.0979);
  expect_near(venice.sigma, 17.1760);
  EXPECT_NEAR(venice.xi, -.07672, 2e-5);
  expect_near(-venice.nll, -222.71453);
  expect_near(-fit_gumbel(kVenice).nll, -223.16473);
  const auto level = gev_profile_interval(kVenice, venice, .01, .95);
  expect_near(level.estimate, 177.672);
  ASSERT_TRUE(level.lower && level.upper);
  expect_near(*level.lower, 163.05);
  expect_near(*level.upper, 215.85);
  const GevFit oxford = fit_gev_mle(kOxford);
  expect_near(oxford.mu, 83.8385);
  expect_near(oxford.sigma, 4.2601);
  expect_near(oxford.xi, -.28727);
  expect_near(-oxford.nll, -228.89652);
  const GumbelTest test = gumbel_test(oxford, fit_gumbel(kOxford));
  expect_near(test.statistic, 11.999);
  expect_near(test.p, std::erfc(std::sqrt(11.999 / 2)), 1e-3);
  const GevFit lisbon = fit_gev_mle(kLisbon);
  expect_near(lisbon.mu, 96.0324);
  expect_near(lisbon.sigma, 12.8523);
  expect_near(lisbon.xi, -.19879);
  expect_near(-lisbon.nll, -120.62296);
}

TEST(Gev, GridOracles) {
  const struct {
    double xi, mu, sigma, fitted, nll;
  } cases[] = {{-.2, .0052791, .9957840, -.2074101, 145.5804775},
               {0, .0023591, .9939905, -.0035040, 157.0742356},
               {.2, -.0003239, .9925096, .2001111, 168.5604483}};
  for (const auto& c : cases) {
    std::vector<double> x;
    for (int i = 1; i <= 100; ++i) x.push_back(gev_quantile((i - .5) / 100, 0, 1, c.xi));
    const GevFit fit = fit_gev_mle(x);
    EXPECT_NEAR(fit.mu, c.mu, 1e-6);
    EXPECT_NEAR(fit.sigma, c.sigma, 1e-6);
    EXPECT_NEAR(fit.xi, c.fitted, 1e-6);
    expect_near(fit.nll, c.nll, 1e-8);
  }
}

TEST(Gev, BlockLawAgainstLawPerInference) {
  for (const double p : {1e-3, 1e-6, 1e-9}) {
    expect_near(inference_probability(block_probability(p, 250), 250), p, 1e-12);
  }
  expect_near(block_probability(1e-9, 100), 1e-7, 1e-6);
  // Blocks of an exponential sample: the level of p per inference is -ln p, up to O(1/b).
  const double block = 1000, p = 1e-6;
  const double x = gev_quantile(1 - block_probability(p, block), std::log(block), 1, 0);
  expect_near(x, -std::log(p), 1e-4);
}

TEST(BlockMaxima, DropsTheIncompleteBlock) {
  const std::vector<int64_t> v = {1, 5, 2, 3, 4, 1, 99};
  EXPECT_EQ(block_maxima(v, 3), (std::vector<double>{5, 4}));
  EXPECT_EQ(block_maxima(v, 8), std::vector<double>{});
  EXPECT_EQ(block_maxima(v, 0), std::vector<double>{});
  EXPECT_EQ(block_length(1), 10);
  EXPECT_EQ(block_length(7.2), 72);
}

TEST(Gev, HostileInput) {
  const std::vector<std::vector<double>> cases = {
      {}, {1}, {1, 2}, {3, 3, 3, 3, 3, 3}, {1, 2, 3, 4, NAN}, {1, 2, 3, INFINITY, 5}};
  for (const auto& x : cases) {
    EXPECT_FALSE(fit_gev_mle(x).ok);
    EXPECT_FALSE(fit_gev_lmoments(x).ok);
    EXPECT_FALSE(fit_gumbel(x).ok);
    EXPECT_FALSE(gev_profile_interval(x, fit_gev_mle(x), .1, .95).upper.has_value());
    EXPECT_FALSE(gev_delta_interval(fit_gev_mle(x), .1, .95).upper.has_value());
  }
  for (const std::vector<double>& x : {std::vector<double>{1, 1, 1, 1, 2},
                                       {1, 2, 2, 2, 2, 2, 2},
                                       {-1e308, 0, 0, 0, 1e308},
                                       {-9.2e18, 1, 2, 3, 9.2e18}}) {
    const GevFit fit = fit_gev_mle(x);
    EXPECT_EQ(fit.n == 5 || fit.n == 7, true);
    if (fit.ok) gev_profile_interval(x, fit, .01, .95);
  }
}

}  // namespace
}  // namespace assay::stats
