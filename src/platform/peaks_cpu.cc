// SPDX-License-Identifier: Apache-2.0
// Every figure is the sum over threads of the highest of each thread's repetitions, all threads
// running: what the cores cannot exceed, whatever else disturbed some repetitions.
#include <sched.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <barrier>
#include <fstream>
#include <functional>
#include <memory>
#include <thread>

#include "base/text.h"
#include "platform/peaks.h"
#include "platform/peaks_kernels.h"

namespace assay::platform {
namespace {

constexpr double kRepetition = 1e6;  // ns

void pin(int cpu) {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (cpu < 0 || cpu >= CPU_SETSIZE) return;
  CPU_SET(cpu, &set);
  sched_setaffinity(0, sizeof set, &set);
}

// Highest amount a second over repetitions within `ns`; `step(n)` does n units of `amount`.
template <class Step>
double highest(double amount, double ns, int64_t& repetitions, const Step& step) {
  int64_t n = 1;
  for (;;) {  // as many units as fill a repetition
    const int64_t begin = monotonic_ns();
    step(n);
    const auto took = static_cast<double>(std::max<int64_t>(monotonic_ns() - begin, 1));
    if (took > kRepetition / 4 || n > (int64_t{1} << 40)) {
      n = std::max<int64_t>(1, static_cast<int64_t>(static_cast<double>(n) * kRepetition / took));
      break;
    }
    n *= 4;
  }
  double best = 0;
  repetitions = 0;
  const int64_t begin = monotonic_ns();
  do {
    const int64_t from = monotonic_ns();
    step(n);
    const auto took = static_cast<double>(std::max<int64_t>(monotonic_ns() - from, 1));
    best = std::max(best, static_cast<double>(n) * amount / took * 1e9);
    ++repetitions;
  } while (static_cast<double>(monotonic_ns() - begin) < ns || repetitions < 3);
  return best;
}

// `rate(thread, repetitions)` on one pinned thread each, started together; the sum.
double over_threads(const std::vector<int>& cpus, Peaks& peaks,
                    const std::function<double(size_t, int64_t&)>& rate) {
  std::vector<double> rates(cpus.size());
  std::vector<int64_t> repetitions(cpus.size());
  std::barrier together(static_cast<std::ptrdiff_t>(cpus.size()));
  std::vector<std::thread> threads;
  for (size_t i = 0; i < cpus.size(); ++i)
    threads.emplace_back([&, i] {
      pin(cpus[i]);
      together.arrive_and_wait();
      rates[i] = rate(i, repetitions[i]);
    });
  for (auto& t : threads) t.join();
  double sum = 0;
  for (const double r : rates) {
    if (!(r > 0)) return 0;  // not on every thread: unknown
    sum += r;
  }
  const int64_t fewest = *std::min_element(repetitions.begin(), repetitions.end());
  peaks.repetitions = peaks.repetitions == 0 ? fewest : std::min(peaks.repetitions, fewest);
  return sum;
}

struct Caches {
  int64_t first = 0, second = 0, third = 0;
};
Caches caches_of(int cpu) {
  Caches out;
  for (int i = 0; i < 8; ++i) {
    const std::string folder = fmt::format("/sys/devices/system/cpu/cpu{}/cache/index{}/", cpu, i);
    std::ifstream type_file(folder + "type"), level_file(folder + "level"),
        size_file(folder + "size");
    std::string type;
    int level = 0;
    int64_t kib = 0;
    if (!(type_file >> type) || !(level_file >> level) || !(size_file >> kib)) continue;
    if (type == "Instruction" || kib <= 0 || kib > (int64_t{1} << 30)) continue;
    int64_t& to = level == 1 ? out.first : level == 2 ? out.second : out.third;
    to = std::max(to, kib * 1024);
  }
  const auto ask = [](int name) { return std::max<int64_t>(sysconf(name), 0); };
  if (out.first == 0) out.first = ask(_SC_LEVEL1_DCACHE_SIZE);
  if (out.second == 0) out.second = ask(_SC_LEVEL2_CACHE_SIZE);
  if (out.third == 0) out.third = ask(_SC_LEVEL3_CACHE_SIZE);
  return out;
}

int64_t available_bytes() {
  std::ifstream in("/proc/meminfo");
  for (std::string key, unit; in >> key;) {
    int64_t kib = 0;
    if (!(in >> kib)) break;
    if (key == "MemAvailable:") return kib * 1024;
    std::getline(in, unit);
  }
  return 0;
}

// Pages of its own, touched; null when there is no memory for it.
class Buffer {
 public:
  explicit Buffer(int64_t bytes) : bytes_(bytes) {
    void* at = mmap(nullptr, static_cast<size_t>(bytes), PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (at == MAP_FAILED) return;
    at_ = static_cast<char*>(at);
    madvise(at_, static_cast<size_t>(bytes_), MADV_HUGEPAGE);
  }
  ~Buffer() {
    if (at_) munmap(at_, static_cast<size_t>(bytes_));
  }
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;
  const char* at() const { return at_; }
  // Makes the pages; false when the first of them show that all would take more than `ns`.
  bool touch(double ns) {
    if (!at_) return false;
    const int64_t begin = monotonic_ns(), probe = std::min<int64_t>(bytes_, 16 << 20);
    for (int64_t i = 0; i < bytes_; i += 4096) {
      if (i == probe && static_cast<double>(monotonic_ns() - begin) * static_cast<double>(bytes_) >
                            ns * static_cast<double>(probe))
        return false;
      at_[i] = 1;
    }
    return true;
  }

 private:
  char* at_ = nullptr;
  int64_t bytes_;
};

double read_rate(const char* from, int64_t bytes, double ns, int64_t& repetitions) {
  return highest(static_cast<double>(bytes), ns, repetitions, [&](int64_t n) {
    for (; n > 0; --n) read_all(from, bytes);
  });
}

// From main memory: each thread streams through its own part of a buffer of four times the caches,
// part by part, so that a part is not read again before all others were.
// Unknown where so much memory is not free, or takes longer than all the rest to make.
double stream_rate(const std::vector<int>& cpus, int64_t cache_bytes, double ns, double patience_ns,
                   Peaks& peaks) {
  constexpr int64_t kPart = int64_t{4} << 20;
  const auto n = static_cast<int64_t>(cpus.size());
  const int64_t each = (4 * std::max<int64_t>(cache_bytes, 16 << 20) / n / kPart + 2) * kPart;
  if (each * n > available_bytes() / 4 || each * n > (int64_t{1} << 33)) return 0;
  Buffer buffer(each * n);
  if (!buffer.touch(patience_ns)) return 0;
  return over_threads(cpus, peaks, [&](size_t i, int64_t& repetitions) {
    const char* own = buffer.at() + static_cast<int64_t>(i) * each;
    double best = 0;
    int64_t at = 0;
    repetitions = 0;
    const int64_t begin = monotonic_ns();
    while (static_cast<double>(monotonic_ns() - begin) < ns || repetitions < 3) {
      const int64_t from = monotonic_ns();
      read_all(own + at, kPart);
      const auto took = static_cast<double>(std::max<int64_t>(monotonic_ns() - from, 1));
      best = std::max(best, static_cast<double>(kPart) / took * 1e9);
      at = at + kPart < each ? at + kPart : 0;
      ++repetitions;
    }
    return best;
  });
}

}  // namespace

Peaks measure_cpu_peaks(const std::vector<int>& cpus, double seconds) {
  Peaks p;
  if (cpus.empty()) return p;
  p.threads = static_cast<int>(cpus.size());
  const std::vector<PeakKernel> kernels = peak_kernels();
  const double slot =
      std::clamp(seconds, 0.01, 60.0) * 1e9 / static_cast<double>(kernels.size() + 4);
  for (const PeakKernel& k : kernels) {
    const double rate = over_threads(cpus, p, [&](size_t, int64_t& repetitions) {
      repetitions = 1;
      if (k.prepare && !k.prepare()) return 0.0;
      return highest(k.operations, slot, repetitions, k.run);
    });
    double& best = k.arithmetic == Arithmetic::fp32   ? p.flops_fp32
                   : k.arithmetic == Arithmetic::fp16 ? p.flops_fp16
                                                      : p.flops_int8;
    if (k.arithmetic == Arithmetic::fp32 && rate > best) p.isa = k.name;
    best = std::max(best, rate);
  }
  if (fp16_runs_as_fp32()) p.flops_fp16 = p.flops_fp32;
  const Caches c = caches_of(cpus[0]);
  const int64_t levels[] = {c.first, c.second, c.third};
  // What the second level of each core holds beside the shared last one is no memory traffic. Cores
  // may lie in several groups with a last level of their own: as many are counted as there are
  // threads, since a bound must not be too high.
  if (c.second > 0 || c.third > 0) p.last_cache_bytes = (c.third + c.second) * p.threads;
  for (const int64_t level : levels) {
    const int64_t part = level == c.third ? level / 4 / p.threads : level / 2;
    const int64_t bytes = std::min<int64_t>(part, 4 << 20) / 1024 * 1024;
    if (bytes <= 0) continue;
    const auto buffer = std::make_unique<Buffer>(bytes * p.threads);
    if (!buffer->touch(1e9)) continue;
    const double rate = over_threads(cpus, p, [&](size_t i, int64_t& repetitions) {
      return read_rate(buffer->at() + static_cast<int64_t>(i) * bytes, bytes, slot, repetitions);
    });
    p.cache_bytes_per_s = std::max(p.cache_bytes_per_s, rate);
  }
  if (p.last_cache_bytes > 0)
    p.read_bytes_per_s = stream_rate(cpus, p.last_cache_bytes, slot, seconds * 1e9, p);
  return p;
}

}  // namespace assay::platform
