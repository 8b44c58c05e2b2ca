// SPDX-License-Identifier: Apache-2.0
// What the machine did while a recipe ran: statistic_json["platform"] and ["roofline"] of its
// latency verdict where the run has them, else what launches told by themselves. All of it is
// untrusted; what is absent or of another form is unknown.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/text.h"
#include "report/machines/internal.h"

namespace assay::report::machines {
namespace {

std::optional<double> at(const Json& j, const char* key) {
  if (!j.is_object() || !j.contains(key) || !j[key].is_number()) return std::nullopt;
  const double v = j[key].get<double>();
  return std::isfinite(v) ? std::optional(v) : std::nullopt;
}

Figures spread(std::vector<double> values, std::string source, std::string why) {
  if (values.empty()) return {{}, {}, {}, "", std::move(why)};
  double sum = 0;
  for (const double v : values) sum += v;
  const auto [low, high] = std::minmax_element(values.begin(), values.end());
  return {sum / static_cast<double>(values.size()), *low, *high, std::move(source), ""};
}

// {"mean", "min", "max"}, or "unknown".
Figures spread_at(const Json& platform, const char* key, double scale, const char* source) {
  const Json& j = get_object(platform, key);
  const auto mean = at(j, "mean");
  if (!mean) return {};
  Figures f{*mean * scale, {}, {}, source, ""};
  if (const auto low = at(j, "min"), high = at(j, "max"); low && high)
    f.low = *low * scale, f.high = *high * scale;
  return f;
}

// The source that stands for the device: what is smaller is preferred. A package, a GPU and a rail
// are different things, so they are never added up.
int rank_of(const std::string& source, bool gpu) {
  if (gpu) return source.starts_with("gpu") ? 0 : 9;
  if (source.starts_with("rail.total")) return 1;
  if (source.starts_with("rapl.package")) return 2;
  return source.starts_with("gpu") ? 9 : 3;
}

Figures energy_of(const Json& platform, bool gpu) {
  const Json* best = nullptr;
  std::string why;
  for (const Json& e : get_array(platform, "energy")) {
    const std::string source = get_string(e, "source");
    if (rank_of(source, gpu) == 9) continue;
    if (!at(get_object(e, "gross_mj"), "mean")) {
      if (why.empty())
        why = get_string(e, "unknown", get_string(get_object(e, "gross_mj"), "unknown"));
      continue;
    }
    if (!best || rank_of(source, gpu) < rank_of(get_string(*best, "source"), gpu)) best = &e;
  }
  if (!best)
    return {{}, {}, {}, "", why.empty() ? "no source of energy was recorded" : one_line(why, 160)};
  const Json& j = get_object(*best, "gross_mj");
  Figures f{at(j, "mean"), at(j, "lower"), at(j, "upper"),
            fmt::format("{}, idle included", one_line(get_string(*best, "source"), 60)), ""};
  f.interval = true;
  return f;
}

Figures roofline_of(const Json& roofline) {
  std::vector<double> shares;
  for (const Json& b : get_array(roofline, "builds"))
    if (const auto s = at(b, "share_of_flops")) shares.push_back(*s);
  const std::string why = get_string(roofline, "why");
  return spread(
      std::move(shares), "share of the FLOP/s that were measured for its threads",
      why.empty() ? "the model's work or the machine's peaks are not known" : one_line(why, 160));
}

}  // namespace

void add_platform(MachineCell& cell) {
  const VerdictRow* v = find_verdict(*cell.recipe, "latency");
  static const Json none = Json::object();
  const Json& platform = v ? get_object(v->statistic, "platform") : none;
  const bool gpu = device_of(*cell.recipe) != "cpu";
  cell.clock_mhz = spread_at(platform, "clock_mhz", 1, gpu ? "GPU" : "CPU");
  cell.busy =
      gpu ? spread_at(platform, "gpu_busy_p50", 0.01, "GPU, median of each launch")
          : spread_at(platform, "cpu_busy", 1, "CPUs that inference uses, in the timed loop");
  if (cell.busy.value) cell.busy_kind.assign(gpu ? "GPU busy" : "CPU busy of loop");
  cell.energy_mj = energy_of(platform, gpu);
  cell.roofline = roofline_of(v ? get_object(v->statistic, "roofline") : none);
  // Runs without records: the process's own account, and the clock that a launch read.
  std::vector<double> clocks, busy;
  for (const Build* b : ok_builds(*cell.recipe))
    for (const Launch& l : b->launches) {
      if (!l.counts || l.outcome != "ok") continue;
      if (l.wall_ns > 0 && l.cpu_ns >= 0)
        busy.push_back(static_cast<double>(l.cpu_ns) / static_cast<double>(l.wall_ns));
      for (const Series& s : l.series) {
        double sum = 0;
        int64_t n = 0;
        for (const Json& mhz : get_array(s.sampler, "cpu_mhz"))
          if (mhz.is_number() && mhz.get<double>() > 0) sum += mhz.get<double>(), ++n;
        if (n > 0) clocks.push_back(sum / static_cast<double>(n));
      }
    }
  if (!cell.clock_mhz.value)
    cell.clock_mhz = gpu ? Figures{{}, {}, {}, "", "no clock of the GPU was recorded"}
                         : spread(std::move(clocks), "CPU", "this machine did not tell its clock");
  if (cell.busy.value) return;
  cell.busy = gpu ? Figures{{}, {}, {}, "", "no use of the GPU was recorded"}
                  : spread(std::move(busy), "CPUs kept busy by a launch, loading included",
                           "no launch ended well");
  if (cell.busy.value) cell.busy_kind = "CPU busy of launch";
}

}  // namespace assay::report::machines
