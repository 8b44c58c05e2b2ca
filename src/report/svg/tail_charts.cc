// SPDX-License-Identifier: Apache-2.0
#include "report/svg/tail_charts.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/text.h"
#include "report/escape.h"
#include "report/plot_ranges.h"
#include "report/svg/frame.h"

namespace assay::report::svg {
namespace {

constexpr double kLeft = 54, kRight = 548, kWide = 568, kHigh = 250;
constexpr size_t kColours = 8;
constexpr int kColumns = 200;      // parts of each axis that a vertex may stand for
constexpr size_t kExtremes = 100;  // largest values, each drawn
constexpr size_t kNamed = 10;      // of those, each with its own tooltip

std::string value_text(const Quantity& q, double v) {
  if (q.time) return format_ns(v);
  return fmt::format("{:.6g}{}{}", v, q.unit.empty() ? "" : " ", q.unit);
}

void no_data(Canvas& c, double top, double bottom) {
  c.text((kLeft + kRight) / 2, (top + bottom) / 2, "no data", "middle", "name");
}

}  // namespace

std::string ecdf_band_chart(const EcdfPlot& plot) {
  const AxisRange range = value_range(plot);
  const Scale x(range, kLeft, kRight);
  MarkRows marks;
  for (const Mark& m : plot.marks)
    if (std::isfinite(m.at)) marks.add(x(m.at), mark_name(m.name, m.at, range), "mark");
  Legend legend(kLeft, kRight);
  size_t banded = 0;
  for (size_t i = 0; i < plot.series.size(); ++i) {
    banded += plot.series[i].half > 0;
    legend.add(Legend::Sign::kLine, fmt::format("curve s{} t{}", i % kColours, i / kColours % 4),
               plot.series[i].name);
  }
  if (banded) legend.add(Legend::Sign::kFill, banded == 1 ? "band f0" : "band fg", plot.band);

  const double top = 26 + marks.arrange(kLeft, kRight), bottom = top + kHigh;
  const Scale y({0, 1, false}, bottom, top);
  Canvas c(kWide, bottom + 46 + legend.height());
  c.text(4, 12, "share of samples at or below", "start", "name");
  std::vector<std::string> labels;
  const std::vector<double> shares = {0, 0.25, 0.5, 0.75, 0.9, 1};
  for (double s : shares) labels.push_back(fmt::format("{:g}", s));
  c.x_axis(x, bottom, top, unit_of(plot.quantity, range), plot.quantity.name);
  c.y_axis(y, kLeft, kRight, shares, labels);
  bool any = false;
  std::vector<std::vector<Point>> drawn;
  for (size_t i = 0; i < plot.series.size(); ++i) {
    const EcdfSeries& s = plot.series[i];
    drawn.push_back(cut(s.points, range, {0, 1, false}, kColumns));
    const std::string d = band_path(drawn.back(), x, y, s.half);
    if (!d.empty()) c.path(d, fmt::format("band f{}", i % kColours), s.name + ": " + plot.band);
  }
  for (size_t i = 0; i < drawn.size(); ++i) {
    const std::string d = rise_path(drawn[i], x, y);
    any = any || !d.empty();
    if (!d.empty())
      c.path(d, fmt::format("curve s{} t{}", i % kColours, i / kColours % 4), plot.series[i].name);
  }
  if (!any) no_data(c, top, bottom);
  marks.draw(c, top, bottom);
  legend.draw(c, bottom + 42);
  return c.finish(plot.label);
}

std::string exceedance_chart(const TailPlot& plot) {
  const AxisRange range = value_range(plot), shares = share_range(plot);
  const Scale x(range, kLeft, kRight);
  const auto positive = [](const std::vector<Point>& points) {
    std::vector<Point> out;
    out.reserve(points.size());
    for (const Point& p : points)
      if (p.y > 0) out.push_back(p);
    return out;
  };
  const auto seen = cut(positive(plot.empirical), range, shares, kColumns, kExtremes);
  const auto fitted = cut(positive(plot.fitted), range, shares, kColumns);
  const auto bound = cut(positive(plot.bound), range, shares, kColumns);

  MarkRows marks;
  const auto mark = [&](const std::optional<double>& at, const std::string& name) {
    if (at && std::isfinite(*at)) marks.add(x(*at), mark_name(name, *at, range), "mark");
  };
  mark(plot.threshold, "threshold u");
  mark(plot.high_water, "largest seen");
  for (const Mark& m : plot.marks)
    if (std::isfinite(m.at)) marks.add(x(m.at), mark_name(m.name, m.at, range), "change");
  Legend legend(kLeft, kRight);
  if (!seen.empty()) legend.add(Legend::Sign::kDot, "pt", plot.empirical_name);
  if (fitted.size() > 1) legend.add(Legend::Sign::kLine, "curve s0", plot.fitted_name);
  if (bound.size() > 1) legend.add(Legend::Sign::kLine, "curve s1", plot.bound_name);
  const bool limit = plot.evidence_limit && *plot.evidence_limit > shares.low &&
                     *plot.evidence_limit < shares.high;
  if (limit) legend.add(Legend::Sign::kFill, "beyond", "model only, no evidence");

  const double top = 26 + marks.arrange(kLeft, kRight), bottom = top + kHigh + 20;
  const Scale y(shares, bottom, top);
  Canvas c(kWide, bottom + 46 + legend.height());
  c.text(4, 12, fmt::format("P(X > x) per {} (log scale)", plain(plot.per, 30)), "start", "name");
  if (limit) {
    const double at = y(*plot.evidence_limit);
    c.rect(kLeft, at, kRight - kLeft, bottom - at, "beyond",
           fmt::format("below {:.2g}: what n samples say nothing about", *plot.evidence_limit));
  }
  const auto ticks = decades(shares, 9);
  std::vector<std::string> labels;
  for (double t : ticks) labels.push_back(decade_label(t));
  c.x_axis(x, bottom, top, unit_of(plot.quantity, range), plot.quantity.name);
  c.y_axis(y, kLeft, kRight, ticks, labels);
  if (limit) {
    const double at = y(*plot.evidence_limit);
    c.line(kLeft, at, kRight, at, "mark");
  }
  marks.draw(c, top, bottom);
  if (const auto d = line_path(fitted, x, y); !d.empty()) c.path(d, "curve s0", plot.fitted_name);
  if (const auto d = line_path(bound, x, y); !d.empty()) c.path(d, "curve s1", plot.bound_name);
  if (!seen.empty()) {
    c.path(fall_path(seen, x, y), "seen", plot.empirical_name);
    const size_t dots = std::min(seen.size(), kExtremes), named = std::min(dots, kNamed);
    const std::span<const Point> largest = std::span(seen).last(dots);
    c.path(dot_path(largest.first(dots - named), x, y), "pt", plot.empirical_name);
    for (const Point& p : largest.last(named)) {
      c.open_group(fmt::format("{}: share {:.3g}", value_text(plot.quantity, p.x), p.y));
      c.path(dot_path(std::span(&p, 1), x, y), "pt");
      c.close_group();
    }
  }
  // Last, with a halo: lines of marks run through here.
  if (limit) {
    const double at = y(*plot.evidence_limit);
    c.text(kLeft + 6, at + (bottom - at > 16 ? 13 : -4), "evidence ends: p = 1/(100 n)", "start",
           "halo");
  }
  if (seen.empty() && fitted.empty() && bound.empty()) no_data(c, top, bottom);
  legend.draw(c, bottom + 42);
  return c.finish(plot.label);
}

std::string qq_chart(const QqPlot& plot) {
  constexpr double kSide = 290, kQqRight = kLeft + kSide;
  const AxisRange range = value_range(plot);
  const Scale x(range, kLeft, kQqRight);
  const auto points = cut(plot.points, range, range, kColumns, kExtremes);
  const auto lower = cut(plot.lower, range, range, kColumns),
             upper = cut(plot.upper, range, range, kColumns);
  Legend legend(kLeft, kQqRight);
  if (!points.empty()) {
    legend.add(Legend::Sign::kLine, "diagonal", "equal");
    legend.add(Legend::Sign::kDot, "pt0", "quantile");
  }
  if (lower.size() > 1 || upper.size() > 1) legend.add(Legend::Sign::kLine, "curve s6", "envelope");
  const double top = 26, bottom = top + kSide;
  const Scale y(range, bottom, top);
  Canvas c(kQqRight + 16, bottom + 46 + legend.height());
  const Unit unit = unit_of(plot.quantity, range);
  c.text(4, 12, axis_name("observed " + plain(plot.quantity.name, 40), unit.name, false), "start",
         "name");
  const auto ticks = nice_ticks(range, 5);
  c.x_axis(x, bottom, top, unit, "quantile of the " + plain(plot.model, 30), 5);
  c.y_axis(y, kLeft, kQqRight, ticks, tick_labels(ticks, unit));
  if (!points.empty()) c.line(x(range.low), y(range.low), x(range.high), y(range.high), "diagonal");
  for (const auto* curve : {&lower, &upper})
    if (const auto d = line_path(*curve, x, y); !d.empty()) c.path(d, "curve s6", "envelope");
  if (points.empty())
    c.text(kLeft + kSide / 2, top + kSide / 2, "no data", "middle", "name");
  else
    c.path(dot_path(points, x, y), "pt0", plot.quantity.name);
  legend.draw(c, bottom + 42);
  return c.finish(plot.label);
}

}  // namespace assay::report::svg
