// SPDX-License-Identifier: Apache-2.0
// Error rates of sequential tests over simulated audits (statistics.md section 5).
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "stats/sequential.h"
#include "stats/simulated.h"

namespace assay::stats {
namespace {

constexpr int kAudits = 2000;
constexpr double kP0 = .01, kAlpha = .01;

std::vector<int64_t> exceeding(size_t n, double p, std::mt19937_64& engine) {
  std::vector<int64_t> out(n, 0);
  std::geometric_distribution<int64_t> gap(p);
  for (auto i = gap(engine); i < int64_t(n); i += 1 + gap(engine)) out[size_t(i)] = 2;
  return out;
}

TEST(SequentialSlow, RequirementErrsAtMostAlpha) {
  std::mt19937_64 engine(1);
  int pass = 0, fail = 0;
  for (int audit = 0; audit < kAudits; ++audit) {
    // Exactly at the limit: neither PASS nor FAIL is right.
    const SequentialResult r = test_requirement(exceeding(30000, kP0, engine), 1, kP0, kAlpha);
    pass += r.decision == Decision::pass;
    fail += r.decision == Decision::fail;
  }
  figure("false_pass", pass / double(kAudits));  // section 5.1: 0.004
  figure("false_fail", fail / double(kAudits));
  EXPECT_LE(pass / double(kAudits), most_errors(kAlpha, kAudits));
  EXPECT_LE(fail / double(kAudits), most_errors(kAlpha, kAudits));
}

TEST(SequentialSlow, RequirementMeanSamples) {
  const struct {
    double factor, wanted;
    size_t n;
    int audits;
  } cases[] = {{.05, 781, 20000, 2000}, {.2, 1298, 30000, 2000}, {.5, 4133, 100000, 600}};
  std::mt19937_64 engine(2);
  for (const auto& c : cases) {
    double sum = 0;
    int pass = 0;
    for (int audit = 0; audit < c.audits; ++audit) {
      const SequentialResult r =
          test_requirement(exceeding(c.n, kP0 * c.factor, engine), 1, kP0, kAlpha);
      sum += double(r.n_taken);
      pass += r.decision == Decision::pass;
    }
    figure("mean_samples_" + std::to_string(c.factor), sum / c.audits);
    figure("power_" + std::to_string(c.factor), pass / double(c.audits));
    EXPECT_LE(sum / c.audits, c.wanted);
    EXPECT_GE(sum / c.audits, .75 * c.wanted);  // section 5.1 looked less often than each 1 %
    EXPECT_GE(pass, .98 * c.audits);
  }
}

// Dependent samples: the exceedances cluster; thinning keeps the error.
TEST(SequentialSlow, RequirementWithDependence) {
  std::mt19937_64 engine(3);
  const double z99 = 2.3263478740408408;
  const auto limit = static_cast<int64_t>(1e9 * std::exp(.1 * z99));
  constexpr int kFewer = 2000;
  int pass = 0, fail = 0;
  for (int audit = 0; audit < kFewer; ++audit) {
    const SequentialResult r =
        test_requirement(simulated_series(30000, .8, .1, 1e9, engine), limit, kP0, kAlpha);
    pass += r.decision == Decision::pass;
    fail += r.decision == Decision::fail;
  }
  figure("ar08_false_pass", pass / double(kFewer));
  figure("ar08_false_fail", fail / double(kFewer));
  EXPECT_LE(pass / double(kFewer), most_errors(kAlpha, kFewer));
  EXPECT_LE(fail / double(kFewer), most_errors(kAlpha, kFewer));
}

TEST(SequentialSlow, PrecisionIntervalCovers) {
  std::mt19937_64 engine(4);
  const double truth = 1e9 * std::exp(.1 * 2.3263478740408408);
  int missed = 0, decided = 0;
  double sum = 0;
  for (int audit = 0; audit < kAudits; ++audit) {
    const PrecisionResult r =
        test_precision(simulated_series(20000, 0, .1, 1e9, engine), {.q = .99});
    if (r.decision != Decision::pass) continue;
    ++decided;
    sum += double(r.n);
    missed += double(r.lower) > truth || double(r.upper) < truth;
  }
  figure("precision_missed", missed / double(decided));
  figure("precision_decided", decided / double(kAudits));
  figure("precision_mean_n", sum / decided);
  EXPECT_GE(decided, .9 * kAudits);
  EXPECT_LE(missed / double(decided), most_errors(.05, decided));
}

// What MLPerf's loop does when it is followed as published: a system exactly at its limit passes
// far more often than the nominal 1 %. Not a defect of ours; printed so that the comparison is
// fair.
TEST(SequentialSlow, MlperfLoopExceedsItsNominalError) {
  std::map<int64_t, int64_t> needed;
  const auto n_of = [&](int64_t t) {
    auto [at, fresh] = needed.try_emplace(t, 0);
    if (fresh) at->second = mlperf_min_n(t, .99, .99);
    return at->second;
  };
  const struct {
    int64_t start, cap;
    double section5;
  } cases[] = {{662, 270336, .147}, {24576, 270336, .086}};
  std::mt19937_64 engine(5);
  for (const auto& c : cases) {
    constexpr int kRuns = 10000;
    int passed = 0;
    for (int run = 0; run < kRuns; ++run) {
      int64_t q = c.start, t = std::binomial_distribution<int64_t>(q, .01)(engine);
      while (q < n_of(t) && q < c.cap) {
        const int64_t more = std::min(n_of(t), c.cap) - q;
        t += std::binomial_distribution<int64_t>(more, .01)(engine);
        q += more;
      }
      passed += q >= n_of(t);
    }
    figure("mlperf_real_error_start_" + std::to_string(c.start), passed / double(kRuns));
    EXPECT_NEAR(passed / double(kRuns), c.section5, .015);
  }
}

}  // namespace
}  // namespace assay::stats
