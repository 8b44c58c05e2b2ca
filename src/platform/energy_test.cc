// SPDX-License-Identifier: Apache-2.0
#include "platform/energy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <cmath>

namespace assay::platform {
namespace {

using testing::HasSubstr;

constexpr int64_t kMs = 1'000'000;

Record record_of(std::vector<Channel> channels) {
  Record r;
  r.interval_ms = 50;
  r.channels = std::move(channels);
  r.columns.resize(r.channels.size());
  return r;
}

void add(Record& r, int64_t ms, std::vector<int64_t> values) { r.add(ms * kMs, values); }

const Energy& only(const std::vector<Energy>& all) {
  EXPECT_EQ(all.size(), 1u);
  return all.at(0);
}

TEST(Energy, ACounterIsItsGrowthOverWraps) {
  Record r = record_of({{"rapl.package-0.uj", Kind::counter, 999'999, 1, 0}});
  // 100 mJ each 50 ms: 2 W. It wraps after 999 999 uJ.
  for (int i = 0; i <= 40; ++i) add(r, i * 50, {(900'000 + i * 100'000) % 1'000'000});
  const Energy e = only(energies(r, 0, 2000 * kMs));
  EXPECT_TRUE(e.known) << e.reason;
  EXPECT_EQ(e.source, "rapl.package-0");
  EXPECT_NEAR(e.mj, 4000, 1e-6);
  EXPECT_NEAR(e.mean_mw(), 2000, 1e-6);
  EXPECT_DOUBLE_EQ(e.covered, 1);
  EXPECT_DOUBLE_EQ(e.period_ms, 50);
  EXPECT_NEAR(e.error_mj, 4, 1e-6);  // 2 W for 1 ms at each end
}

TEST(Energy, ACounterThatFellIsUnknown) {
  Record r = record_of({{"rapl.package-0.uj", Kind::counter, 0, 0, 0}});
  for (int i = 0; i <= 10; ++i) add(r, i * 50, {i == 6 ? 5 : 1000 * i});
  Energy e = only(energies(r, 0, 500 * kMs));
  EXPECT_FALSE(e.known);
  EXPECT_EQ(e.reason, "the counter fell");
  EXPECT_EQ(e.mj, 0);
  e = only(energies(r, 350 * kMs, 500 * kMs));  // what happened before is no matter
  EXPECT_TRUE(e.known) << e.reason;
  EXPECT_NEAR(e.mj, 3, 1e-9);
}

TEST(Energy, StepsOf100MsAreResolvedNoFiner) {
  Record r = record_of({{"gpu0.mj", Kind::counter, 0, 0, 0}, {"gpu0.mw", Kind::gauge, 0, 0, 0}});
  // 70 W, renewed every 100 ms, read every 50 ms.
  for (int i = 0; i <= 41; ++i) add(r, 20 + i * 50, {(20 + i * 50) / 100 * 7000, 70000});
  const Energy e = only(energies(r, 0, 2100 * kMs));  // the gauge is not a second source
  EXPECT_EQ(e.source, "gpu0 counter");
  ASSERT_TRUE(e.known) << e.reason;
  EXPECT_NEAR(e.period_ms, 100, 1e-9);
  EXPECT_NEAR(e.mean_mw(), 70000, 2000);
  EXPECT_NEAR(e.error_mj, 2 * 7000, 1);
  EXPECT_GT(e.covered, .9);
  EXPECT_LT(e.covered, 1);
}

TEST(Energy, AGaugeSpeaksWhereTheCounterTellsNothing) {
  Record r = record_of({{"gpu0.mj", Kind::counter, 0, 0, 0},
                        {"gpu0.mw", Kind::gauge, 0, 0, 0},
                        {"rail.VDD_IN.mw", Kind::gauge, 0, 0, 0}});
  for (int i = 0; i <= 20; ++i) add(r, i * 50, {kUnknown, 1000 * i, 5000});
  const auto all = energies(r, 0, 1000 * kMs);
  ASSERT_EQ(all.size(), 2u);
  EXPECT_EQ(all[0].source, "gpu0 power");
  EXPECT_NEAR(all[0].mj, 10'000, 1e-6);  // a ramp to 20 W over 1 s
  EXPECT_EQ(all[1].source, "rail.VDD_IN");
  EXPECT_NEAR(all[1].mj, 5000, 1e-6);
}

TEST(Energy, WhatCannotBeKnownHasAReasonAndNoNumber) {
  EXPECT_TRUE(energies(record_of({}), 0, kMs).empty());
  Record r = record_of({{"rapl.core.uj", Kind::counter, 0, 0, 0}});
  EXPECT_EQ(only(energies(r, 0, kMs)).reason, "no reading in this time");
  EXPECT_EQ(only(energies(r, kMs, kMs)).reason, "an empty stretch of time");
  for (int i = 0; i <= 10; ++i) add(r, i * 50, {77});
  const Energy e = only(energies(r, 0, 500 * kMs));
  EXPECT_FALSE(e.known);
  EXPECT_EQ(e.reason, "the counter did not move in 11 readings");
  EXPECT_EQ(e.mean_mw(), 0);
}

TEST(Energy, CoverageIsTheShareBetweenFirstAndLastReading) {
  Record r = record_of({{"rail.total.mw", Kind::gauge, 0, 0, 0}});
  for (int i = 0; i <= 20; ++i) add(r, 500 + i * 25, {4000});
  const Energy e = only(energies(r, 0, 1000 * kMs));
  EXPECT_DOUBLE_EQ(e.covered, .5);
  EXPECT_NEAR(e.mj, 2000, 1e-6);
}

TEST(InferenceEnergy, NetIsGrossWithoutTheIdlePower) {
  Record r = record_of({{"rapl.package-0.uj", Kind::counter, 0, 1, 0}});
  int64_t uj = 0;
  for (int ms = 0; ms <= 3000; ms += 50) {  // 10 W for 1 s, then 30 W
    add(r, ms, {uj});
    uj += (ms < 1000 ? 10 : 30) * 50'000;
  }
  const auto all = inference_energies(r, 1000 * kMs, 3000 * kMs, 0, 1000 * kMs, 4000);
  ASSERT_EQ(all.size(), 1u);
  const InferenceEnergy& e = all[0];
  ASSERT_TRUE(e.known && e.net_known) << e.reason;
  EXPECT_NEAR(e.gross_mj, 15, 1e-9);
  EXPECT_NEAR(e.idle_mw, 10'000, 1e-6);
  EXPECT_NEAR(e.net_mj, 10, 1e-9);
  EXPECT_GT(e.net_error_mj, e.error_mj);
  const Json j = to_json(e);
  EXPECT_NEAR(j["net_mj"].get<double>(), 10, 1e-9);
  // No idle stretch: no net.
  const InferenceEnergy gross = inference_energies(r, 1000 * kMs, 3000 * kMs, 0, 0, 4000).at(0);
  EXPECT_TRUE(gross.known);
  EXPECT_FALSE(gross.net_known);
  EXPECT_EQ(to_json(gross)["net_mj"], "unknown");
}

TEST(InferenceEnergy, AStretchOfFewPeriodsIsUnknown) {
  Record r = record_of({{"gpu0.mj", Kind::counter, 0, 0, 0}});
  for (int i = 0; i <= 40; ++i) add(r, i * 50, {i / 2 * 7000});
  InferenceEnergy e = inference_energies(r, 0, 320 * kMs, 0, 0, 100).at(0);
  EXPECT_FALSE(e.known);
  EXPECT_THAT(e.reason, HasSubstr("fewer than 5 steps of 100 ms"));
  EXPECT_EQ(to_json(e)["unknown"], e.reason);
  EXPECT_FALSE(to_json(e).contains("gross_mj"));
  EXPECT_TRUE(inference_energies(r, 0, 1000 * kMs, 0, 0, 100).at(0).known);
  EXPECT_EQ(inference_energies(r, 0, 1000 * kMs, 0, 0, 0).at(0).reason,
            "no inference in this time");
}

// A power curve of levels, each `length` ms long, and its true energy.
struct Curve {
  std::vector<int64_t> level_mw, length_ms;
  double power(double ms) const {
    for (size_t i = 0; i < level_mw.size(); ++i) {
      if (ms < static_cast<double>(length_ms[i])) return static_cast<double>(level_mw[i]);
      ms -= static_cast<double>(length_ms[i]);
    }
    return static_cast<double>(level_mw.back());
  }
  double mj(double ms) const {  // since 0
    double sum = 0;
    for (size_t i = 0; i < level_mw.size(); ++i) {
      const double here = std::min(ms, static_cast<double>(length_ms[i]));
      sum += here * static_cast<double>(level_mw[i]) / 1000;
      ms -= here;
      if (ms <= 0) return sum;
    }
    return sum + ms * static_cast<double>(level_mw.back()) / 1000;
  }
};

// Read every `read_ms`, renewed by the source every `period_ms` (with an offset of its own).
Record simulated(const Curve& curve, bool counter, int read_ms, int period_ms, int offset_ms,
                 int rounds) {
  Record r = record_of({counter ? Channel{"gpu0.mj", Kind::counter, 0, 0, 0}
                                : Channel{"gpu0.mw", Kind::gauge, 0, period_ms, 0}});
  for (int i = 0; i < rounds; ++i) {
    const int64_t now = 1000 + int64_t{i} * read_ms;
    const auto fresh = static_cast<double>(now - (now + offset_ms) % period_ms);
    add(r, now, {std::llround(counter ? curve.mj(fresh) : curve.power(fresh))});
  }
  return r;
}

Curve levels(int64_t least_mw, int64_t most_mw, int least_ms, int most_ms) {
  Curve c;
  for (int i = 0; i < 12; ++i) {
    c.level_mw.push_back(*rc::gen::inRange<int64_t>(least_mw, most_mw));
    c.length_ms.push_back(*rc::gen::inRange<int64_t>(least_ms, most_ms));
  }
  return c;
}

void truth_is_inside(const Curve& curve, bool counter, int read_ms, int period_ms, bool gentle) {
  const int offset = *rc::gen::inRange(0, period_ms);
  const int rounds = *rc::gen::inRange(40, 120);
  const Record r = simulated(curve, counter, read_ms, period_ms, offset, rounds);
  const int64_t begin = r.t_ns[5], end = r.t_ns[static_cast<size_t>(rounds) - 1];
  const Energy e = energies(r, begin, end).at(0);
  RC_ASSERT(e.known);
  RC_ASSERT(e.first_ns >= begin - 10 * kMs);  // a round just before stands for the begin
  RC_ASSERT(e.last_ns <= end + 10 * kMs);
  const auto ms = [](int64_t ns) { return static_cast<double>(ns) / kMs; };
  const double truth = curve.mj(ms(e.last_ns)) - curve.mj(ms(e.first_ns));
  // A level that began within the last period nobody has seen yet.
  for (const double at : {ms(e.first_ns), ms(e.last_ns)})
    if (!gentle) RC_PRE(curve.power(at) == curve.power(at - period_ms - read_ms));
  RC_ASSERT(std::abs(truth - e.mj) <= e.error_mj + 1);  // 1 mJ: the counter's unit
}

RC_GTEST_PROP(EnergyProperty, TheTruthLiesInsideTheErrorOfACounter, ()) {
  const int read = *rc::gen::element(10, 50, 100), period = *rc::gen::element(1, 20, 100);
  truth_is_inside(levels(20'000, 40'000, 5, 400), true, read, period, true);
  truth_is_inside(levels(1'000, 400'000, 400, 900), true, read, period, false);
}

RC_GTEST_PROP(EnergyProperty, TheTruthLiesInsideTheErrorOfAGauge, ()) {
  const int read = *rc::gen::element(10, 50, 100), period = *rc::gen::element(1, 20, 100);
  truth_is_inside(levels(1'000, 400'000, 400, 900), false, read, period, false);
}

}  // namespace
}  // namespace assay::platform
