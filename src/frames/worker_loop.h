// SPDX-License-Identifier: Apache-2.0
// One worker thread: warms up, waits for the common start, serves its streams as the scenario says,
// and accounts for every planned frame.
#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "frames/barrier.h"
#include "frames/buffer.h"
#include "frames/pipeline.h"
#include "frames/priority.h"
#include "measure/sampler.h"
#include "stream/queue.h"

namespace assay::frames {

// What the threads of a process share.
struct RunState {
  RunState(const FrameRequest& r, FrameBuffer& b) : request(r), buffer(b), barrier(r.workers) {}
  const FrameRequest& request;
  FrameBuffer& buffer;
  QueryBarrier barrier;
  std::atomic<int> warmed{0};      // workers that have warmed up, or failed to
  std::atomic<int64_t> go{0};      // t0, CLOCK_MONOTONIC; -1: go home
  int64_t give_up_ns = INT64_MAX;  // after t0; set before `go`

  bool over(int64_t now_ns) const { return now_ns >= give_up_ns || buffer.stopped(); }
};

// One stream and what serves it. Everything is made before the threads start.
struct alignas(64) StreamState {  // written by one worker each
  int64_t index = 0;              // in the request
  const StreamSpec* spec = nullptr;
  Served served;
  std::vector<int64_t> releases;   // as many as the camera delivers
  std::vector<int64_t> idle_gaps;  // closed loops: silence before each frame; empty: none
  StreamResults results;
  int64_t decided = 0;      // closed loops: first frame not decided
  int64_t counts[5] = {0};  // records by fate
};

class Worker {
 public:
  Worker(RunState& run, int index, std::vector<StreamState*> streams);
  void operator()();  // the thread

  const std::vector<StreamState*>& streams() const { return streams_; }
  bool pinned() const { return pinned_; }
  int cpu() const { return cpu_; }  // -1: not pinned
  // Why there was no run: priority refused, or an engine that cannot run.
  const std::optional<worker::LaunchError>& error() const { return error_; }
  const std::string& run_error() const { return run_error_; }  // of the first frame that failed so
  // What scaled decoding gains and costs, where a stream of the first worker asks for it; else
  // null.
  const Json& scaled() const { return scaled_; }
  Json machine() const;  // counters of this thread

 private:
  void warm_up();
  bool settle();  // pin, priority, timer slack
  void closed_loop();
  void query_loop();
  void open_loop();
  void leave_rest();
  void serve_frame(StreamState& s, int64_t frame, int64_t release_ns, int64_t idle_ns,
                   bool after_idle) noexcept;
  void store(StreamState& s, const stream::FrameRecord& r) noexcept;
  stream::FrameRecord planned(const StreamState& s, int64_t frame) const noexcept;
  int64_t now() const noexcept;
  void sleep_until(int64_t ns_after_t0) const noexcept;

  RunState& run_;
  int index_;
  std::vector<StreamState*> streams_;
  std::optional<stream::FrameQueue> queue_;
  std::optional<measure::Sampler> sampler_;
  std::optional<worker::LaunchError> error_;
  std::string run_error_;
  Json scaled_;
  TaskContext* failed_on_ = nullptr;
  int64_t t0_ = 0;
  int64_t waiting_since_ = 0;  // after t0, mostly below 0: idle before the first frame
  int cpu_ = -1;
  bool pinned_ = false;
};

}  // namespace assay::frames
