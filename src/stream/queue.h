// SPDX-License-Identifier: Apache-2.0
// The one queue, used by the real server and by the virtual clock alike: frames of several cameras
// with known release times before one server. A decision depends on the time alone, so there is no
// producer thread, no lock and no lost wake-up.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "stream/scenario.h"

namespace assay::stream {

class FrameQueue {
 public:
  // `releases[c]`: ascending times of camera c; they must outlive the queue. All memory is taken
  // here.
  FrameQueue(Policy policy, std::vector<std::span<const int64_t>> releases);

  struct Next {
    enum class Kind { serve, wait_until, end } kind = Kind::end;
    int32_t camera = -1;
    int64_t frame = -1;
    int64_t at_ns = 0;  // serve: its release; wait_until: when to ask again
  };
  // What an idle server does at `now`. `idle_since`: when it finished its last frame (INT64_MIN
  // before the first): under skip_if_busy frames released before it, after the start of that
  // service, are lost. Frames that the policy gives up are handed to `lost(camera, frame, fate)`,
  // each once. Among released frames the earliest release is served, ties by camera. Never
  // allocates.
  template <class Lost>
  Next next(int64_t now, int64_t idle_since, Lost&& lost);
  // Frames not decided yet, for the end of a run.
  template <class Left>
  void rest(Left&& left) const;

 private:
  Policy policy_;
  std::vector<std::span<const int64_t>> releases_;
  std::vector<int64_t> head_;  // first frame of each camera not decided
};

template <class Lost>
FrameQueue::Next FrameQueue::next(int64_t now, int64_t idle_since, Lost&& lost) {
  Next best;
  int64_t soonest = INT64_MAX;
  for (size_t c = 0; c < releases_.size(); ++c) {
    const auto& times = releases_[c];
    int64_t& head = head_[c];
    const auto n = static_cast<int64_t>(times.size());
    const auto at = [&](int64_t i) { return times[static_cast<size_t>(i)]; };
    if (policy_ == Policy::skip_if_busy)
      while (head < n && at(head) < idle_since)
        lost(static_cast<int32_t>(c), head++, Fate::skipped);
    if (policy_ == Policy::drop_oldest)
      while (head + 1 < n && at(head + 1) <= now)
        lost(static_cast<int32_t>(c), head++, Fate::dropped);
    if (head >= n) continue;
    if (at(head) > now) {
      soonest = at(head) < soonest ? at(head) : soonest;
    } else if (best.kind != Next::Kind::serve || at(head) < best.at_ns) {
      best = {Next::Kind::serve, static_cast<int32_t>(c), head, at(head)};
    }
  }
  if (best.kind == Next::Kind::serve)
    ++head_[static_cast<size_t>(best.camera)];
  else if (soonest != INT64_MAX)
    best = {Next::Kind::wait_until, -1, -1, soonest};
  return best;
}

template <class Left>
void FrameQueue::rest(Left&& left) const {
  for (size_t c = 0; c < releases_.size(); ++c)
    for (int64_t i = head_[c]; i < static_cast<int64_t>(releases_[c].size()); ++i)
      left(static_cast<int32_t>(c), i);
}

}  // namespace assay::stream
