// SPDX-License-Identifier: Apache-2.0
#include "measure/sampler.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <string>
#include <string_view>

#include "measure/clock.h"

namespace assay::measure {
namespace {

constexpr size_t max_wakes = 20000;  // at 50 ms: 1000 s; later wakes widen the last window instead

// Content of a small /proc or /sys file, "" when it cannot be read.
std::string small_file(const std::string& path) {
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return "";
  std::string text(65536, '\0');
  const ssize_t got = read(fd, text.data(), text.size());
  close(fd);
  text.resize(got > 0 ? static_cast<size_t>(got) : 0);
  return text;
}

// The whole number that follows `key` in `text`; -1 when there is none.
int64_t number_after(const std::string& text, std::string_view key) {
  size_t at = text.find(key);
  if (at == std::string::npos) return -1;
  at += key.size();
  at = text.find_first_not_of(" \t:", at);
  if (at == std::string::npos || text[at] < '0' || text[at] > '9') return -1;
  return std::strtoll(text.c_str() + at, nullptr, 10);
}

// Field 8 of the "cpu" line of /proc/stat: time stolen by the host (proc(5)).
int64_t steal(int cpu) {
  const std::string text = small_file("/proc/stat");
  const std::string key = (cpu < 0 ? std::string("cpu") : "cpu" + std::to_string(cpu)) + " ";
  size_t at = text.rfind(key, 0) == 0 ? 0 : text.find("\n" + key);
  if (at == std::string::npos) return -1;
  at = text.find(key, at) + key.size();
  const char* p = text.c_str() + at;
  int64_t value = -1;
  for (int field = 1; field <= 8; ++field) {
    char* end = nullptr;
    value = std::strtoll(p, &end, 10);
    if (end == p) return -1;
    p = end;
  }
  return value;
}

int64_t number_in(const std::string& path) {
  const std::string text = small_file(path);
  if (text.empty() || text[0] < '0' || text[0] > '9') return -1;
  return std::strtoll(text.c_str(), nullptr, 10);
}

Json difference(int64_t before, int64_t after) {
  if (before < 0 || after < 0) return "unknown";
  return after - before;
}

}  // namespace

MachineSample read_machine(int cpu) {
  MachineSample sample;
  sample.steal_ticks = steal(cpu);
  sample.psi_cpu_some_us = number_after(small_file("/proc/pressure/cpu"), "total=");
  if (cpu >= 0) {
    const std::string folder = "/sys/devices/system/cpu/cpu" + std::to_string(cpu);
    sample.throttle_events = number_in(folder + "/thermal_throttle/core_throttle_count");
    sample.cpu_khz = number_in(folder + "/cpufreq/scaling_cur_freq");
  }
  return sample;
}

int spare_cpu(const std::vector<int>& busy, std::optional<int> wanted) {
  int found = -1;
  // A throw-away thread widens its own affinity to learn what the kernel would allow; the caller's
  // stays.
  std::thread([&] {
    cpu_set_t all;
    CPU_ZERO(&all);
    for (int c = 0; c < CPU_SETSIZE; ++c) CPU_SET(c, &all);
    if (sched_setaffinity(0, sizeof all, &all) != 0) return;
    if (sched_getaffinity(0, sizeof all, &all) != 0) return;
    for (int c = 0; c < CPU_SETSIZE && found < 0; ++c)
      if (CPU_ISSET(c, &all) && wanted.value_or(c) == c &&
          std::find(busy.begin(), busy.end(), c) == busy.end())
        found = c;
  }).join();
  return found;
}

int64_t overlapped_samples(const std::vector<Wake>& wakes, int64_t n) {
  int64_t count = 0, next = 0;  // wakes are in order: count each sample once
  for (const Wake& wake : wakes) {
    const int64_t first = std::max(wake.first_sample, next);
    const int64_t last = std::min(wake.last_sample, n - 1);
    if (last < first) continue;
    count += last - first + 1;
    next = last + 1;
  }
  return count;
}

Sampler::Sampler(SamplerSpec spec) : spec_(std::move(spec)) {
  wakes_.reserve(max_wakes);
  frequencies_.reserve(max_wakes + 2);
}

Sampler::~Sampler() { stop(); }

Sampler::ThreadCounters Sampler::read_thread() {
  ThreadCounters counters;
  rusage usage{};
  getrusage(RUSAGE_THREAD, &usage);
  counters.voluntary = usage.ru_nvcsw;
  counters.involuntary = usage.ru_nivcsw;
  counters.major_faults = usage.ru_majflt;
  counters.migrations = number_after(small_file("/proc/thread-self/sched"), "nr_migrations");
  return counters;
}

void Sampler::start() {
  const int cpu = spec_.threaded ? spare_cpu(spec_.busy_cpus, spec_.wanted_cpu) : -1;
  threaded_ = cpu >= 0;
  machine_before_ = read_machine(spec_.measured_cpu);
  if (threaded_) thread_ = std::thread([this, cpu] { watch(cpu); });
  running_ = true;
  thread_before_ = read_thread();  // last: what start itself costs is not the loop's
}

void Sampler::stop() {
  if (!running_) return;
  running_ = false;
  thread_after_ = read_thread();
  if (thread_.joinable()) {
    {
      std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    changed_.notify_all();
    thread_.join();
  }
  machine_after_ = read_machine(spec_.measured_cpu);
}

void Sampler::watch(int cpu) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(cpu, &set);
  sched_setaffinity(0, sizeof set, &set);
  std::atomic_ref<int64_t> written(*const_cast<int64_t*>(spec_.written));
  std::unique_lock lock(mutex_);
  while (!changed_.wait_for(lock, std::chrono::milliseconds(spec_.interval_ms),
                            [this] { return stopping_; })) {
    Wake wake;
    wake.begin_ns = stamp_ns();
    wake.first_sample = written.load(std::memory_order_acquire);
    const MachineSample now = read_machine(spec_.measured_cpu);
    if (now.cpu_khz >= 0 && frequencies_.size() < max_wakes) frequencies_.push_back(now.cpu_khz);
    wake.last_sample = written.load(std::memory_order_acquire);
    wake.end_ns = stamp_ns();
    if (wakes_.size() < max_wakes) {
      wakes_.push_back(wake);
    } else {
      wakes_.back().end_ns = wake.end_ns;
      wakes_.back().last_sample = wake.last_sample;
    }
  }
}

Json Sampler::report(int64_t n) const {
  Json out;
  out["mode"] = threaded_ ? "thread" : "before_after";
  out["wakes"] = static_cast<int64_t>(wakes_.size());
  out["overlapped"] = overlapped_samples(wakes_, n);
  out["involuntary_switches"] = thread_after_.involuntary - thread_before_.involuntary;
  out["voluntary_switches"] = thread_after_.voluntary - thread_before_.voluntary;
  out["major_faults"] = thread_after_.major_faults - thread_before_.major_faults;
  out["migrations"] = difference(thread_before_.migrations, thread_after_.migrations);
  out["steal_ticks"] = difference(machine_before_.steal_ticks, machine_after_.steal_ticks);
  out["throttle_events"] =
      difference(machine_before_.throttle_events, machine_after_.throttle_events);
  std::vector<int64_t> mhz;
  if (machine_before_.cpu_khz >= 0) mhz.push_back(machine_before_.cpu_khz / 1000);
  for (int64_t khz : frequencies_) mhz.push_back(khz / 1000);
  if (machine_after_.cpu_khz >= 0) mhz.push_back(machine_after_.cpu_khz / 1000);
  if (mhz.empty()) {
    out["cpu_mhz"] = "unknown";
  } else {
    out["cpu_mhz"] = mhz;
  }
  out["psi_cpu_some_us"] =
      difference(machine_before_.psi_cpu_some_us, machine_after_.psi_cpu_some_us);
  Json windows = Json::array();
  for (const Wake& w : wakes_)
    windows.push_back(Json::array({w.begin_ns, w.end_ns, w.first_sample, w.last_sample}));
  out["windows"] = windows;
  return out;
}

}  // namespace assay::measure
