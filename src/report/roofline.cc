// SPDX-License-Identifier: Apache-2.0
#include "report/roofline.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/words.h"
#include "report/escape.h"
#include "report/figures.h"
#include "report/html_parts.h"

namespace assay::report {
namespace {

bool number(const Json& j, const char* key) { return j.contains(key) && j[key].is_number(); }

std::string share_text(const Json& j, const char* key) {
  if (!number(j, key)) return "unknown";
  return fmt::format("{:.3g} %", get_double(j, key) * 100);
}

std::string rate_text(const Json& j, const char* key, const char* unit) {
  if (!number(j, key)) return "unknown";
  return fmt::format("{:.4g} G{}", get_double(j, key) / 1e9, unit);
}

// The extremes over builds, "4.1 to 4.3 x".
std::string range_of(const Json& builds, const char* key, double scale, const char* unit) {
  double lo = INFINITY, hi = 0;
  for (const Json& b : builds) {
    if (!number(b, key)) continue;
    lo = std::min(lo, get_double(b, key) * scale);
    hi = std::max(hi, get_double(b, key) * scale);
  }
  if (!(hi >= lo)) return "unknown share";
  const std::string low = fmt::format("{:.3g}", lo), high = fmt::format("{:.3g}", hi);
  return low == high ? low + unit : fmt::format("{} to {}{}", low, high, unit);
}

}  // namespace

Roofline roofline_of(const Recipe& recipe) {
  Roofline out;
  const VerdictRow* v = find_verdict(recipe, "latency");
  if (!v || !v->statistic.contains("roofline")) return out;
  const Json& j = get_object(v->statistic, "roofline");
  out.told = true;
  out.work = get_string(j, "cost", "unknown");
  const Json& p = get_object(j, "peaks");
  out.peaks =
      p.empty()
          ? std::string("not measured")
          : fmt::format("{}, {} thread{}: fp32 {}, fp16 {}, int8 {}, memory {}, caches {}",
                        get_string(p, "isa", "unknown"), get_int(p, "threads", 1),
                        get_int(p, "threads", 1) == 1 ? "" : "s",
                        rate_text(p, "flops_fp32", "FLOP/s"), rate_text(p, "flops_fp16", "FLOP/s"),
                        rate_text(p, "flops_int8", "OP/s"), rate_text(p, "read_bytes_per_s", "B/s"),
                        rate_text(p, "cache_bytes_per_s", "B/s"));
  out.bound =
      get_bool(j, "known") ? get_string(j, "arithmetic") : "unknown: " + get_string(j, "why");
  for (const Json& b : get_array(j, "builds")) {
    RooflineRow r;
    r.build = get_int(b, "build", -1);
    r.median = time_text(get_double(b, "median_ns"));
    r.flops = share_text(b, "share_of_flops");
    r.bandwidth = share_text(b, "share_of_bandwidth");
    r.floor = number(b, "times_the_floor")
                  ? fmt::format("{:.3g} x", get_double(b, "times_the_floor"))
                  : std::string("unknown");
    r.impossible = get_bool(b, "impossible");
    r.text = get_string(b, "text");
    out.rows.push_back(std::move(r));
  }
  return out;
}

std::string roofline_line(const Recipe& recipe) {
  const Roofline r = roofline_of(recipe);
  if (!r.told) return "";
  if (r.rows.empty()) return "least time " + r.bound;
  const Json& j = get_object(find_verdict(recipe, "latency")->statistic, "roofline");
  const Json& builds = get_array(j, "builds");
  return fmt::format("{} of peak arithmetic, {} of memory bandwidth, {} the floor ({})",
                     range_of(builds, "share_of_flops", 100, " %"),
                     range_of(builds, "share_of_bandwidth", 100, " %"),
                     range_of(builds, "times_the_floor", 1, " x"), r.bound);
}

std::string html_roofline(const Recipe& recipe) {
  const Roofline r = roofline_of(recipe);
  if (!r.told) return "";
  std::string out = paragraph("Work of one inference: " + r.work + ".", "soft") +
                    paragraph("Least time: " + r.bound + ".", "soft") +
                    paragraph("Peaks: " + r.peaks + ".", "soft");
  HtmlTable t({"build", "median of launches", "of peak arithmetic", "of memory bandwidth",
               "times the floor", "possible"});
  for (const RooflineRow& row : r.rows)
    t.row()
        .num(std::to_string(row.build))
        .num(row.median)
        .num(row.flops)
        .num(row.bandwidth)
        .num(row.floor)
        .raw(row.impossible ? badge(word(Trust::rejected), row.text) : html("yes"));
  return out + (t.empty() ? "" : t.str());
}

}  // namespace assay::report
