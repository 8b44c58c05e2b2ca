// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "base/text.h"
#include "report/figures.h"
#include "report/platform/platform.h"

namespace assay::report {
namespace {

double at(const Json& j, const char* key) { return get_double(j, key); }

// "unknown (why)": what is missing whose name has the first of `parts` in it, or the next.
std::string unknown_of(const Json& platform, const std::vector<std::string_view>& parts) {
  for (const std::string_view part : parts)
    for (const auto& [what, why] : get_object(platform, "missing").items())
      if (what.find(part) != std::string::npos && why.is_string())
        return fmt::format("unknown ({})", one_line(why.get<std::string>(), 120));
  return "unknown";
}

std::string median_text(const Recipe& r) {
  const VerdictRow* v = find_verdict(r, "latency");
  if (!v) return "unknown";
  const Json& p50 = get_object(get_object(v->statistic, "over_builds"), "p50");
  if (!p50.contains("min")) return "not available";
  return range_text(at(p50, "min"), at(p50, "max"));
}

std::string clock_text(const Json& p) {
  const Json& c = get_object(p, "clock_mhz");
  if (c.empty()) return unknown_of(p, {".mhz", "sm_mhz", "nvml"});
  return fmt::format("{:.0f} MHz ({:.0f} to {:.0f})", at(c, "mean"), at(c, "min"), at(c, "max"));
}

std::string busy_text(const Json& p) {
  const Json &cpu = get_object(p, "cpu_busy"), &p50 = get_object(p, "gpu_busy_p50"),
             &p90 = get_object(p, "gpu_busy_p90");
  std::string out = cpu.empty() ? fmt::format("CPU {}", unknown_of(p, {"cpu ticks"}))
                                : fmt::format("CPU {}", percent_text(at(cpu, "mean")));
  if (!p50.empty())
    out.append(fmt::format(", GPU p50 {:.0f} %, p90 {:.0f} %", at(p50, "mean"), at(p90, "mean")));
  return out;
}

std::string temperature_text(const Json& p) {
  const Json& c = get_object(p, "celsius");
  return c.empty() ? unknown_of(p, {"zone", "celsius"})
                   : fmt::format("at most {:.0f} C", at(c, "max"));
}

std::string power_text(const Json& p) {
  const Json& c = get_object(p, "power_mw");
  return c.empty() ? unknown_of(p, {"rail", ".mw", "nvml"})
                   : fmt::format("{:.3g} W", at(c, "mean") / 1e3);
}

// Millijoules with their interval, or why not.
std::string energy_text(const Json& j) {
  if (!j.contains("mean")) {
    const std::string why = get_string(j, "unknown");
    return why.empty() ? "unknown" : fmt::format("unknown ({})", one_line(why, 120));
  }
  if (!j["lower"].is_number() || !j["upper"].is_number())
    return fmt::format("{:.4g} mJ (no interval)", at(j, "mean"));
  return fmt::format("{:.4g} mJ [{:.4g}, {:.4g}] over {} launches", at(j, "mean"), at(j, "lower"),
                     at(j, "upper"), get_int(j, "n"));
}

std::string builds_text(const Json& p, const std::string& source) {
  double joule = 0, seconds = 0;
  int64_t n = 0;
  for (const Json& b : get_array(p, "builds"))
    for (const Json& e : get_array(b, "energy")) {
      if (get_string(e, "source") != source || !e.contains("joule")) continue;
      joule += at(e, "joule");
      seconds += at(b, "seconds");
      ++n;
    }
  if (n == 0) return "unknown";
  return fmt::format("{:.4g} J a build of {:.3g} s", joule / static_cast<double>(n),
                     seconds / static_cast<double>(n));
}

}  // namespace

const Json& platform_of(const Recipe& r) {
  static const Json none = Json::object();
  const VerdictRow* v = find_verdict(r, "latency");
  return v ? get_object(v->statistic, "platform") : none;
}

bool has_platform(const ModelInfo& info) {
  for (const Recipe& r : info.recipes)
    if (!platform_of(r).empty()) return true;
  return false;
}

const std::vector<std::string>& machine_header() {
  static const std::vector<std::string> header = {
      "recipe", "p50 over builds", "clock", "busy", "temperature", "power", "throttled"};
  return header;
}

std::vector<std::string> machine_cells(const Recipe& r) {
  const Json& p = platform_of(r);
  const std::string name = one_line(r.label, 60);
  if (p.empty())
    return {name,      median_text(r), "unknown (no record)", "unknown", "unknown",
            "unknown", "unknown"};
  const std::string throttled = get_string(p, "throttle", "unknown");
  return {name,
          median_text(r),
          clock_text(p),
          busy_text(p),
          temperature_text(p),
          power_text(p),
          throttled == "unknown" ? unknown_of(p, {"throttle"}) : one_line(throttled, 80)};
}

const std::vector<std::string>& energy_header() {
  static const std::vector<std::string> header = {
      "recipe",      "source",        "energy of one inference, gross",
      "net of idle", "error at most", "covered",
      "period",      "builds"};
  return header;
}

std::vector<std::vector<std::string>> energy_rows(const Recipe& r) {
  std::vector<std::vector<std::string>> out;
  const Json& p = platform_of(r);
  const std::string name = one_line(r.label, 60);
  for (const Json& e : get_array(p, "energy")) {
    const std::string source = one_line(get_string(e, "source"), 40);
    if (e.contains("unknown")) {
      out.push_back({name, source,
                     fmt::format("unknown ({})", one_line(get_string(e, "unknown"), 120)),
                     "unknown", "unknown", "unknown", "unknown", builds_text(p, source)});
      continue;
    }
    out.push_back(
        {name, source, energy_text(get_object(e, "gross_mj")), energy_text(get_object(e, "net_mj")),
         fmt::format("{:.3g} mJ", at(e, "largest_error_mj")), percent_text(at(e, "least_covered")),
         fmt::format("{:.3g} ms", at(e, "longest_period_ms")), builds_text(p, source)});
  }
  if (out.empty())
    out.push_back(
        {name, "none",
         p.empty() ? std::string("unknown (no record)") : unknown_of(p, {"rapl", "rail", "nvml"}),
         "unknown", "unknown", "unknown", "unknown", "unknown"});
  return out;
}

}  // namespace assay::report
