// SPDX-License-Identifier: Apache-2.0
// Each verdict word is reached, and with the figure that it rests on.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "audit/made_evidence.h"

namespace assay::audit {
namespace {

using stats::Design;
using testing::HasSubstr;

const Json kStandard = {{"profile", "standard"}};
const Json kQuick = {{"profile", "quick"}};

VerdictRow latency(const RecipeEvidence& r, const Json& plan,
                   std::vector<FindingRow>* findings = nullptr) {
  std::vector<VerdictRow> out;
  std::vector<FindingRow> found;
  verdict_of_latency(r, judge_launches(r, plan), plan, out, findings ? *findings : found);
  return out.at(0);
}

TEST(LatencyVerdict, DifferentWhenMediansOfLaunchesAreFarApart) {
  for (const Json& plan : {kStandard, kQuick}) {
    const auto v = latency(made_times({{100000, 100100, 100200}, {120000, 120100, 120200}}), plan);
    EXPECT_EQ(v.verdict, "DIFFERENT") << v.statement;
    EXPECT_NEAR(get_double(v.statistic["pairs"][0], "ratio"), 1.2, 0.01);
    EXPECT_LT(get_double(v.statistic["pairs"][0], "p"), 0.05);
    EXPECT_EQ(v.statistic["trust"], "TRUSTED");
  }
}

TEST(LatencyVerdict, SameOnlyByEquivalenceAndNeverInQuick) {
  const auto r = made_times({{100000, 100010, 100020}, {100005, 100015, 100025}});
  EXPECT_EQ(latency(r, kStandard).verdict, "SAME");
  EXPECT_EQ(latency(r, kQuick).verdict, "INCONCLUSIVE");
  EXPECT_THAT(latency(r, kQuick).statement, HasSubstr("--profile standard"));
}

// Significant, with a point inside the margin: in quick this is no more a proof of equality than
// anything else, and where the interval leaves the margin it proves none in any profile.
TEST(LatencyVerdict, ImmaterialDifferenceIsNoEquivalence) {
  const auto tight = made_times({{100000, 100001, 100002}, {100500, 100501, 100502}});
  EXPECT_EQ(latency(tight, kQuick).verdict, "INCONCLUSIVE") << latency(tight, kQuick).statement;
  EXPECT_EQ(latency(tight, kStandard).verdict, "SAME");  // its interval lies within 1 %
  const auto wide = made_times({{100000, 100400, 99600, 100000}, {100900, 101300, 100500, 100900}});
  const auto v = latency(wide, kStandard);
  ASSERT_EQ(v.statistic["pairs"][0]["word"], "IMMATERIAL") << dump_json(v.statistic["pairs"]);
  EXPECT_EQ(v.verdict, "INCONCLUSIVE") << v.statement;
}

TEST(LatencyVerdict, ScatterIsInconclusive) {
  const auto v = latency(made_times({{100000, 130000, 80000}, {110000, 90000, 125000}}), kStandard);
  EXPECT_EQ(v.verdict, "INCONCLUSIVE");
}

TEST(LatencyVerdict, OneBuildOrOneLaunchDecidesNothing) {
  EXPECT_EQ(latency(made_times({{100000, 100001, 100002}}), kStandard).verdict, "INCONCLUSIVE");
  EXPECT_EQ(latency(made_times({{100000}, {100000}}), kStandard).verdict, "INCONCLUSIVE");
  EXPECT_EQ(latency(made_times({{}, {}}), kStandard).statement, "no latency was measured");
  EXPECT_EQ(latency(made_times({{}, {}}), kStandard).statistic["trust"], "REJECTED");
}

// Thousands of samples more of the same launches are no new launches.
TEST(LatencyVerdict, SamplesAreNoReplicates) {
  auto r = made_times({{100000, 101500, 99500}, {101000, 102500, 100500}});
  const auto before = latency(r, kStandard);
  for (auto& b : r.builds) {
    for (auto& l : b.launches) {
      const auto once = l.samples;
      for (int i = 0; i < 20; ++i) l.samples.insert(l.samples.end(), once.begin(), once.end());
    }
  }
  const auto after = latency(r, kStandard);
  EXPECT_EQ(before.verdict, after.verdict);
  EXPECT_EQ(dump_json(before.statistic["pairs"]), dump_json(after.statistic["pairs"]));
}

TEST(LatencyVerdict, TrustSaysWhatWasNotSeen) {
  auto r = made_times({{100000, 100001}, {100000, 100001}});
  r.builds[0].launches[0].sampler["throttle_events"] = "unknown";
  r.builds[0].launches[0].sampler["steal_ticks"] = 3;
  const auto v = latency(r, kStandard);
  EXPECT_EQ(v.statistic["trust"], "DEGRADED");
  EXPECT_THAT(dump_json(v.statistic["trust_reasons"]), HasSubstr("throttling unknown"));
  EXPECT_THAT(dump_json(v.statistic["trust_reasons"]), HasSubstr("steal_ticks seen"));
  for (auto& b : r.builds)
    for (auto& l : b.launches) l.clock = "scripted";
  EXPECT_EQ(latency(r, kStandard).statistic["trust"], "REJECTED");
}

TEST(LatencyVerdict, BoundsThatNCannotCarryAreAbsent) {
  auto r = made_times({{100000, 100001}, {100000, 100001}});
  for (auto& b : r.builds)
    for (auto& l : b.launches) l.samples.resize(101);
  const auto v = latency(r, kStandard);
  const Json& p99 = v.statistic["builds"][0]["launches"][0]["p99"];
  EXPECT_TRUE(p99["upper"].is_null());
  EXPECT_GT(get_int(p99, "n_needed"), 101);
  EXPECT_FALSE(v.statistic["builds"][0]["launches"][0]["p50"]["upper"].is_null());
}

VerdictRow kernels(const RecipeEvidence& r, const char* subject = "kernels") {
  std::vector<VerdictRow> out;
  verdict_of_kernels(r, out);
  return *find_verdict(out, subject);
}
RecipeEvidence two_builds(const char* told, const char* kernel_b, const char* source_b,
                          const char* artifact_b) {
  auto r = made_recipe("k", told);
  r.builds.push_back(made_build(0, "A", {{0, "conv", "winograd", "s1", "", ""}}));
  r.builds.push_back(made_build(1, artifact_b, {{0, "conv", kernel_b, source_b, "", ""}}));
  return r;
}

TEST(KernelVerdict, ByteEqualArtifactsAndEqualNamesAreSame) {
  EXPECT_EQ(kernels(two_builds("name", "winograd", "s1", "A")).verdict, "SAME");
}
TEST(KernelVerdict, EqualNamesOverUnequalArtifactsAreInconclusive) {
  EXPECT_EQ(kernels(two_builds("name", "winograd", "s1", "B")).verdict, "INCONCLUSIVE");
  EXPECT_EQ(kernels(two_builds("layer", "winograd", "s1", "B")).verdict, "INCONCLUSIVE");
  EXPECT_EQ(kernels(two_builds("name", "winograd", "s1", "B"), "engine_bytes").verdict,
            "DIFFERENT");
}
TEST(KernelVerdict, EqualSourcesCarryUnequalArtifacts) {
  EXPECT_EQ(kernels(two_builds("source", "winograd", "s1", "B")).verdict, "SAME");
}
// A compiler that promises sources but tells none proves no more than one that tells names.
TEST(KernelVerdict, PromisedSourcesThatAreNotToldCarryNothing) {
  auto r = two_builds("source", "winograd", "", "B");
  r.builds[0].kernels[0].source_sha256 = "";
  r.builds[0].kernel_map = r.builds[1].kernel_map = kernel_map_sha256(r.builds[0].kernels);
  EXPECT_EQ(kernels(r).verdict, "INCONCLUSIVE");
}
TEST(KernelVerdict, OtherKernelOrOtherSourceIsDifferentAndNamed) {
  auto v = kernels(two_builds("name", "direct", "s1", "A"));
  EXPECT_EQ(v.verdict, "DIFFERENT");
  EXPECT_EQ(v.statistic["pairs"][0]["layers"][0]["layer"], "conv");
  EXPECT_EQ(v.statistic["pairs"][0]["layers"][0]["b_kernel"], "direct");
  v = kernels(two_builds("source", "winograd", "s2", "A"));
  EXPECT_EQ(v.verdict, "DIFFERENT");
  EXPECT_EQ(v.statistic["distinct_maps"], 2);
}
TEST(KernelVerdict, OneBuildOrNoMapIsInconclusive) {
  auto r = two_builds("name", "winograd", "s1", "A");
  r.builds[1].outcome = "crashed";
  EXPECT_EQ(kernels(r).verdict, "INCONCLUSIVE");
  r = made_recipe("k");
  r.builds = {made_build(0, "A", {}), made_build(1, "A", {})};
  EXPECT_THAT(kernels(r).statement, HasSubstr("does not tell"));
}

TEST(SelfVerdict, AnyFailureIsDifferentAndNoCheckIsInconclusive) {
  auto r = made_times({{1000}});
  std::vector<VerdictRow> out;
  verdict_of_self(r, out);
  EXPECT_EQ(out.back().verdict, "INCONCLUSIVE");
  r.builds[0].launches[0].checks = {{"repeat", "pass", "", 0}, {"batch_rows", "not_run", "", 0}};
  verdict_of_self(r, out);
  EXPECT_EQ(out.back().verdict, "SAME");
  r.builds[0].launches[0].checks.push_back({"after", "fail", "input 3", 1});
  verdict_of_self(r, out);
  EXPECT_EQ(out.back().verdict, "DIFFERENT");
  EXPECT_THAT(out.back().statement, HasSubstr("after"));
  EXPECT_EQ(out.back().statistic["checks"]["after"]["fail"], 1);
}

TEST(Findings, NameWhatHappenedAndWhere) {
  auto r = made_times({{1000, 1000}, {1000}});
  r.builds[0].launches[1].kernels_agree = "no";
  r.builds[0].launches[1].isolation["leftovers"] = Json::array({"sleep\n\x1b[31m"});
  r.builds[0].launches[0].censored = 1;
  r.builds[1].outcome = "hung";
  r.builds[1].reason = "did not end";
  std::vector<FindingRow> out;
  findings_of(r, out);
  std::vector<std::string> codes;
  for (const FindingRow& f : out) {
    codes.push_back(f.code);
    EXPECT_EQ(f.recipe_id, "timed");
    EXPECT_FALSE(f.fix.empty());
    EXPECT_EQ(f.text.find('\x1b'), std::string::npos);
  }
  EXPECT_THAT(codes, testing::UnorderedElementsAre("kernels-swapped-at-load", "left-daemon",
                                                   "series-cut-off", "build-hung"));
}

}  // namespace
}  // namespace assay::audit
