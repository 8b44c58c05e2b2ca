// SPDX-License-Identifier: Apache-2.0
#include "platform/stretch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

namespace assay::platform {
namespace {

using testing::HasSubstr;

constexpr int64_t kMs = 1'000'000;

// Two CPUs, the second measures; 20 rounds of 50 ms. `fill` gives the values of a round.
template <class Fill>
Record made(std::vector<Channel> channels, Fill fill) {
  Record r;
  r.interval_ms = 50;
  r.channels = std::move(channels);
  r.columns.resize(r.channels.size());
  for (int i = 0; i <= 20; ++i) r.add(i * 50 * kMs, fill(i));
  return r;
}

StretchSpec loop_of_cpu_1() {
  StretchSpec s;
  s.end_ns = 1000 * kMs;
  s.cpu = 1;
  s.busy_cpus = {1};
  s.own_cpu_us = 1'000'000;
  return s;
}

std::vector<Channel> cpus() {
  return {{"cpu0.busy_ticks", Kind::counter, 0, 10, 0},
          {"cpu1.busy_ticks", Kind::counter, 0, 10, 0},
          {"psi.cpu_some_us", Kind::counter, 0, 0, 0},
          {"cpu1.mhz", Kind::gauge, 0, 0, 0}};
}

// Ticks in a round of 50 ms at which a CPU is wholly busy.
int64_t whole() { return sysconf(_SC_CLK_TCK) / 20; }

TEST(ClockDrop, FallsFromTheHighestBeforeAndNeverByRising) {
  EXPECT_FALSE(clock_drop({}).has_value());
  EXPECT_FALSE(clock_drop(std::vector<double>{0, 0}).has_value());
  EXPECT_EQ(*clock_drop(std::vector<double>{800, 2000, 2300, 2300}), 0);
  EXPECT_DOUBLE_EQ(*clock_drop(std::vector<double>{2000, 1800, 2400}), .1);
  EXPECT_DOUBLE_EQ(*clock_drop(std::vector<double>{2000, 1900, 2400, 1800}), .25);
}

TEST(Stretch, AQuietMachineGivesNoReason) {
  const Record r = made(cpus(), [](int i) {
    return std::vector<int64_t>{100 + i / 10, 500 + i * whole(), i * 100, 2300};
  });
  const Stretch s = stretch_of(r, loop_of_cpu_1());
  EXPECT_EQ(s.rounds, 21);
  EXPECT_EQ(s.other_load, "");
  EXPECT_EQ(s.load_unknown, "");
  EXPECT_EQ(*s.clock_drop, 0);
  EXPECT_DOUBLE_EQ(s.cpu_busy.value_or(0), 1);
  EXPECT_FALSE(s.throttle || s.other_gpu_processes);
  EXPECT_EQ(s.clock_mhz.mean, 2300);
}

TEST(Stretch, TheWorkOfOthersIsNamed) {
  Record r = made(cpus(), [](int i) {
    return std::vector<int64_t>{i * whole(), i * whole(), i * 25'000, 2300};
  });
  EXPECT_EQ(stretch_of(r, loop_of_cpu_1()).other_load,
            "CPU 0 was 100 % busy, tasks waited for a CPU 50 % of the time");
  // Half of the measuring CPU's time was not the measuring thread's.
  StretchSpec spec = loop_of_cpu_1();
  spec.own_cpu_us = 500'000;
  EXPECT_THAT(stretch_of(r, spec).other_load,
              HasSubstr("CPU 1 worked 50 % of the time for others"));
  // Only the loop counts: it began when all was over.
  r = made(cpus(), [](int i) {
    return std::vector<int64_t>{std::min(i, 10) * whole(), i * whole(), 0, 2300};
  });
  spec = loop_of_cpu_1();
  spec.begin_ns = 501 * kMs;
  spec.own_cpu_us = 500'000;
  EXPECT_EQ(stretch_of(r, spec).other_load, "");
}

TEST(Stretch, WhatCannotBeToldIsUnknown) {
  Record r = made(cpus(), [](int i) {
    return std::vector<int64_t>{i == 10 ? 1 : 100 + i, i * whole(), 0, kUnknown};
  });
  Stretch s = stretch_of(r, loop_of_cpu_1());
  EXPECT_THAT(s.load_unknown, HasSubstr("fell"));
  EXPECT_FALSE(s.clock_drop.has_value());
  EXPECT_FALSE(s.cpu_busy.has_value());
  StretchSpec spec = loop_of_cpu_1();
  spec.end_ns = 60 * kMs;
  EXPECT_THAT(stretch_of(r, spec).load_unknown, HasSubstr("too short"));
  spec.begin_ns = spec.end_ns = 5'000'000 * kMs;
  EXPECT_THAT(stretch_of(r, spec).load_unknown, HasSubstr("no rounds"));
  r.channels.clear();
  r.columns.clear();
  EXPECT_THAT(stretch_of(r, loop_of_cpu_1()).load_unknown, HasSubstr("tells of no CPU time"));
}

TEST(Stretch, AGpuSpeaksForItself) {
  const Record r = made({{"gpu0.sm_mhz", Kind::gauge, 0, 0, 0},
                         {"gpu0.throttle", Kind::mask, 0, 0, 0},
                         {"gpu0.processes", Kind::gauge, 0, 0, 0},
                         {"gpu0.busy_percent", Kind::gauge, 0, 0, 0},
                         {"gpu0.celsius", Kind::gauge, 0, 0, 0}},
                        [](int i) {
                          return std::vector<int64_t>{i < 5     ? 345
                                                      : i == 12 ? 990
                                                                : 1980,
                                                      i == 12 ? 0x5 : 0x1, 3, 5 * i, 30 + i};
                        });
  StretchSpec spec = loop_of_cpu_1();
  EXPECT_FALSE(stretch_of(r, spec).throttle.has_value());  // a launch on the CPU
  spec.gpu = 0;
  Stretch s = stretch_of(r, spec);
  EXPECT_DOUBLE_EQ(*s.clock_drop, .5);
  EXPECT_EQ(*s.throttle, 5);
  EXPECT_EQ(*s.other_gpu_processes, 2);
  EXPECT_EQ(s.gpu_busy_percent.p50, 50);
  EXPECT_EQ(s.gpu_busy_percent.p90, 90);
  EXPECT_EQ(s.celsius.max, 50);
  spec.begin_ns = 651 * kMs;
  s = stretch_of(r, spec);
  EXPECT_EQ(*s.throttle, 1);
  EXPECT_EQ(*s.clock_drop, 0);
}

}  // namespace
}  // namespace assay::platform
