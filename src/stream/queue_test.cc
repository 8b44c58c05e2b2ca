// SPDX-License-Identifier: Apache-2.0
#include "stream/queue.h"

#include <gtest/gtest.h>

#include <string>

namespace assay::stream {
namespace {

using Kind = FrameQueue::Next::Kind;
using Times = std::vector<int64_t>;

// One call, told in words: "0:3" serve camera 0 frame 3, "w50" wait until 50, "end"; before it what
// was lost: "d0:2 " dropped, "s0:2 " skipped.
std::string ask(FrameQueue& q, int64_t now, int64_t idle_since) {
  std::string out;
  const auto n = q.next(now, idle_since, [&](int32_t c, int64_t i, Fate fate) {
    out += fate == Fate::dropped ? "d" : fate == Fate::skipped ? "s" : "?";
    out += std::to_string(c) + ":" + std::to_string(i) + " ";
  });
  if (n.kind == Kind::serve) return out + std::to_string(n.camera) + ":" + std::to_string(n.frame);
  if (n.kind == Kind::wait_until) return out + "w" + std::to_string(n.at_ns);
  return out + "end";
}

TEST(Queue, ServesByReleaseAndWaitsForTheNext) {
  const Times a = {0, 100}, b = {50, 150};
  FrameQueue q(Policy::queue, {a, b});
  EXPECT_EQ(ask(q, -5, INT64_MIN), "w0");
  EXPECT_EQ(ask(q, 0, INT64_MIN), "0:0");
  EXPECT_EQ(ask(q, 10, 10), "w50");
  EXPECT_EQ(ask(q, 160, 10), "1:0");
  EXPECT_EQ(ask(q, 170, 170), "0:1");
  EXPECT_EQ(ask(q, 180, 180), "1:1");
  EXPECT_EQ(ask(q, 190, 190), "end");
}

TEST(Queue, WithoutCamerasOrFramesItEnds) {
  FrameQueue none(Policy::queue, {});
  EXPECT_EQ(ask(none, 0, INT64_MIN), "end");
  const Times empty, one = {5};
  FrameQueue q(Policy::drop_oldest, {empty, one});
  EXPECT_EQ(ask(q, 0, INT64_MIN), "w5");
  EXPECT_EQ(ask(q, 5, INT64_MIN), "1:0");
  EXPECT_EQ(ask(q, 6, 6), "end");
}

// A closed loop has releases of 0 only: every camera gets its turn.
TEST(Queue, EqualReleasesGoRound) {
  const Times zero = {0, 0, 0};
  FrameQueue q(Policy::queue, {zero, zero, zero});
  std::string order;
  for (int i = 0; i < 9; ++i) order += ask(q, i, i) + " ";
  EXPECT_EQ(order, "0:0 1:0 2:0 0:1 1:1 2:1 0:2 1:2 2:2 ");
}

TEST(Skip, TheServerIsBusyFromTheReleaseOfItsFrame) {
  const Times t = {0, 10, 20, 30, 40};
  FrameQueue q(Policy::skip_if_busy, {t});
  // Woken at 12, when frame 1 is there too: frame 0 came first and found the server idle.
  EXPECT_EQ(ask(q, 12, INT64_MIN), "0:0");
  // It ended at 20: 1 found the server busy, 2 comes at that moment and finds it idle.
  EXPECT_EQ(ask(q, 20, 20), "s0:1 0:2");
  EXPECT_EQ(ask(q, 25, 25), "w30");
  // Woken late once more: idle since 25, so 3 is served and 4 lost behind it.
  EXPECT_EQ(ask(q, 45, 25), "0:3");
  EXPECT_EQ(ask(q, 46, 46), "s0:4 end");
}

TEST(Skip, CamerasReleasedTogetherTakeTurns) {
  const Times t = {0, 10, 20, 30};
  FrameQueue q(Policy::skip_if_busy, {t, t, t});
  EXPECT_EQ(ask(q, 0, INT64_MIN), "0:0");
  EXPECT_EQ(ask(q, 4, 4), "s1:0 s2:0 w10");
  EXPECT_EQ(ask(q, 10, 4), "1:1");
  EXPECT_EQ(ask(q, 14, 14), "s0:1 s2:1 w20");
  EXPECT_EQ(ask(q, 20, 14), "2:2");
  EXPECT_EQ(ask(q, 24, 24), "s0:2 s1:2 w30");
  EXPECT_EQ(ask(q, 30, 24), "0:3");
}

TEST(Drop, TheNewestOfACameraIsServed) {
  const Times t = {0, 10, 20, 30};
  FrameQueue q(Policy::drop_oldest, {t});
  EXPECT_EQ(ask(q, 0, INT64_MIN), "0:0");
  EXPECT_EQ(ask(q, 25, 25), "d0:1 0:2");
  EXPECT_EQ(ask(q, 26, 26), "w30");
  EXPECT_EQ(ask(q, 30, 26), "0:3");
  EXPECT_EQ(ask(q, 99, 99), "end");
}

// A service of one period, two cameras half a period apart: by the age of the waiting frame alone
// camera 1 would be served for ever, because each frame of camera 0 was just replaced.
TEST(Drop, ANewerFrameTakesTheOlderOnesPlaceInTheLine) {
  const Times a = {0, 10, 20, 30, 40, 50}, b = {5, 15, 25, 35, 45, 55};
  FrameQueue q(Policy::drop_oldest, {a, b});
  std::string order;
  for (int i = 0; i < 6; ++i) order += ask(q, i * 10, i == 0 ? INT64_MIN : i * 10) + " | ";
  EXPECT_EQ(order, "0:0 | 1:0 | d0:1 0:2 | d1:1 1:2 | d0:3 0:4 | d1:3 1:4 | ");
}

TEST(Queue, RestIsWhatWasNotDecided) {
  const Times a = {0, 10, 20}, b = {5, 15};
  FrameQueue q(Policy::queue, {a, b});
  ask(q, 0, INT64_MIN);
  ask(q, 6, 6);
  std::string left;
  q.rest([&](int32_t c, int64_t i) { left += std::to_string(c) + ":" + std::to_string(i) + " "; });
  EXPECT_EQ(left, "0:1 0:2 1:1 ");
}

}  // namespace
}  // namespace assay::stream
