// SPDX-License-Identifier: Apache-2.0
// Watches the machine while a loop is timed: clocks, throttling, steal, pressure, switches, faults,
// migrations. With a CPU to spare a thread wakes there at an interval, and each wake is noted with
// the samples that it may have disturbed; without one everything is read just before and just after
// the loop.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "base/json.h"

namespace assay::measure {

struct SamplerSpec {
  int measured_cpu = -1;       // CPU of the measuring thread; -1 = not pinned (no per-CPU figures)
  std::vector<int> busy_cpus;  // CPUs that inference uses: the sampler stays away from them
  std::optional<int> wanted_cpu;  // where to sample; absent: any spare CPU, -1: no thread. Busy or
                                  // refused: no thread
  int interval_ms = 50;
  const int64_t* written = nullptr;  // published sample count of the loop; read, never written
  bool threaded = true;              // false: before and after only
};

// One look at the machine. -1 = this machine does not tell.
struct MachineSample {
  int64_t throttle_events = -1;  // of the measured CPU
  int64_t steal_ticks = -1;      // of the measured CPU (all CPUs when not pinned), in clock ticks
  int64_t psi_cpu_some_us = -1;  // time in which some task waited for a CPU
  int64_t cpu_khz = -1;          // current frequency of the measured CPU
};
MachineSample read_machine(int cpu);

struct Wake {
  int64_t begin_ns = 0, end_ns = 0;           // CLOCK_MONOTONIC
  int64_t first_sample = 0, last_sample = 0;  // samples in flight during the wake, both included
};

// Use on the measuring thread: start(), the loop, stop(); then report().
class Sampler {
 public:
  explicit Sampler(SamplerSpec spec);
  ~Sampler();
  Sampler(const Sampler&) = delete;
  Sampler& operator=(const Sampler&) = delete;

  void start();
  void stop();
  bool has_thread() const { return threaded_; }
  // Members of the `sampler` event (docs/formats.md); `n` samples were taken. Unknown figures are
  // "unknown".
  Json report(int64_t n) const;

 private:
  struct ThreadCounters {
    int64_t voluntary = 0, involuntary = 0, major_faults = 0, migrations = -1;
  };
  static ThreadCounters read_thread();
  void watch(int cpu);

  SamplerSpec spec_;
  bool threaded_ = false, running_ = false;
  MachineSample machine_before_, machine_after_;
  ThreadCounters thread_before_, thread_after_;
  std::vector<Wake> wakes_;           // written by the sampler thread, read after it was joined
  std::vector<int64_t> frequencies_;  // kHz, likewise
  std::thread thread_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool stopping_ = false;
};

// A CPU that this thread may use and that is not in `busy`; -1 when there is none. Looks past the
// current affinity of the process, since a launch is confined to its inference CPUs. With `wanted`
// only that CPU is asked for.
int spare_cpu(const std::vector<int>& busy, std::optional<int> wanted = std::nullopt);

// Number of samples in [0, n) that lie in some wake's range.
int64_t overlapped_samples(const std::vector<Wake>& wakes, int64_t n);

}  // namespace assay::measure
