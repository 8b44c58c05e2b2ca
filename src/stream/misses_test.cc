// SPDX-License-Identifier: Apache-2.0
#include "stream/misses.h"

#include <gtest/gtest.h>

#include <cmath>

#include "stats/dependence.h"
#include "stats/random.h"

namespace assay::stream {
namespace {

// Misses one in `every`, in clusters of `length`, of a stream of n.
std::vector<uint8_t> clusters(size_t n, size_t every, size_t length) {
  std::vector<uint8_t> out(n, 0);
  for (size_t i = 0; i < n; ++i) out[i] = i % (every * length) < length;
  return out;
}
std::vector<uint8_t> coin(size_t n, double p, stats::Random& random) {
  std::vector<uint8_t> out(n);
  for (auto& m : out) m = stats::uniform(random) < p;
  return out;
}

// A rate that differs from run to run is known no better than five runs tell it.
TEST(MissRate, RepetitionsAreTheUnitWhereTheyDiffer) {
  stats::Random random(4);
  std::vector<MissSeries> runs;
  for (const double p : {.01, .02, .03, .04, .06}) runs.push_back({coin(1000, p, random)});
  const MissRate apart = miss_rate(runs);
  ASSERT_TRUE(apart.upper) << apart.refusal;
  EXPECT_NEAR(*apart.rate, .032, .006);
  EXPECT_GT(*apart.upper, .048);  // .032 + 2.776 * .0192 / sqrt(5); of frames alone about .038
  EXPECT_LT(*apart.lower, .016);
}

TEST(MissRate, IndependentMissesAreClopperPearson) {
  stats::Random random(3);
  const MissSeries run = {coin(2000, .02, random)};
  const MissRate r = miss_rate({&run, 1});
  ASSERT_LE(r.tau, 1.2) << "the seed is not independent enough for this test";
  ASSERT_TRUE(r.lower && r.upper);
  const auto exact = stats::clopper_pearson(r.misses, r.n, .95);
  EXPECT_NEAR(*r.rate, exact.estimate, 1e-15);
  EXPECT_LE(*r.lower, *exact.lower);  // tau between 1 and 1.2
  EXPECT_GE(*r.upper, *exact.upper);
  EXPECT_NEAR(*r.upper, *exact.upper, .1 * *exact.upper);
}

TEST(MissRate, NoneAndAll) {
  const MissSeries none = {std::vector<uint8_t>(50'000, 0)};
  MissRate r = miss_rate({&none, 1});
  EXPECT_EQ(*r.lower, 0);
  EXPECT_NEAR(*r.upper, 1 - std::pow(.025, 1 / 50'000.), 1e-9);
  // With dependence known from the slow frames: that many fewer.
  r = miss_rate({&none, 1}, {.95, 5});
  EXPECT_EQ(r.tau, 5);
  EXPECT_GT(*r.upper, 5 * (1 - std::pow(.025, 1 / 50'000.)) * .99);
  // Four streams without a miss say no more than their slots.
  const MissSeries four(4, std::vector<uint8_t>(12'500, 0));
  r = miss_rate({&four, 1});
  EXPECT_EQ(r.n, 50'000);
  EXPECT_NEAR(*r.upper, 1 - std::pow(.025, 1 / 12'500.), 1e-9);
  const MissSeries all = {std::vector<uint8_t>(100, 1)};
  r = miss_rate({&all, 1});
  EXPECT_EQ(*r.upper, 1);
  EXPECT_NEAR(*r.lower, std::pow(.025, .01), 1e-9);
}

TEST(MissRate, RefusesWhatItCannotCarry) {
  EXPECT_FALSE(miss_rate({}).rate);
  EXPECT_FALSE(miss_rate({}).refusal.empty());
  const MissSeries few = {std::vector<uint8_t>(29, 0)};
  const MissRate r = miss_rate({&few, 1});
  EXPECT_EQ(*r.rate, 0);
  EXPECT_FALSE(r.upper);
  EXPECT_FALSE(r.refusal.empty());
  // 400 frames, half of them missed in one block: worth a handful.
  const MissSeries block = {clusters(400, 2, 200)};
  EXPECT_FALSE(miss_rate({&block, 1}).upper);
}

TEST(PooledTau, OfOneStreamIsThatOfTheIndicator) {
  stats::Random random(5);
  for (int trial = 0; trial < 5; ++trial) {
    std::vector<uint8_t> m(3000, 0);
    for (size_t i = 0; i < m.size(); ++i)
      m[i] = i > 0 && stats::uniform(random) < .7 ? m[i - 1] : stats::uniform(random) < .1;
    const std::vector<int64_t> wide(m.begin(), m.end());
    const MissSeries run = {m};
    EXPECT_NEAR(pooled_tau({&run, 1}), stats::exceedance_tau(wide, 0), 1e-6);
  }
}

TEST(PooledTau, StreamsThatFailTogetherCountOnce) {
  stats::Random random(6);
  const auto m = coin(4000, .1, random);
  const MissSeries one = {m}, four(4, m);
  EXPECT_NEAR(pooled_tau({&four, 1}), 4 * pooled_tau({&one, 1}), 1e-6);
  // Repeating every stream tightens nothing.
  EXPECT_NEAR(*miss_rate({&four, 1}).upper, *miss_rate({&one, 1}).upper,
              .2 * *miss_rate({&one, 1}).upper);
  EXPECT_GE(*miss_rate({&four, 1}).upper, *miss_rate({&one, 1}).upper);
}

TEST(PooledTau, SlowFramesTellOfDependenceWhereMissesDoNot) {
  TimeSeries run(1);
  for (int i = 0; i < 2000; ++i) run[0].push_back(i % 200 < 20 ? 2000 + i % 20 : 1000 + i % 7);
  EXPECT_GT(slowness_tau({&run, 1}), 10);
  EXPECT_EQ(slowness_tau({}), 1);
}

TEST(Over, LimitsAndTheLost) {
  const TimeSeries t = {{5, 10, INT64_MAX}, {5, 10, INT64_MAX}};
  const int64_t limits[] = {5};
  const MissSeries m = over(t, limits);
  EXPECT_EQ(m[0], (std::vector<uint8_t>{0, 1, 1}));
  EXPECT_EQ(m[1], (std::vector<uint8_t>{0, 0, 1}));  // no deadline: only the lost one
}

TEST(Rows, ConsecutiveAndWindows) {
  const MissSeries a = {{0, 1, 1, 0, 1}, {1, 1, 1}}, b = {{1, 1, 0, 0, 0}};
  const MissSeries runs[] = {a, b};
  EXPECT_EQ(max_consecutive(runs), 3);  // runs and streams are not joined
  EXPECT_EQ(max_consecutive({}), 0);
  const int64_t ks[] = {3, 5, 100};
  const auto w = miss_windows(runs, ks);
  ASSERT_EQ(w.size(), 2u);
  EXPECT_EQ(w[0].k, 3);
  EXPECT_EQ(w[0].worst, 3);
  // Windows of 3: 011 110 101 | 111 | 110 100 000: five of seven have two or more.
  EXPECT_DOUBLE_EQ(w[0].at_least_two, 5. / 7);
  EXPECT_EQ(w[1].worst, 3);
  EXPECT_DOUBLE_EQ(w[1].at_least_two, 1);
}

TEST(Demonstration, FramesAndHours) {
  EXPECT_EQ(clean_frames_for(1e-6, .95), 2'995'731);
  EXPECT_EQ(clean_frames_for(1e-4, .95), 29'956);
  EXPECT_NEAR(per_hour(1e-6, 108'000), 1 - std::exp(-.108), 1e-6);
  EXPECT_NEAR(per_hour(1e-18, 1000), 1e-15, 1e-20);
  EXPECT_EQ(per_hour(0, 1000), 0);
  EXPECT_EQ(per_hour(1, 1000), 1);
}

TEST(Stability, OfALoadedServer) {
  stats::Random random(8);
  TimeSeries run(2);
  for (auto& s : run)
    for (int i = 0; i < 500; ++i) s.push_back(4'000'000 + int64_t(stats::below(random, 1'000'000)));
  const double slack[] = {10e6, 10e6}, tight[] = {9e6, 9e6};
  Stability s = stability({&run, 1}, slack, Policy::queue);
  EXPECT_NEAR(*s.utilisation, .9, .01);
  EXPECT_GT(*s.upper, *s.utilisation);
  EXPECT_LT(*s.upper, .91);
  EXPECT_FALSE(s.unstable);
  s = stability({&run, 1}, tight, Policy::queue);
  EXPECT_TRUE(s.unstable);
  EXPECT_FALSE(s.note.empty());
  EXPECT_FALSE(stability({&run, 1}, tight, Policy::skip_if_busy).unstable);
  EXPECT_FALSE(stability({}, tight, Policy::queue).utilisation);
  EXPECT_FALSE(stability({&run, 1}, {tight, 1}, Policy::queue).utilisation);
  // Repetitions that differ widen the bound by more than their frames would.
  std::vector<TimeSeries> runs;
  for (int r = 0; r < 5; ++r)
    runs.push_back({std::vector<int64_t>(200, 8'000'000 + r * 1'000'000)});
  const double ten[] = {12e6};
  s = stability(runs, ten, Policy::queue);
  EXPECT_NEAR(*s.utilisation, 10. / 12, 1e-9);
  EXPECT_GT(*s.upper, .95);
}

TimeSeries services(size_t streams, size_t n, uint64_t seed) {
  stats::Random random(seed);
  TimeSeries out(streams);
  for (auto& s : out)
    for (size_t i = 0; i < n; ++i)
      s.push_back(5'000'000 + int64_t(2e6 * stats::exponential(random)));
  return out;
}

TEST(ReplayRates, RiseWithTheRateAndStopAtTheLimit) {
  const TimeSeries run = services(1, 1000, 11);
  ReplayOptions o;
  o.fps = {60, 100, 120, 160};
  o.deadlines_ns = {12'000'000};
  o.bootstrap = 200;
  const auto got = replay_rates({&run, 1}, o);
  ASSERT_EQ(got.size(), 4u);
  for (size_t i = 0; i < 3; ++i) {
    ASSERT_TRUE(got[i].rate && got[i].lower && got[i].upper) << i;
    EXPECT_LE(*got[i].lower, *got[i].rate);
    EXPECT_GE(*got[i].upper, *got[i].rate);
    EXPECT_FALSE(got[i].unstable);
    if (i > 0) {
      EXPECT_GT(*got[i].rate, *got[i - 1].rate);
    }
  }
  EXPECT_TRUE(got[3].unstable);  // 7 ms of work every 6.25 ms
  EXPECT_FALSE(got[3].rate || got[3].lower || got[3].upper);
  // The same seed, the same numbers.
  const auto again = replay_rates({&run, 1}, o);
  EXPECT_EQ(*again[1].upper, *got[1].upper);
  // A policy that loses frames has a rate there: what it loses.
  o.policy = Policy::skip_if_busy;
  const auto skipping = replay_rates({&run, 1}, o);
  EXPECT_FALSE(skipping[3].unstable);
  EXPECT_GT(*skipping[3].rate, .3);
}

TEST(ReplayRates, WithoutAMissTheUpperBoundIsNotZero) {
  const TimeSeries run = {std::vector<int64_t>(500, 1'000'000)};
  ReplayOptions o;
  o.fps = {30};
  o.deadlines_ns = {33'000'000};
  const auto got = replay_rates({&run, 1}, o);
  EXPECT_EQ(*got[0].rate, 0);
  EXPECT_EQ(*got[0].lower, 0);
  EXPECT_NEAR(*got[0].upper, 1 - std::pow(.025, 1 / 500.), 1e-9);
}

TEST(ReplayRates, PhasesSpreadTheCameras) {
  const TimeSeries run(4, std::vector<int64_t>(400, 2'000'000));
  ReplayOptions o;
  o.fps = {100};
  o.deadlines_ns.assign(4, 3'000'000);
  o.bootstrap = 100;
  EXPECT_EQ(*replay_rates({&run, 1}, o)[0].rate, .75);  // all at once: one of four is in time
  o.phases = {0, .25, .5, .75};
  EXPECT_EQ(*replay_rates({&run, 1}, o)[0].rate, 0);
}

TEST(ReplayRates, NothingMeasuredNothingSaid) {
  ReplayOptions o;
  o.fps = {30};
  EXPECT_FALSE(replay_rates({}, o)[0].rate);
  const TimeSeries empty = {{}, {5}};
  EXPECT_FALSE(replay_rates({&empty, 1}, o)[0].rate);
  const TimeSeries few = {std::vector<int64_t>(20, 5)};
  EXPECT_TRUE(replay_rates({&few, 1}, o)[0].rate);
  EXPECT_FALSE(replay_rates({&few, 1}, o)[0].upper);
}

}  // namespace
}  // namespace assay::stream
