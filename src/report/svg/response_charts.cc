// SPDX-License-Identifier: Apache-2.0
#include "report/svg/response_charts.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "base/text.h"
#include "report/escape.h"
#include "report/svg/frame.h"

namespace assay::report::svg {
namespace {

constexpr double kWide = 540;
constexpr size_t kColours = 8;

bool drawn(double v) { return std::isfinite(v) && v > 0; }

}  // namespace

std::string stack_chart(const StackPlot& plot) {
  double names = 40, most = plot.deadline_ns.value_or(0);
  for (const StackRow& r : plot.rows) {
    names = std::max(names, text_width(plain(r.name, 26)));
    double sum = 0;
    for (const StackPart& p : r.parts) sum += drawn(p.value_ns) ? p.value_ns : 0;
    most = std::max(most, sum);
  }
  const double left = std::min(names + 12, 190.0), right = kWide - 14, step = 24;
  Legend legend(left, right);
  if (!plot.rows.empty())
    for (size_t i = 0; i < plot.rows.front().parts.size(); ++i)
      legend.add(Legend::Sign::kFill, fmt::format("f{}", i % kColours),
                 plot.rows.front().parts[i].name);
  const AxisRange range{0, drawn(most) ? most * 1.04 : 1, false};
  const Scale x(range, left, right);
  MarkRows marks;
  if (plot.deadline_ns) marks.add(x(*plot.deadline_ns), "deadline", "change");
  const double top = 8 + marks.arrange(left, right);
  const double bottom = top + step * static_cast<double>(std::max<size_t>(plot.rows.size(), 1));
  Canvas c(kWide, bottom + 44 + legend.height());
  c.x_axis(x, bottom, top, time_unit(range.high), "time", 6);
  for (size_t i = 0; i < plot.rows.size(); ++i) {
    const StackRow& r = plot.rows[i];
    const double y = top + step * static_cast<double>(i) + 4;
    c.open_group(r.title);
    c.text(left - 8, y + 12, plain(r.name, 26), "end", "tick");
    double at = 0;
    for (size_t k = 0; k < r.parts.size(); ++k) {
      const double v = drawn(r.parts[k].value_ns) ? r.parts[k].value_ns : 0;
      if (v > 0)
        c.rect(x(at), y, std::max(x(at + v) - x(at) - 0.5, 0.5), step - 8,
               fmt::format("f{}", k % kColours),
               fmt::format("{}, {}: {}", r.name, r.parts[k].name, format_ns(v)));
      at += v;
    }
    c.close_group();
  }
  if (plot.rows.empty()) c.text(kWide / 2, top + 16, "no data", "middle", "name");
  marks.draw(c, top, bottom);
  legend.draw(c, bottom + 42);
  return c.finish(plot.label);
}

std::string count_chart(const CountPlot& plot) {
  std::set<int> counts;
  double low = HUGE_VAL, high = 0;
  for (const CountSeries& s : plot.series)
    for (const CountPoint& p : s.points) {
      if (!std::isfinite(p.value_ns)) continue;
      counts.insert(p.n);
      low = std::min({low, p.value_ns, p.lower.value_or(p.value_ns)});
      high = std::max({high, p.value_ns, p.upper.value_or(p.value_ns)});
    }
  const double left = 58, right = kWide - 14, top = plot.heading.empty() ? 12 : 30;
  const double bottom = top + 180;
  Legend legend(left, right);
  for (size_t i = 0; i < plot.series.size(); ++i)
    legend.add(Legend::Sign::kLine, fmt::format("curve s{}", i % kColours), plot.series[i].name);
  Canvas c(kWide, bottom + 44 + legend.height());
  if (!plot.heading.empty()) c.text(left, 16, plain(plot.heading, 80), "start", "head");
  if (counts.empty()) {
    c.text(kWide / 2, top + 40, "no data", "middle", "name");
    return c.finish(plot.label);
  }
  // From 0, so that growth is seen as what it is.
  const Scale y({0, high > 0 ? high * 1.06 : 1, false}, bottom, top);
  const auto ticks = nice_ticks(y.range(), 5);
  const Unit unit = time_unit(y.range().high);
  c.y_axis(y, left, right, ticks, tick_labels(ticks, unit));
  // N in equal steps: 1, 2, 4, 8, 16 are read as such.
  const auto place = [&](int n) {
    const auto at = static_cast<double>(std::distance(counts.begin(), counts.find(n)));
    const double step = (right - left) / static_cast<double>(counts.size());
    return left + step * (at + 0.5);
  };
  if (plot.oversubscribed) {
    const auto first = counts.lower_bound(*plot.oversubscribed);
    if (first != counts.end()) {
      const double step = (right - left) / static_cast<double>(counts.size());
      const double from = place(*first) - step / 2;
      c.rect(from, top, right - from, bottom - top, "beyond", "more threads than CPUs");
      c.text(right - 4, top + 12, "oversubscribed", "end", "tick");
    }
  }
  for (const int n : counts) c.text(place(n), bottom + 15, fmt::format("{}", n), "middle", "tick");
  c.line(left, bottom, right, bottom, "axis");
  c.text((left + right) / 2, bottom + 34, "streams (N)", "middle", "name");
  c.text(left - 50, top - 4, fmt::format("{}, {}", plot.quantity, unit.name), "start", "name");
  for (size_t i = 0; i < plot.series.size(); ++i) {
    const CountSeries& s = plot.series[i];
    const std::string css = fmt::format("curve s{}", i % kColours);
    // Series side by side within a column, so that intervals do not hide each other.
    const double shift =
        6.0 * (static_cast<double>(i) - static_cast<double>(plot.series.size() - 1) / 2);
    std::string d;
    for (const CountPoint& p : s.points) {
      if (!std::isfinite(p.value_ns)) continue;
      d += fmt::format("{}{} {}", d.empty() ? "M" : "L", num(place(p.n) + shift),
                       num(y(p.value_ns)));
    }
    c.path(d, css, s.name);
    for (const CountPoint& p : s.points) {
      if (!std::isfinite(p.value_ns)) continue;
      const double px = place(p.n) + shift;
      c.open_group(fmt::format(
          "{}, N = {}: {}{}", s.name, p.n, format_ns(p.value_ns),
          p.lower && p.upper ? fmt::format(" [{}, {}]", format_ns(*p.lower), format_ns(*p.upper))
                             : std::string()));
      if (p.lower && p.upper) c.line(px, y(*p.lower), px, y(*p.upper), css);
      c.circle(px, y(p.value_ns), 3, fmt::format("f{}", i % kColours));
      c.close_group();
    }
  }
  legend.draw(c, bottom + 42);
  return c.finish(plot.label);
}

}  // namespace assay::report::svg
