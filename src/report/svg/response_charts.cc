// SPDX-License-Identifier: Apache-2.0
#include "report/svg/response_charts.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <set>

#include "base/text.h"
#include "report/escape.h"
#include "report/svg/frame.h"

namespace assay::report::svg {
namespace {

constexpr double kWide = 690;
constexpr double kCountWide = 462;
constexpr int kColours = 8;
constexpr size_t kName = 46;  // bytes of a row's name; its tooltip has all of it

double value_of(const StackRow& r, size_t k) {
  const double v = k < r.values_ns.size() ? r.values_ns[k] : 0;
  return std::isfinite(v) && v > 0 ? v : 0;
}

double sum_of(const StackRow& r, size_t parts) {
  double sum = 0;
  for (size_t k = 0; k < parts; ++k) sum += value_of(r, k);
  return sum;
}

// What the axis must hold: all of it, or, where a few bars are many times as long as most (a server
// that does not keep up), four times the middle one, so that the others can be read.
double longest_of(std::vector<double> sums, std::optional<double> deadline) {
  std::erase_if(sums, [](double v) { return v <= 0; });
  std::sort(sums.begin(), sums.end());
  double most = sums.empty() ? 0 : sums.back();
  const double middle = sums.empty() ? 0 : sums[(sums.size() - 1) / 2];
  if (most > 8 * middle) most = 4 * middle;
  return deadline && *deadline <= 2 * most ? std::max(most, *deadline) : most;
}

int colour(int index) { return ((index % kColours) + kColours) % kColours; }

void draw_bar(Canvas& c, const StackPlot& plot, const StackRow& r, const Scale& x, double y,
              double high) {
  double at = 0;
  for (size_t k = 0; k < plot.parts.size(); ++k) {
    const double v = value_of(r, k);
    if (v <= 0 || at >= x.range().high) continue;
    const double from = x(at), wide = std::max(x(at + v) - from - 0.6, 0.4);
    const StackPart& part = plot.parts[k];
    c.rect(from, y, wide, high, fmt::format("f{}", colour(part.colour)),
           fmt::format("{}, {}: {}", r.name, part.name, format_ns(v)));
    const std::string name = plain(part.name, 20);
    if (text_width(name) + 6 < wide) c.text(from + wide / 2, y + 12, name, "middle", "dark");
    at += v;
  }
}

}  // namespace

std::string stack_chart(const StackPlot& plot) {
  double names = 40, texts = 30;
  std::vector<double> sums;
  const auto short_name = [](const StackRow& r) { return cut_middle(plain(r.name, 120), kName); };
  for (const StackRow& r : plot.rows) {
    names = std::max(names, text_width(short_name(r)));
    texts = std::max(texts, text_width(plain(r.text, 30)));
    sums.push_back(sum_of(r, plot.parts.size()));
  }
  const double most = longest_of(sums, plot.deadline_ns);
  const double left = names + 14, right = kWide - texts - 14, step = 24;
  Legend legend(8, kWide - 8);
  for (const StackPart& p : plot.parts)
    legend.add(Legend::Sign::kFill, fmt::format("f{}", colour(p.colour)), p.name);
  const AxisRange range{0, most > 0 && std::isfinite(most) ? most * 1.02 : 1, false};
  const Scale x(range, left, right);
  MarkRows marks;
  if (plot.deadline_ns && *plot.deadline_ns > 0 && *plot.deadline_ns <= range.high)
    marks.add(x(*plot.deadline_ns), "deadline " + format_ns(*plot.deadline_ns), "change");
  const double top = 24 + marks.arrange(left, right);
  const double bottom = top + step * static_cast<double>(std::max<size_t>(plot.rows.size(), 1));
  Canvas c(kWide, bottom + 46 + legend.height());
  if (!plot.heading.empty()) c.text(4, 13, plain(plot.heading, 90), "start", "head");
  c.x_axis(x, bottom, top, time_unit(range.high), "time", 5);
  for (size_t i = 0; i < plot.rows.size(); ++i) {
    const StackRow& r = plot.rows[i];
    const double y = top + step * static_cast<double>(i) + 4;
    c.open_group(r.name + ": " + r.text);
    c.text(left - 8, y + 12, short_name(r), "end");
    draw_bar(c, plot, r, x, y, step - 8);
    const double end = x(sums[i]);
    if (sums[i] > range.high) c.text(end - 4, y + 12, "\u00bb", "end", "dark");  // goes on
    c.text(end + 6, y + 12, plain(r.text, 30), "start", "tick");
    c.close_group();
  }
  if (plot.rows.empty()) c.text((left + right) / 2, top + 16, "no data", "middle", "name");
  marks.draw(c, top, bottom);
  legend.draw(c, bottom + 42);
  return c.finish(plot.label);
}

std::string count_chart(const CountPlot& plot) {
  std::set<int> counts;
  double high = 0;
  for (const CountSeries& s : plot.series)
    for (const CountPoint& p : s.points) {
      if (!std::isfinite(p.value_ns)) continue;
      counts.insert(p.n);
      high = std::max({high, p.value_ns, p.upper.value_or(p.value_ns)});
    }
  const double left = 54, right = kCountWide - 12, top = 34, bottom = top + 190;
  Legend legend(8, kCountWide - 8);
  for (size_t i = 0; i < plot.series.size(); ++i)
    legend.add(Legend::Sign::kLine, fmt::format("curve s{} t{}", i % kColours, i / kColours % 4),
               plot.series[i].name);
  Canvas c(kCountWide, bottom + 48 + legend.height());
  if (!plot.heading.empty()) c.text(4, 13, plain(plot.heading, 80), "start", "head");
  // From 0, so that growth is seen as what it is.
  const Scale y({0, high > 0 && std::isfinite(high) ? high * 1.06 : 1, false}, bottom, top);
  const auto ticks = nice_ticks(y.range(), 5);
  const Unit unit = time_unit(y.range().high);
  c.y_axis(y, left, right, ticks, tick_labels(ticks, unit));
  c.text(left, top - 6, fmt::format("{}", unit.name), "end", "name");
  // N in equal steps: 1, 2, 4, 8, 16 are read as such.
  const double step = (right - left) / static_cast<double>(std::max<size_t>(counts.size(), 1));
  const auto place = [&](int n) {
    const auto at = static_cast<double>(std::distance(counts.begin(), counts.find(n)));
    return left + step * (at + 0.5);
  };
  if (plot.oversubscribed) {
    const auto first = counts.lower_bound(*plot.oversubscribed);
    if (first != counts.end()) {
      const double from = place(*first) - step / 2;
      c.rect(from, top, right - from, bottom - top, "beyond", "more inference threads than CPUs");
      c.text(right - 4, top - 6, "oversubscribed", "end", "tick");
    }
  }
  for (const int n : counts) c.text(place(n), bottom + 16, fmt::format("{}", n), "middle", "tick");
  c.line(left, bottom, right, bottom, "axis");
  c.text((left + right) / 2, bottom + 34, "streams N", "middle", "name");
  if (counts.empty()) c.text((left + right) / 2, (top + bottom) / 2, "no data", "middle", "name");
  // Series side by side, so that intervals do not hide each other.
  const double apart = std::min(8.0, 0.7 * step / static_cast<double>(plot.series.size() + 1));
  for (size_t i = 0; i < plot.series.size(); ++i) {
    const CountSeries& s = plot.series[i];
    const std::string css = fmt::format("curve s{} t{}", i % kColours, i / kColours % 4);
    const double shift =
        apart * (static_cast<double>(i) - static_cast<double>(plot.series.size() - 1) / 2);
    std::string d;
    for (const CountPoint& p : s.points)
      if (std::isfinite(p.value_ns))
        d += fmt::format("{}{} {}", d.empty() ? "M" : "L", num(place(p.n) + shift),
                         num(y(p.value_ns)));
    if (!d.empty()) c.path(d, css, s.name);
    for (const CountPoint& p : s.points) {
      if (!std::isfinite(p.value_ns)) continue;
      const double px = place(p.n) + shift;
      const bool interval = p.lower && p.upper && std::isfinite(*p.lower) && *p.lower <= *p.upper;
      c.open_group(
          fmt::format("{}, N = {}: {}{}", s.name, p.n, format_ns(p.value_ns),
                      interval ? fmt::format(" [{}, {}]", format_ns(*p.lower), format_ns(*p.upper))
                               : std::string()));
      if (interval) {
        // Filled, so that no dash of the line cuts them.
        const std::string bar = fmt::format("f{}", i % kColours);
        const double low = y(*p.lower), up = y(*p.upper);
        c.rect(px - 0.7, up, 1.4, std::max(low - up, 0.1), bar);
        c.rect(px - 3.5, up - 0.5, 7, 1, bar);
        c.rect(px - 3.5, low - 0.5, 7, 1, bar);
      }
      c.circle(px, y(p.value_ns), 3, fmt::format("f{}", i % kColours));
      c.close_group();
    }
  }
  legend.draw(c, bottom + 44);
  return c.finish(plot.label);
}

}  // namespace assay::report::svg
