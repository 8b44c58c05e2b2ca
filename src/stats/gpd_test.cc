// SPDX-License-Identifier: Apache-2.0
#include "stats/gpd.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <algorithm>
#include <cmath>
#include <random>

#include "stats/extreme_test_data.h"
#include "stats/random.h"

namespace assay::stats {
namespace {

void expect_near(double value, double oracle, double relative = 1e-4) {
  EXPECT_NEAR(value, oracle, relative * std::fabs(oracle));
}

std::vector<double> grid(double xi) {
  std::vector<double> y;
  for (int i = 1; i <= 200; ++i) y.push_back(gpd_quantile(1 - (i - 0.5) / 200, 1, xi));
  return y;
}

std::vector<double> drawn(int k, double sigma, double xi, uint64_t seed) {
  Random random(seed);
  std::vector<double> y;
  for (int i = 0; i < k; ++i) y.push_back(gpd_quantile(uniform(random), sigma, xi));
  return y;
}

std::vector<double> danish_over(double u) {
  std::vector<double> y;
  for (const double v : kDanishOver10) {
    if (v > u) y.push_back(v - u);
  }
  return y;
}

TEST(Gpd, GridOracles) {
  const struct {
    double xi, sigma, fitted, nll, pwm_sigma, pwm_xi;
  } cases[] = {{-.3, 1.0123528, -.3136553, 139.7243711, .9915116, -.2892777},
               {0, 1.0087217, -.0104677, 199.6432343, .9918010, .0064784},
               {.2, 1.0068000, .1911182, 239.5790280, .9939541, .1997979}};
  for (const auto& c : cases) {
    const auto y = grid(c.xi);
    const GpdFit fit = fit_gpd_mle(y);
    ASSERT_TRUE(fit.ok);
    expect_near(fit.sigma, c.sigma, 1e-6);
    EXPECT_NEAR(fit.xi, c.fitted, 1e-6);
    expect_near(fit.nll, c.nll, 1e-8);
    const GpdFit moments = fit_gpd_lmoments(y);
    expect_near(moments.sigma, c.pwm_sigma, 1e-3);
    EXPECT_NEAR(moments.xi, c.pwm_xi, 1e-3);
  }
}

TEST(Gpd, DanishClaims) {
  const GpdFit ten = fit_gpd_mle(danish_over(10));
  EXPECT_EQ(ten.k, 109);
  expect_near(ten.sigma, 6.975468);
  expect_near(ten.xi, .496986);
  expect_near(-ten.nll, -374.892990);
  EXPECT_NEAR(std::sqrt(ten.var_sigma), 1.1135, 5e-4);
  EXPECT_NEAR(std::sqrt(ten.var_xi), .1363, 5e-4);
  const GpdFit twenty = fit_gpd_mle(danish_over(20));
  EXPECT_EQ(twenty.k, 36);
  expect_near(twenty.sigma, 9.635133);
  expect_near(twenty.xi, .684152);
  expect_near(-twenty.nll, -142.184458);
  expect_near(10 + gpd_quantile(.01 * 2167 / 109, ten.sigma, ten.xi), 27.2900);
  expect_near(20 + gpd_quantile(.01 * 2167 / 36, twenty.sigma, twenty.xi), 25.8474);
  // The rain oracles of Coles need the rain series, which no package here holds: not tested.
}

TEST(Gpd, LawIsSmoothThroughZeroAndInverts) {
  for (const double xi : {-.4, -1e-6, -1e-11, 0., 1e-11, 1e-6, .3}) {
    for (const double p : {.9, .1, 1e-3, 1e-9}) {
      const double y = gpd_quantile(p, 2.5, xi);
      expect_near(gpd_exceedance(y, 2.5, xi), p, 1e-9);
    }
  }
  for (const double edge : {1e-10, 1e-9, 1e-8, 1e-7, 1e-6}) {
    EXPECT_NEAR(gpd_quantile(1e-6, 1, edge), gpd_quantile(1e-6, 1, 0), 200 * edge);
    EXPECT_NEAR(gpd_quantile(1e-6, 1, -edge), gpd_quantile(1e-6, 1, 0), 200 * edge);
  }
  EXPECT_EQ(gpd_exceedance(10, 1, -.2), 0);
  EXPECT_EQ(gpd_exceedance(-1, 1, -.2), 1);
}

// The product route to the mean logarithm against one logarithm a value.
TEST(Gpd, MeanLogOfProductsEqualsMeanOfLogs) {
  for (const double xi : {-.6, 0., .4, 2.5}) {
    for (const int k : {2, 3, 5, 17, 250, 1003}) {
      const GpdSample s(drawn(k, 3, xi, 5));
      for (const double t : {-18., -9., -2., -.5, 0., .5, 3., 20., 34.}) {
        const double theta = std::exp(t) - 1 / s.max;
        double mean = 0;
        for (const double y : s.y) mean += std::log1p(theta * y) / k;
        EXPECT_NEAR(s.mean_log(theta), mean, 1e-11 * (1 + std::fabs(mean)));
      }
      for (const double theta : {9.9e-4 / s.max, -9.9e-4 / s.max, 1e-12, 0.}) {
        double mean = 0;
        for (const double y : s.y) mean += std::log1p(theta * y) / k;
        EXPECT_NEAR(s.mean_log(theta), mean, 1e-12 * std::fabs(mean));
      }
    }
  }
}

TEST(Gpd, FitIsTheMinimumOfTheLikelihood) {
  uint64_t seed = 1;
  for (const double xi : {-.7, -.45, -.2, 0., .2, .8, 1.5, 3.}) {
    for (const int k : {20, 109, 1000}) {
      const auto y = drawn(k, 40, xi, ++seed);
      const GpdFit fit = fit_gpd_mle(y);
      ASSERT_TRUE(fit.ok) << xi << " " << k;
      EXPECT_NEAR(gpd_nll(y, fit.sigma, fit.xi), fit.nll, 1e-7 * k);
      if (fit.xi <= -.95) continue;  // the edge of the family
      for (const double ds : {-.01, 0., .01}) {
        for (const double dx : {-.01, 0., .01}) {
          EXPECT_GE(gpd_nll(y, fit.sigma * (1 + ds), fit.xi + dx), fit.nll - 1e-7)
              << xi << " " << k;
        }
      }
      const GpdSample sample(y);
      GpdFit near;
      near.ok = true, near.sigma = 40, near.xi = xi;
      const GpdFit warm = fit_gpd_mle(sample, &near);
      EXPECT_NEAR(warm.nll, fit.nll, 1e-6 * k) << xi << " " << k;
      EXPECT_NEAR(warm.xi, fit.xi, 2e-4) << xi << " " << k;
    }
  }
}

TEST(Gpd, CovarianceIsSmoothThroughZero) {
  const auto y = grid(0);
  const GpdFit fit = fit_gpd_mle(y);
  // Numeric Hessian of the likelihood at the fit.
  const double h = 1e-3;
  const auto f = [&](double i, double j) { return gpd_nll(y, fit.sigma + i * h, fit.xi + j * h); };
  const double ss = (f(1, 0) - 2 * f(0, 0) + f(-1, 0)) / (h * h);
  const double xx = (f(0, 1) - 2 * f(0, 0) + f(0, -1)) / (h * h);
  const double sx = (f(1, 1) - f(1, -1) - f(-1, 1) + f(-1, -1)) / (4 * h * h);
  const double det = ss * xx - sx * sx;
  expect_near(fit.var_sigma, xx / det, 1e-3);
  expect_near(fit.var_xi, ss / det, 1e-3);
  expect_near(fit.cov, -sx / det, 1e-3);
}

// U_P against its definition: the profile likelihood of the quantile, maximised over xi on a grid.
TEST(GpdBounds, ProfileUpperIsWhereTheProfileLikelihoodFalls) {
  for (const double xi : {-.3, -.01, .2}) {
    const auto y = drawn(250, 1, xi, 11);
    const GpdSample sample(y);
    const GpdFit fit = fit_gpd_mle(sample);
    for (const double a : {.3, .04, 4e-5}) {
      const auto upper = gpd_profile_upper(sample, fit, std::vector<double>{a}, .95);
      ASSERT_TRUE(upper[0].has_value());
      const auto deviance = [&](double x) {
        double least = INFINITY;
        for (double s = fit.xi - .5; s < fit.xi + .6; s += 2e-4) {
          const double unit = gpd_quantile(a, 1, s);
          least = std::min(least, gpd_nll(y, x / unit, s));
        }
        return 2 * (least - fit.nll);
      };
      EXPECT_NEAR(deviance(*upper[0]), 2.70554, 2e-3) << xi << " " << a;
      EXPECT_GT(*upper[0], gpd_quantile(a, fit.sigma, fit.xi));
      const auto both = gpd_profile_interval(sample, fit, a, .90);
      ASSERT_TRUE(both.lower && both.upper);
      expect_near(*both.upper, *upper[0], 1e-5);
      EXPECT_NEAR(deviance(*both.lower), 2.70554, 2e-3) << xi << " " << a;
    }
  }
}

TEST(GpdBounds, ExponentialUpperCoversAnExponentialTail) {
  // chi2_{200, .05} = 168.279 (tables); mean 1, k = 100, a = e^-1.
  expect_near(gpd_exponential_upper(1, 100, std::exp(-1.0), .95), 200 / 168.279, 1e-5);
}

TEST(GpdBounds, WeightWidens) {
  const auto y = drawn(300, 1, 0.05, 3);
  const GpdSample sample(y);
  const GpdFit fit = fit_gpd_mle(sample);
  const std::vector<double> a = {1e-3};
  EXPECT_LT(*gpd_profile_upper(sample, fit, a, .95)[0],
            *gpd_profile_upper(sample, fit, a, .95, .5)[0]);
  EXPECT_FALSE(gpd_profile_upper(sample, fit, a, .95, 0)[0].has_value());
  EXPECT_FALSE(gpd_profile_upper(sample, fit, a, .4)[0].has_value());
}

TEST(Gpd, HostileInput) {
  const double inf = INFINITY, nan = NAN;
  for (const std::vector<double>& y :
       {std::vector<double>{}, {1}, {1, 1, 1}, {0, 1}, {-1, 2}, {1, inf}, {nan, 1}}) {
    EXPECT_FALSE(fit_gpd_mle(y).ok);
    EXPECT_FALSE(fit_gpd_lmoments(y).ok);
    const GpdSample s(y);
    EXPECT_FALSE(gpd_profile_upper(s, fit_gpd_mle(s), std::vector<double>{.1}, .95)[0]);
  }
  for (const std::vector<double>& y : {std::vector<double>{1e-300, 1e300},
                                       {1, 2},
                                       {1e-9, 1, 1e9},
                                       {1, 1, 1, 1, 1e18},
                                       {9e18, 9.1e18, 9.2e18}}) {
    const GpdSample s(y);
    const GpdFit fit = fit_gpd_mle(s);
    if (fit.ok) gpd_profile_upper(s, fit, std::vector<double>{.1, 1e-9}, .95);
  }
}

TEST(GpdProperty, ScaleAndOrder) {
  EXPECT_TRUE(rc::check("a fit scales with its data and does not see their order", [] {
    const auto seed = *rc::gen::arbitrary<uint64_t>();
    const auto xi = *rc::gen::inRange(-40, 60) / 100.0;
    const auto k = *rc::gen::inRange(20, 400);
    const double c = std::exp(*rc::gen::inRange(-200, 300) / 10.0);
    auto y = drawn(k, 1, xi, seed);
    const GpdFit fit = fit_gpd_mle(y);
    RC_ASSERT(fit.ok);
    const GpdSample base(y);
    const std::vector<double> a = {.2, 1e-3, 1e-7};
    const auto upper = gpd_profile_upper(base, fit, a, .95);
    const auto strict = gpd_profile_upper(base, fit, a, .99);
    std::mt19937_64 engine(seed);
    std::shuffle(y.begin(), y.end(), engine);
    for (double& v : y) v *= c;
    const GpdSample moved(y);
    const GpdFit other = fit_gpd_mle(moved);
    RC_ASSERT(std::fabs(other.xi - fit.xi) < 1e-5);
    RC_ASSERT(std::fabs(other.sigma / (c * fit.sigma) - 1) < 1e-5);
    const auto scaled = gpd_profile_upper(moved, other, a, .95);
    for (size_t i = 0; i < a.size(); ++i) {
      RC_ASSERT(upper[i].has_value() == scaled[i].has_value());
      if (!upper[i]) continue;
      RC_ASSERT(std::fabs(*scaled[i] / (c * *upper[i]) - 1) < 1e-4);
      if (strict[i]) RC_ASSERT(*strict[i] >= *upper[i]);
      if (i > 0) RC_ASSERT(*upper[i] >= *upper[i - 1]);
    }
  }));
}

}  // namespace
}  // namespace assay::stats
