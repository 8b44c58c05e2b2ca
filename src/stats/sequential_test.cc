// SPDX-License-Identifier: Apache-2.0
#include "stats/sequential.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>

#include "stats/special.h"

namespace assay::stats {
namespace {

constexpr int64_t kMin = std::numeric_limits<int64_t>::min();
constexpr int64_t kMax = std::numeric_limits<int64_t>::max();

// Samples that exceed the limit 100 with probability p.
std::vector<int64_t> exceeding(size_t n, double p, uint64_t seed) {
  std::mt19937_64 engine(seed);
  std::bernoulli_distribution over(p);
  std::vector<int64_t> out(n);
  for (auto& x : out) x = over(engine) ? 101 : 100;
  return out;
}

TEST(Requirement, GoldenSampleSizes) {  // statistics.md section 5.1
  const int64_t golden[][3] = {{0, 534, 459},      {1, 847, 662},    {2, 1088, 838},
                               {5, 1687, 1307},    {10, 2539, 2010}, {50, 8092, 6898},
                               {100, 14291, 12571}};
  for (const auto& g : golden) {
    EXPECT_EQ(requirement_min_n(g[0], .01, .01), g[1]);
    EXPECT_EQ(mlperf_min_n(g[0], .99, .99), g[2]);  // the exact test at one n
  }
}

// The other route to the martingale: the mixture integral by the midpoint rule in log p.
TEST(Requirement, MartingaleIsTheMixtureIntegral) {
  const double p0 = .01, a = .5, b = 99.5;
  for (const auto& [s, t] : {std::pair<int, int>{0, 500}, {3, 700}, {9, 400}, {40, 2000}}) {
    double weighted[2] = {0, 0}, mass[2] = {0, 0};
    constexpr int kSteps = 400000;
    for (int i = 0; i < kSteps; ++i) {
      const double lo = -30, hi = 0, u = lo + (hi - lo) * (i + .5) / kSteps, p = std::exp(u);
      const double w = std::exp(a * u + (b - 1) * std::log1p(-p));
      const double ratio =
          std::exp(s * std::log(p / p0) + (t - s) * (std::log1p(-p) - std::log1p(-p0)));
      weighted[p >= p0] += w * ratio;
      mass[p >= p0] += w;
    }
    EXPECT_NEAR(log_pass_martingale(s, t, p0), std::log(weighted[0] / mass[0]), 2e-3) << s;
    EXPECT_NEAR(log_fail_martingale(s, t, p0), std::log(weighted[1] / mass[1]), 2e-3) << s;
  }
}

// Under p = p0 the mean of a martingale stays 1: summed over the whole binomial law.
TEST(Requirement, MeanOfTheMartingaleIsOne) {
  const double p0 = .02;
  for (const int t : {1, 30, 400}) {
    double pass = 0, fail = 0;
    for (int s = 0; s <= t; ++s) {
      const double log_mass = std::lgamma(t + 1) - std::lgamma(s + 1) - std::lgamma(t - s + 1) +
                              s * std::log(p0) + (t - s) * std::log1p(-p0);
      pass += std::exp(log_mass + log_pass_martingale(s, t, p0));
      fail += std::exp(log_mass + log_fail_martingale(s, t, p0));
    }
    EXPECT_NEAR(pass, 1, 1e-6) << t;
    EXPECT_NEAR(fail, 1, 1e-6) << t;
  }
}

TEST(Requirement, DecidesAndLogsItsLooks) {
  const SequentialResult pass = test_requirement(exceeding(5000, 0, 1), 100, .01, .01);
  EXPECT_EQ(pass.decision, Decision::pass);
  EXPECT_GE(pass.n, 534);
  EXPECT_LE(pass.n, 540);  // the look schedule adds 1 % at most
  EXPECT_EQ(pass.exceedances, 0);
  EXPECT_EQ(pass.thin, 1);
  for (const Look& look : pass.looks) {  // an assessor replays each line
    EXPECT_EQ(look.decision == Decision::pass, look.statistic >= look.threshold);
    EXPECT_NEAR(look.statistic,
                std::max(log_pass_martingale(look.exceedances, look.n, .01),
                         log_fail_martingale(look.exceedances, look.n, .01)),
                1e-12);
  }
  EXPECT_EQ(pass.looks.back().n, pass.n);
  const SequentialResult fail = test_requirement(exceeding(5000, .05, 2), 100, .01, .01);
  EXPECT_EQ(fail.decision, Decision::fail);
  const SequentialResult short_run = test_requirement(exceeding(300, 0, 3), 100, .01, .01);
  EXPECT_EQ(short_run.decision, Decision::undecided);
  EXPECT_EQ(short_run.looks.back().n, 300);
  EXPECT_FALSE(short_run.reason.empty());
}

TEST(Requirement, ThinsWhatDepends) {
  std::vector<int64_t> x;  // runs of ten equal outcomes
  std::mt19937_64 engine(4);
  for (int i = 0; i < 2000; ++i)
    for (int64_t j = 0, v = engine() % 50 == 0 ? 101 : 100; j < 10; ++j) x.push_back(v);
  const SequentialResult r = test_requirement(x, 100, .5, .01);
  EXPECT_GT(r.tau, 7);
  EXPECT_LT(r.tau, 14);
  EXPECT_EQ(r.thin, static_cast<int64_t>(std::ceil(2 * r.tau)));
  EXPECT_EQ(r.n_taken, r.n * r.thin);
}

TEST(Requirement, RareExceedancesDoNotHideDependence) {
  std::vector<int64_t> x(5000);
  for (size_t i = 0; i < x.size(); ++i) x[i] = 50 + static_cast<int64_t>(i / 100 % 10);
  EXPECT_GT(test_requirement(x, 100, .01, .01).thin, 10);
}

TEST(Requirement, AnyInput) {
  for (const double bad : {0.0, 1.0, -1.0, double(NAN)}) {
    EXPECT_EQ(test_requirement(exceeding(50, 0, 1), 100, bad, .01).decision, Decision::undecided);
    EXPECT_EQ(test_requirement(exceeding(50, 0, 1), 100, .01, bad).decision, Decision::undecided);
    EXPECT_EQ(requirement_min_n(0, bad, .01), 0);
  }
  EXPECT_EQ(test_requirement({}, 100, .01, .01).n, 0);
  EXPECT_EQ(test_requirement(std::vector<int64_t>{kMin, kMax}, kMax, .01, .01).exceedances, 0);
  EXPECT_EQ(log_pass_martingale(5, 4, .01), -INFINITY);
  EXPECT_EQ(log_pass_martingale(-1, 4, .01), -INFINITY);
  EXPECT_EQ(decision_word(Decision::undecided), "UNDECIDED");
}

TEST(Precision, StopsWhenTheIntervalIsNarrow) {
  std::mt19937_64 engine(5);
  std::normal_distribution<double> noise(1e6, 2e4);
  std::vector<int64_t> x(200000);
  for (auto& v : x) v = static_cast<int64_t>(noise(engine));
  const PrecisionResult r = test_precision(x, {.q = .99});
  EXPECT_EQ(r.decision, Decision::pass);
  EXPECT_LE(double(r.upper - r.lower) / (2 * double(r.estimate)), .02);
  for (size_t i = 1; i < r.looks.size(); ++i) EXPECT_EQ(r.looks[i].n, 2 * r.looks[i - 1].n);
  const PrecisionResult tight =
      test_precision(x, {.q = .99, .n0 = 500, .looks = 4, .relative = 1e-9});
  EXPECT_EQ(tight.decision, Decision::undecided);
  EXPECT_EQ(tight.looks.size(), 4u);
  EXPECT_EQ(tight.next_n, 0);
  EXPECT_EQ(tight.looks[0].statistic, INFINITY);  // 500 do not carry p99 at alpha/4
  const PrecisionResult more = test_precision(std::span(x).first(900), {.q = .99});
  EXPECT_EQ(more.decision, Decision::undecided);
  EXPECT_GT(more.next_n, 900);
}

TEST(Precision, AnyInput) {
  EXPECT_EQ(test_precision({}, {}).decision, Decision::undecided);
  const std::vector<int64_t> ends = {kMin, kMax, 0, 0, kMin, kMax, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1};
  EXPECT_EQ(test_precision(ends, {.q = .5, .n0 = 8}).decision, Decision::undecided);
  EXPECT_FALSE(test_precision(ends, {.q = NAN}).reason.empty());
  EXPECT_FALSE(test_precision(ends, {.looks = 0}).reason.empty());
  EXPECT_EQ(default_precision(.5), .01);
  EXPECT_EQ(default_precision(.99), .02);
  EXPECT_EQ(default_precision(.999), .05);
}

TEST(EarlyStopping, MlperfOracles) {
  const struct {
    double p;
    int64_t n[3];
  } cases[] = {{.9, {44, 64, 81}}, {.99, {459, 662, 838}}, {.999, {4603, 6636, 8403}}};
  for (const auto& c : cases)
    for (int t = 0; t < 3; ++t) EXPECT_EQ(mlperf_min_n(t, c.p, .99), c.n[t]) << c.p << " " << t;
  EXPECT_EQ(mlperf_min_n(-1, .9, .99), 0);
  EXPECT_EQ(mlperf_min_n(0, NAN, .99), 0);
  EXPECT_LT(mlperf_min_n(5, .99, .99, .005), mlperf_min_n(5, .99, .99));  // a tolerance eases it
  // Published table: n = z^2 p(1-p)/m^2 for margins m of (1-p)/20.
  for (const auto& [p, n] :
       {std::pair<double, double>{.9, 23886}, {.95, 50425}, {.97, 85811}, {.99, 262742}}) {
    const double m = (1 - p) / 20, z = normal_quantile(.995);
    EXPECT_NEAR(z * z * p * (1 - p) / (m * m), n, 1.5);
  }
}

}  // namespace
}  // namespace assay::stats
