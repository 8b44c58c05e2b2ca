// SPDX-License-Identifier: Apache-2.0
#include "report/svg/series_charts.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/text.h"
#include "report/escape.h"
#include "report/plot_ranges.h"
#include "report/svg/frame.h"

namespace assay::report::svg {
namespace {

constexpr double kLeft = 54, kRight = 548, kWide = 568;
constexpr size_t kColumns = 480;

// One bar a column, at least `least` pixels high, or a lone sample would draw nothing.
std::string columns_path(const std::vector<MinMax>& columns, const Scale& y, double least) {
  std::string d;
  const double wide = (kRight - kLeft) / static_cast<double>(std::max<size_t>(columns.size(), 1));
  for (size_t i = 0; i < columns.size(); ++i) {
    if (!drawable(columns[i])) continue;
    double low = y(columns[i].low), high = y(columns[i].high);
    if (const double lack = least - (low - high); lack > 0) {
      low += lack / 2;
      high -= lack / 2;
    }
    d += fmt::format("M{} {}V{}", num(kLeft + wide * (static_cast<double>(i) + 0.5)), num(low),
                     num(high));
  }
  return d;
}

std::string percent(double share) {
  if (share <= 0) return "0 %";
  return share < 0.001 ? "< 0.1 %" : fmt::format("{:.1f} %", 100 * share);
}

}  // namespace

std::string run_order_chart(const RunPlot& plot) {
  const bool few = plot.columns.size() <= 60;  // thin lines would be lost
  AxisRange range = value_range(plot);
  // Dots at the very edge look cut off.
  if (!range.log) {
    const double room = (range.high - range.low) * 0.03;
    range.low -= room;
    range.high += room;
  }
  const auto columns = joined(plot.columns, kColumns);
  const auto at = [&](double sample) { return kLeft + (kRight - kLeft) * run_share(plot, sample); };
  MarkRows marks;
  const double warm = plot.warm_up ? at(*plot.warm_up) : kLeft;
  if (warm > kLeft) marks.add(warm, "warm-up ends", "mark");
  for (const Mark& m : plot.changes)
    if (std::isfinite(m.at)) marks.add(at(m.at), m.name, "change");
  const double top = 26 + marks.arrange(kLeft, kRight), bottom = top + 150;
  const Scale y(range, bottom, top);
  Legend legend(kLeft, kRight);
  if (!plot.middles.empty()) {
    legend.add(Legend::Sign::kFill, "f0 faint", "least to greatest");
    legend.add(Legend::Sign::kLine, "seen", "median of each stretch");
  }
  Canvas c(kWide, bottom + 44 + legend.height());
  const Unit unit = unit_of(plot.quantity, range);
  c.text(4, 12, axis_name(plain(plot.quantity.name, 40), unit.name, range.log), "start", "name");
  const double samples = plot.samples > 0 ? static_cast<double>(plot.samples)
                                          : static_cast<double>(plot.columns.size());
  const AxisRange order{0, std::max(samples, 1.0), false};
  if (warm > kLeft) c.rect(kLeft, top, warm - kLeft, bottom - top, "beyond", "warm-up, cut off");
  const double thousands = samples >= 10'000 ? 1000 : 1;
  c.x_axis(Scale(order, kLeft, kRight), bottom, top, {thousands, ""},
           thousands > 1 ? "sample in run order, thousands" : "sample in run order");
  const auto ticks = nice_ticks(range, 5);
  c.y_axis(y, kLeft, kRight, ticks, tick_labels(ticks, unit));
  const std::string d = columns_path(columns, y, few ? 3 : 1);
  if (d.empty())
    c.text((kLeft + kRight) / 2, (top + bottom) / 2, "no data", "middle", "name");
  else
    c.path(d, fmt::format("run{}{}", plot.middles.empty() ? "" : " faint", few ? " thick" : ""),
           "least to greatest value of each stretch of samples");
  std::vector<Point> middles;
  for (size_t i = 0; i < plot.middles.size(); ++i)
    middles.push_back(
        {samples * (static_cast<double>(i) + 0.5) / static_cast<double>(plot.middles.size()),
         plot.middles[i]});
  if (const auto m =
          line_path(cut(middles, order, range, kColumns), Scale(order, kLeft, kRight), y);
      !m.empty())
    c.path(m, "seen", "median of each stretch");
  for (const Mark& m : plot.levels) {
    if (!std::isfinite(m.at)) continue;
    c.open_group(m.name);
    c.line(kLeft, y(m.at), kRight, y(m.at), "level");
    c.text(kRight - 4, y(m.at) - 4, plain(m.name, 40), "end", "tick halo");
    c.close_group();
  }
  marks.draw(c, top, bottom);
  legend.draw(c, bottom + 42);
  return c.finish(plot.label);
}

std::string share_chart(const SharePlot& plot) {
  const double left = 4, right = kWide - 4, top = plot.heading.empty() ? 6 : 26, high = 24;
  const auto shares = scaled_shares(plot);
  const double first = top + high + 10;
  Canvas c(kWide, first + 18 * static_cast<double>(std::max<size_t>(shares.size(), 1)) + 4);
  if (!plot.heading.empty()) c.text(left, 14, plain(plot.heading, 90), "start", "head");
  c.rect(left, top, right - left, high, "none");
  double at = left, names = 0;
  for (const SharePart& p : plot.parts) names = std::max(names, text_width(plain(p.name, 30)));
  for (size_t i = 0; i < shares.size(); ++i) {
    const SharePart& p = plot.parts[i];
    const double wide = shares[i] * (right - left);
    const std::string css = fmt::format("f{}", i % 8);
    // A part that is there is seen, and a line of the page's colour parts it from the next.
    if (shares[i] > 0)
      c.rect(at, top, std::max(wide - 1, 1.0), high, css,
             fmt::format("{}: {}", p.name, percent(shares[i])));
    at += wide;
    const double y = first + 18 * static_cast<double>(i) + 10;
    c.rect(left, y - 9, 12, 10, css);
    c.text(left + 20, y, plain(p.name, 30), "start");
    c.text(left + 20 + names + 56, y, percent(shares[i]), "end", "strong");
    c.text(left + 20 + names + 72, y, plain(p.text, 60), "start", "tick");
  }
  if (std::all_of(shares.begin(), shares.end(), [](double s) { return s == 0; }))
    c.text(kWide / 2, top + 16, "no data", "middle", "name");
  return c.finish(plot.label);
}

std::string forest_chart(const ForestPlot& plot) {
  const AxisRange range = value_range(plot);
  double names = 40, results = 0;
  std::vector<std::string> numbers;
  // As many decimals as the axis can show.
  const int decimals =
      std::clamp(static_cast<int>(std::ceil(-std::log10((range.high - range.low) / 100))), 0, 6);
  for (const ForestRow& r : plot.rows) {
    names = std::max(names, text_width(plain(r.name, 28)));
    const auto part = [&](const std::optional<double>& v) {
      return v && std::isfinite(*v) ? fmt::format("{:.{}f}", *v, decimals) : std::string("open");
    };
    numbers.push_back(
        r.estimate && std::isfinite(*r.estimate)
            ? fmt::format("{} [{}, {}]", part(r.estimate), part(r.lower), part(r.upper))
            : std::string());
    results = std::max(results, text_width(numbers.back()));
  }
  double words = 0;
  for (const ForestRow& r : plot.rows)
    words = std::max(words, text_width(plain(r.result, 24)) * 1.15);
  const double left = names + 16, right = left + 270, step = 22;
  const double top = plot.heading.empty() ? 10 : 30;
  const double bottom = top + step * static_cast<double>(std::max<size_t>(plot.rows.size(), 1));
  const Scale x(range, left, right);
  const double wide = right + 14 + results + (words > 0 ? 12 + words : 0) + 6;
  Canvas c(wide, bottom + 40);
  if (!plot.heading.empty()) c.text(4, 14, plain(plot.heading, 90), "start", "head");
  if (plot.margin_low && plot.margin_high && *plot.margin_low < *plot.margin_high) {
    const double from = x(*plot.margin_low), to = x(*plot.margin_high);
    c.rect(from, top, to - from, bottom - top, "margin",
           fmt::format("margin {:.6g} to {:.6g}", *plot.margin_low, *plot.margin_high));
  }
  c.x_axis(x, bottom, top, {1, ""}, plain(plot.name, 60), 5);
  if (std::isfinite(plot.none) && !plot.rows.empty())
    c.line(x(plot.none), top, x(plot.none), bottom, "axis");
  if (plot.rows.empty()) c.text((left + right) / 2, bottom - 7, "no data", "middle", "name");
  for (size_t i = 0; i < plot.rows.size(); ++i) {
    const ForestRow& r = plot.rows[i];
    const double y = top + step * (static_cast<double>(i) + 0.5);
    c.open_link(r.href);
    c.open_group(r.title.empty() ? r.name + ": " + numbers[i] : r.title);
    c.text(left - 10, y + 4, plain(r.name, 28), "end");
    if (!numbers[i].empty()) {
      const bool lower = r.lower && std::isfinite(*r.lower),
                 upper = r.upper && std::isfinite(*r.upper);
      const double from = lower ? x(*r.lower) : left, to = upper ? x(*r.upper) : right;
      c.line(from, y, x(*r.estimate), y, lower ? "bar-line" : "bar-line open");
      c.line(x(*r.estimate), y, to, y, upper ? "bar-line" : "bar-line open");
      if (lower) c.line(from, y - 4, from, y + 4, "bar-line");
      if (upper) c.line(to, y - 4, to, y + 4, "bar-line");
      c.circle(x(*r.estimate), y, 4, "dot");
      c.text(right + 14, y + 4, numbers[i], "start", "tick");
    } else {
      c.text(left + 4, y + 4, plain(r.missing, 44), "start", "tick");
    }
    c.text(right + 26 + results, y + 4, plain(r.result, 24), "start", "strong");
    c.close_group();
    c.close_link(r.href);
  }
  return c.finish(plot.label);
}

}  // namespace assay::report::svg
