// SPDX-License-Identifier: Apache-2.0
// The one queue, used by the real server and by the virtual clock alike: frames of several cameras
// with known release times before one server. A decision depends on the times alone, so there is
// no producer thread, no lock and no lost wake-up.
//
// What the policies mean, exactly. `now` is when an idle server asks, which may be later than it
// could have: it slept, or the system woke it late.
//   queue         Frames in the order of their releases. Nothing is ever given up.
//   drop_oldest   When the server asks, of each camera the newest frame released up to `now` is
//                 left and all before it are dropped. The newest frame takes over the place in the
//                 line of the first one that waited since the camera was last served: a camera
//                 whose frames were replaced often does not fall behind for it.
//   skip_if_busy  A frame that is released while another is served is lost. The server is busy with
//                 a frame from that frame's release to its completion, so the time it took to wake
//                 up belongs to the service: nothing waits behind a frame that has not started yet.
//                 A frame released at the very moment of the completion finds the server idle. A
//                 served frame therefore waits for no other, only for the server to wake.
// Among cameras whose place in the line is equally old, the one served longest ago comes first (its
// turn counts, not its number; never served: longest ago), then the lower number. Cameras released
// at the same moments so share the server under every policy, and closed loops, whose releases are
// all 0, go round and round. Closed loops make sense under `queue` alone.
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
  // What an idle server does at `now`, with `now` never before an earlier one. `idle_since`: when
  // it finished its last frame (INT64_MIN before the first), at most `now`. Frames that the policy
  // gives up are handed to `lost(camera, frame, fate)`, each once, those of a camera in their
  // order; a frame lost while the server worked is handed over at the next call. Never allocates.
  template <class Lost>
  Next next(int64_t now, int64_t idle_since, Lost&& lost);
  // Frames not decided yet, for the end of a run: left(camera, frame). Call next() before, so that
  // what was lost during the last service is not among them.
  template <class Left>
  void rest(Left&& left) const;

 private:
  struct Camera {
    std::span<const int64_t> releases;
    int64_t head = 0;   // first frame not decided
    int64_t place = 0;  // frame whose release is the camera's place in the line; head or before it
    int64_t turn = 0;   // of its last service, counted over all cameras; 0: never served
    int64_t size() const { return static_cast<int64_t>(releases.size()); }
    int64_t at(int64_t frame) const { return releases[static_cast<size_t>(frame)]; }
  };
  Policy policy_;
  std::vector<Camera> cameras_;
  int64_t turns_ = 0;
};

template <class Lost>
FrameQueue::Next FrameQueue::next(int64_t now, int64_t idle_since, Lost&& lost) {
  Camera* first = nullptr;
  int64_t soonest = INT64_MAX;
  for (size_t c = 0; c < cameras_.size(); ++c) {
    Camera& camera = cameras_[c];
    const int64_t n = camera.size();
    const auto give_up = [&](Fate fate) { lost(static_cast<int32_t>(c), camera.head++, fate); };
    if (policy_ == Policy::skip_if_busy)
      while (camera.head < n && camera.at(camera.head) < idle_since) give_up(Fate::skipped);
    if (policy_ == Policy::drop_oldest)
      while (camera.head + 1 < n && camera.at(camera.head + 1) <= now) give_up(Fate::dropped);
    else
      camera.place = camera.head;
    if (camera.head >= n) continue;
    if (const int64_t at = camera.at(camera.head); at > now) {
      soonest = at < soonest ? at : soonest;
      continue;
    }
    const int64_t place = camera.at(camera.place);
    if (first == nullptr || place < first->at(first->place) ||
        (place == first->at(first->place) && camera.turn < first->turn))
      first = &camera;
  }
  if (first != nullptr) {
    const Next serve = {Next::Kind::serve, static_cast<int32_t>(first - cameras_.data()),
                        first->head, first->at(first->head)};
    first->place = ++first->head;
    first->turn = ++turns_;
    return serve;
  }
  if (soonest != INT64_MAX) return {Next::Kind::wait_until, -1, -1, soonest};
  return {};
}

template <class Left>
void FrameQueue::rest(Left&& left) const {
  for (size_t c = 0; c < cameras_.size(); ++c)
    for (int64_t i = cameras_[c].head; i < cameras_[c].size(); ++i)
      left(static_cast<int32_t>(c), i);
}

}  // namespace assay::stream
