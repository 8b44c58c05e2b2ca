// SPDX-License-Identifier: Apache-2.0
#include "report/svg/charts.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "report/escape.h"
#include "report/svg/frame.h"

namespace assay::report::svg {
namespace {

constexpr size_t kColours = 8;  // of the page's palette (Okabe and Ito); dashes repeat them

}  // namespace

std::string ecdf_chart(const std::vector<Curve>& curves, AxisRange range, std::string_view label) {
  const double left = 44, right = 524, top = 12, bottom = 232;
  const auto legend_rows = static_cast<double>((curves.size() + 3) / 4);
  Canvas c(540, bottom + 44 + 18 * legend_rows);
  const Scale x(range, left, right), y({0, 1, false}, bottom, top);
  for (double share : {0.0, 0.25, 0.5, 0.75, 0.9, 1.0}) {
    c.line(left, y(share), right, y(share), "grid");
    c.text(left - 6, y(share) + 4, fmt::format("{:g}", share), "end", "tick");
  }
  c.x_axis(x, bottom, top, time_unit(range.high), "latency");
  for (size_t i = 0; i < curves.size(); ++i) {
    const size_t colour = i % kColours;
    if (!curves[i].points.empty())
      c.path(rise_path(curves[i].points, x, y),
             fmt::format("curve s{} t{}", colour, i / kColours % 4), curves[i].name);
    const double at_x = left + 122 * static_cast<double>(i % 4);
    const double at_y = bottom + 54 + 18 * static_cast<double>(i / 4);
    c.line(at_x, at_y, at_x + 20, at_y, fmt::format("curve s{} t{}", colour, i / kColours % 4));
    c.text(at_x + 26, at_y + 4, plain(curves[i].name, 14), "start", "tick");
  }
  return c.finish(label);
}

std::string dot_chart(const std::vector<Dot>& rows, std::string_view heading,
                      std::string_view label) {
  const double left = 66, right = 252, top = 26, step = 20;
  const double bottom = top + step * static_cast<double>(std::max<size_t>(rows.size(), 1));
  double low = HUGE_VAL, high = -HUGE_VAL;
  for (const Dot& d : rows) {
    if (!d.estimate) continue;
    low = std::min({low, *d.estimate, d.lower.value_or(*d.estimate)});
    high = std::max({high, *d.estimate, d.upper.value_or(*d.estimate)});
  }
  Canvas c(266, bottom + 40);
  c.text(left, 14, heading, "start", "head");
  const bool any = high >= low;
  AxisRange range = axis_range(any ? low : 0, any ? high : 1);
  const double room = range.log ? 0 : (range.high - range.low) * 0.08;
  range.low -= room;
  range.high += room;
  const Scale x(range, left, right);
  if (any) c.x_axis(x, bottom, top, time_unit(range.high), "latency", 3);
  for (size_t i = 0; i < rows.size(); ++i) {
    const Dot& d = rows[i];
    const double y = top + step * (static_cast<double>(i) + 0.5);
    c.open_link(d.href);
    c.open_group(d.title);
    c.text(left - 8, y + 4, plain(d.name, 10), "end", "tick");
    if (d.estimate) {
      const double from = d.lower ? x(*d.lower) : left, to = d.upper ? x(*d.upper) : right;
      c.line(from, y, x(*d.estimate), y, d.lower ? "bar-line" : "bar-line open");
      c.line(x(*d.estimate), y, to, y, d.upper ? "bar-line" : "bar-line open");
      if (d.lower) c.line(from, y - 4, from, y + 4, "bar-line");
      if (d.upper) c.line(to, y - 4, to, y + 4, "bar-line");
      c.circle(x(*d.estimate), y, 4, "dot");
    } else {
      c.text(left + 2, y + 4, plain(d.missing, 34), "start", "tick");
    }
    c.close_group();
    c.close_link(d.href);
  }
  return c.finish(label, "chart small");
}

std::string bar_chart(const std::vector<Bar>& rows, std::string_view heading,
                      std::string_view label) {
  const double left = 66, right = 186, top = 24, step = 20;
  double high = 0;
  for (const Bar& b : rows) high = std::max(high, b.value);
  Canvas c(266, top + step * static_cast<double>(std::max<size_t>(rows.size(), 1)) + 6);
  c.text(left, 14, heading, "start", "head");
  for (size_t i = 0; i < rows.size(); ++i) {
    const Bar& b = rows[i];
    const double y = top + step * static_cast<double>(i);
    const double w = high > 0 ? std::max(b.value / high * (right - left), 0.0) : 0;
    c.open_link(b.href);
    c.open_group(b.name + ": " + b.text);
    c.text(left - 8, y + 14, plain(b.name, 10), "end", "tick");
    c.rect(left, y + 4, std::max(w, b.value > 0 ? 1.0 : 0.0), 12, "fill");
    c.text(left + w + 5, y + 14, plain(b.text, 14), "start", "tick");
    c.close_group();
    c.close_link(b.href);
  }
  c.line(left, top, left, top + step * static_cast<double>(rows.size()), "axis");
  return c.finish(label, "chart small");
}

std::string histogram(const std::vector<Bin>& bins, std::string_view x_name,
                      std::string_view label) {
  const double left = 54, top = 18, bottom = 170;
  const double wide =
      std::clamp(480.0 / static_cast<double>(std::max<size_t>(bins.size(), 1)), 12.0, 44.0);
  const double right = left + wide * static_cast<double>(bins.size());
  int64_t most = 1;
  for (const Bin& b : bins) most = std::max(most, b.count);
  const double decades = std::max(1.0, std::ceil(std::log10(static_cast<double>(most))));
  // log10(count) + 1, so that a count of 1 has a height and 0 has none.
  const Scale y({0, decades + 1, false}, bottom, top);
  Canvas c(std::max(right + 16, 300.0), bottom + 42);
  for (int d = 0; d <= static_cast<int>(decades); d += decades > 6 ? 2 : 1) {
    c.line(left, y(d + 1), right, y(d + 1), "grid");
    c.text(left - 6, y(d + 1) + 4,
           d < 4 ? fmt::format("{:.0f}", std::pow(10, d)) : fmt::format("1e{}", d), "end", "tick");
  }
  c.text(left - 6, bottom + 4, "0", "end", "tick");
  const size_t every = wide < 26 ? 2 : 1;
  for (size_t i = 0; i < bins.size(); ++i) {
    const double at = left + wide * static_cast<double>(i);
    if (bins[i].count > 0) {
      const double height = bottom - y(std::log10(static_cast<double>(bins[i].count)) + 1);
      c.rect(at + 2, bottom - height, wide - 4, height, "fill",
             fmt::format("{}: {} values", bins[i].name, bins[i].count));
    }
    if (i % every == 0) c.text(at + wide / 2, bottom + 15, bins[i].name, "middle", "tick");
  }
  c.line(left, bottom, right, bottom, "axis");
  c.text((left + right) / 2, bottom + 34, x_name, "middle", "name");
  return c.finish(label);
}

std::string matrix(const std::vector<std::string>& names,
                   const std::vector<std::vector<Cell>>& cells, std::string_view label) {
  const double left = 66, top = 22, wide = 62, high = 30;
  const auto n = static_cast<double>(names.size());
  Canvas c(left + wide * n + 4, top + high * n + 4);
  for (size_t i = 0; i < names.size(); ++i) {
    const double row = top + high * static_cast<double>(i),
                 column = left + wide * static_cast<double>(i);
    c.text(left - 8, row + high / 2 + 4, plain(names[i], 10), "end", "tick");
    c.text(column + wide / 2, top - 8, plain(names[i], 10), "middle", "tick");
    for (size_t j = 0; j < names.size() && i < cells.size() && j < cells[i].size(); ++j) {
      const Cell& cell = cells[i][j];
      const double at = left + wide * static_cast<double>(j);
      c.open_link(cell.href);
      // Log-like steps: one input of thousands must not look like none.
      const int step = cell.none           ? -1
                       : cell.shade <= 0   ? 0
                       : cell.shade < 0.01 ? 1
                       : cell.shade < 0.1  ? 2
                       : cell.shade < 0.5  ? 3
                                           : 4;
      c.open_group(cell.title);
      c.rect(at + 1, row + 1, wide - 2, high - 2, step < 0 ? "none" : fmt::format("h{}", step));
      c.text(at + wide / 2, row + high / 2 + 4, cell.text, "middle",
             step >= 3 ? "cell dark" : "cell");
      c.close_group();
      c.close_link(cell.href);
    }
  }
  return c.finish(label, "chart small");
}

std::string run_chart(const std::vector<MinMax>& columns, AxisRange range, std::string_view label) {
  // Whole pixels and relative moves: there is one of these a launch, and a report has hundreds.
  const int high = 40,
            step = std::clamp(144 / static_cast<int>(std::max<size_t>(columns.size(), 1)), 1, 6);
  const int wide = std::max(step * static_cast<int>(columns.size()), 24);
  const Scale y(range, high - 2, 2);
  std::string d;
  int at = 0;
  for (size_t i = 0; i < columns.size(); ++i) {
    const auto low = static_cast<int>(std::lround(y(columns[i].low)));
    // At least one pixel high, or a lone sample would draw nothing.
    const int up = std::min(static_cast<int>(std::lround(y(columns[i].high))), low - 1);
    d += i ? fmt::format("m{} {}v{}", step, low - at, up - low)
           : fmt::format("M{} {}v{}", step / 2, low, up - low);
    at = up;
  }
  Canvas c(wide, high);
  if (!d.empty()) c.path(d, "run");
  return c.finish(label, "spark");
}

}  // namespace assay::report::svg
