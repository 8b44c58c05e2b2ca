// SPDX-License-Identifier: Apache-2.0
#include "audit/clock_states.h"

#include <gtest/gtest.h>

#include "audit/clock_strata.h"
#include "audit/derive_internal.h"
#include "audit/made_evidence.h"
#include "base/words.h"

namespace assay::audit {
namespace {

std::vector<std::string> labels(const std::vector<RecipePlan>& recipes) {
  std::vector<std::string> out;
  for (const RecipePlan& r : recipes) out.push_back(r.label());
  return out;
}

TEST(ClockStates, EachRecipeOncePerStateTheYardstickOnce) {
  const auto out =
      in_clock_states({{"reference", "fp32"}, {"openvino", "fp32"}}, {"default", "fixed"});
  ASSERT_TRUE(out) << out.error().message;
  EXPECT_EQ(labels(*out), (std::vector<std::string>{"reference fp32", "openvino fp32",
                                                    "openvino fp32 fixed clocks"}));
}

TEST(ClockStates, NothingChangesWhenNoneIsNamed) {
  const auto out = in_clock_states({{"openvino", "fp32"}}, {});
  ASSERT_TRUE(out);
  EXPECT_EQ(labels(*out), (std::vector<std::string>{"openvino fp32"}));
}

TEST(ClockStates, UnknownAndRepeatedWordsAreRefused) {
  EXPECT_EQ(in_clock_states({{"x", "fp32"}}, {"turbo"}).error().code, ExitCode::usage);
  EXPECT_EQ(in_clock_states({{"x", "fp32"}}, {"fixed", "fixed"}).error().code, ExitCode::usage);
}

Prepared prepared_of(const std::vector<RecipePlan>& recipes) {
  Prepared out;
  for (const RecipePlan& r : recipes) {
    PreparedRecipe p;
    p.plan = r;
    out.recipes.push_back(std::move(p));
  }
  return out;
}

TEST(ClockStates, FixedRecipesLaunchTheEnginesOfTheirTwins) {
  const Prepared both =
      prepared_of(in_clock_states({{"a", "fp32"}, {"a", "fp16"}}, {"fixed", "default"}).value());
  EXPECT_EQ(engine_source(both, 0), std::optional<size_t>(1));
  EXPECT_EQ(engine_source(both, 1), std::nullopt);
  EXPECT_EQ(engine_source(both, 2), std::optional<size_t>(3));
  const Prepared alone = prepared_of(in_clock_states({{"a", "fp32"}}, {"fixed"}).value());
  EXPECT_EQ(engine_source(alone, 0), std::nullopt);
}

TEST(ClockStates, CopiesStandBehindTheBuildsOfTheirBlock) {
  const Prepared both =
      prepared_of(in_clock_states({{"a", "fp32"}, {"b", "fp32"}}, {"default", "fixed"}).value());
  for (uint64_t seed = 1; seed < 40; ++seed) {
    auto jobs = make_schedule({"0", "1", "2", "3"}, 3, 2, seed);
    order_copies(both, jobs);
    for (size_t i = 0; i < jobs.size(); ++i) {
      EXPECT_EQ(jobs[i].position, static_cast<int64_t>(i));
      if (i > 0) {
        EXPECT_LE(jobs[i - 1].block, jobs[i].block);
      }
    }
    for (size_t i = 0; i < 12; ++i)
      EXPECT_EQ(engine_source(both, jobs[i].recipe).has_value(), i % 4 >= 2);
  }
}

// Two builds of three launches: the clock of each, and the median that comes with it.
RecipeEvidence at_clocks(const char* dvfs, const char* word, const std::vector<double>& mhz,
                         const std::vector<int64_t>& medians) {
  RecipeEvidence r =
      made_times({{medians[0], medians[1], medians[2]}, {medians[3], medians[4], medians[5]}});
  r.dvfs = dvfs;
  for (size_t i = 0; i < 6; ++i) {
    LaunchEvidence& l = r.builds[i / 3].launches[i % 3];
    l.sampler["cpu_mhz"] = mhz[i] > 0 ? Json::array({mhz[i]}) : Json("unknown");
    l.clocks = {{"state", dvfs}, {"clocks", word}};
    if (std::string_view(word) == "own") l.clocks["why"] = "cpu0: no cpufreq here";
  }
  return r;
}

const std::vector<int64_t> kSteady = {1000000, 1000100, 1000050, 1000020, 1000070, 1000110};
const Json kPlan = {{"profile", "standard"}, {"latency_margin", 0.01}, {"samples", 1001}};

struct Said {
  std::vector<VerdictRow> verdicts;
  std::vector<FindingRow> findings;
  const VerdictRow& latency() const { return *find_verdict(verdicts, "latency"); }
  const FindingRow* finding(std::string_view code) const {
    for (const FindingRow& f : findings)
      if (f.code == code) return &f;
    return nullptr;
  }
};

Said say(const RecipeEvidence& r) {
  Said out;
  const auto judged = judge_launches(r, kPlan);
  verdict_of_latency(r, judged, kPlan, out.verdicts, out.findings);
  verdict_of_tail(r, judged, kPlan, out.verdicts);
  findings_of_clocks(r, judged, out.findings);
  qualify_clocks(r, out.verdicts);
  return out;
}

TEST(ClockStrata, WithoutStatesNothingIsSaid) {
  const Said s = say(made_times({{1000000, 1000100}, {1000050, 1000020}}));
  EXPECT_FALSE(s.latency().statistic.contains("clock_state"));
  EXPECT_EQ(s.latency().statement.find("DVFS"), std::string::npos);
  EXPECT_EQ(s.finding("clocks-not-fixed"), nullptr);
}

TEST(ClockStrata, FixedClocksAreNotConditional) {
  const Said s = say(at_clocks("fixed", "fixed", std::vector<double>(6, 2300), kSteady));
  EXPECT_EQ(s.latency().verdict, word(Verdict::same)) << s.latency().statement;
  EXPECT_EQ(s.latency().statement.find("DVFS"), std::string::npos);
  EXPECT_EQ(s.latency().statistic["clock_state"]["policy"], "fixed clocks");
  EXPECT_EQ(s.finding("clocks-not-fixed"), nullptr);
}

TEST(ClockStrata, AMachineThatTellsNoClockIsOneUnknownStratum) {
  const Said s = say(at_clocks("fixed", "own", std::vector<double>(6, 0), kSteady));
  const Json& strata = s.latency().statistic["clock_state"]["strata"];
  ASSERT_EQ(strata.size(), 1U);
  EXPECT_EQ(strata[0]["cpu_mhz"], "unknown");
  EXPECT_EQ(strata[0]["launches"], 6);
  EXPECT_NE(s.latency().statement.find("conditional on DVFS policy"), std::string::npos);
  // Nothing shows that all ran at one clock.
  EXPECT_EQ(s.latency().verdict, word(Verdict::inconclusive)) << s.latency().statement;
  ASSERT_NE(s.finding("clocks-not-fixed"), nullptr);
  EXPECT_NE(s.finding("clocks-not-fixed")->text.find("unknown clock"), std::string::npos);
  EXPECT_NE(s.finding("clocks-not-fixed")->text.find("no cpufreq"), std::string::npos);
}

// The planted case: build 1 ran at half the clock. Pooled, its builds would differ by a factor of
// two; by clock there is nothing to compare, and no difference is blamed on the build.
TEST(ClockStrata, LaunchesAtUnlikeClocksAreNeverPooled) {
  const std::vector<double> mhz = {3000, 3000, 3010, 1500, 1500, 1505};
  const std::vector<int64_t> medians = {1000000, 1000100, 1000050, 2000020, 2000070, 2000110};
  const Said s = say(at_clocks("fixed", "own", mhz, medians));
  EXPECT_EQ(s.latency().verdict, word(Verdict::inconclusive)) << s.latency().statement;
  EXPECT_EQ(s.latency().statistic["clock_state"]["strata"].size(), 2U);
  // The control: the same launches with one clock told differ.
  const Said control = say(at_clocks("fixed", "own", std::vector<double>(6, 3000), medians));
  EXPECT_EQ(control.latency().verdict, word(Verdict::different)) << control.latency().statement;
}

TEST(ClockStrata, OneStrayLaunchLeavesNoSame) {
  std::vector<double> mhz(6, 3000);
  mhz[5] = 1500;
  std::vector<int64_t> medians = kSteady;
  medians[5] *= 2;
  const Said s = say(at_clocks("fixed", "own", mhz, medians));
  EXPECT_EQ(s.latency().verdict, word(Verdict::inconclusive)) << s.latency().statement;
  EXPECT_NE(s.latency().statement.find("2 clocks"), std::string::npos) << s.latency().statement;
}

TEST(ClockStrata, AnEngineOnAGpuIsPlacedByTheClockOfTheGpu) {
  RecipeEvidence r = at_clocks("fixed", "partly", std::vector<double>(6, 3000), kSteady);
  for (size_t i = 0; i < 6; ++i) {
    LaunchEvidence& l = r.builds[i / 3].launches[i % 3];
    l.sampler["gpu"] = 0;
    PlatformEvidence p;
    p.begin_ns = 10;
    p.end_ns = 30;
    platform::Channel channel;
    channel.name = "gpu0.sm_mhz";
    p.record.channels = {channel};
    p.record.t_ns = {0, 20, 40};  // before, within, after the loop
    p.record.columns = {{345, i < 3 ? 1980 : 1400, 345}};
    l.platform = p;
  }
  const auto judged = judge_launches(r, kPlan);
  const ClockStrata strata = clock_strata(r, judged);
  ASSERT_EQ(strata.json["strata"].size(), 2U) << strata.json.dump();
  EXPECT_EQ(strata.json["strata"][0]["gpu_mhz"]["max"], 1980);
  EXPECT_EQ(strata.json["strata"][1]["gpu_mhz"]["max"], 1400);
  EXPECT_FALSE(strata.json["strata"][0].contains("cpu_mhz"));
}

TEST(ClockStrata, ATailOverSeveralClocksClaimsNothing) {
  RecipeEvidence r = at_clocks("fixed", "own", std::vector<double>(6, 3000), kSteady);
  VerdictRow latency = make_verdict(r, "latency", "builds");
  latency.statistic["clock_state"] = {{"compared", Json::object()}, {"hindrance", "2 clocks"}};
  for (const Verdict v : {Verdict::same, Verdict::different}) {
    VerdictRow tail = make_verdict(r, "tail", "builds");
    tail.verdict = word(v);
    std::vector<VerdictRow> rows = {latency, tail};
    qualify_clocks(r, rows);
    EXPECT_EQ(rows[1].verdict, word(Verdict::inconclusive)) << word(v);
    EXPECT_NE(rows[1].statement.find("several clocks"), std::string::npos);
  }
}

TEST(ClockStrata, DefaultClocksThatWereFixedAlreadyAreNamed) {
  const Said s = say(at_clocks("default", "fixed", std::vector<double>(6, 2300), kSteady));
  EXPECT_NE(s.finding("clocks-fixed-already"), nullptr);
  const Said usual = say(at_clocks("default", "own", std::vector<double>(6, 2300), kSteady));
  EXPECT_EQ(usual.finding("clocks-fixed-already"), nullptr);
  EXPECT_EQ(usual.finding("clocks-not-fixed"), nullptr);
  EXPECT_NE(usual.latency().statement.find("conditional on DVFS policy"), std::string::npos);
}

}  // namespace
}  // namespace assay::audit
