// SPDX-License-Identifier: Apache-2.0
// Watches the machine while a loop is timed: whatever its probe can read (clocks, throttling,
// steal, pressure, power, temperatures), and the measuring thread's switches, faults, migrations.
// With a CPU to spare a thread wakes there at an interval, and each wake is noted with the samples
// that it may have disturbed; without one everything is read just before and just after the loop.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "base/json.h"
#include "platform/probe.h"
#include "platform/record.h"

namespace assay::measure {

struct SamplerSpec {
  int measured_cpu = -1;       // CPU of the measuring thread; -1 = not pinned (no per-CPU figures)
  std::vector<int> busy_cpus;  // CPUs that inference uses: the sampler stays away from them
  std::optional<int> wanted_cpu;  // where to sample; absent: any spare CPU, -1: no thread. Busy or
                                  // refused: no thread
  int interval_ms = 50;
  const int64_t* written = nullptr;  // published sample count of the loop; read, never written
  bool threaded = true;              // false: before and after only
  platform::Roots roots;             // where the machine is read from
  int gpu = -1;  // the GPU that runs the engine; -1: none, and none is asked (NVML costs time)
};

struct Wake {
  int64_t begin_ns = 0, end_ns = 0;           // CLOCK_MONOTONIC
  int64_t first_sample = 0, last_sample = 0;  // samples in flight during the wake, both included
};

// Use on the measuring thread: rest() if wanted, start(), the loop, stop(); then report() and
// record().
class Sampler {
 public:
  explicit Sampler(SamplerSpec spec);  // opens the probe that the spec describes
  Sampler(SamplerSpec spec, platform::Probe probe);
  ~Sampler();
  Sampler(const Sampler&) = delete;
  Sampler& operator=(const Sampler&) = delete;

  // Sleeps for `ms` and reads the machine meanwhile: what it draws with nothing running. Returns at
  // once, and there is no such stretch, where no channel tells of energy or power, or ms is 0.
  void rest(int64_t ms);
  void start();
  void stop();
  bool has_thread() const { return threaded_; }
  // Members of the `sampler` event (docs/formats.md); `n` samples were taken. Unknown figures are
  // "unknown".
  Json report(int64_t n) const;
  // All rounds, those of rest() too; whole after stop().
  const platform::Record& record() const { return record_; }
  int64_t rest_begin_ns() const { return rest_begin_ns_; }  // 0, 0: no such stretch
  int64_t rest_end_ns() const { return rest_end_ns_; }
  // CPU time that the sampler's thread used and how long it was there; 0, 0 without a thread.
  int64_t thread_cpu_ns() const { return watch_cpu_ns_; }
  int64_t thread_wall_ns() const { return watch_wall_ns_; }

 private:
  struct ThreadCounters {
    int64_t voluntary = 0, involuntary = 0, major_faults = 0, migrations = -1, process_cpu_ns = 0;
  };
  static ThreadCounters read_thread();
  void round() noexcept;
  void watch(int cpu);
  void watch_rounds();
  // Growth of a channel over the loop; of all CPUs when the thread was not pinned.
  Json grown(const char* what) const;

  SamplerSpec spec_;
  platform::Probe probe_;
  platform::Record record_;
  std::vector<int64_t> values_;
  size_t most_rounds_ = 0;
  size_t first_round_ = 0;  // of the loop
  int64_t rest_begin_ns_ = 0, rest_end_ns_ = 0;
  int64_t watch_cpu_ns_ = 0, watch_wall_ns_ = 0;
  bool threaded_ = false, running_ = false;
  ThreadCounters thread_before_, thread_after_;
  std::vector<Wake> wakes_;  // written by the sampler thread, read after it was joined
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
