// SPDX-License-Identifier: Apache-2.0
#include <array>

#include "platform/gpu/nvml_api.h"
#include "platform/probe.h"

namespace assay::platform {
namespace {

struct Reading {
  const char* suffix;  // of the channel's name
  Kind kind;
  int refresh_ms, least_interval_ms;
  int (*ask)(const Nvml&, NvmlDevice, int64_t&);
  std::string_view (*function)(const Nvml&);
};

int ask_mw(const Nvml& n, NvmlDevice d, int64_t& value) {
  unsigned v = 0;
  const int status = n.power(kNvmlNoFunction, d, &v);
  if (status == 0) value = v;
  return status;
}

template <bool memory>
int ask_busy(const Nvml& n, NvmlDevice d, int64_t& value) {
  NvmlUtilization u{};
  const int status = n.utilization(kNvmlNoFunction, d, &u);
  if (status == 0) value = memory ? u.memory : u.gpu;
  return status;
}

// Cheap readings: the driver answers from its cache.
constexpr std::array kQuick = {
    Reading{"sm_mhz", Kind::gauge, 0, 0,
            [](const Nvml& n, NvmlDevice d, int64_t& v) { return n.clock(d, kNvmlSm, v); },
            [](const Nvml& n) { return n.clock_info.name; }},
    Reading{"mem_mhz", Kind::gauge, 0, 0,
            [](const Nvml& n, NvmlDevice d, int64_t& v) { return n.clock(d, kNvmlMem, v); },
            [](const Nvml& n) { return n.clock_info.name; }},
    Reading{"celsius", Kind::gauge, 0, 0,
            [](const Nvml& n, NvmlDevice d, int64_t& v) { return n.celsius(d, v); },
            [](const Nvml& n) { return n.temperature.name; }},
    Reading{"mw", Kind::gauge, 0, 0, ask_mw, [](const Nvml& n) { return n.power.name; }},
    Reading{"throttle", Kind::mask, 0, 0,
            [](const Nvml& n, NvmlDevice d, int64_t& v) { return n.wide(n.event_reasons, d, v); },
            [](const Nvml& n) { return n.event_reasons.name; }},
    Reading{"busy_percent", Kind::gauge, 0, 0, ask_busy<false>,
            [](const Nvml& n) { return n.utilization.name; }},
    Reading{"mem_busy_percent", Kind::gauge, 0, 0, ask_busy<true>,
            [](const Nvml& n) { return n.utilization.name; }},
    Reading{"processes", Kind::gauge, 0, 0,
            [](const Nvml& n, NvmlDevice d, int64_t& v) { return n.processes(d, v); },
            [](const Nvml& n) { return n.compute_processes.name; }},
};

// The energy counter is dear (milliseconds a read) and steps every 100 ms.
constexpr std::array kDear = {
    Reading{"mj", Kind::counter, 100, 100,
            [](const Nvml& n, NvmlDevice d, int64_t& v) { return n.wide(n.energy, d, v); },
            [](const Nvml& n) { return n.energy.name; }},
};

class GpuSource : public Source {
 public:
  GpuSource(std::shared_ptr<const Nvml> nvml, NvmlDevice device, std::vector<Channel> channels,
            std::vector<const Reading*> readings)
      : nvml_(std::move(nvml)),
        device_(device),
        channels_(std::move(channels)),
        readings_(std::move(readings)),
        last_ns_(readings_.size(), kUnknown) {}

  std::vector<Channel> channels() const override { return channels_; }

  void read(int64_t now_ns, int64_t* out) noexcept override {
    for (size_t i = 0; i < readings_.size(); ++i) {
      out[i] = kUnknown;
      if (const int64_t least = readings_[i]->least_interval_ms; least > 0) {
        // A twentieth early is in time: rounds of the same length jitter.
        if (last_ns_[i] != kUnknown && now_ns - last_ns_[i] < least * 950'000) continue;
        last_ns_[i] = now_ns;
      }
      int64_t value = kUnknown;
      if (readings_[i]->ask(*nvml_, device_, value) == 0) out[i] = value;
    }
  }

 private:
  std::shared_ptr<const Nvml> nvml_;
  NvmlDevice device_;
  std::vector<Channel> channels_;
  std::vector<const Reading*> readings_;
  std::vector<int64_t> last_ns_;  // of dear readings
};

// Those of `table` that answer now; the others go to `missing` with what NVML said.
template <size_t n>
std::unique_ptr<Source> source_of(const std::shared_ptr<const Nvml>& nvml, NvmlDevice device,
                                  int index, const std::array<Reading, n>& table,
                                  std::vector<Missing>& missing) {
  unsigned mig = 0, later = 0;
  if (nvml->mig_mode(kNvmlNoFunction, device, &mig, &later) != 0) mig = 0;
  std::vector<Channel> channels;
  std::vector<const Reading*> readings;
  for (const Reading& r : table) {
    const std::string name = fmt::format("gpu{}.{}", index, r.suffix);
    int64_t value = 0;
    if (const int status = r.ask(*nvml, device, value); status != 0) {
      missing.push_back({name, nvml->reason(r.function(*nvml), status) +
                                   (mig ? "; MIG is on, and this is of the whole GPU" : "")});
      continue;
    }
    channels.push_back({name, r.kind, 0, r.refresh_ms, r.least_interval_ms});
    readings.push_back(&r);
  }
  if (readings.empty()) return nullptr;
  return std::make_unique<GpuSource>(nvml, device, std::move(channels), std::move(readings));
}

}  // namespace

Sources nvml_sources(const ProbeSpec& spec, std::vector<Missing>& missing) {
  Sources quick, dear;
  if (!spec.gpu) return quick;
  auto opened = Nvml::open(spec.roots.nvml);
  if (!opened) {
    missing.push_back({"nvml", fmt::format("{}; {}", opened.error().message, opened.error().fix)});
    return quick;
  }
  const std::shared_ptr<const Nvml>& nvml = *opened;
  if (nvml->count() == 0) missing.push_back({"nvml", "NVML sees no GPU; check with: nvidia-smi"});
  for (int i = 0; i < nvml->count(); ++i) {
    std::string why;
    NvmlDevice device = nvml->device(i, why);
    if (!device) {
      missing.push_back({fmt::format("gpu{}", i), why});
      continue;
    }
    if (auto s = source_of(nvml, device, i, kQuick, missing)) quick.push_back(std::move(s));
    if (auto s = source_of(nvml, device, i, kDear, missing)) dear.push_back(std::move(s));
  }
  // The dear ones last, so that they delay no reading of the same round.
  for (auto& s : dear) quick.push_back(std::move(s));
  return quick;
}

}  // namespace assay::platform
