// SPDX-License-Identifier: Apache-2.0
// Error rates and power of equality claims over simulated audits (statistics.md section 7.1).
#include <gtest/gtest.h>

#include <cmath>

#include "stats/equality.h"
#include "stats/equality_design.h"
#include "stats/noninferiority.h"
#include "stats/simulated.h"

namespace assay::stats {
namespace {

constexpr int kAudits = 2000;

// Two groups of launch medians, truly `ratio` apart.
double share(size_t runs, double cv, double ratio, double margin, Equality wanted, uint64_t seed) {
  std::mt19937_64 engine(seed);
  std::normal_distribution<double> noise(0, cv);
  int count = 0;
  std::vector<double> a(runs), b(runs);
  for (int audit = 0; audit < kAudits; ++audit) {
    for (size_t i = 0; i < runs; ++i) {
      a[i] = std::exp(noise(engine));
      b[i] = ratio * std::exp(noise(engine));
    }
    count += compare_log_ratio(a, b, margin, .05).equality == wanted;
  }
  return count / double(kAudits);
}

TEST(EqualitySlow, TostErrorAndPower) {
  const double limit = most_errors(.05, kAudits);
  const double at_margin = share(22, .01, 1.01, .01, Equality::equivalent, 1);
  const double below_margin = share(22, .01, 1 / 1.01, .01, Equality::equivalent, 2);
  figure("tost_false_equivalence", at_margin);
  figure("tost_false_equivalence_below", below_margin);
  EXPECT_LE(at_margin, limit);
  EXPECT_LE(below_margin, limit);
  // The designed number of runs has the designed power (normal approximation: a little less).
  for (const double cv : {.01, .05}) {
    const auto n = static_cast<size_t>(tost_n_per_group(cv, .01));
    const double power = share(n, cv, 1, .01, Equality::equivalent, 3);
    figure("tost_power_n" + std::to_string(n), power);
    EXPECT_GT(power, .86);
  }
  const double false_difference = share(22, .01, 1, 0, Equality::different, 4);
  figure("false_difference", false_difference);
  EXPECT_LE(false_difference, limit);
}

struct MoverRates {
  double narrow = 0, wide = 0, equivalent = 0, different = 0, refused = 0;
};
MoverRates mover(size_t n, double phi, double q, double ratio, double margin, uint64_t seed) {
  std::mt19937_64 engine(seed);
  MoverRates out;
  int carried = 0;
  for (int audit = 0; audit < kAudits; ++audit) {
    const auto a = simulated_series(n, phi, .1, 1e9, engine);
    const auto b = simulated_series(n, phi, .1, 1e9 * ratio, engine);
    const QuantileEquality e = compare_quantile(a, b, q, margin, .05);
    if (!e.reason.empty()) continue;
    ++carried;
    out.narrow += e.lower <= ratio && ratio <= e.upper;
    out.wide += e.lower_wide <= ratio && ratio <= e.upper_wide;
    out.equivalent += e.equality == Equality::equivalent;
    out.different += e.equality == Equality::different || e.equality == Equality::immaterial;
  }
  for (double* v : {&out.narrow, &out.wide, &out.equivalent, &out.different}) *v /= carried;
  out.refused = 1 - carried / double(kAudits);
  return out;
}

TEST(EqualitySlow, QuantileMoverCoverageAndError) {
  const double limit = most_errors(.05, kAudits);
  for (const double q : {.5, .9, .99}) {
    const std::string name = "mover_q" + std::to_string(int(q * 100));
    const MoverRates even = mover(2000, 0, q, 1, .05, 5);
    const MoverRates edge = mover(2000, 0, q, 1.05, .05, 6);
    figure(name + "_coverage_90", even.narrow);
    figure(name + "_coverage_95", even.wide);
    figure(name + "_false_equivalence", edge.equivalent);
    figure(name + "_false_difference", even.different);
    figure(name + "_power", even.equivalent);
    EXPECT_LE(1 - even.narrow, most_errors(.10, kAudits)) << q;
    EXPECT_LE(even.narrow, .96) << q;
    EXPECT_LE(edge.equivalent, limit) << q;
    EXPECT_LE(even.different, limit) << q;
  }
}

TEST(EqualitySlow, QuantileMoverWithDependence) {
  const MoverRates even = mover(5000, .8, .9, 1, .05, 7);
  const MoverRates edge = mover(5000, .8, .9, 1.05, .05, 8);
  figure("ar08_coverage_90", even.narrow);
  figure("ar08_false_equivalence", edge.equivalent);
  figure("ar08_power", even.equivalent);
  figure("ar08_refused", even.refused);
  EXPECT_LE(1 - even.narrow, most_errors(.10, kAudits));
  EXPECT_LE(edge.equivalent, most_errors(.05, kAudits));
}

// p99 of the lognormal: the designed number of samples has the designed power.
TEST(EqualitySlow, DesignOfP99) {
  const double power = mover(1268, 0, .99, 1, .05, 9).equivalent;
  figure("p99_power_n1268", power);
  EXPECT_GT(power, .6);
}

TEST(EqualitySlow, NoninferiorityError) {
  std::mt19937_64 engine(10);
  // The loss is exactly the margin: b and c of 10^4 inputs, few and many discordant ones.
  for (const auto& [worse, better, margin] :
       {std::tuple{.002, .001, .001}, {.02, .015, .005}, {.0005, 0.0, .0005}}) {
    int claimed = 0;
    std::binomial_distribution<int64_t> b(10000, worse), c(10000, better);
    for (int audit = 0; audit < kAudits; ++audit)
      claimed += accuracy_loss(b(engine), c(engine), 10000, margin).noninferior;
    figure("false_noninferiority_" + std::to_string(worse), claimed / double(kAudits));
    EXPECT_LE(claimed / double(kAudits), most_errors(.05, kAudits)) << worse;
  }
}

}  // namespace
}  // namespace assay::stats
