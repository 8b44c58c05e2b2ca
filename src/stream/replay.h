// SPDX-License-Identifier: Apache-2.0
// A virtual clock: frames of several cameras with given service times go through the same queue as
// those of the real server. Pure; times in ns.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "stream/queue.h"

namespace assay::stream {

// Serves all frames: service(camera, frame) is how long one takes, >= 0. Each frame is handed over
// once: decided(camera, frame, fate, start, done), fate done, dropped or skipped; start and done
// are 0 for the lost. The server wakes at once.
template <class Service, class Decided>
void run_queue(Policy policy, std::vector<std::span<const int64_t>> releases, Service&& service,
               Decided&& decided) {
  FrameQueue queue(policy, std::move(releases));
  const auto lost = [&](int32_t c, int64_t i, Fate fate) {
    decided(c, i, fate, int64_t{0}, int64_t{0});
  };
  int64_t now = INT64_MIN, idle_since = INT64_MIN;
  for (;;) {
    const FrameQueue::Next next = queue.next(now, idle_since, lost);
    if (next.kind == FrameQueue::Next::Kind::end) return;
    if (next.kind == FrameQueue::Next::Kind::wait_until) {
      now = next.at_ns;
      continue;
    }
    const int64_t start = now;
    now += service(next.camera, next.frame);
    idle_since = now;
    decided(next.camera, next.frame, Fate::done, start, now);
  }
}

struct ReplayCamera {
  std::vector<int64_t> releases;  // ascending
  std::vector<int64_t> services;  // frame i takes services[i mod size], lost or not, so that what
                                  // is slow together stays together; not empty, each >= 0
  int64_t deadline_ns = 0;        // of the response; 0: only a lost frame is a miss
};
// 0 <= offset, period >= 1: offset, offset + period, ...
std::vector<int64_t> periodic(int64_t offset_ns, int64_t period_ns, int64_t frames);

struct ReplayedFrame {
  Fate fate = Fate::pending;
  int64_t release_ns = 0, start_ns = 0, done_ns = 0;            // start and done are 0 when lost
  bool missed = false;                                          // lost, or later than the deadline
  int64_t response_ns() const { return done_ns - release_ns; }  // of a done frame
};
// By camera, in the order of frames. One server for all cameras.
std::vector<std::vector<ReplayedFrame>> replay_frames(Policy policy,
                                                      std::span<const ReplayCamera> cameras);

// Stationary law of the wait of one periodic camera under policy queue with independent services:
// the fixed point of W <- max(0, W + S - T) (Lindley 1952), by convolution on a grid.
// `service[k]`: P(S = k ticks), summing to 1; `period`: T in ticks, >= 1. Result[k] = P(W = k);
// what is above the last cell is below 1e-17. Nothing when the probabilities are none, when
// E[S] >= T (no such law), or when it was not reached within `most_steps` to an L1 change of 1e-15
// a step. For independent services alone: a replay keeps what this ignores.
std::optional<std::vector<double>> stationary_wait(std::span<const double> service, int64_t period,
                                                   int64_t most_steps = 100'000);

}  // namespace assay::stream
