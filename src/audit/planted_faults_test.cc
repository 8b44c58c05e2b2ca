// SPDX-License-Identifier: Apache-2.0
// Every fault that an audit must catch, planted into made evidence and judged as an audit judges:
// each gives its own reason, finding or verdict, and evidence without faults gives none.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "audit/made_audits.h"
#include "stats/test_series.h"

namespace assay::audit {
namespace {

using stats::Fault;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

const Json kStandard = {{"profile", "standard"}};
constexpr int kBuilds = 2, kLaunches = 5;

// Builds 10 % apart, launches of sd 0.3 %, samples of every law that the gate must take as clean.
RecipeEvidence clean_audit(std::mt19937_64& random, int launches = kLaunches,
                           stats::Law law = stats::Law::normal) {
  std::normal_distribution<double> normal;
  RecipeEvidence r = made_recipe("clean");
  for (int b = 0; b < kBuilds; ++b) {
    BuildEvidence build = made_build(b, "artifact", {});
    for (int l = 0; l < launches; ++l) {
      LaunchEvidence launch = made_launch(l, fmt::format("b{}l{}", b, l));
      launch.samples = stats::clean(law, 1000, random);
      const double factor = (1 + .1 * b) * std::exp(.003 * normal(random));
      for (int64_t& s : launch.samples) s = std::llround(static_cast<double>(s) * factor);
      build.launches.push_back(std::move(launch));
    }
    r.builds.push_back(std::move(build));
  }
  return r;
}

// Reasons by their opening phrase, and codes of findings: what the audit names.
std::vector<std::string> named(const RecipeEvidence& r, const Json& plan = kStandard) {
  JudgedTimes j = judge_times(r, plan);
  findings_of(r, j.findings);
  std::vector<std::string> out;
  for (const Json& reason : j.verdicts[0].statistic["trust_reasons"]) {
    const auto text = reason.get<std::string>();
    out.push_back(text.substr(0, text.find_first_of(":(")));
  }
  for (const FindingRow& f : j.findings) out.push_back(f.code);
  return out;
}

std::vector<std::string> found(const RecipeEvidence& r) {
  std::vector<std::string> out;
  for (const FindingRow& f : judge_times(r, kStandard).findings) out.push_back(f.code);
  return out;
}

LaunchEvidence& victim(RecipeEvidence& r) { return r.builds[1].launches[2]; }

// How many of `trials` audits name `expected`, and how many name nothing but that and what follows
// from it.
struct Caught {
  int named = 0, alone = 0;
  std::string others;
};
Caught caught(const std::string& expected, const std::vector<std::string>& follow, int trials,
              const std::function<void(RecipeEvidence&, std::mt19937_64&)>& plant) {
  std::mt19937_64 random(31);
  Caught out;
  for (int t = 0; t < trials; ++t) {
    RecipeEvidence r = clean_audit(random);
    plant(r, random);
    const auto names = named(r);
    bool here = false, alone = true;
    for (std::string name : names) {
      while (!name.empty() && name.back() == ' ') name.pop_back();
      here = here || name == expected;
      alone = alone &&
              (name == expected || std::find(follow.begin(), follow.end(), name) != follow.end());
      if (name != expected) out.others += name + "; ";
    }
    out.named += here;
    out.alone += here && alone;
  }
  return out;
}

TEST(PlantedFaults, EachSeriesFaultGivesItsOwnReason) {
  for (const stats::Planted& f : stats::kFaults) {
    constexpr int kTrials = 8;
    std::string reason = f.reason;
    reason.pop_back();  // the colon
    // A burst, a wave and a level that moves make neighbours alike; a level that moves late is a
    // step that never settles.
    std::vector<std::string> follow = {"dependent", "no steady state"};
    if (f.fault == Fault::unsteady) follow.emplace_back("step");
    const Caught c =
        caught(reason, follow, kTrials, [&](RecipeEvidence& r, std::mt19937_64& random) {
          victim(r).samples = stats::planted(f.fault, f.n, random);
          // Of build 1, but for the clock whose ticks are the fault.
          if (f.fault != Fault::tick)
            for (int64_t& s : victim(r).samples) s = s * 11 / 10;
          else
            for (auto& b : r.builds)
              for (auto& l : b.launches)
                if (&l != &victim(r))
                  for (int64_t& s : l.samples) s /= b.build_index == 1 ? 22 : 20;
        });
    EXPECT_GE(c.named, kTrials - 1) << f.name << ": " << c.others;
    EXPECT_GE(c.alone, kTrials - 2) << f.name << ": " << c.others;
  }
}

TEST(PlantedFaults, EachMachineFaultGivesItsOwnReason) {
  const struct {
    const char* reason;
    std::function<void(LaunchEvidence&)> plant;
  } faults[] = {
      {"throttling seen", [](LaunchEvidence& l) { l.sampler["throttle_events"] = 3; }},
      {"clock drop",
       [](LaunchEvidence& l) {
         l.sampler["cpu_mhz"] = {2300, 2300, 2100};
       }},
      {"migrations seen", [](LaunchEvidence& l) { l.sampler["migrations"] = 1; }},
      {"involuntary_switches seen",
       [](LaunchEvidence& l) { l.sampler["involuntary_switches"] = 1; }},
      {"steal_ticks seen", [](LaunchEvidence& l) { l.sampler["steal_ticks"] = 1; }},
      {"steal_ticks unknown", [](LaunchEvidence& l) { l.sampler.erase("steal_ticks"); }},
      {"throttling unknown", [](LaunchEvidence& l) { l.sampler.erase("throttle_events"); }},
      {"thread not pinned", [](LaunchEvidence& l) { l.environment["pinned"] = false; }},
  };
  for (const auto& f : faults) {
    const Caught c =
        caught(f.reason, {}, 3, [&](RecipeEvidence& r, std::mt19937_64&) { f.plant(victim(r)); });
    EXPECT_EQ(c.alone, 3) << f.reason << ": " << c.others;
  }
}

TEST(PlantedFaults, AScriptedClockIsNoMeasurement) {
  std::mt19937_64 random(32);
  RecipeEvidence r = clean_audit(random);
  for (BuildEvidence& b : r.builds)
    for (LaunchEvidence& l : b.launches) l.clock = "scripted";
  EXPECT_THAT(named(r), ElementsAre("the clock is scripted"));
  EXPECT_THAT(judge_times(r, kStandard).verdicts[0].statement, HasSubstr("not a measurement"));
  r = clean_audit(random);
  victim(r).clock = "scripted";
  EXPECT_THAT(named(r), Contains(HasSubstr("the clock is scripted")));
}

TEST(PlantedFaults, ACutOffSeriesIsAReasonAndAFinding) {
  std::mt19937_64 random(33);
  RecipeEvidence r = clean_audit(random);
  victim(r).censored = 1;
  victim(r).samples.resize(995);
  Json plan = kStandard;
  plan["samples"] = 1000;
  const auto names = named(r, plan);
  EXPECT_THAT(names, Contains(HasSubstr("series cut off")));
  EXPECT_THAT(names, Contains(HasSubstr("series shorter than planned")));
  EXPECT_THAT(names, Contains("series-cut-off"));
}

TEST(PlantedFaults, ALaunchCopiedToAnotherIsFound) {
  std::mt19937_64 random(34);
  RecipeEvidence r = clean_audit(random);
  victim(r).samples = r.builds[1].launches[0].samples;
  EXPECT_THAT(named(r), ElementsAre("series-copied"));
  // Copies agree whatever the engines are.
  VerdictRow same;
  same.recipe_id = r.recipe_id;
  same.subject = "latency";
  same.verdict = "SAME";
  VerdictRow other = same;
  other.recipe_id = "another";
  std::vector<VerdictRow> verdicts = {same, other};
  std::vector<FindingRow> found;
  findings_of_copies({r}, found);
  withdraw_equality_of_copies(found, verdicts);
  EXPECT_EQ(verdicts[0].verdict, "INCONCLUSIVE");
  EXPECT_EQ(verdicts[1].verdict, "SAME");
  const JudgedTimes j = judge_times(r, kStandard);
  ASSERT_EQ(j.findings.size(), 1u);
  EXPECT_EQ(j.findings[0].launch_id, "b1l2");
  EXPECT_THAT(j.findings[0].text, HasSubstr("those of clean fp32: build 1 launch 0"));
  // Also from another recipe; a sample more or less is another series (the gate is asked of those).
  std::vector<RecipeEvidence> two = {clean_audit(random), clean_audit(random)};
  two[1].builds[0].launches[3].samples = two[0].builds[1].launches[4].samples;
  std::vector<FindingRow> rows;
  findings_of_copies(two, rows);
  ASSERT_EQ(rows.size(), 1u);
  two[1].builds[0].launches[3].samples.back() += 1;
  rows.clear();
  findings_of_copies(two, rows);
  EXPECT_TRUE(rows.empty());
  // Launches that a coarse clock leaves few values may be equal by chance; they prove nothing.
  for (auto& recipe : two)
    for (auto& b : recipe.builds)
      for (auto& l : b.launches)
        for (size_t i = 0; i < l.samples.size(); ++i) l.samples[i] = 1000 + 500 * (i % 40 == 0);
  findings_of_copies(two, rows);
  EXPECT_TRUE(rows.empty());
}

TEST(PlantedFaults, SwappedEnginesAreFoundByKernelsAndByLatency) {
  std::mt19937_64 random(35);
  // The kernel map of the launch is not its build's.
  RecipeEvidence r = clean_audit(random, 10);
  for (BuildEvidence& b : r.builds) {
    b.kernels = {{0, "conv", b.build_index ? "fast" : "slow", "", "", ""}};
    b.kernel_map = kernel_map_sha256(b.kernels);
  }
  victim(r).kernels_agree = "no";
  EXPECT_THAT(named(r), ElementsAre("kernels-swapped-at-load"));
  std::vector<VerdictRow> v;
  verdict_of_kernels(r, v);
  EXPECT_EQ(find_verdict(v, "kernels")->verdict, "DIFFERENT");
  EXPECT_THAT(find_verdict(v, "kernels")->statement, HasSubstr("1 launches run other kernels"));
  // No kernels told: one launch of build 1 ran build 0's engine.
  r = clean_audit(random, 10);
  for (int64_t& s : victim(r).samples) s = s * 10 / 11;
  EXPECT_THAT(found(r), ElementsAre("launch-like-another-build"));
  const FindingRow foreign = judge_times(r, kStandard).findings.at(0);
  EXPECT_EQ(foreign.launch_id, "b1l2");
  EXPECT_THAT(foreign.text, HasSubstr("with those of build 0"));
  // Two launches exchanged: both are named.
  r = clean_audit(random, 10);
  std::swap(victim(r).samples, r.builds[0].launches[1].samples);
  EXPECT_THAT(found(r), ElementsAre("launch-like-another-build", "launch-like-another-build"));
  // An engine that decides at load is a new draw each time: nothing was exchanged.
  r.decides_at = "load";
  EXPECT_THAT(found(r), IsEmpty());
  // Far from its own build and from every other: disturbed, not exchanged.
  r = clean_audit(random, 10);
  for (int64_t& s : victim(r).samples) s = s * 3 / 2;
  EXPECT_THAT(found(r), IsEmpty());
}

TEST(PlantedFaults, ATwoModeTailGetsNoPwcet) {
  std::mt19937_64 random(36);
  std::normal_distribution<double> normal;
  RecipeEvidence r = clean_audit(random);
  for (BuildEvidence& b : r.builds) {
    b.launches.resize(2);
    for (LaunchEvidence& l : b.launches) {
      l.samples.resize(6000);
      for (int64_t& s : l.samples)
        s = std::llround(1e6 *
                         (random() % 1000 ? 1 + .02 * normal(random) : 1.5 + .1 * normal(random)));
    }
  }
  const Json plan = {{"profile", "certify"}, {"seed", 1}};
  const JudgedTimes j = judge_times(r, plan);
  const VerdictRow* tail = find_verdict(j.verdicts, "tail");
  EXPECT_TRUE(get_bool(tail->statistic["pwcet"], "refused"));
  EXPECT_THAT(tail->statement, HasSubstr("no pWCET"));
  EXPECT_THAT(dump_json(tail->statistic["pwcet"]["refusal"]),
              testing::AnyOf(HasSubstr("goodness of fit"), HasSubstr("gap in the tail")));
}

// The negative control: per family of tests (a launch, a recipe) 1 % and 3 sd over 300 audits.
TEST(PlantedFaults, CleanAuditsNameNothing) {
  constexpr int kClean = 300;
  std::mt19937_64 random(37);
  int launches = 0, swaps = 0, copies = 0, order = 0;
  std::string first;
  for (int i = 0; i < kClean; ++i) {
    const RecipeEvidence r =
        clean_audit(random, kLaunches, i % 2 ? stats::Law::normal : stats::Law::lognormal);
    const auto judged = judge_launches(r, kStandard);
    for (const JudgedBuild& b : judged)
      for (const JudgedLaunch& l : b.launches) {
        launches += l.gate.trust != Trust::trusted;
        if (first.empty() && !l.gate.reasons.empty()) first = l.gate.reasons[0];
      }
    std::vector<FindingRow> found;
    findings_of_swaps(r, judged, kStandard, found);
    swaps += !found.empty();
    found.clear();
    findings_of_copies({r}, found);
    findings_of(r, found);
    copies += !found.empty();
    found.clear();
    findings_of_order(r, latency_spread(judged), false, found);
    order += !found.empty();
  }
  expect_rate("launches not TRUSTED", "clean, 1000 samples", .01, launches,
              kClean * kBuilds * kLaunches);
  EXPECT_EQ(copies, 0);
  expect_rate("finding launch-like-another-build", "clean, builds 10 % apart", .001, swaps, kClean);
  expect_rate("findings of order", "clean, 2 builds", 2 * kTrendAlpha, order, kClean);
}

}  // namespace
}  // namespace assay::audit
