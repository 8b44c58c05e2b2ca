// SPDX-License-Identifier: Apache-2.0
// What stands behind a latency verdict: trust, noise floor, spread, tails, the family of claims.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <map>

#include "audit/made_evidence.h"

namespace assay::audit {
namespace {

using testing::HasSubstr;

const Json kStandard = {{"profile", "standard"}};
const Json kQuick = {{"profile", "quick"}};

struct Judged {
  std::vector<VerdictRow> verdicts;
  std::vector<FindingRow> findings;
  const VerdictRow& of(std::string_view subject) const { return *find_verdict(verdicts, subject); }
};
Judged judge(const RecipeEvidence& r, const Json& plan) {
  Judged out;
  const auto judged = judge_launches(r, plan);
  verdict_of_latency(r, judged, plan, out.verdicts, out.findings);
  verdict_of_tail(r, judged, plan, out.verdicts);
  return out;
}

// Launch medians of `builds` engines that are the same but for noise of `sd`.
std::vector<std::vector<int64_t>> equal_builds(int builds, int launches, double sd, uint64_t seed) {
  std::mt19937_64 random(seed);
  std::normal_distribution<double> noise(0, sd);
  std::vector<std::vector<int64_t>> out(static_cast<size_t>(builds));
  for (auto& b : out)
    for (int l = 0; l < launches; ++l) b.push_back(std::llround(1e6 * std::exp(noise(random))));
  return out;
}

// A step in the middle of a launch: the gate rejects that launch, with its reason.
void disturb(RecipeEvidence& r, size_t build, size_t launch, double factor) {
  auto& samples = r.builds[build].launches[launch].samples;
  for (size_t i = samples.size() / 2; i < samples.size(); ++i)
    samples[i] = std::llround(static_cast<double>(samples[i]) * factor);
}

TEST(LatencyTrust, ARejectedLaunchIsNamedAndBlocksEquivalence) {
  auto r = made_times(equal_builds(3, 10, 2e-4, 1));
  EXPECT_EQ(judge(r, kStandard).of("latency").verdict, "SAME");
  EXPECT_EQ(judge(r, kStandard).of("latency").statistic["trust"], "TRUSTED")
      << judge(r, kStandard).of("latency").statistic["trust_reasons"];
  disturb(r, 1, 4, 1.05);
  const auto v = judge(r, kStandard).of("latency");
  EXPECT_EQ(v.statistic["trust"], "REJECTED");
  EXPECT_THAT(dump_json(v.statistic["trust_reasons"]), HasSubstr("step"));
  EXPECT_THAT(dump_json(v.statistic["trust_reasons"]), HasSubstr("(in 1 of 30 launches)"));
  EXPECT_NE(v.verdict, "SAME") << v.statement;
}

// Blocks are randomised: a disturbed launch makes a difference harder to show, not easier.
TEST(LatencyTrust, ADifferenceStandsBesideARejectedLaunch) {
  auto builds = equal_builds(2, 10, 1e-3, 2);
  for (auto& m : builds[1]) m = m * 3 / 2;
  auto r = made_times(builds);
  disturb(r, 0, 2, 1.05);
  const auto v = judge(r, kStandard).of("latency");
  EXPECT_EQ(v.verdict, "DIFFERENT") << v.statement;
  EXPECT_EQ(v.statistic["trust"], "REJECTED");
}

TEST(LatencyTrust, EveryLaunchCarriesItsTests) {
  const auto v = judge(made_times(equal_builds(2, 2, 1e-4, 3)), kStandard).of("latency");
  const Json& launch = v.statistic["builds"][0]["launches"][0];
  EXPECT_EQ(launch["trust"], "TRUSTED") << dump_json(launch["trust_reasons"]);
  EXPECT_GE(launch["tests"].size(), 6u);
  EXPECT_TRUE(launch["tests"]["ljung_box_ranks"].is_array()) << dump_json(launch["tests"]);
}

// What did not end well has no latency, or not its worst one: the others are survivors.
TEST(Equality, IsNotClaimedForSurvivors) {
  const auto whole = made_times(equal_builds(3, 10, 2e-4, 1));
  ASSERT_EQ(judge(whole, kStandard).of("latency").verdict, "SAME");
  ASSERT_EQ(judge(whole, kStandard).of("tail").verdict, "SAME");
  auto hung = whole, crashed = whole, silent = whole;
  hung.builds[1].launches[4].outcome = "hung";
  hung.builds[1].launches[4].censored = 1;
  crashed.builds.push_back(made_build(3, "", {}));
  crashed.builds[3].outcome = "crashed";
  silent.builds[0].launches[0].samples.clear();
  for (const auto* r : {&hung, &crashed, &silent}) {
    const Judged v = judge(*r, kStandard);
    for (const char* subject : {"latency", "tail"}) {
      EXPECT_EQ(v.of(subject).verdict, "INCONCLUSIVE") << v.of(subject).statement;
      EXPECT_THAT(get_string(v.of(subject).threshold, "needs"), HasSubstr("end well"));
    }
  }
}

// Equal readings of a clock that steps by 2 % say nothing about 1 %.
TEST(Equality, NeedsAClockFinerThanTheMargin) {
  for (const int64_t step : {2000, 0}) {
    auto r = made_times(equal_builds(2, 10, 0, 1));
    for (auto& b : r.builds)
      for (auto& l : b.launches)
        for (size_t i = 0; i < l.samples.size(); ++i)
          l.samples[i] = 100000 + step * static_cast<int64_t>(i % 7 == 0);
    const auto v = judge(r, kStandard).of("latency");
    EXPECT_EQ(v.verdict, "INCONCLUSIVE") << v.statement;
    EXPECT_THAT(v.statement, HasSubstr("the clock steps by more than 1 %"));
    for (auto& b : r.builds)
      for (auto& l : b.launches) l.clock = "scripted";
    EXPECT_EQ(judge(r, kStandard).of("latency").verdict, "SAME");
  }
}

// Two launches a side that read alike, or each its own tick, are no evidence of either kind.
TEST(Equality, TwoEqualReadingsProveNothing) {
  const Json pair = judge(made_times({{100000, 100000}, {100000, 100000}}), kStandard)
                        .of("latency")
                        .statistic["pairs"][0];
  EXPECT_EQ(pair["word"], "INCONCLUSIVE");
  EXPECT_EQ(pair["p_equivalence"], 0.25);
  EXPECT_TRUE(pair["upper"].is_null());
  const auto v = judge(made_times({{100000, 100000}, {102000, 102000}}), kStandard).of("latency");
  EXPECT_EQ(v.verdict, "INCONCLUSIVE") << v.statement;
}

// A launch that was cut off did not say what its clock is: that makes no clock scripted.
TEST(LatencyTrust, AnUnknownClockIsNotAScriptedOne) {
  auto r = made_times(equal_builds(2, 10, 2e-4, 1));
  r.builds[0].launches[3].outcome = "hung";
  r.builds[0].launches[3].clock = "unknown";
  const auto v = judge(r, kStandard).of("latency");
  EXPECT_EQ(v.statement.find("scripted"), std::string::npos) << v.statement;
  EXPECT_EQ(v.statistic["trust"], "DEGRADED");
  EXPECT_THAT(dump_json(v.statistic["trust_reasons"]), HasSubstr("clock unknown"));
}

TEST(LatencyTrust, ACountThatIsNoCountIsUnknown) {
  auto l = made_launch(0, "l");
  l.sampler["steal_ticks"] = 3.5;
  l.sampler["migrations"] = -1;
  const auto m = machine_evidence(l, 0);
  EXPECT_FALSE(m.steal_ticks);
  EXPECT_FALSE(m.migrations);
  EXPECT_EQ(m.major_faults, 0);
}

TEST(NoiseFloor, AMarginBelowItIsRefused) {
  // The pairs of A/A launches scatter by 3 %: no margin of 1 % can be decided, whatever TOST says.
  auto builds = equal_builds(2, 40, 0, 4);
  for (auto& b : builds)
    for (size_t l = 0; l < b.size(); ++l)
      b[l] = l % 4 < 2 ? (l % 2 ? 1030000 : 1000000) : (l % 2 ? 1000000 : 1030000);
  auto r = made_times(builds);
  Json plan = kStandard;
  plan["latency_margin"] = 0.011;
  const auto v = judge(r, plan).of("latency");
  EXPECT_EQ(v.verdict, "INCONCLUSIVE") << v.statement << dump_json(v.statistic["noise_floor"]);
  EXPECT_GT(get_double(v.statistic["noise_floor"], "floor"), 0);
  EXPECT_FALSE(get_string(v.threshold, "needs").empty());
}

TEST(Spread, SharesFollowTheLevelThatVaries) {
  auto builds = equal_builds(6, 6, 1e-4, 5);
  std::mt19937_64 random(6);
  std::normal_distribution<double> effect(0, 0.05);
  for (auto& b : builds) {
    const double e = std::exp(effect(random));
    for (auto& m : b) m = std::llround(static_cast<double>(m) * e);
  }
  const auto v = judge(made_times(builds), kQuick).of("latency");
  const Json& levels = v.statistic["spread"]["variance"]["levels"];
  ASSERT_EQ(levels.size(), 3u) << dump_json(v.statistic["spread"]);
  EXPECT_GT(get_double(levels[2], "share"), 0.95);
  EXPECT_NEAR(get_double(v.statistic["spread"]["next_build"], "exceeds_slowest"), 1.0 / 7, 1e-12);
  EXPECT_EQ(get_int(v.statistic["spread"]["next_build"], "builds_for_95_95"), 59);
}

TEST(Spread, ARiseWithBuildOrderIsAFindingAndScatterIsNone) {
  auto builds = equal_builds(6, 4, 1e-3, 7);
  EXPECT_TRUE(judge(made_times(builds), kQuick).findings.empty());
  for (size_t b = 0; b < builds.size(); ++b)
    for (auto& m : builds[b]) m = m * static_cast<int64_t>(100 + 2 * b) / 100;
  // Of three builds that differ, every third audit has them in an order: no trend can be shown.
  EXPECT_TRUE(judge(made_times({builds.begin(), builds.begin() + 3}), kQuick).findings.empty());
  const auto risen = judge(made_times(builds), kQuick);
  const auto& found = risen.findings;
  ASSERT_EQ(found.size(), 1u) << dump_json(risen.of("latency").statistic["spread"]["build_order"]);
  EXPECT_EQ(found[0].code, "latency-build-order");
  EXPECT_THAT(found[0].text, HasSubstr("rises"));
}

TEST(Spread, DriftOverBlocksIsAFindingOfItsOwn) {
  auto builds = equal_builds(4, 6, 1e-3, 8);
  for (auto& b : builds)
    for (size_t l = 0; l < b.size(); ++l) b[l] = b[l] * static_cast<int64_t>(100 + 2 * l) / 100;
  const auto found = judge(made_times(builds), kQuick).findings;
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].code, "latency-drift");
}

TEST(Tail, EqualTailsAreSameAndAFatterOneIsDifferent) {
  auto r = made_times(equal_builds(3, 10, 2e-4, 9));
  EXPECT_EQ(judge(r, kStandard).of("tail").verdict, "SAME")
      << judge(r, kStandard).of("tail").statement;
  // 3 % of the samples of build 2 take half as long again: the medians stay.
  for (auto& l : r.builds[2].launches)
    for (size_t i = 0; i < l.samples.size(); i += 33) l.samples[i] = l.samples[i] * 3 / 2;
  const auto v = judge(r, kStandard);
  EXPECT_EQ(v.of("tail").verdict, "DIFFERENT") << v.of("tail").statement;
  EXPECT_NE(v.of("latency").verdict, "DIFFERENT") << v.of("latency").statement;
}

TEST(Tail, SaysTheSamplesThatItLacks) {
  auto r = made_times(equal_builds(2, 10, 2e-4, 10));
  for (auto& b : r.builds)
    for (auto& l : b.launches) l.samples.resize(200);
  const auto v = judge(r, kStandard).of("tail");
  EXPECT_EQ(v.verdict, "INCONCLUSIVE");
  EXPECT_THAT(get_string(v.threshold, "needs"), HasSubstr("368 samples a launch"));
  EXPECT_THAT(v.statement, HasSubstr("p99 of launches differs by an unknown share"));
  // quick plans for no tail, so it does not ask for one.
  EXPECT_EQ(find_verdict(judge(r, kQuick).verdicts, "tail"), nullptr);
}

TEST(Tail, CertifyGivesABoundOverBuildsOrItsReasons) {
  const Json plan = {{"profile", "certify"}, {"seed", 3}};
  auto r = made_times(equal_builds(2, 2, 1e-4, 11));
  const auto refused = judge(r, plan).of("tail");
  EXPECT_TRUE(get_bool(refused.statistic["pwcet"], "refused"));
  EXPECT_THAT(refused.statement, HasSubstr("no pWCET"));
  std::mt19937_64 random(12);
  std::exponential_distribution<double> tail(1);
  for (auto& b : r.builds)
    for (auto& l : b.launches) {
      l.samples.assign(6000, 0);
      for (auto& s : l.samples) s = 1000000 + std::llround(2e4 * tail(random));
    }
  const auto v = judge(r, plan).of("tail");
  EXPECT_FALSE(get_bool(v.statistic["pwcet"], "refused", true)) << v.statement;
  const Json& point = v.statistic["pwcet"]["points"][0];
  EXPECT_GT(get_double(point, "seen_bound_ns"), 1e6 + 2e4 * std::log(1e3));  // above the truth
  EXPECT_LT(get_double(point, "seen_bound_ns"), 1e6 + 2e4 * std::log(1e3) * 2);
  // The inference that a launch died in was slower than any that it has.
  r.builds[0].launches[1].outcome = "hung";
  r.builds[0].launches[1].censored = 1;
  EXPECT_THAT(judge(r, plan).of("tail").statement, HasSubstr("no pWCET"));
}

TEST(Requirement, PassFailAndOpenAreFindingsWithTheirLooks) {
  auto r = made_times(equal_builds(3, 5, 0, 13));  // launches that differ would be thinned
  // Build 1 is late far too often, build 2 was disturbed.
  for (auto& l : r.builds[1].launches)
    for (size_t i = 0; i < l.samples.size(); i += 20) l.samples[i] = 3000000;
  disturb(r, 2, 0, 1.05);
  Json plan = kStandard;
  plan["limit_ns"] = 2000000;
  plan["limit_below"] = 0.01;
  const auto found = judge(r, plan);
  std::map<std::string, std::string> by_build;
  for (const FindingRow& f : found.findings)
    if (f.code.starts_with("requirement")) by_build[f.build_id] = f.code;
  EXPECT_EQ(by_build["build0"], "requirement-held");
  EXPECT_EQ(by_build["build1"], "requirement-failed");
  EXPECT_EQ(by_build["build2"], "requirement-open");
  const Json& builds = found.of("latency").statistic["requirement"]["builds"];
  ASSERT_EQ(builds.size(), 3u);
  EXPECT_GE(builds[0]["looks"].size(), 10u);
  EXPECT_NEAR(get_double(builds[0], "alpha"), 0.05 / 3, 1e-12);
  EXPECT_FALSE(judge(r, kStandard).of("latency").statistic.contains("requirement"));
  // A launch that hung was later than any limit: what its samples say is no proof.
  r.builds[0].launches[0].outcome = "hung";
  r.builds[0].launches[0].censored = 1;
  const Judged hung = judge(r, plan);
  for (const FindingRow& f : hung.findings)
    EXPECT_FALSE(f.build_id == "build0" && f.code == "requirement-held") << f.text;
  EXPECT_EQ(hung.of("latency").statistic["requirement"]["builds"][0]["decision"], "UNDECIDED");
}

VerdictRow claimed(const char* id, const char* verdict, double p) {
  VerdictRow v;
  v.verdict_id = id;
  v.verdict = verdict;
  v.statement = "as measured";
  claim_with_p(v, p);
  return v;
}

TEST(Family, HolmOverThePrimaryClaims) {
  std::vector<VerdictRow> all = {claimed("a", "SAME", .04), claimed("b", "DIFFERENT", 1e-9),
                                 claimed("c", "INCONCLUSIVE", 1), claimed("d", "SAME", .001)};
  VerdictRow fact;  // outputs that differ in bits are a fact, no claim
  fact.verdict = "DIFFERENT";
  all.push_back(fact);
  judge_family(all, 0.05);
  EXPECT_EQ(all[0].verdict, "INCONCLUSIVE");  // .04 * 2 beside the open one
  EXPECT_THAT(all[0].statement, HasSubstr("alone this would read SAME"));
  EXPECT_EQ(all[1].verdict, "DIFFERENT");
  EXPECT_EQ(all[3].verdict, "SAME");
  EXPECT_NEAR(get_double(all[3].statistic["claim"], "adjusted_p"), .003, 1e-12);
  EXPECT_EQ(get_int(all[0].statistic["claim"], "family"), 4);
  EXPECT_EQ(all[4].verdict, "DIFFERENT");
  EXPECT_FALSE(all[4].statistic.contains("claim"));
}

// A claim that is alone keeps its own level.
TEST(Family, OneClaimIsNotPunished) {
  std::vector<VerdictRow> all = {claimed("a", "SAME", .04)};
  judge_family(all, 0.05);
  EXPECT_EQ(all[0].verdict, "SAME");
}

TEST(Family, PageOverRecipes) {
  std::vector<VerdictRow> verdicts;
  for (int recipe = 0; recipe < 10; ++recipe) {
    VerdictRow v;
    v.subject = "latency";
    v.statistic["clock"] = "monotonic";
    for (int build = 0; build < 3; ++build)
      v.statistic["builds"].push_back(
          {{"p50", {{"estimate", 1000 * (recipe + 1) + (recipe == 9 ? -build : build)}}}});
    verdicts.push_back(std::move(v));
  }
  std::vector<FindingRow> found;
  findings_of_all_orders(verdicts, found);
  ASSERT_EQ(found.size(), 1u);  // nine of ten rise, as in the paper's Table 12
  EXPECT_EQ(found[0].code, "build-order-over-recipes");
  for (int recipe = 0; recipe < 10; recipe += 2)
    std::swap(verdicts[static_cast<size_t>(recipe)].statistic["builds"][0],
              verdicts[static_cast<size_t>(recipe)].statistic["builds"][2]);
  found.clear();
  findings_of_all_orders(verdicts, found);
  EXPECT_TRUE(found.empty());
}

// Builds 0, 1, 2 of one recipe are not builds 0, 1, 3 of another.
TEST(Family, PageNeedsTheSameBuilds) {
  std::vector<VerdictRow> verdicts;
  for (int recipe = 0; recipe < 10; ++recipe) {
    VerdictRow v;
    v.subject = "latency";
    v.statistic["clock"] = "monotonic";
    for (int build = 0; build < 3; ++build)
      v.statistic["builds"].push_back({{"build", build + (recipe % 2 && build == 2 ? 1 : 0)},
                                       {"p50", {{"estimate", 1000 + build}}}});
    verdicts.push_back(std::move(v));
  }
  std::vector<FindingRow> found;
  findings_of_all_orders(verdicts, found);
  ASSERT_EQ(found.size(), 1u);
  EXPECT_THAT(found[0].text, HasSubstr("over 5 recipes"));
}

}  // namespace
}  // namespace assay::audit
