// SPDX-License-Identifier: Apache-2.0
// CPU clocks, ticks, throttle events and pressure.
#include <algorithm>
#include <map>
#include <string>

#include "platform/gauge_source.h"
#include "platform/probe.h"
#include "platform/stat_source.h"
#include "platform/zone_source.h"

namespace assay::platform {
namespace {

// Two files a CPU stay open: of a process's usual 1024 these are at most 384.
constexpr size_t kMostCpus = 192;
constexpr int64_t kMostKhz = 100'000'000;
constexpr int64_t kMostCount = int64_t{1} << 62;

// "some avg10=0.00 avg60=0.00 avg300=0.00 total=N": how long some task waited for a CPU.
class PressureSource : public Source {
 public:
  explicit PressureSource(KernelFile file) : file_(std::move(file)) {}
  std::vector<Channel> channels() const override {
    return {{"psi.cpu_some_us", Kind::counter, 0, 0, 0}};
  }
  void read(int64_t, int64_t* out) noexcept override {
    char text[256];
    *out = kUnknown;
    const auto n = file_.read(text, sizeof text);
    if (!n) return;
    std::string_view line(text, *n);
    line = line.substr(0, line.find('\n'));
    constexpr std::string_view kTotal = " total=";
    const size_t at = line.find(kTotal);
    if (!line.starts_with("some ") || at == std::string_view::npos) return;
    const int64_t value = whole_number(line.substr(at + kTotal.size()));
    if (value >= 0) *out = value;
  }

 private:
  KernelFile file_;
};

std::vector<int> wanted(const ProbeSpec& spec, const Tree& tree, std::vector<Missing>& missing) {
  auto cpus = spec.cpus.empty() ? cpus_of_stat(tree) : spec.cpus;
  std::erase_if(cpus, [](int cpu) { return cpu < 0; });
  std::sort(cpus.begin(), cpus.end());
  cpus.erase(std::unique(cpus.begin(), cpus.end()), cpus.end());
  if (cpus.size() > kMostCpus) {
    missing.push_back({fmt::format("cpu{} to cpu{}", cpus[kMostCpus], cpus.back()),
                       fmt::format("a probe reads at most {} CPUs", kMostCpus)});
    cpus.resize(kMostCpus);
  }
  return cpus;
}

// "" when opened, else why there is no clock of this CPU.
std::string open_clock(const Tree& tree, int cpu, GaugeSource& into) {
  std::string why =
      "no cpufreq here (usual in virtual machines and containers); \"cpu MHz\" of /proc/cpuinfo is "
      "no clock there and is not used";
  for (const char* file : {"scaling_cur_freq", "cpuinfo_cur_freq"}) {
    KernelFile clock(tree, fmt::format("/sys/devices/system/cpu/cpu{}/cpufreq/{}", cpu, file));
    if (clock && clock.number(1, kMostKhz) != kUnknown) {
      into.add({fmt::format("cpu{}.mhz", cpu), Kind::gauge, 0, 0, 0}, std::move(clock), 1, kMostKhz,
               1000);
      return "";
    }
    if (clock || clock.forbidden()) why = fmt::format("cpufreq/{}: {}", file, clock.why());
  }
  return why;
}

std::string open_throttle(const Tree& tree, int cpu, GaugeSource& into) {
  KernelFile count(tree, fmt::format("/sys/devices/system/cpu/cpu{}/thermal_throttle/{}", cpu,
                                     "core_throttle_count"));
  if (!count) {
    return count.forbidden() ? count.why() : "no thermal_throttle here (Intel, not virtual, only)";
  }
  if (count.number(0, kMostCount) == kUnknown) return "core_throttle_count: says no number";
  into.add({fmt::format("cpu{}.throttle_events", cpu), Kind::counter, 0, 0, 0}, std::move(count), 0,
           kMostCount);
  return "";
}

// One entry for all CPUs that have the same reason.
void tell(const std::map<std::string, std::vector<int>>& reasons, std::string_view channel,
          size_t of, std::vector<Missing>& missing) {
  for (const auto& [why, cpus] : reasons) {
    if (cpus.size() == of) {
      missing.push_back({fmt::format("cpu*.{}", channel), why});
      continue;
    }
    for (const int cpu : cpus) missing.push_back({fmt::format("cpu{}.{}", cpu, channel), why});
  }
}

void open_pressure(const Tree& tree, Sources& sources, std::vector<Missing>& missing) {
  KernelFile file(tree, "/proc/pressure/cpu");
  if (!file) {
    missing.push_back({"psi.cpu_some_us", fmt::format("/proc/pressure/cpu: {}", file.why())});
    return;
  }
  auto source = std::make_unique<PressureSource>(std::move(file));
  int64_t value = kUnknown;
  source->read(0, &value);
  if (value == kUnknown) {
    missing.push_back({"psi.cpu_some_us",
                       "/proc/pressure/cpu: not as the kernel writes it, or "
                       "switched off (boot with psi=1)"});
    return;
  }
  sources.push_back(std::move(source));
}

}  // namespace

Sources cpu_sources(const ProbeSpec& spec, std::vector<Missing>& missing) {
  const Tree tree(spec.roots.root);
  const auto cpus = wanted(spec, tree, missing);
  Sources sources;
  auto files = std::make_unique<GaugeSource>();
  std::map<std::string, std::vector<int>> no_clock, no_throttle;
  for (const int cpu : cpus) {
    if (auto why = open_clock(tree, cpu, *files); !why.empty()) no_clock[why].push_back(cpu);
  }
  for (const int cpu : cpus) {
    if (auto why = open_throttle(tree, cpu, *files); !why.empty()) no_throttle[why].push_back(cpu);
  }
  if (!files->empty()) sources.push_back(std::move(files));
  if (auto ticks = open_stat(tree, cpus, missing)) sources.push_back(std::move(ticks));
  tell(no_clock, "mhz", cpus.size(), missing);
  tell(no_throttle, "throttle_events", cpus.size(), missing);
  open_pressure(tree, sources, missing);
  if (auto zones = open_zones(tree, missing)) sources.push_back(std::move(zones));
  return sources;
}

}  // namespace assay::platform
