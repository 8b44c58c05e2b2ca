// SPDX-License-Identifier: Apache-2.0
#include "stats/pwcet_builds.h"

#include <gtest/gtest.h>

#include <cmath>

#include "stats/extreme_test_parents.h"

namespace assay::stats {
namespace {

PwcetOptions quick() {
  PwcetOptions o;
  o.bootstrap = 19;
  o.levels = 3;
  o.p = {1e-3, 1e-4};
  return o;
}

// Builds whose scale differs by a lognormal factor of sd `spread`; a shift keeps latencies
// positive.
std::vector<std::vector<int64_t>> builds_of(int count, double spread, uint64_t seed, int n = 3000) {
  std::vector<std::vector<int64_t>> out;
  Random random(seed);
  for (int b = 0; b < count; ++b) {
    const double factor = std::exp(spread * normal(random));
    out.push_back(series(Parent::exponential, n, derived_seed(seed, static_cast<uint64_t>(b))));
    for (int64_t& v : out.back()) v = static_cast<int64_t>((2e6 + static_cast<double>(v)) * factor);
  }
  return out;
}

std::vector<BuildSeries> as_builds(const std::vector<std::vector<int64_t>>& data) {
  std::vector<BuildSeries> builds;
  for (size_t b = 0; b < data.size(); ++b) {
    const std::span<const int64_t> all(data[b]);
    builds.push_back({static_cast<int64_t>(b),
                      {all.first(all.size() / 2), all.subspan(all.size() / 2)},
                      Trust::trusted});
  }
  return builds;
}

std::string reasons(const PopulationPwcet& r) {
  std::string s;
  for (const auto& reason : r.reasons) s += reason + "\n";
  return s;
}

// A seed whose builds all pass their lists (each refuses about one good series in ten).
PopulationPwcet passing(int count, double spread, std::vector<std::vector<int64_t>>* data) {
  PopulationPwcet r;
  for (uint64_t seed = 1; seed < 60; ++seed) {
    *data = builds_of(count, spread, seed);
    r = pwcet_over_builds(as_builds(*data), quick());
    if (!r.refused) return r;
  }
  return r;
}

TEST(ToleranceFactor, PublishedValues) {  // tables of one-sided normal tolerance factors, 95/95
  EXPECT_NEAR(normal_tolerance_factor(10, .95, .95), 2.911, 1e-3);
  EXPECT_NEAR(normal_tolerance_factor(5, .95, .95), 4.203, 1e-3);
  EXPECT_NEAR(normal_tolerance_factor(20, .95, .95), 2.396, 1e-3);
  EXPECT_NEAR(normal_tolerance_factor(10, .99, .95), 3.981, 1e-3);
  EXPECT_TRUE(std::isinf(normal_tolerance_factor(1, .95, .95)));
}

TEST(Builds, TheWorstBuildDecides) {
  std::vector<std::vector<int64_t>> data;
  const PopulationPwcet r = passing(5, .1, &data);
  ASSERT_FALSE(r.refused) << reasons(r);
  EXPECT_DOUBLE_EQ(r.next_exceeds, 1.0 / 6);
  EXPECT_NEAR(r.next_exceeds_bound, 1.0 / 6 + .05, 1e-12);
  EXPECT_EQ(r.builds_needed, 59);
  EXPECT_FALSE(r.wilks);
  EXPECT_NEAR(r.wilks_content, std::pow(.05, .2), 1e-12);
  for (size_t i = 0; i < r.points.size(); ++i) {
    const PopulationPoint& p = r.points[i];
    ASSERT_TRUE(p.seen_bound_ns && p.tolerance_ns);
    double largest = 0;
    for (const BuildPwcet& b : r.builds) {
      EXPECT_NEAR(b.confidence, .99, 1e-12);  // Bonferroni
      largest = std::max(largest, *b.bound_ns[i]);
    }
    EXPECT_DOUBLE_EQ(*p.seen_bound_ns, largest);
    EXPECT_GT(*p.tolerance_ns, 0);
  }
  // Split confidence: no bound is below the one at plain confidence.
  const Pwcet alone = pwcet(data[0], Trust::trusted, quick());
  if (!alone.refused) {
    EXPECT_GE(*r.builds[0].bound_ns[0], *alone.points[0].bound_ns * .999);
  }
}

TEST(Builds, OneRefusedBuildRefusesTheStatement) {
  std::vector<std::vector<int64_t>> data;
  ASSERT_FALSE(passing(3, .05, &data).refused);
  auto builds = as_builds(data);
  builds[1].trust = Trust::rejected;
  const PopulationPwcet r = pwcet_over_builds(builds, quick());
  EXPECT_TRUE(r.refused);
  EXPECT_FALSE(r.points[0].seen_bound_ns.has_value());
  EXPECT_NE(reasons(r).find("build 1"), std::string::npos);
}

TEST(Builds, LaunchesThatDifferAreNotJoined) {
  std::vector<int64_t> a, b;
  BuildPwcet build;
  // The second launch is slower by a tenth; both are good series (first seeds that pass alone).
  for (uint64_t seed = 0; seed < 40 && (build.launches == 0 || build.refused); ++seed) {
    a = series(Parent::exponential, 3000, seed);
    b = series(Parent::exponential, 3000, seed + 1000);
    for (int64_t& v : b) v = 2 * v + 500000;
    const std::vector<BuildSeries> one = {{7, {a, b}, Trust::trusted}};
    build = pwcet_over_builds(one, quick()).builds[0];
    EXPECT_LT(build.launch_p, .01);
    EXPECT_FALSE(build.launches_alike);
  }
  ASSERT_FALSE(build.refused);
  EXPECT_GE(*build.bound_ns[1], 500000 + 2 * true_quantile(Parent::exponential, 1e-4) * .9);
}

TEST(Builds, HostileInput) {
  EXPECT_TRUE(pwcet_over_builds({}, quick()).refused);
  const std::vector<BuildSeries> none = {{0, {}, Trust::trusted}};
  EXPECT_TRUE(pwcet_over_builds(none, quick()).refused);
  const std::vector<int64_t> constant(2000, 5), empty;
  const std::vector<BuildSeries> poor = {{0, {constant, empty}, Trust::trusted},
                                         {1, {empty, empty}, Trust::degraded}};
  const PopulationPwcet r = pwcet_over_builds(poor, quick(), 2.0);
  EXPECT_TRUE(r.refused);
  EXPECT_EQ(r.points.size(), 2u);
  PwcetOptions bad = quick();
  bad.confidence = NAN;
  EXPECT_TRUE(pwcet_over_builds(poor, bad).refused);
}

}  // namespace
}  // namespace assay::stats
