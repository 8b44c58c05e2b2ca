// SPDX-License-Identifier: Apache-2.0
// Error rates of claims about latency over simulated audits, through the functions that an audit
// judges by (statistics.md, sections 7, 10 and 12): each at most nominal + 3 sd.
// ASSAY_PRINT_TABLES=1 prints claim, setting, audits, nominal, rate, limit as Markdown. Seeds are
// fixed.
#include <gtest/gtest.h>

#include "audit/made_audits.h"
#include "base/words.h"

namespace assay::audit {
namespace {

const Json kStandard = {{"profile", "standard"}};
const Json kQuick = {{"profile", "quick"}};

struct Counts {
  int same = 0, different = 0, tail_same = 0, tail_different = 0, order = 0, drift = 0, swap = 0,
      copied = 0;
};
Counts audits(const MadeAudit& made, const Json& plan, int count, uint64_t seed, bool tail) {
  std::mt19937_64 random(seed);
  Counts out;
  for (int i = 0; i < count; ++i) {
    const JudgedTimes j = judge_times(simulated(made, random), plan, tail);
    out.same += j.of("latency") == word(Verdict::same);
    out.different += j.of("latency") == word(Verdict::different);
    out.tail_same += j.of("tail") == word(Verdict::same);
    out.tail_different += j.of("tail") == word(Verdict::different);
    out.order += j.found("latency-build-order");
    out.drift += j.found("latency-drift");
    out.swap += j.found("launch-like-another-build");
    out.copied += j.found("series-copied");
  }
  return out;
}

TEST(Calibration, TimesOfEqualBuilds) {
  const MadeAudit made{.factor = {1, 1, 1}, .launches = 8};
  const std::string setting = "3 equal builds, 8 launches of sd 1 %, 400 samples";
  Json plan = kStandard;
  plan["tail_margin"] = 0;  // any difference counts
  const Counts c = audits(made, plan, kAudits, 1, true);
  expect_rate("latency DIFFERENT", setting, kAlpha, c.different, kAudits);
  expect_rate("tail DIFFERENT", setting + ", margin 0", kAlpha, c.tail_different, kAudits);
  expect_rate("finding latency-build-order", setting, kTrendAlpha, c.order, kAudits);
  expect_rate("finding latency-drift", setting, kTrendAlpha, c.drift, kAudits);
  expect_rate("finding launch-like-another-build", setting, 0.001, c.swap, kAudits);
  EXPECT_EQ(c.copied, 0);
}

// Without a margin to help: any difference counts.
TEST(Calibration, LatencyDifferentWithoutAMargin) {
  Json plan = kStandard;
  plan["latency_margin"] = 0;
  const MadeAudit made{.factor = {1, 1, 1}, .launches = 8, .samples = 25};
  const Counts c = audits(made, plan, kAudits, 2, false);
  expect_rate("latency DIFFERENT", "the same, margin 0, 25 samples", kAlpha, c.different, kAudits);
}

TEST(Calibration, LatencySameAtTheMargin) {
  // Launch medians of sd .4 %: the margin is within what ten launches decide.
  MadeAudit made{.launches = 10, .samples = 25, .launch_sd = .003, .noise = .01};
  made.factor = {1, 1.01};
  Counts c = audits(made, kStandard, kAudits, 3, false);
  expect_rate("latency SAME", "2 builds exactly 1 % apart", kAlpha, c.same, kAudits);
  made.factor = {1, 1.005, 1.01};
  c = audits(made, kStandard, kAudits, 4, false);
  expect_rate("latency SAME", "3 builds, two of them exactly 1 % apart", kAlpha, c.same, kAudits);
  made.factor = {1, 1};
  c = audits(made, kStandard, kPowerAudits, 5, false);
  expect_power("latency SAME", "2 equal builds, launch medians of sd 0.4 %", c.same, kPowerAudits,
               .9);
  made.factor = {1, 1.02};
  c = audits(made, kStandard, kPowerAudits, 6, false);
  expect_power("latency DIFFERENT", "2 % apart, the same", c.different, kPowerAudits, .9);
  made = {.factor = {1, 1, 1.03}, .launches = 10, .samples = 25};
  c = audits(made, kStandard, kPowerAudits, 7, false);
  expect_power("latency DIFFERENT", "1 of 3 builds 3 % apart, launches of sd 1 %", c.different,
               kPowerAudits, .9);
}

TEST(Calibration, TailSameAtTheMargin) {
  MadeAudit made{.factor = {1, 1.05}, .launches = 10};
  Counts c = audits(made, kStandard, kAudits, 8, true);
  expect_rate("tail SAME", "p99 of 2 builds exactly 5 % apart", kAlpha, c.tail_same, kAudits);
  made.factor = {1, 1};
  c = audits(made, kStandard, kPowerAudits, 9, true);
  expect_power("tail SAME", "equal builds, 10 launches of sd 1 %, 400 samples", c.tail_same,
               kPowerAudits, .9);
  made.factor = {1, 1.08};
  c = audits(made, kStandard, kPowerAudits, 10, true);
  expect_power("tail DIFFERENT", "8 % apart, the same", c.tail_different, kPowerAudits, .9);
}

// Builds that differ, but in no order: a build's launches share its effect.
TEST(Calibration, TrendsOfBuildsThatDiffer) {
  for (const int builds : {3, 6}) {
    const MadeAudit made{.factor = std::vector<double>(static_cast<size_t>(builds), 1),
                         .launches = 6,
                         .samples = 25,
                         .build_sd = .03};
    const std::string setting = fmt::format("{} builds of sd 3 %, launches of sd 1 %", builds);
    const Counts c = audits(made, kQuick, kAudits, 11, false);
    expect_rate("finding latency-build-order", setting, kTrendAlpha, c.order, kAudits);
    expect_rate("finding latency-drift", setting, kTrendAlpha, c.drift, kAudits);
    expect_rate("finding launch-like-another-build", setting, 0.001, c.swap, kAudits);
  }
  // Launches that scatter so much that the least slope of a finding holds nothing back.
  const MadeAudit loud{.factor = {1, 1, 1}, .launches = 6, .samples = 25, .launch_sd = .05};
  expect_rate("finding latency-drift", "3 equal builds, launches of sd 5 %", kTrendAlpha,
              audits(loud, kQuick, kAudits, 24, false).drift, kAudits);
  MadeAudit rising{.launches = 6, .samples = 25, .build_sd = .005};
  rising.factor.clear();
  for (int b = 0; b < 8; ++b) rising.factor.push_back(std::pow(1.01, b));
  const Counts c = audits(rising, kQuick, kPowerAudits, 12, false);
  expect_power("finding latency-build-order", "8 builds, 1 % a build, builds of sd 0.5 %", c.order,
               kPowerAudits, .9);
  std::mt19937_64 random(13);
  int drift = 0, swap = 0;
  for (int i = 0; i < kPowerAudits; ++i) {
    RecipeEvidence r = simulated({.factor = {1, 1, 1}, .launches = 10, .samples = 25}, random);
    for (BuildEvidence& b : r.builds)
      for (size_t l = 0; l < b.launches.size(); ++l)
        for (int64_t& s : b.launches[l].samples)
          s = std::llround(static_cast<double>(s) * std::pow(1.008, static_cast<double>(l)));
    drift += judge_times(r, kQuick, false).found("latency-drift");
    r = simulated({.factor = {1, 1.1}, .launches = 10, .samples = 25, .launch_sd = .003}, random);
    std::swap(r.builds[0].launches[4].samples, r.builds[1].launches[4].samples);
    swap += judge_times(r, kQuick, false).found("launch-like-another-build");
  }
  expect_power("finding latency-drift", "3 builds, 10 blocks, 0.8 % a block, launches of sd 1 %",
               drift, kPowerAudits, .9);
  expect_power("finding launch-like-another-build", "two launches swapped, builds 10 % apart", swap,
               kPowerAudits, .9);
}

TEST(Calibration, NextBuildExceedsTheSlowest) {
  std::mt19937_64 random(22);
  for (const int k : {3, 9}) {
    int above = 0;
    double said = 0;
    for (int audit = 0; audit < kAudits; ++audit) {
      MadeAudit made{.launches = 2, .samples = 25, .build_sd = .03, .launch_sd = .002};
      made.factor.assign(static_cast<size_t>(k), 1);
      const RecipeEvidence seen = simulated(made, random);
      made.factor = {1};
      const RecipeEvidence next = simulated(made, random);
      const auto judged = judge_launches(seen, kQuick), after = judge_launches(next, kQuick);
      if (audit == 0)
        said = get_double(latency_spread(judged).json["next_build"], "exceeds_slowest");
      const auto latency = [](const JudgedBuild& b) {
        const std::vector<double> medians = b.medians();
        return medians.at(0) * medians.at(1);  // of two launches, in the order of their mean
      };
      double slowest = 0;
      for (const JudgedBuild& b : judged) slowest = std::max(slowest, latency(b));
      above += latency(after.at(0)) > slowest;
    }
    EXPECT_NEAR(said, 1.0 / (k + 1), 1e-12);
    expect_rate("next build exceeds the slowest seen", fmt::format("{} builds of sd 3 %", k), said,
                above, kAudits);
    EXPECT_GE(above / double(kAudits), 2 * said - stats::most_errors(said, kAudits));
  }
}

// The bound over the builds seen holds for the worst of them. Fewer audits: each fits a tail model
// to every build, with all its checks.
TEST(Calibration, PwcetOverBuilds) {
  constexpr int kOfPwcet = 150;
  constexpr double kShape = .2;  // of the excesses: generalised Pareto, heavier than exponential
  std::map<double, int> wrong;
  int published = 0;
  for (int audit = 0; audit < kOfPwcet; ++audit) {
    std::mt19937_64 random(2300 + static_cast<uint64_t>(audit));
    std::uniform_real_distribution<double> uniform;
    const auto excess = [](double p) { return 2e4 * (std::pow(p, -kShape) - 1) / kShape; };
    std::normal_distribution<double> normal;
    RecipeEvidence r = made_recipe("tail");
    double slowest = 0;
    for (int b = 0; b < 3; ++b) {
      const double factor = std::exp(.03 * normal(random));
      slowest = std::max(slowest, factor);
      BuildEvidence build = made_build(b, "artifact", {});
      for (int l = 0; l < 2; ++l) {
        LaunchEvidence launch = made_launch(l, fmt::format("b{}l{}", b, l));
        launch.samples.resize(2500);
        for (int64_t& s : launch.samples)
          s = std::llround(factor * (1e6 + excess(1 - uniform(random))));
        build.launches.push_back(std::move(launch));
      }
      r.builds.push_back(std::move(build));
    }
    const Json plan = {{"profile", "certify"}, {"seed", audit}};
    std::vector<VerdictRow> v;
    verdict_of_tail(r, judge_launches(r, plan), plan, v);
    const Json& pwcet = find_verdict(v, "tail")->statistic["pwcet"];
    if (get_bool(pwcet, "refused", true)) continue;
    ++published;
    for (const Json& point : pwcet["points"]) {
      const double p = get_double(point, "p");
      wrong[p] += get_double(point, "seen_bound_ns") < slowest * (1e6 + excess(p));
    }
  }
  expect_power("pWCET published", "3 builds x 2 launches x 2500", published, kOfPwcet, .5);
  for (const auto& [p, count] : wrong)
    expect_rate("pWCET of the builds seen too low",
                fmt::format("p = {:g}, 3 builds x 2 launches x 2500", p), kAlpha, count, published);
}

}  // namespace
}  // namespace assay::audit
