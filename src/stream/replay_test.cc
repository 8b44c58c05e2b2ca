// SPDX-License-Identifier: Apache-2.0
#include "stream/replay.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <cmath>
#include <map>
#include <utility>

#include "stats/random.h"

namespace assay::stream {
namespace {

std::vector<int64_t> any_services() {
  return *rc::gen::nonEmpty(rc::gen::container<std::vector<int64_t>>(rc::gen::inRange(0, 30)));
}

std::vector<ReplayCamera> any_cameras() {
  std::vector<ReplayCamera> out(*rc::gen::inRange<size_t>(1, 5));
  for (auto& c : out) {
    c.releases =
        periodic(*rc::gen::inRange(0, 20), *rc::gen::inRange(1, 25), *rc::gen::inRange(0, 40));
    c.services = any_services();
    c.deadline_ns = *rc::gen::inRange(0, 40);
  }
  return out;
}

constexpr Policy kPolicies[] = {Policy::queue, Policy::drop_oldest, Policy::skip_if_busy};

// A second telling of the policies, event by event with an explicit list of who waits: the server
// of this one knows nothing of frames still to come.
using Key = std::pair<int, int64_t>;
std::map<Key, std::pair<Fate, int64_t>> told_again(Policy policy,
                                                   const std::vector<ReplayCamera>& cameras) {
  struct Waiting {
    int64_t place;
    int64_t frame;
  };
  std::map<Key, std::pair<Fate, int64_t>> out;  // fate and start
  std::vector<std::vector<Waiting>> lines(cameras.size());
  std::vector<int64_t> served(cameras.size(), 0), next(cameras.size(), 0);
  int64_t turn = 0, free_at = INT64_MIN;
  for (int64_t now = 0; now < 3000; ++now) {
    // Arrivals while the server works; those of the moment it is free find it free.
    for (size_t c = 0; c < cameras.size(); ++c)
      for (; next[c] < std::ssize(cameras[c].releases) && cameras[c].releases[next[c]] == now;
           ++next[c]) {
        const int64_t i = next[c];
        if (policy == Policy::skip_if_busy && now < free_at) {
          out[{int(c), i}] = {Fate::skipped, 0};
        } else if (policy == Policy::drop_oldest && !lines[c].empty()) {
          out[{int(c), lines[c][0].frame}] = {Fate::dropped, 0};
          lines[c][0].frame = i;
        } else {
          lines[c].push_back({now, i});
        }
      }
    while (now >= free_at) {
      int best = -1;
      for (size_t c = 0; c < lines.size(); ++c)
        if (!lines[c].empty() && (best < 0 || lines[c][0].place < lines[size_t(best)][0].place ||
                                  (lines[c][0].place == lines[size_t(best)][0].place &&
                                   served[c] < served[size_t(best)])))
          best = int(c);
      if (best < 0) break;
      auto& line = lines[size_t(best)];
      const int64_t i = line[0].frame;
      line.erase(line.begin());
      out[{best, i}] = {Fate::done, now};
      served[size_t(best)] = ++turn;
      const auto& s = cameras[size_t(best)].services;
      free_at = now + s[size_t(i) % s.size()];
      if (policy == Policy::skip_if_busy && free_at > now)
        for (size_t c = 0; c < lines.size(); ++c) {
          for (const auto& w : lines[c]) out[{int(c), w.frame}] = {Fate::skipped, 0};
          lines[c].clear();
        }
    }
  }
  return out;
}

RC_GTEST_PROP(Replay, AgreesWithASimulationThatKnowsNoFuture, ()) {
  const auto cameras = any_cameras();
  for (const Policy policy : kPolicies) {
    const auto got = replay_frames(policy, cameras);
    const auto want = told_again(policy, cameras);
    for (size_t c = 0; c < got.size(); ++c)
      for (size_t i = 0; i < got[c].size(); ++i) {
        const auto it = want.find({int(c), int64_t(i)});
        RC_ASSERT(it != want.end());
        RC_ASSERT(got[c][i].fate == it->second.first);
        RC_ASSERT(got[c][i].start_ns == it->second.second);
      }
  }
}

RC_GTEST_PROP(Replay, OneCameraIsTheLindleyRecursion, ()) {
  const auto s = any_services();
  const int64_t period = *rc::gen::inRange(1, 30), n = *rc::gen::inRange(1, 200);
  const ReplayCamera camera = {periodic(7, period, n), s, 0};
  const auto frames = replay_frames(Policy::queue, {&camera, 1})[0];
  int64_t wait = 0;
  for (int64_t i = 0; i < n; ++i) {
    const int64_t service = s[size_t(i) % s.size()];
    RC_ASSERT(frames[size_t(i)].fate == Fate::done);
    RC_ASSERT(frames[size_t(i)].start_ns - frames[size_t(i)].release_ns == wait);
    RC_ASSERT(frames[size_t(i)].response_ns() == wait + service);
    wait = std::max<int64_t>(0, wait + service - period);
  }
}

RC_GTEST_PROP(Replay, EachFrameHasOneFateAndTheServerNeverRestsBesideWork, ()) {
  const auto cameras = any_cameras();
  for (const Policy policy : kPolicies) {
    std::vector<std::span<const int64_t>> releases;
    for (const auto& c : cameras) releases.emplace_back(c.releases);
    std::map<Key, int> decided;
    run_queue(
        policy, releases, [](int32_t, int64_t i) { return i % 17; },
        [&](int32_t c, int64_t i, Fate, int64_t, int64_t) {
          ++decided[{c, i}];
        });
    size_t planned = 0;
    for (const auto& c : cameras) planned += c.releases.size();
    RC_ASSERT(decided.size() == planned);
    for (const auto& [key, times] : decided) RC_ASSERT(times == 1);

    const auto got = replay_frames(policy, cameras);
    std::vector<std::pair<int64_t, int64_t>> busy;
    for (size_t c = 0; c < got.size(); ++c)
      for (const auto& f : got[c]) {
        RC_ASSERT(f.fate != Fate::pending);
        if (f.fate == Fate::done) busy.emplace_back(f.start_ns, f.done_ns);
        if (policy == Policy::queue) RC_ASSERT(f.fate == Fate::done);
      }
    std::sort(busy.begin(), busy.end());
    for (size_t k = 1; k < busy.size(); ++k) RC_ASSERT(busy[k - 1].second <= busy[k].first);
    // A served frame starts at its release or when the one before it ends.
    for (const auto& camera : got)
      for (const auto& f : camera) {
        if (f.fate != Fate::done || f.start_ns == f.release_ns) continue;
        RC_ASSERT(std::any_of(busy.begin(), busy.end(),
                              [&](const auto& b) { return b.second == f.start_ns; }));
      }
  }
}

RC_GTEST_PROP(Replay, DropOldestHasOneWaitingAndSkipHasNone, ()) {
  const auto cameras = any_cameras();
  for (const auto& camera : replay_frames(Policy::drop_oldest, cameras)) {
    // A frame that is served late has no frame of its camera between its release and its start.
    for (size_t i = 0; i + 1 < camera.size(); ++i)
      if (camera[i].fate == Fate::done) RC_ASSERT(camera[i + 1].release_ns > camera[i].start_ns);
  }
  const auto skipping = replay_frames(Policy::skip_if_busy, cameras);
  for (size_t c = 0; c < cameras.size(); ++c)
    for (size_t i = 0; i < skipping[c].size(); ++i)
      if (skipping[c][i].fate == Fate::done)
        RC_ASSERT(skipping[c][i].response_ns() ==
                  cameras[c].services[i % cameras[c].services.size()]);
}

TEST(Replay, MissedIsLateOrLost) {
  const ReplayCamera camera = {periodic(0, 10, 4), {15, 5, 5, 5}, 14};
  auto frames = replay_frames(Policy::queue, {&camera, 1})[0];
  EXPECT_EQ(frames[0].response_ns(), 15);
  EXPECT_TRUE(frames[0].missed);
  EXPECT_EQ(frames[1].response_ns(), 10);
  EXPECT_FALSE(frames[1].missed);
  frames = replay_frames(Policy::skip_if_busy, {&camera, 1})[0];
  EXPECT_EQ(frames[1].fate, Fate::skipped);
  EXPECT_TRUE(frames[1].missed);
}

// 100 ms stall in frame 2 of a camera of 10 ms period, services of 4 ms: every later frame waits
// until the backlog of 94 ms is worked off at 6 ms a frame.
TEST(Stall, ShowsInEveryLaterFrameOfTheQueue) {
  constexpr int64_t kMs = 1'000'000;
  ReplayCamera camera = {periodic(0, 10 * kMs, 40), std::vector<int64_t>(40, 4 * kMs), 0};
  camera.services[2] += 100 * kMs;
  const auto frames = replay_frames(Policy::queue, {&camera, 1})[0];
  for (int64_t i = 0; i < 40; ++i) {
    const int64_t wait = i <= 2 ? 0 : std::max<int64_t>(0, 94 - 6 * (i - 3));
    EXPECT_EQ(frames[size_t(i)].start_ns - frames[size_t(i)].release_ns, wait * kMs) << i;
    EXPECT_EQ(frames[size_t(i)].response_ns(), (wait + 4 + (i == 2 ? 100 : 0)) * kMs) << i;
  }
  EXPECT_EQ(frames[18].response_ns(), 8 * kMs);  // the last that waits: 94 - 6 * 15 = 4
  EXPECT_EQ(frames[19].response_ns(), 4 * kMs);
}

TEST(Stall, ShowsAsDropsAndSkipsOtherwise) {
  constexpr int64_t kMs = 1'000'000;
  ReplayCamera camera = {periodic(0, 10 * kMs, 40), std::vector<int64_t>(40, 4 * kMs), 0};
  camera.services[2] += 100 * kMs;  // busy from 20 to 124 ms: frames 3 .. 12 come meanwhile
  const auto dropping = replay_frames(Policy::drop_oldest, {&camera, 1})[0];
  const auto skipping = replay_frames(Policy::skip_if_busy, {&camera, 1})[0];
  for (size_t i = 0; i < 40; ++i) {
    EXPECT_EQ(dropping[i].fate, i >= 3 && i <= 11 ? Fate::dropped : Fate::done) << i;
    EXPECT_EQ(skipping[i].fate, i >= 3 && i <= 12 ? Fate::skipped : Fate::done) << i;
    if (i > 12) {
      EXPECT_EQ(dropping[i].response_ns(), 4 * kMs);
      EXPECT_EQ(skipping[i].response_ns(), 4 * kMs);
    }
  }
  EXPECT_EQ(dropping[12].response_ns(), 8 * kMs);  // released at 120, served at 124
}

// S in {0, 2}, P(2) = .3, T = 1: P(W >= k) = (3/7)^k.
TEST(Lindley, ALongSimulationAgreesWithTheClosedForm) {
  constexpr int64_t kFrames = 2'000'000;
  stats::Random random(20260101);
  ReplayCamera camera = {periodic(0, 1, kFrames), std::vector<int64_t>(kFrames), 0};
  for (auto& s : camera.services) s = stats::uniform(random) < .3 ? 2 : 0;
  const auto frames = replay_frames(Policy::queue, {&camera, 1})[0];
  for (int k = 1; k <= 3; ++k) {
    // Error of the mean by 200 batch means: a wait remembers the one before it.
    constexpr int64_t kBatch = kFrames / 200;
    double sum = 0, squares = 0;
    for (int64_t b = 0; b < 200; ++b) {
      double share = 0;
      for (int64_t i = b * kBatch; i < (b + 1) * kBatch; ++i)
        share += frames[size_t(i)].start_ns - frames[size_t(i)].release_ns >= k;
      share /= kBatch;
      sum += share;
      squares += share * share;
    }
    const double mean = sum / 200;
    const double error = std::sqrt((squares / 200 - mean * mean) / 199);
    EXPECT_LT(error, .002);
    EXPECT_NEAR(mean, std::pow(3. / 7, k), 4 * error) << k;
  }
}

double tail(const std::vector<double>& law, size_t from) {
  double sum = 0;
  for (size_t k = law.size(); k-- > from;) sum += law[k];
  return sum;
}

TEST(Lindley, TheFixedPointIsTheClosedForm) {
  const std::vector<double> service = {.7, 0, .3};
  const auto law = stationary_wait(service, 1);
  ASSERT_TRUE(law);
  for (size_t k = 0; k <= 3; ++k)
    EXPECT_NEAR(tail(*law, k), std::pow(3. / 7, static_cast<double>(k)), 1e-12) << k;
  EXPECT_NEAR(tail(*law, 1), .428571, 5e-7);
  EXPECT_NEAR(tail(*law, 2), .183673, 5e-7);
  EXPECT_NEAR(tail(*law, 3), .078717, 5e-7);
}

TEST(Lindley, NoLawWithoutASlackServer) {
  EXPECT_FALSE(stationary_wait(std::vector<double>{.5, 0, .5}, 1));     // E[S] = T
  EXPECT_FALSE(stationary_wait(std::vector<double>{0, 0, 1}, 1));       // E[S] > T
  EXPECT_FALSE(stationary_wait(std::vector<double>{.5, .4}, 1));        // sums to .9
  EXPECT_FALSE(stationary_wait(std::vector<double>{1.5, -.5}, 1));      // negative
  EXPECT_FALSE(stationary_wait(std::vector<double>{.7, 0, .3}, 0));     // no period
  EXPECT_FALSE(stationary_wait(std::vector<double>{.7, 0, .3}, 1, 3));  // too few steps
  const auto idle = stationary_wait(std::vector<double>{0, 1}, 2);      // never waits
  ASSERT_TRUE(idle);
  EXPECT_EQ(tail(*idle, 1), 0);
}

}  // namespace
}  // namespace assay::stream
