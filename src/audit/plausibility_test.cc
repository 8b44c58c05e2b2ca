// SPDX-License-Identifier: Apache-2.0
// Latencies that cannot be, and accuracies that are too good: each is named, what can be is not.
#include "audit/plausibility.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "audit/made_audits.h"

namespace assay::audit {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

const Json kPlan = {{"profile", "standard"}};

// 2 GFLOP that cannot be saved and 40 MB of weights.
model::Cost heavy() {
  model::Cost c;
  c.known = c.complete = true;
  c.multiply_adds = 1e9;
  c.operations = c.irreducible_operations = 2e9;
  c.weight_elements = 10000000;
  c.weight_bytes = 40000000;
  c.nodes = c.counted = 3;
  return c;
}
// 200 GFLOP/s: 10 ms. 20 GB/s: 2 ms, from memory alone.
platform::Peaks desk() {
  platform::Peaks p;
  p.isa = "avx2+fma";
  p.flops_fp32 = 200e9;
  p.read_bytes_per_s = 20e9;
  p.last_cache_bytes = 100000;
  return p;
}
RecipeEvidence timed_at(int64_t median_ns) {
  RecipeEvidence r = made_times({{median_ns, median_ns}, {median_ns, median_ns}});
  r.precision = "fp32";
  r.cost = heavy();
  r.peaks = desk();
  return r;
}
std::vector<std::string> reasons(const RecipeEvidence& r) {
  return implausibilities(r, r.builds[0], r.builds[0].launches[0]);
}

TEST(Plausibility, BelowTheBoundIsRejectedWithItsArithmetic) {
  const RecipeEvidence r = timed_at(1000000);
  const JudgedTimes j = judge_times(r, kPlan);
  const Json& s = j.verdicts[0].statistic;
  EXPECT_EQ(s["trust"], "REJECTED");
  EXPECT_EQ(
      s["trust_reasons"][0],
      "below the physical bound: 2 G operations that no algorithm saves, at 200 GOP/s in fp32 "
      "= 10 ms; measured 1 ms is 10 x below");
  EXPECT_NE(j.verdicts[0].verdict, "SAME");
  int64_t found = 0;
  for (const FindingRow& f : j.findings) {
    if (f.code != "below-physical-bound") continue;
    ++found;
    EXPECT_EQ(f.severity, "error");
    EXPECT_THAT(f.text, HasSubstr("of 4 of 4 launches is REJECTED"));
    EXPECT_THAT(f.text, HasSubstr("measured 1 ms is 10 x below"));
  }
  EXPECT_EQ(found, 1);
  const Json& placed = s["roofline"]["builds"];
  ASSERT_EQ(placed.size(), 2U);
  EXPECT_EQ(placed[0]["impossible"], true);
  EXPECT_NEAR(placed[0]["times_the_floor"].get<double>(), 0.1, 0.001);
}

TEST(Plausibility, WhatCanBeIsPlaced) {
  const RecipeEvidence r = timed_at(40000000);
  EXPECT_THAT(reasons(r), IsEmpty());
  const JudgedTimes j = judge_times(r, kPlan);
  EXPECT_EQ(j.verdicts[0].statistic["trust"], "TRUSTED");
  const Json& b = j.verdicts[0].statistic["roofline"]["builds"][1];
  EXPECT_NEAR(b["share_of_flops"].get<double>(), 0.25, 1e-3);
  EXPECT_NEAR(b["share_of_bandwidth"].get<double>(), 0.05, 1e-3);
  EXPECT_NEAR(b["times_the_floor"].get<double>(), 4, 1e-2);
  EXPECT_EQ(b["impossible"], false);
}

TEST(Plausibility, OneSampleBelowIsEnough) {
  RecipeEvidence r = timed_at(40000000);
  r.builds[0].launches[0].samples[500] = 3000000;
  EXPECT_THAT(reasons(r), ElementsAre(HasSubstr("measured 3 ms is 3.3 x below (the fastest")));
  r.builds[0].launches[0].samples[500] = 9100000;  // within the margin
  EXPECT_THAT(reasons(r), IsEmpty());
}

TEST(Plausibility, UnknownRejectsNothing) {
  RecipeEvidence r = timed_at(1000);
  r.peaks.reset();
  EXPECT_THAT(reasons(r), IsEmpty());
  const Json j = roofline_json(r, {}, false);
  EXPECT_EQ(j["known"], false);
  EXPECT_EQ(j["why"], "the peaks of cpu with 1 thread were not measured");
  r = timed_at(1000);
  r.cost = {};
  r.cost.why = "shapes";
  EXPECT_THAT(reasons(r), IsEmpty());
  EXPECT_EQ(roofline_json(r, {}, false)["why"], "the model's cost: shapes");
  r.peaks.reset();
  EXPECT_TRUE(roofline_json(r, {}, false).is_null());  // runs from before say nothing new
}

TEST(Plausibility, ScriptedClocksClaimNothing) {
  RecipeEvidence r = timed_at(1000);
  for (auto& b : r.builds)
    for (auto& l : b.launches) l.clock = "scripted";
  EXPECT_THAT(reasons(r), IsEmpty());
  const JudgedTimes j = judge_times(r, kPlan);
  EXPECT_EQ(j.verdicts[0].statistic["roofline"]["known"], false);
  EXPECT_FALSE(j.verdicts[0].statistic["roofline"].contains("peaks"));
  for (const FindingRow& f : j.findings) EXPECT_NE(f.code, "below-physical-bound");
}

TEST(Plausibility, LowestPrecisionThatRunsBinds) {
  RecipeEvidence r = timed_at(1000000);
  // One kernel in bf16, whose rate is not known: no arithmetic bound, and half the weights.
  r.builds[0].kernels = {{0, "a", "k", "", "fp32", ""}, {1, "b", "k", "", "bf16", ""}};
  const PhysicalBound b = physical_bound(r, &r.builds[0]);
  EXPECT_EQ(b.work.precision, "fp16");
  EXPECT_EQ(b.bound.limit, "memory");
  EXPECT_NEAR(b.bound.floor_ns, 1e6, 1e4);
  r.builds[0].kernels[1].precision = "boolean";  // tells no width
  EXPECT_EQ(physical_bound(r, &r.builds[0]).work.precision, "fp32");
  r.builds[0].kernels[1].precision = "u8";
  EXPECT_EQ(physical_bound(r, &r.builds[0]).work.precision, "int8");
  EXPECT_EQ(physical_bound(r, &r.builds[1]).work.precision, "fp32");
  r.cost.integer = true;  // a quantised model computes on integers whatever was asked for
  EXPECT_EQ(physical_bound(r, &r.builds[1]).work.precision, "int8");
}

TEST(Plausibility, HighestOfSeveralMeasurements) {
  platform::Peaks a = desk(), b = desk();
  b.flops_fp32 = 300e9;
  b.isa = "avx512";
  b.read_bytes_per_s = 10e9;
  b.threads = 2;
  EXPECT_EQ(highest_peaks({a, b}, "cpu", 1)->flops_fp32, 200e9);
  EXPECT_FALSE(highest_peaks({a, b}, "cpu", 3));
  EXPECT_FALSE(highest_peaks({a, b}, "cuda:0", 1));
  b.threads = 1;
  const auto best = highest_peaks({a, b}, "cpu", 1);
  EXPECT_EQ(best->flops_fp32, 300e9);
  EXPECT_EQ(best->isa, "avx512");
  EXPECT_EQ(best->read_bytes_per_s, 20e9);
}

TEST(Plausibility, FasterThanItsLayers) {
  EXPECT_EQ(layer_sum_of_events("{\"event\":\"kernel\"}\n"), 0);
  const double sum = layer_sum_of_events(
      "{\"event\":\"layer_time\",\"ordinal\":-1,\"time_ns\":[900]}\n"
      "{\"event\":\"layer_time\",\"ordinal\":0,\"time_ns\":[100,300,200]}\n"
      "not json \"layer_time\"\n"
      "{\"event\":\"layer_time\",\"ordinal\":1,\"time_ns\":[-5,\"x\",50]}\n");
  EXPECT_EQ(sum, 250);
  const auto named = [](double layers, int64_t threads) {
    RecipeEvidence r = timed_at(40000000);
    r.threads = threads;
    r.builds[1].launches[1].layer_sum_ns = layers;
    const JudgedTimes j = judge_times(r, kPlan);
    return std::count_if(j.findings.begin(), j.findings.end(), [](const FindingRow& f) {
      return f.code == "faster-than-its-layers" &&
             f.text.find("run returns before the work is done") != std::string::npos;
    });
  };
  EXPECT_EQ(named(90e6, 1), 1);
  EXPECT_EQ(named(70e6, 1), 0);
  EXPECT_EQ(named(0, 1), 0);
  EXPECT_EQ(named(90e6, 2), 0);
}

TEST(Plausibility, OutputsThatComeLateRejectTheLatency) {
  RecipeEvidence r = timed_at(40000000);
  auto& checks = r.builds[0].launches[0].checks;
  checks = {{"early_return", "fail", "", 3}, {"repeat", "pass", "", 0}};
  EXPECT_THAT(reasons(r), ElementsAre(StartsWith("early return: ")));
  const JudgedTimes j = judge_times(r, kPlan);
  EXPECT_EQ(j.verdicts[0].statistic["trust"], "REJECTED");
  EXPECT_TRUE(std::any_of(j.findings.begin(), j.findings.end(), [](const FindingRow& f) {
    return f.code == "latency-not-of-results" &&
           f.text.find("1 of 4 launches") != std::string::npos;
  }));
  checks = {{"after", "fail", "", 2}, {"repeat", "pass", "", 0}};
  EXPECT_THAT(reasons(r), ElementsAre(StartsWith("outputs change in the timed loop: 2")));
  // An engine that never gives the same bits twice shows nothing by it.
  checks = {{"after", "fail", "", 2}, {"repeat", "fail", "", 5}};
  EXPECT_THAT(reasons(r), IsEmpty());
}

}  // namespace
}  // namespace assay::audit
