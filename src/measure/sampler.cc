// SPDX-License-Identifier: Apache-2.0
#include "measure/sampler.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <string>
#include <string_view>

#include "measure/clock.h"

namespace assay::measure {
namespace {

constexpr size_t kMostWakes = 20000;  // at 50 ms: 1000 s; later wakes widen the last window instead
constexpr int kMostCpus = 32;
constexpr size_t kMostNumbers = 1 << 20;  // of a record: 8 MiB, which a launch keeps locked

// The whole number that follows `key` in a small /proc file; -1 when there is none.
int64_t number_after(const char* path, std::string_view key) {
  const int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return -1;
  std::string text(65536, '\0');
  const ssize_t got = read(fd, text.data(), text.size());
  close(fd);
  text.resize(got > 0 ? static_cast<size_t>(got) : 0);
  size_t at = text.find(key);
  if (at == std::string::npos) return -1;
  at = text.find_first_not_of(" \t:", at + key.size());
  if (at == std::string::npos || text[at] < '0' || text[at] > '9') return -1;
  return std::strtoll(text.c_str() + at, nullptr, 10);
}

int64_t cpu_time_ns(clockid_t clock) {
  timespec t{};
  clock_gettime(clock, &t);
  return static_cast<int64_t>(t.tv_sec) * 1'000'000'000 + t.tv_nsec;
}

platform::Probe open_probe(const SamplerSpec& spec) {
  platform::ProbeSpec p;
  p.roots = spec.roots;
  p.gpu = spec.gpu >= 0;
  p.process = static_cast<int>(getpid());
  // To read the clock of a CPU interrupts it, and takes microseconds: of a big machine those that
  // inference uses and some others.
  const auto online = static_cast<int>(sysconf(_SC_NPROCESSORS_ONLN));
  if (online <= kMostCpus) return platform::Probe::open(p);
  if (spec.measured_cpu >= 0) p.cpus.push_back(spec.measured_cpu);
  const auto add = [&](int cpu) {
    const bool there = std::find(p.cpus.begin(), p.cpus.end(), cpu) != p.cpus.end();
    if (!there && p.cpus.size() < static_cast<size_t>(kMostCpus)) p.cpus.push_back(cpu);
  };
  for (const int cpu : spec.busy_cpus) add(cpu);
  for (int cpu = 0; cpu < online; ++cpu) add(cpu);
  return platform::Probe::open(p);
}

bool tells_power(const std::vector<platform::Channel>& channels) {
  return std::any_of(channels.begin(), channels.end(), [](const platform::Channel& c) {
    const std::string_view name = c.name;
    return name.ends_with(".uj") || name.ends_with(".mj") || name.ends_with(".mw");
  });
}

}  // namespace

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

Sampler::Sampler(SamplerSpec spec) : Sampler(spec, open_probe(spec)) {}

Sampler::Sampler(SamplerSpec spec, platform::Probe probe)
    : spec_(std::move(spec)), probe_(std::move(probe)) {
  record_.interval_ms = spec_.interval_ms;
  record_.channels = probe_.channels();
  record_.missing = probe_.missing();
  record_.real = spec_.roots.real();
  record_.columns.resize(record_.channels.size());
  values_.assign(record_.channels.size(), platform::kUnknown);
  // All memory before the loop. With few rounds the first and the last must still fit.
  most_rounds_ = std::clamp<size_t>(kMostNumbers / (record_.channels.size() + 1), 64, kMostWakes);
  if (!spec_.threaded) most_rounds_ = 64;
  record_.t_ns.reserve(most_rounds_);
  for (auto& column : record_.columns) column.reserve(most_rounds_);
  wakes_.reserve(spec_.threaded ? kMostWakes : 0);
}

Sampler::~Sampler() { stop(); }

Sampler::ThreadCounters Sampler::read_thread() {
  ThreadCounters counters;
  rusage usage{};
  getrusage(RUSAGE_THREAD, &usage);
  counters.voluntary = usage.ru_nvcsw;
  counters.involuntary = usage.ru_nivcsw;
  counters.major_faults = usage.ru_majflt;
  counters.process_cpu_ns = cpu_time_ns(CLOCK_PROCESS_CPUTIME_ID);
  counters.migrations = number_after("/proc/thread-self/sched", "nr_migrations");
  return counters;
}

// When no more fit, every second round of the loop goes: a long loop is told more coarsely, to its
// end.
void Sampler::round() noexcept {
  if (record_.t_ns.size() + 1 >= most_rounds_) platform::halve(record_, first_round_);
  const int64_t now = stamp_ns();
  probe_.read(now, values_);
  record_.add(now, values_);
}

void Sampler::rest(int64_t ms) {
  if (ms <= 0 || !tells_power(record_.channels)) return;
  const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(ms);
  const auto pause = std::chrono::milliseconds(std::max(spec_.interval_ms, 1));
  rest_begin_ns_ = stamp_ns();
  round();
  for (auto now = std::chrono::steady_clock::now(); now < end;
       now = std::chrono::steady_clock::now()) {
    std::this_thread::sleep_until(std::min(now + pause, end));
    round();
  }
  rest_end_ns_ = stamp_ns();
}

void Sampler::start() {
  const int cpu = spec_.threaded ? spare_cpu(spec_.busy_cpus, spec_.wanted_cpu) : -1;
  threaded_ = cpu >= 0;
  first_round_ = record_.t_ns.size();
  round();
  if (threaded_) thread_ = std::thread([this, cpu] { watch(cpu); });
  running_ = true;
  thread_before_ = read_thread();  // last: what start itself costs is not the loop's
}

void Sampler::stop() {
  if (!running_) return;
  running_ = false;
  thread_after_ = read_thread();
  {
    // The thread reads only while it holds the lock; the last round stands right behind the loop,
    // however late the thread wakes.
    std::lock_guard lock(mutex_);
    stopping_ = true;
    round();
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void Sampler::watch(int cpu) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(cpu, &set);
  sched_setaffinity(0, sizeof set, &set);
  const int64_t begin = stamp_ns();
  watch_rounds();
  watch_wall_ns_ = stamp_ns() - begin;
  watch_cpu_ns_ = cpu_time_ns(CLOCK_THREAD_CPUTIME_ID);
}

void Sampler::watch_rounds() {
  std::atomic_ref<int64_t> written(*const_cast<int64_t*>(spec_.written));
  std::unique_lock lock(mutex_);
  while (!changed_.wait_for(lock, std::chrono::milliseconds(spec_.interval_ms),
                            [this] { return stopping_; })) {
    Wake wake;
    wake.begin_ns = stamp_ns();
    wake.first_sample = written.load(std::memory_order_acquire);
    round();
    wake.last_sample = written.load(std::memory_order_acquire);
    wake.end_ns = stamp_ns();
    if (wakes_.size() < kMostWakes) {
      wakes_.push_back(wake);
    } else {
      wakes_.back().end_ns = wake.end_ns;
      wakes_.back().last_sample = wake.last_sample;
    }
  }
}

Json Sampler::grown(const char* what) const {
  if (record_.t_ns.empty()) return "unknown";
  const size_t last = record_.t_ns.size() - 1;
  int64_t sum = 0;
  bool any = false;
  for (const platform::Channel& c : record_.channels) {
    const bool cpu = c.name.starts_with("cpu") && c.name.ends_with(what);
    const std::string mine = fmt::format("cpu{}{}", spec_.measured_cpu, what);
    if (c.name != what && !(cpu && (spec_.measured_cpu < 0 || c.name == mine))) continue;
    const auto more = platform::growth(record_, c.name, first_round_, last);
    if (!more) return "unknown";
    sum += *more;
    any = true;
  }
  return any ? Json(sum) : Json("unknown");
}

Json Sampler::report(int64_t n) const {
  Json out;
  out["mode"] = threaded_ ? "thread" : "before_after";
  out["wakes"] = static_cast<int64_t>(wakes_.size());
  out["overlapped"] = overlapped_samples(wakes_, n);
  out["involuntary_switches"] = thread_after_.involuntary - thread_before_.involuntary;
  out["voluntary_switches"] = thread_after_.voluntary - thread_before_.voluntary;
  out["major_faults"] = thread_after_.major_faults - thread_before_.major_faults;
  const bool migrations = thread_before_.migrations >= 0 && thread_after_.migrations >= 0;
  out["migrations"] =
      migrations ? Json(thread_after_.migrations - thread_before_.migrations) : Json("unknown");
  out["steal_ticks"] = grown(".steal_ticks");
  out["throttle_events"] = spec_.measured_cpu < 0 ? Json("unknown") : grown(".throttle_events");
  out["cpu_mhz"] = "unknown";
  Json mhz = Json::array();
  if (const auto* column = record_.column(fmt::format("cpu{}.mhz", spec_.measured_cpu)))
    for (size_t i = first_round_; i < column->size(); ++i)
      if ((*column)[i] != platform::kUnknown) mhz.push_back((*column)[i]);
  if (!mhz.empty()) out["cpu_mhz"] = mhz;
  out["psi_cpu_some_us"] = grown("psi.cpu_some_us");
  out["cpu"] = spec_.measured_cpu;
  out["gpu"] = spec_.gpu;
  out["busy_cpus"] = spec_.busy_cpus;
  // A runtime may work in a thread of its own on the same CPU: that is no work of others.
  const int64_t own_ns = thread_after_.process_cpu_ns - thread_before_.process_cpu_ns;
  out["own_cpu_us"] = std::max<int64_t>(0, own_ns - watch_cpu_ns_) / 1000;
  Json windows = Json::array();
  for (const Wake& w : wakes_)
    windows.push_back(Json::array({w.begin_ns, w.end_ns, w.first_sample, w.last_sample}));
  out["windows"] = windows;
  return out;
}

}  // namespace assay::measure
