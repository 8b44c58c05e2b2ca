// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <vector>

#include "measure/clock.h"
#include "measure/loop.h"
#include "measure/order.h"
#include "measure/sampler.h"

namespace assay::measure {
namespace {

TEST(Clock, CostAndStepArePlausible) {
  const ClockCost cost = calibrate_clock();
  EXPECT_GT(cost.read_ns, 0.5);
  EXPECT_LT(cost.read_ns, 1e5);
  EXPECT_GT(cost.step_ns, 0);
}

TEST(Order, EveryPassIsAPermutation) {
  std::vector<int64_t> order(16 * 50 + 5);
  permuted_order(42, 16, static_cast<int64_t>(order.size()), order.data());
  std::vector<std::vector<int64_t>> passes;
  for (size_t begin = 0; begin + 16 <= order.size(); begin += 16) {
    std::vector<int64_t> pass(order.begin() + static_cast<long>(begin),
                              order.begin() + static_cast<long>(begin) + 16);
    passes.push_back(pass);
    std::sort(pass.begin(), pass.end());
    for (int64_t s = 0; s < 16; ++s) EXPECT_EQ(pass[static_cast<size_t>(s)], s);
  }
  std::sort(passes.begin(), passes.end());
  EXPECT_EQ(std::unique(passes.begin(), passes.end()), passes.end()) << "passes must be drawn anew";
}

TEST(Order, SeedDecides) {
  std::vector<int64_t> a(100), b(100), c(100);
  permuted_order(7, 10, 100, a.data());
  permuted_order(7, 10, 100, b.data());
  permuted_order(8, 10, 100, c.data());
  EXPECT_EQ(a, b);
  EXPECT_NE(a, c);
}

TEST(Order, FirstPlaceIsUniform) {
  std::vector<int64_t> order(4 * 40000), count(4, 0);
  permuted_order(3, 4, static_cast<int64_t>(order.size()), order.data());
  for (size_t i = 0; i < order.size(); i += 4) ++count[static_cast<size_t>(order[i])];
  for (int64_t n : count) EXPECT_NEAR(static_cast<double>(n), 10000, 450);  // 5 standard deviations
}

// A clock that a run moves by slot + 1.
struct Script {
  int64_t now = 0;
  int run(int32_t slot) {
    now += slot + 1;
    return 0;
  }
};

TEST(Loop, StoresWhatTheClockSays) {
  Script script;
  const std::vector<int64_t> order = {2, 0, 1, 1};
  std::vector<int64_t> samples(4, -1);
  int64_t written = 0;
  const LoopResult r =
      timed_loop([&](int32_t s) { return script.run(s); }, [&] { return script.now; }, order.data(),
                 4, samples.data(), &written);
  EXPECT_EQ(r.end, LoopEnd::complete);
  EXPECT_EQ(r.n, 4);
  EXPECT_EQ(written, 4);
  EXPECT_EQ(samples, (std::vector<int64_t>{3, 1, 2, 2}));
}

TEST(Loop, EndsAtItsDeadline) {
  Script script;
  const std::vector<int64_t> order(100, 9);
  std::vector<int64_t> samples(100, -1);
  int64_t written = 0;
  const LoopResult r =
      timed_loop([&](int32_t s) { return script.run(s); }, [&] { return script.now; }, order.data(),
                 100, samples.data(), &written, 25);
  EXPECT_EQ(r.end, LoopEnd::out_of_time);
  EXPECT_EQ(r.n, 3);
  EXPECT_EQ(written, 3);
  EXPECT_EQ(samples[3], -1);
}

TEST(Loop, KeepsWhatWasMeasuredBeforeAFailure) {
  Script script;
  const std::vector<int64_t> order = {0, 1, 2, 3};
  std::vector<int64_t> samples(4, -1);
  int64_t written = 0;
  const LoopResult r =
      timed_loop([&](int32_t s) { return s == 2 ? 4 : script.run(s); }, [&] { return script.now; },
                 order.data(), 4, samples.data(), &written);
  EXPECT_EQ(r.end, LoopEnd::run_failed);
  EXPECT_EQ(r.status, 4);
  EXPECT_EQ(r.n, 2);
  EXPECT_EQ(written, 2);
}

TEST(WarmUp, WaitsForRunsAndForTime) {
  Script script;
  const auto run = [&](int32_t s) { return script.run(s); };
  const auto now = [&] { return script.now; };
  const auto never = [] { return false; };
  EXPECT_EQ(warm_up(run, now, 1, 20, 0, never).runs, 20);
  EXPECT_EQ(warm_up(run, now, 1, 20, 50, never).runs, 50);
  EXPECT_EQ(warm_up(run, now, 1, 20, 1 << 30, [] { return true; }).runs, 1);
}

TEST(Sampler, OverlappedSamplesAreCountedOnce) {
  const std::vector<Wake> wakes = {{0, 0, 2, 3}, {0, 0, 3, 3}, {0, 0, 3, 5}, {0, 0, 9, 12}};
  EXPECT_EQ(overlapped_samples(wakes, 100), 8);
  EXPECT_EQ(overlapped_samples(wakes, 10), 5);
  EXPECT_EQ(overlapped_samples({}, 10), 0);
}

TEST(Sampler, StaysAwayFromBusyCpus) {
  std::vector<int> all(1024);
  std::iota(all.begin(), all.end(), 0);
  EXPECT_EQ(spare_cpu(all), -1);
  const int some = spare_cpu({});
  ASSERT_GE(some, 0);
  EXPECT_NE(spare_cpu({some}), some);
  EXPECT_EQ(spare_cpu({}, some), some);
  EXPECT_EQ(spare_cpu({some}, some), -1);
  EXPECT_EQ(spare_cpu({}, -1), -1);
}

TEST(Sampler, ReportHasEveryMemberOfTheEvent) {
  for (const bool threaded : {false, true}) {
    int64_t written = 0;
    SamplerSpec spec;
    spec.interval_ms = 1;
    spec.written = &written;
    spec.threaded = threaded;
    Sampler sampler(spec);
    sampler.start();
    std::atomic_ref<int64_t> count(written);
    const int64_t end = stamp_ns() + 10'000'000;
    while (stamp_ns() < end) count.fetch_add(1);
    sampler.stop();
    const Json report = sampler.report(written);
    for (const char* key :
         {"wakes", "overlapped", "involuntary_switches", "voluntary_switches", "major_faults",
          "migrations", "steal_ticks", "throttle_events", "cpu_mhz", "psi_cpu_some_us", "windows"})
      EXPECT_TRUE(report.contains(key)) << key;
    if (!threaded) {
      EXPECT_EQ(get_int(report, "wakes", -1), 0);
    }
    EXPECT_EQ(static_cast<int64_t>(get_array(report, "windows").size()),
              get_int(report, "wakes", -1));
  }
}

// Counts its rounds in every channel.
class Counting : public platform::Source {
 public:
  explicit Counting(std::vector<platform::Channel> channels) : channels_(std::move(channels)) {}
  std::vector<platform::Channel> channels() const override { return channels_; }
  void read(int64_t, int64_t* out) noexcept override {
    ++rounds_;
    std::fill_n(out, channels_.size(), rounds_);
  }

 private:
  std::vector<platform::Channel> channels_;
  int64_t rounds_ = 0;
};

platform::Probe counting(std::vector<platform::Channel> channels) {
  platform::Sources sources;
  sources.push_back(std::make_unique<Counting>(std::move(channels)));
  return platform::Probe(std::move(sources), {{"zone.*", "no thermal zone"}});
}

TEST(Sampler, RestsOnlyWhereSomethingTellsOfPower) {
  using platform::Kind;
  SamplerSpec spec;
  spec.measured_cpu = 3;
  spec.threaded = false;
  spec.interval_ms = 1;
  Sampler quiet(spec, counting({{"cpu3.mhz", Kind::gauge, 0, 0, 0}}));
  quiet.rest(3'600'000);  // returns at once, or this test does not end
  quiet.start();
  quiet.stop();
  EXPECT_EQ(quiet.rest_end_ns(), 0);
  EXPECT_EQ(quiet.record().t_ns.size(), 2u);
  EXPECT_EQ(quiet.record().missing.size(), 1u);
  for (const char* name : {"gpu0.mw", "rapl.package-0.uj", "gpu0.mj"}) {
    Sampler s(spec, counting({{"cpu3.mhz", Kind::gauge, 0, 0, 0}, {name, Kind::gauge, 0, 0, 0}}));
    s.rest(5);
    s.start();
    s.stop();
    EXPECT_GE(s.rest_end_ns() - s.rest_begin_ns(), 5'000'000) << name;
    EXPECT_GE(s.record().t_ns.size(), 4u) << name;
    // What the clock did while it rested is no matter of the loop.
    EXPECT_EQ(get_array(s.report(0), "cpu_mhz").size(), 2u) << name;
  }
}

TEST(Sampler, CountersOfTheMeasuredCpuGrowOverTheLoopAlone) {
  using platform::Kind;
  SamplerSpec spec;
  spec.threaded = false;
  spec.measured_cpu = 1;
  const std::vector<platform::Channel> channels = {{"cpu0.steal_ticks", Kind::counter, 0, 0, 0},
                                                   {"cpu1.steal_ticks", Kind::counter, 0, 0, 0},
                                                   {"rail.total.mw", Kind::gauge, 0, 0, 0}};
  for (const int cpu : {1, -1, 7}) {
    spec.measured_cpu = cpu;
    Sampler s(spec, counting(channels));
    s.rest(1);
    s.start();
    s.stop();
    const Json report = s.report(0);
    EXPECT_EQ(report["steal_ticks"], cpu == 7 ? Json("unknown") : Json(cpu < 0 ? 2 : 1)) << cpu;
    EXPECT_EQ(report["throttle_events"], "unknown");
    EXPECT_EQ(report["cpu"], cpu);
  }
}

}  // namespace
}  // namespace assay::measure
