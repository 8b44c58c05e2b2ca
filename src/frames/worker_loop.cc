// SPDX-License-Identifier: Apache-2.0
#include "frames/worker_loop.h"

#include <sys/prctl.h>
#include <time.h>

#include <algorithm>

#include "frames/scaled_check.h"
#include "measure/clock.h"
#include "platform/stretch.h"
#include "worker/environment.h"

namespace assay::frames {

using stream::Fate;
using stream::FrameRecord;
using vision::FrameFault;

namespace {

constexpr int64_t look_up_ns = 100'000'000;  // how long a sleep may overlook that the run is over

}  // namespace

Worker::Worker(RunState& run, int index, std::vector<StreamState*> streams)
    : run_(run), index_(index), streams_(std::move(streams)) {
  const FrameRequest& request = run_.request;
  if (!request.cpus.empty()) cpu_ = request.cpus[static_cast<size_t>(index) % request.cpus.size()];
  if (stream::open_loop(request.scenario)) {
    std::vector<std::span<const int64_t>> releases;
    for (const StreamState* s : streams_) releases.emplace_back(s->releases);
    queue_.emplace(request.policy, std::move(releases));
  }
  measure::SamplerSpec watch;
  watch.measured_cpu = cpu_;
  watch.threaded = false;  // a thread that wakes up would disturb what sleeps until its release
  sampler_.emplace(watch);
}

void Worker::operator()() {
  warm_up();
  if (index_ == 0 && !error_ && !run_.buffer.stopped() && !streams_.empty() &&
      streams_[0]->served.scaled_decode)
    scaled_ = check_scaled_decode(streams_[0]->served);
  run_.warmed.fetch_add(1, std::memory_order_acq_rel);
  run_.warmed.notify_all();
  run_.go.wait(0, std::memory_order_acquire);
  t0_ = run_.go.load(std::memory_order_acquire);
  if (t0_ < 0 || error_) return;
  for (StreamState* s : streams_) s->served.t0_ns = t0_;
  waiting_since_ = now();
  sampler_->start();
  sleep_until(0);
  switch (run_.request.scenario) {
    case stream::Scenario::single_stream:
    case stream::Scenario::offline:
      closed_loop();
      break;
    case stream::Scenario::multi_stream:
      query_loop();
      break;
    case stream::Scenario::server:
    case stream::Scenario::constant_stream:
      open_loop();
      break;
  }
  sampler_->stop();
  leave_rest();
  if (failed_on_ != nullptr) run_error_ = failed_on_->last_error();
}

void Worker::warm_up() {
  t0_ = measure::stamp_ns();
  for (int64_t i = 0; i < std::max<int64_t>(1, run_.request.warmup_frames); ++i) {
    for (StreamState* s : streams_) {
      if (run_.buffer.stopped()) return;
      if (i >= run_.request.warmup_frames) break;  // none wanted
      FrameRecord r;
      r.frame = i;
      r.flags = stream::kWarmUp;
      r.image = s->served.source->picture_of(i);
      if (r.image < 0) continue;
      Served by = s->served;
      by.t0_ns = t0_;
      by.results = nullptr;
      serve(by, r);
      s->served.source->forget(r.image);
      if (r.fault != static_cast<int64_t>(FrameFault::run_failed)) continue;
      error_ = {"failed", "warm-up: run: " + s->served.task->context().last_error()};
      return;
    }
    // Threads that a runtime starts in its first run must inherit neither pin nor priority.
    if (i == 0 && !settle()) return;
  }
}

bool Worker::settle() {
  pinned_ = cpu_ >= 0 && worker::pin_this_thread(cpu_);
  prctl(PR_SET_TIMERSLACK, 1);  // default: 50 us late by design
  const auto priority = parse_priority(run_.request.priority);
  if (auto applied = apply_priority(priority.value_or(Priority{})); !applied) {
    error_ = worker::from_error(applied.error());
    return false;
  }
  return true;
}

int64_t Worker::now() const noexcept { return measure::stamp_ns() - t0_; }

void Worker::sleep_until(int64_t ns_after_t0) const noexcept {
  for (int64_t at = now(); at < ns_after_t0 && !run_.over(at); at = now()) {
    const int64_t until = t0_ + std::min({ns_after_t0, at + look_up_ns, run_.give_up_ns});
    const timespec target{until / 1'000'000'000, until % 1'000'000'000};
    clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &target, nullptr);
  }
}

FrameRecord Worker::planned(const StreamState& s, int64_t frame) const noexcept {
  FrameRecord r;
  r.frame = frame;
  r.image = std::max<int64_t>(0, s.served.source->picture_of(frame));
  if (queue_ && frame < static_cast<int64_t>(s.releases.size()))
    r.release_ns = s.releases[static_cast<size_t>(frame)];
  if (stream::first_after_idle(s.spec->release, frame)) r.flags = stream::kFirstAfterIdle;
  return r;
}

void Worker::store(StreamState& s, const FrameRecord& r) noexcept {
  run_.buffer.append(s.index, r);
  ++s.counts[r.fate];
}

void Worker::serve_frame(StreamState& s, int64_t frame, int64_t release_ns, int64_t idle_ns,
                         bool after_idle) noexcept {
  FrameRecord r = planned(s, frame);
  r.release_ns = release_ns;
  r.idle_ns = idle_ns;
  r.flags = after_idle ? stream::kFirstAfterIdle : 0;
  serve(s.served, r);
  store(s, r);
  if (r.fault == static_cast<int64_t>(FrameFault::run_failed) && failed_on_ == nullptr)
    failed_on_ = &s.served.task->context();
  s.served.source->forget(r.image);
}

// SingleStream and Offline: the streams of this worker take turns.
void Worker::closed_loop() {
  const bool offline = run_.request.scenario == stream::Scenario::offline;
  for (int64_t i = 0; i < run_.request.frames; ++i)
    for (StreamState* s : streams_) {
      if (i >= static_cast<int64_t>(s->releases.size())) continue;
      const int64_t gap =
          offline || s->idle_gaps.empty() ? 0 : s->idle_gaps[static_cast<size_t>(i)];
      int64_t at = now();
      if (gap > 0) {
        at += gap;
        sleep_until(at);
      }
      if (run_.over(now())) return;
      serve_frame(*s, i, offline ? 0 : at, gap, gap > 0);
      s->decided = i + 1;
    }
}

// MultiStream: a query is a frame of every stream, released when the last one was answered.
void Worker::query_loop() {
  const StreamState& first = *streams_.front();
  for (int64_t i = 0; i < run_.request.frames; ++i) {
    const int64_t gap = first.idle_gaps.empty() ? 0 : first.idle_gaps[static_cast<size_t>(i)];
    const int64_t release = run_.barrier.arrive([&]() -> int64_t {
      const int64_t at = now();
      return run_.over(at) ? -1 : at + gap;
    });
    if (release < 0) return;
    sleep_until(release);
    // A stop in the gap wakes up early: what has not come is not served. The others may not have
    // seen it, so this worker still comes to the next meeting, where all learn of it.
    if (now() < release) continue;
    for (StreamState* s : streams_) {
      if (i >= static_cast<int64_t>(s->releases.size())) continue;
      serve_frame(*s, i, release, gap, gap > 0);
      s->decided = i + 1;
    }
  }
}

// Server and ConstantStream: frames come when they come, the queue says what happens to them.
void Worker::open_loop() {
  const auto lost = [this](int32_t camera, int64_t frame, Fate fate) {
    StreamState& s = *streams_[static_cast<size_t>(camera)];
    FrameRecord r = planned(s, frame);
    r.fate = static_cast<int64_t>(fate);
    store(s, r);
  };
  int64_t idle_since = INT64_MIN;
  for (;;) {
    const int64_t at = now();
    const auto next = queue_->next(at, idle_since, lost);
    using Kind = stream::FrameQueue::Next::Kind;
    if (next.kind == Kind::end) return;
    if (next.kind == Kind::serve) {
      StreamState& s = *streams_[static_cast<size_t>(next.camera)];
      if (run_.over(at)) {  // taken from the queue, but not reached
        store(s, planned(s, next.frame));
        break;
      }
      const int64_t idle = next.at_ns - std::max(idle_since, waiting_since_);
      serve_frame(s, next.frame, next.at_ns, std::max<int64_t>(idle, 0),
                  stream::first_after_idle(s.spec->release, next.frame));
      idle_since = now();
    } else {
      if (run_.over(at)) break;
      sleep_until(next.at_ns);
    }
  }
  queue_->rest([&](int32_t camera, int64_t frame) {
    StreamState& s = *streams_[static_cast<size_t>(camera)];
    store(s, planned(s, frame));
  });
}

// Every planned frame is accounted for once: those of closed loops that were not reached, and those
// that a stopped camera never sent.
void Worker::leave_rest() {
  for (StreamState* s : streams_) {
    const auto delivered = static_cast<int64_t>(s->releases.size());
    for (int64_t i = s->decided; !queue_ && i < delivered; ++i) store(*s, planned(*s, i));
    for (int64_t i = delivered; i < run_.request.frames; ++i) {
      FrameRecord r = planned(*s, i);
      r.fault = static_cast<int64_t>(FrameFault::stopped);
      store(*s, r);
    }
  }
}

Json Worker::machine() const {
  const Json seen = sampler_->report(0);
  Json out = Json::object();
  for (const char* key : {"involuntary_switches", "voluntary_switches", "major_faults",
                          "migrations", "steal_ticks", "throttle_events", "cpu_mhz"})
    if (seen.contains(key) && !seen[key].is_string()) out[key] = seen[key];  // else unknown: absent
  std::vector<double> clocks;
  for (const Json& mhz : get_array(out, "cpu_mhz")) clocks.push_back(mhz.get<double>());
  if (const auto drop = platform::clock_drop(clocks)) out["clock_drop"] = *drop;
  out["pinned"] = pinned_;
  out["scripted"] = false;
  return out;
}

}  // namespace assay::frames
