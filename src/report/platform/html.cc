// SPDX-License-Identifier: Apache-2.0
// Conditions of a recipe's measurement on its page.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/text.h"
#include "report/figures.h"
#include "report/html_parts.h"
#include "report/platform/platform.h"
#include "report/svg/canvas.h"

namespace assay::report {
namespace {

constexpr double kWidth = 640, kRow = 46, kLeft = 110, kRight = 630;

struct Line {
  std::string name, unit;
  std::vector<std::pair<double, double>> points;  // ms, value
};

Line line_of(const Json& strip, const char* key, std::string name, double scale, std::string unit) {
  Line out{std::move(name), std::move(unit), {}};
  const Json &t = get_array(strip, "t_ms"), &v = get_array(strip, key);
  for (size_t i = 0; i < std::min(t.size(), v.size()); ++i)
    if (t[i].is_number() && v[i].is_number())
      out.points.emplace_back(t[i].get<double>(), v[i].get<double>() / scale);
  return out;
}

// One row a quantity, over the same time; the timed loop is shaded.
std::string strip_svg(const Json& strip) {
  std::vector<Line> lines;
  for (Line& l : std::vector<Line>{line_of(strip, "mhz", "clock", 1, "MHz"),
                                   line_of(strip, "mw", "power", 1e3, "W")})
    if (l.points.size() > 1) lines.push_back(std::move(l));
  if (lines.empty()) return "";
  double begin = INFINITY, end = -INFINITY;
  for (const Line& l : lines) {
    begin = std::min(begin, l.points.front().first);
    end = std::max(end, l.points.back().first);
  }
  if (!(end > begin)) return "";
  const double height = kRow * static_cast<double>(lines.size()) + 6;
  svg::Canvas canvas(kWidth, height);
  const svg::Scale x({begin, end}, kLeft, kRight);
  const double loop = static_cast<double>(get_int(strip, "loop_ms"));
  canvas.rect(x(0), 2, std::max(1.0, x(loop) - x(0)), height - 4, "band f0",
              fmt::format("the timed loop: {:.0f} ms", loop));
  double top = 4;
  for (const Line& l : lines) {
    double low = INFINITY, high = -INFINITY;
    for (const auto& [t, v] : l.points) {
      low = std::min(low, v);
      high = std::max(high, v);
    }
    const double pad = high > low ? 0 : std::max(1.0, std::abs(high) / 10);
    const svg::Scale y({low - pad, high + pad}, top + kRow - 12, top + 4);
    std::string d;
    for (const auto& [t, v] : l.points)
      d.append(fmt::format("{}{} {}", d.empty() ? "M" : "L", svg::num(x(t)), svg::num(y(v))));
    canvas.path(d, "curve s0", fmt::format("{} {:.4g} to {:.4g} {}", l.name, low, high, l.unit));
    canvas.text(kLeft - 6, top + 14, l.name, "end");
    canvas.text(kLeft - 6, top + 29,
                low == high ? fmt::format("{:.4g} {}", low, l.unit)
                            : fmt::format("{:.4g} to {:.4g} {}", low, high, l.unit),
                "end", "tick");
    top += kRow;
  }
  return "<figure>" + canvas.finish("clock and power over the first launch") + "</figure>\n" +
         paragraph(
             fmt::format("Build {} launch {}, from its rest to its end; the timed loop of {} "
                         "is shaded.",
                         get_int(strip, "build"), get_int(strip, "launch"), time_text(loop * 1e6)),
             "soft");
}

std::string table_of(const std::vector<std::string>& header,
                     const std::vector<std::vector<std::string>>& rows, std::string_view ref) {
  HtmlTable t({header.begin() + 1, header.end()});
  for (const auto& cells : rows) {
    t.row();
    for (size_t i = 1; i < cells.size(); ++i)
      if (i == 1)
        t.raw(evidence(cells[i], ref));
      else
        t.text(cells[i]);
  }
  return t.str();
}

std::string spread_cell(const Json& j, const char* key, double scale) {
  const Json& s = get_object(j, key);
  if (s.empty()) return "unknown";
  return fmt::format("{:.4g} ({:.4g} to {:.4g})", get_double(s, "mean") / scale,
                     get_double(s, "min") / scale, get_double(s, "max") / scale);
}

std::string launches_table(const Json& platform) {
  HtmlTable t({"build", "launch", "rounds", "clock, MHz", "fell by", "CPU busy", "temperature, C",
               "power, W", "throttled", "work of others"});
  for (const Json& l : get_array(platform, "launches")) {
    const auto share = [&](const char* key) {
      return l.contains(key) && l[key].is_number() ? percent_text(get_double(l, key))
                                                   : std::string("unknown");
    };
    const std::string others = get_string(l, "other_load");
    t.row()
        .num(fmt::format("{}", get_int(l, "build", -1)))
        .num(fmt::format("{}", get_int(l, "launch", -1)))
        .num(count_text(get_int(l, "rounds")))
        .num(spread_cell(l, "clock_mhz", 1))
        .num(share("clock_drop"))
        .num(share("cpu_busy"))
        .num(spread_cell(l, "celsius", 1))
        .num(spread_cell(l, "power_mw", 1e3))
        .text(get_string(l, "throttle", "unknown"))
        .text(others.empty() ? "none seen" : one_line(others, 200));
  }
  return t.empty() ? "" : "<details><summary>Launches</summary>\n" + t.str() + "</details>\n";
}

}  // namespace

std::string html_platform(const Recipe& r) {
  const Json& p = platform_of(r);
  if (p.empty()) return "";
  const VerdictRow* v = find_verdict(r, "latency");
  std::string out = "<h4>Platform</h4>\n";
  Notes notes;
  std::vector<std::vector<std::string>> energy = energy_rows(r);
  out += table_of(machine_header(), {notes.cells(machine_cells(r))}, v->ref);
  for (auto& row : energy) row = notes.cells(std::move(row));
  out += table_of(energy_header(), energy, v->ref);
  for (const std::string& line : notes.lines()) out += paragraph(line);
  out += strip_svg(get_object(p, "strip"));
  out += launches_table(p);
  out += paragraph(
      "Read around each timed loop. Energy of one inference: growth of the counter, or area under "
      "the power, over the loop, by its inferences; net: without the power of the rest before the "
      "warm-up. One value a launch; the interval (95 %) is over launches.",
      "how");
  return out;
}

}  // namespace assay::report
