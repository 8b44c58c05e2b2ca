// SPDX-License-Identifier: Apache-2.0
#include "platform/stretch.h"

#include <unistd.h>

#include <algorithm>
#include <cmath>

namespace assay::platform {
namespace {

// A round just outside the stretch stands for its end: who watches a stretch reads before it begins
// and after it ended.
constexpr int64_t kBesideNs = 10'000'000;
// Shares from which the work of others is a reason. The sampler, the audit that waits and the
// kernel's own work stay far below them on a quiet machine.
constexpr double kBusyCpu = .10, kSharedCpu = .03, kWaiting = .05;
// A tick is 10 ms: fewer than these say nothing of a share.
constexpr double kLeastTicks = 10;

struct Rounds {
  const Record& record;
  size_t first, last;  // [first, last)
  double seconds;
};

// Growth over the stretch; absent when it is not known at both ends.
std::optional<int64_t> growth_in(const Rounds& r, std::string_view channel) {
  const auto* column = r.record.column(channel);
  if (!column) return std::nullopt;
  size_t a = r.first, b = r.last;
  while (a < b && (*column)[a] == kUnknown) ++a;
  while (b > a && (*column)[b - 1] == kUnknown) --b;
  if (b - a < 2) return std::nullopt;
  return growth(r.record, channel, a, b - 1);
}

std::vector<int> cpus_of(const Record& record) {
  std::vector<int> out;
  for (const Channel& c : record.channels) {
    if (!c.name.starts_with("cpu") || !c.name.ends_with(".busy_ticks")) continue;
    out.push_back(std::atoi(c.name.c_str() + 3));
  }
  return out;
}

double ticks_per_s() {
  static const long value = sysconf(_SC_CLK_TCK);
  return value > 0 ? static_cast<double>(value) : 100;
}

void judge_load(const Rounds& r, const StretchSpec& spec, Stretch& out) {
  const double ticks = r.seconds * ticks_per_s();
  const std::vector<int> cpus = cpus_of(r.record);
  if (r.last - r.first < 2) {
    out.load_unknown.assign("no rounds in the loop");
    return;
  }
  if (cpus.empty()) {
    out.load_unknown.assign("the machine tells of no CPU time");
    return;
  }
  if (ticks < kLeastTicks) {
    out.load_unknown = fmt::format("{:.3g} ms are too short for ticks of {:.3g} ms",
                                   r.seconds * 1e3, 1e3 / ticks_per_s());
    return;
  }
  std::vector<std::string> found;
  double own = 0;
  int64_t owned = 0;
  bool torn = false;
  for (const int cpu : cpus) {
    const auto grown = growth_in(r, fmt::format("cpu{}.busy_ticks", cpu));
    if (!grown) {
      torn = true;
      continue;
    }
    const double share = std::min(1.0, static_cast<double>(*grown) / ticks);
    const bool mine =
        std::find(spec.busy_cpus.begin(), spec.busy_cpus.end(), cpu) != spec.busy_cpus.end() ||
        cpu == spec.cpu;
    if (mine) {
      own += share;
      ++owned;
      const double used = static_cast<double>(spec.own_cpu_us) / 1e6 * ticks_per_s();
      const double others = static_cast<double>(*grown) - used;
      // Ticks are counted whole: one at either end is chance.
      if (cpu == spec.cpu && spec.own_cpu_us >= 0 && others > kSharedCpu * ticks + 2)
        found.push_back(fmt::format("CPU {} worked {:.0f} % of the time for others", cpu,
                                    100 * others / ticks));
    } else if (static_cast<double>(*grown) - 2 > kBusyCpu * ticks) {
      found.push_back(fmt::format("CPU {} was {:.0f} % busy", cpu, 100 * share));
    }
  }
  if (owned > 0 && !torn) out.cpu_busy = own / static_cast<double>(owned);
  if (const auto waited = growth_in(r, "psi.cpu_some_us");
      waited && static_cast<double>(*waited) / 1e6 > kWaiting * r.seconds)
    found.push_back(fmt::format("tasks waited for a CPU {:.0f} % of the time",
                                static_cast<double>(*waited) / 1e4 / r.seconds));
  constexpr size_t kNamed = 4;
  for (size_t i = 0; i < found.size() && i < kNamed; ++i)
    out.other_load.append(i ? ", " : "").append(found[i]);
  if (found.size() > kNamed)
    out.other_load.append(fmt::format(" and {} more", found.size() - kNamed));
  if (torn) out.load_unknown.assign("a counter of CPU time fell or fell silent");
}

void judge_gpu(const Rounds& r, int gpu, Stretch& out) {
  const auto name = [&](const char* what) { return fmt::format("gpu{}.{}", gpu, what); };
  if (const auto* mask = r.record.column(name("throttle")))
    for (size_t i = r.first; i < r.last; ++i)
      if ((*mask)[i] != kUnknown) out.throttle = out.throttle.value_or(0) | (*mask)[i];
  const auto processes = values_of(r.record, name("processes"), r.first, r.last);
  // Ours is one, where the driver sees it (it does not from within every container).
  if (!processes.empty())
    out.other_gpu_processes = std::max<int64_t>(
        0, std::llround(*std::max_element(processes.begin(), processes.end())) - 1);
  out.gpu_busy_percent = spread_of(values_of(r.record, name("busy_percent"), r.first, r.last));
  out.gpu_memory_busy_percent =
      spread_of(values_of(r.record, name("mem_busy_percent"), r.first, r.last));
}

// The hottest of the zones, or the GPU's own temperature.
Spread temperature(const Rounds& r, int gpu) {
  Spread out;
  for (const Channel& c : r.record.channels) {
    const bool zone = gpu < 0 && c.name.starts_with("zone.") && c.name.ends_with(".millicelsius");
    if (!zone && (gpu < 0 || c.name != fmt::format("gpu{}.celsius", gpu))) continue;
    std::vector<double> values = values_of(r.record, c.name, r.first, r.last);
    if (zone)
      for (double& v : values) v /= 1000;
    const Spread one = spread_of(std::move(values));
    if (one.known() && (!out.known() || one.max > out.max)) out = one;
  }
  return out;
}

// Power as a gauge shows it; counters have energies() for that.
Spread power(const Rounds& r, int gpu) {
  if (gpu >= 0)
    return spread_of(values_of(r.record, fmt::format("gpu{}.mw", gpu), r.first, r.last));
  return spread_of(values_of(r.record, "rail.total.mw", r.first, r.last));
}

}  // namespace

std::optional<double> clock_drop(std::span<const double> in_time_order) {
  double high = 0, drop = 0;
  for (const double v : in_time_order) {
    high = std::max(high, v);
    if (high > 0) drop = std::max(drop, 1 - v / high);
  }
  if (!(high > 0)) return std::nullopt;
  return drop;
}

std::pair<size_t, size_t> rounds_of(const Record& r, int64_t begin_ns, int64_t end_ns) {
  const auto& t = r.t_ns;
  auto first = std::lower_bound(t.begin(), t.end(), begin_ns);
  auto last = std::upper_bound(first, t.end(), end_ns);
  if (first != t.begin() && begin_ns - *(first - 1) <= kBesideNs) --first;
  if (last != t.end() && *last - end_ns <= kBesideNs) ++last;
  return {static_cast<size_t>(first - t.begin()), static_cast<size_t>(last - t.begin())};
}

std::vector<double> values_of(const Record& record, std::string_view channel, size_t first,
                              size_t last) {
  std::vector<double> out;
  const auto* column = record.column(channel);
  if (!column) return out;
  for (size_t i = first; i < last && i < column->size(); ++i)
    if ((*column)[i] != kUnknown) out.push_back(static_cast<double>((*column)[i]));
  return out;
}

Spread spread_of(std::vector<double> values) {
  Spread out;
  if (values.empty()) return out;
  out.n = static_cast<int64_t>(values.size());
  for (const double v : values) out.mean += v;
  out.mean /= static_cast<double>(out.n);
  std::sort(values.begin(), values.end());
  const auto at = [&](double q) {
    return values[static_cast<size_t>(q * static_cast<double>(values.size() - 1) + .5)];
  };
  out.min = values.front();
  out.max = values.back();
  out.p50 = at(.5);
  out.p90 = at(.9);
  return out;
}

Stretch stretch_of(const Record& record, const StretchSpec& spec) {
  Stretch out;
  const auto [first, last] = rounds_of(record, spec.begin_ns, spec.end_ns);
  Rounds r{record, first, last, 0};
  out.rounds = static_cast<int64_t>(last - first);
  if (last > first + 1)
    r.seconds = static_cast<double>(record.t_ns[last - 1] - record.t_ns[first]) / 1e9;
  out.seconds = r.seconds;
  const std::string clock =
      spec.gpu >= 0 ? fmt::format("gpu{}.sm_mhz", spec.gpu) : fmt::format("cpu{}.mhz", spec.cpu);
  const std::vector<double> clocks = values_of(record, clock, first, last);
  out.clock_drop = clock_drop(clocks);
  out.clock_mhz = spread_of(clocks);
  out.celsius = temperature(r, spec.gpu);
  out.power_mw = power(r, spec.gpu);
  judge_load(r, spec, out);
  if (spec.gpu >= 0) judge_gpu(r, spec.gpu, out);
  return out;
}

}  // namespace assay::platform
