// SPDX-License-Identifier: Apache-2.0
#include "stats/gate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <algorithm>

#include "stats/test_series.h"

namespace assay::stats {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::StartsWith;

MachineEvidence quiet() {
  MachineEvidence m;
  m.throttle_events = m.involuntary_switches = m.major_faults = m.migrations = m.steal_ticks = 0;
  m.clock_drop = 0;
  m.pinned = m.memory_locked = m.aa_equivalent = true;
  return m;
}

bool gives(const Gate& g, const std::string& reason) {
  return std::any_of(g.reasons.begin(), g.reasons.end(),
                     [&](const std::string& r) { return r.rfind(reason, 0) == 0; });
}

TEST(Gate, CleanSeriesAreTrusted) {
  for (const Law law : kLaws) {
    std::mt19937_64 rng(7);
    int bad = 0;
    for (int t = 0; t < 60; ++t)
      bad += judge_series(clean(law, 2000, rng), quiet()).trust != Trust::trusted;
    EXPECT_LE(bad, 3) << name_of(law);  // 1 % + 3 sd of 60
    const Gate g = judge_series(clean(law, 20000, rng), quiet());
    EXPECT_EQ(g.trust, Trust::trusted) << name_of(law);
    EXPECT_THAT(g.reasons, IsEmpty());
    EXPECT_EQ(g.tests.size(), 10u);
  }
}

TEST(Gate, EveryPlantedFaultGivesItsReason) {
  for (const Planted& f : kFaults) {
    std::mt19937_64 rng(8);
    int caught = 0, trusted = 0;
    std::string last;
    constexpr int kTrials = 40;
    for (int t = 0; t < kTrials; ++t) {
      const Gate g = judge_series(planted(f.fault, f.n, rng), quiet());
      caught += gives(g, f.reason);
      trusted += g.trust == Trust::trusted;
      if (!gives(g, f.reason))
        for (const auto& r : g.reasons) last += r + "\n";
    }
    EXPECT_GE(caught, kTrials * 95 / 100) << f.name << "\n" << last;
    EXPECT_LE(trusted, kTrials * 5 / 100) << f.name;
  }
}

TEST(Gate, LargeFaultsReject) {
  std::mt19937_64 rng(9);
  const Gate step = judge_series(planted(Fault::step, 5000, rng), quiet());
  EXPECT_EQ(step.trust, Trust::rejected);
  EXPECT_THAT(step.reasons[0], StartsWith("step:"));
  EXPECT_FALSE(gives(step, "dependent:"));  // a step correlates samples; that is not news
  EXPECT_FALSE(gives(step, "burst:"));
  EXPECT_EQ(judge_series(planted(Fault::drift, 5000, rng), quiet()).trust, Trust::degraded);
  std::vector<int64_t> v(20000);
  std::normal_distribution<double> normal;
  double x = 0;
  for (int64_t& y : v) {
    x = 0.97 * x + normal(rng);
    y = 1000000 + static_cast<int64_t>(3000 * x);
  }
  const Gate g = judge_series(v, quiet());
  EXPECT_EQ(g.trust, Trust::rejected);
  EXPECT_LT(g.ess_ratio, 0.05);
  EXPECT_TRUE(gives(g, "dependent:"));
}

TEST(Gate, NumbersPointAtTheFault) {
  std::mt19937_64 rng(10);
  auto v = clean(Law::normal, 6000, rng);
  for (int i = 4000; i < 6000; ++i) v[i] += 50000;
  EXPECT_NEAR(static_cast<double>(judge_series(v, quiet()).break_at), 4000, 30);
  EXPECT_NEAR(judge_series(planted(Fault::sine, 5000, rng), quiet()).period, 33.3, 1);
  EXPECT_EQ(judge_series(planted(Fault::beat, 5000, rng), quiet()).period, 30);
  v = clean(Law::normal, 6000, rng);
  std::copy_n(v.begin() + 500, 200, v.begin() + 4500);
  const Gate copied = judge_series(v, quiet());
  EXPECT_EQ(copied.repeat_from, 500);
  EXPECT_EQ(copied.repeat_to, 4500);
  EXPECT_EQ(copied.repeat_length, 200);
  EXPECT_EQ(copied.duplicates, 200);
  EXPECT_EQ(judge_series(planted(Fault::tick, 5000, rng), quiet()).tick_ns, 500);
}

TEST(Gate, WarmUpIsCutAndNotHeldAgainstTheSeries) {
  std::mt19937_64 rng(12);
  auto v = clean(Law::normal, 5000, rng);
  for (int i = 0; i < 400; ++i) v[i] += 300000 * (400 - i) / 400;
  const Gate g = judge_series(v, quiet());
  EXPECT_EQ(g.trust, Trust::trusted);
  EXPECT_GT(g.warm_up, 300);
  EXPECT_LT(g.warm_up, 700);
  EXPECT_EQ(g.n + g.warm_up, 5000);
  GateOptions keep;
  keep.cut_warm_up = false;
  EXPECT_EQ(judge_series(v, quiet(), keep).warm_up, 0);
  EXPECT_NE(judge_series(v, quiet(), keep).trust, Trust::trusted);
  // A front that is faster than the rest is no warm-up: the clock fell later.
  v = clean(Law::normal, 5000, rng);
  for (int i = 1000; i < 5000; ++i) v[i] += 50000;
  EXPECT_EQ(judge_series(v, quiet()).warm_up, 0);
  EXPECT_TRUE(gives(judge_series(v, quiet()), "step:"));
}

TEST(Gate, TooFewOrTooEqual) {
  std::mt19937_64 rng(13);
  const Gate few = judge_series(clean(Law::normal, 500, rng), quiet());
  EXPECT_EQ(few.trust, Trust::degraded);
  EXPECT_THAT(few.reasons, ElementsAre(StartsWith("too few samples: 500 < 1000")));
  EXPECT_EQ(few.tests[0].p, 1);
  EXPECT_THAT(few.tests[0].note, StartsWith("not computed"));
  EXPECT_EQ(judge_series({}, quiet()).trust, Trust::rejected);
  const Gate flat = judge_series(std::vector<int64_t>(2000, 1000), quiet());
  EXPECT_THAT(flat.reasons, ElementsAre("all samples are equal"));
}

TEST(Gate, TheMachineSpeaks) {
  std::mt19937_64 rng(14);
  const auto v = clean(Law::normal, 2000, rng);
  MachineEvidence m = quiet();
  m.throttle_events = 1;
  EXPECT_EQ(judge_series(v, m).trust, Trust::rejected);
  EXPECT_THAT(judge_series(v, m).reasons, ElementsAre("throttling seen"));
  m = quiet();
  m.aa_equivalent = false;
  EXPECT_EQ(judge_series(v, m).trust, Trust::rejected);
  m = quiet();
  m.steal_ticks = std::nullopt;
  m.migrations = 3;
  m.clock_drop = 0.02;
  m.pinned = false;
  m.planned = 2001;
  m.censored = 1;
  EXPECT_EQ(judge_series(v, m).trust, Trust::degraded);
  EXPECT_THAT(judge_series(v, m).reasons,
              ElementsAre("clock drop: 2.0 %", "migrations seen", "steal_ticks unknown",
                          "thread not pinned", "series cut off", "series shorter than planned"));
  EXPECT_EQ(judge_series(v, {}).reasons.size(), 8u);  // nothing known: every control by its name
  m = {};
  m.external = true;
  EXPECT_THAT(judge_series(v, m).reasons, ElementsAre(StartsWith("latencies from elsewhere")));
  EXPECT_EQ(judge_series(v, m).trust, Trust::degraded);
  m = {};
  m.scripted = true;
  EXPECT_EQ(judge_series(v, m).trust, Trust::rejected);
  EXPECT_THAT(judge_series(v, m).reasons, ElementsAre(StartsWith("the clock is scripted")));
  m = quiet();
  m.aa_equivalent.reset();
  EXPECT_EQ(judge_series(v, m).trust, Trust::trusted);
  GateOptions strict;
  strict.require_aa = true;
  EXPECT_THAT(judge_series(v, m, strict).reasons, ElementsAre("A/A unknown"));
}

TEST(Gate, WorstOfLaunches) {
  std::mt19937_64 rng(15);
  const std::vector<Gate> gates = {judge_series(clean(Law::normal, 2000, rng), quiet()),
                                   judge_series(planted(Fault::step, 5000, rng), quiet()),
                                   judge_series(clean(Law::normal, 500, rng), quiet())};
  const Gate worst = worst_of(gates);
  EXPECT_EQ(worst.trust, Trust::rejected);
  EXPECT_THAT(worst.reasons, Contains(StartsWith("step:")));
  EXPECT_THAT(worst.reasons, Contains(StartsWith("too few samples:")));
  EXPECT_EQ(worst_of({}).trust, Trust::rejected);
}

TEST(Gate, RepeatsOfChanceAreNoCopies) {
  std::mt19937_64 rng(16);
  for (int t = 0; t < 30; ++t) {
    std::vector<int64_t> coarse(20000), sticky(20000), pattern(20000);
    for (int64_t& x : coarse) x = 1000 + static_cast<int64_t>(rng() % 3);
    int64_t level = 1000;
    for (int64_t& x : sticky) {  // a Markov chain: stays with probability .9
      if (rng() % 10 == 0) level = 1000 + static_cast<int64_t>(rng() % 5);
      x = level;
    }
    for (size_t i = 0; i < pattern.size(); ++i) pattern[i] = 1000 + static_cast<int64_t>(i % 7);
    EXPECT_EQ(exact_repeats(coarse, 1e-6).duplicates, 0);
    EXPECT_EQ(exact_repeats(sticky, 1e-6).duplicates, 0);
    EXPECT_EQ(exact_repeats(pattern, 1e-6).duplicates, 0);
  }
}

TEST(Gate, SeriesRepeatedManyTimes) {
  std::mt19937_64 rng(17);
  const auto v = clean(Law::normal, 1000, rng);
  std::vector<int64_t> w;
  for (int k = 0; k < 20; ++k) w.insert(w.end(), v.begin(), v.end());
  EXPECT_NEAR(static_cast<double>(judge_series(w, quiet()).duplicates), 19000, 100);
  EXPECT_TRUE(gives(judge_series(w, quiet()), "copied samples:"));
}

TEST(Gate, MillionSamples) {
  std::mt19937_64 rng(18);
  auto v = clean(Law::normal, 1000000, rng);
  EXPECT_EQ(judge_series(v, quiet()).trust, Trust::trusted);
  for (size_t i = 500000; i < v.size(); ++i) v[i] += 2000;  // .2 %: every test sees it, none cares
  const Gate small = judge_series(v, quiet());
  EXPECT_EQ(small.trust, Trust::trusted);
  EXPECT_TRUE(small.tests[0].rejected);
  for (size_t i = 500000; i < v.size(); ++i) v[i] += 8000;
  for (size_t i = 0; i < 40; ++i) v[600000 + i] = v[1000 + i];
  const Gate g = judge_series(v, quiet());
  EXPECT_EQ(g.trust, Trust::degraded);
  EXPECT_TRUE(gives(g, "step:"));
  EXPECT_TRUE(gives(g, "copied samples: 40 samples"));
}

TEST(AaHalfWidth, ByHand) {
  // d = ln(1.01), ln(0.99), ln(1.01), ln(.99): mean -5.0e-5, sd .011547; t_{.95,3} = 2.353363.
  const std::vector<double> v = {100, 101, 100, 99, 100, 101, 100, 99};
  const AaResult r = aa_half_width(v, 0.02);
  EXPECT_EQ(r.pairs, 4);
  ASSERT_TRUE(r.half_width);
  EXPECT_NEAR(*r.half_width, std::expm1(2.353363 * 0.0115478 / 2), 1e-5);
  EXPECT_TRUE(r.equivalent);
  EXPECT_FALSE(r.margin_allowed);  // 2 % < 2 x 1.37 %
  EXPECT_TRUE(aa_half_width(v, 0.03).margin_allowed);
  EXPECT_FALSE(aa_half_width(v, 0.01).equivalent);
  EXPECT_FALSE(aa_half_width(std::vector<double>{1, 2, 3}, 0.01).half_width);
  EXPECT_FALSE(aa_half_width(std::vector<double>{0, -1, NAN, 1}, 0.01).half_width);
  // Equal launches of a coarse clock: two pairs are alike by chance, ten are not.
  EXPECT_FALSE(aa_half_width(std::vector<double>(4, 7e5), 0.01).half_width);
  EXPECT_EQ(aa_half_width(std::vector<double>(20, 7e5), 0.01).half_width, 0);
}

TEST(GateProperty, ScaleLeavesTheRankTestsAlone) {
  EXPECT_TRUE(rc::check("scale and shift", [] {
    std::mt19937_64 rng(*rc::gen::arbitrary<uint64_t>());
    const int64_t factor = *rc::gen::inRange<int64_t>(1, 1000);
    const auto v = clean(kLaws[rng() % 5], 1500, rng);
    auto w = v;
    for (int64_t& x : w) x *= factor;
    const Gate a = judge_series(v, quiet()), b = judge_series(w, quiet());
    RC_ASSERT(a.trust == b.trust);
    RC_ASSERT(a.warm_up == b.warm_up);
    RC_ASSERT(a.ess_ratio == b.ess_ratio);
    RC_ASSERT(a.distinct == b.distinct);
    RC_ASSERT(a.tick_ns * static_cast<double>(factor) == b.tick_ns);
    for (size_t i = 0; i < a.tests.size(); ++i)
      RC_ASSERT(std::abs(a.tests[i].p - b.tests[i].p) < 1e-9);
  }));
}

TEST(GateProperty, NeverCrashes) {
  EXPECT_TRUE(rc::check("any numbers", [] {
    const auto n = *rc::gen::weightedOneOf<int>(
        {{3, rc::gen::inRange(0, 120)}, {1, rc::gen::inRange(900, 1300)}});
    std::mt19937_64 rng(*rc::gen::arbitrary<uint64_t>());
    const auto kind = *rc::gen::inRange(0, 5);
    std::vector<int64_t> v(static_cast<size_t>(n));
    constexpr int64_t kExtremes[] = {INT64_MIN, INT64_MAX, 0, 1, -1};
    for (int64_t& x : v) {
      if (kind == 0) x = static_cast<int64_t>(rng());
      if (kind == 1) x = kExtremes[rng() % 5];
      if (kind == 2) x = static_cast<int64_t>(rng() % 3);
      if (kind == 3) x = rng() % 50 ? 1000 : INT64_MAX;
      if (kind == 4) x = 5;
    }
    const Gate g = judge_series(v, quiet());
    RC_ASSERT((g.trust == Trust::trusted) == g.reasons.empty());
    RC_ASSERT(g.ess_ratio >= 0 && g.ess_ratio <= 1);
    for (const TestResult& t : g.tests) {
      RC_ASSERT(t.p >= 0 && t.p <= 1);
      RC_ASSERT(t.adjusted_p >= t.p || t.adjusted_p == 1);
      RC_ASSERT(std::isfinite(t.statistic) && std::isfinite(t.effect));
      RC_ASSERT(t.at >= -1 && t.at <= n);
    }
  }));
}

}  // namespace
}  // namespace assay::stats
