// SPDX-License-Identifier: Apache-2.0
#include "report/term/plot.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <span>

#include "report/plot_ranges.h"
#include "report/term/frame.h"

namespace assay::report::term {
namespace {

// Signs that stay apart without colour. The first series is a line of dots.
constexpr Pen kSeries[] = {{"", '*', 36},
                           {"×", 'x', 33, true},
                           {"o", 'o', 35, true},
                           {"+", '+', 32, true},
                           {"#", '#', 34, true}};
constexpr Pen kBand{"░", '.', 0}, kMark{"┊", '|', 0}, kChange{"╎", '!', 31}, kMiddle{"━", '=', 33},
    kSeen{"•", 'o', 0}, kFit{"", '.', 36}, kBound{"×", 'x', 33, true}, kLimit{"┄", '-', 0},
    kLevel{"╌", '-', 0}, kDiagonal{"", '.', 0};

void polyline(Grid& g, std::span<const Point> points, const AxisRange& x, const AxisRange& y,
              const Pen& pen) {
  for (size_t i = 0; i + 1 < points.size(); ++i)
    g.line(share_of(x, points[i].x), share_of(y, points[i].y), share_of(x, points[i + 1].x),
           share_of(y, points[i + 1].y), pen);
}

void dots(Grid& g, std::span<const Point> points, const AxisRange& x, const AxisRange& y,
          const Pen& pen) {
  for (const Point& p : points) {
    const double sx = share_of(x, p.x), sy = share_of(y, p.y);
    if (sx >= 0 && sx <= 1 && sy >= 0 && sy <= 1) g.dot(sx, sy, pen);
  }
}

std::vector<Point> positive(const std::vector<Point>& points) {
  std::vector<Point> out;
  out.reserve(points.size());
  for (const Point& p : points)
    if (p.y > 0) out.push_back(p);
  return out;
}

int about(const PlotOptions& o) { return std::max(std::clamp(o.width, 32, 400) / 12, 2); }
int about_rows(const PlotOptions& o) { return std::max(std::clamp(o.height, 4, 100) / 3, 2); }

std::string titled(std::string name, bool any) { return any ? name : "no data: " + name; }

constexpr AxisRange kShares{0, 1, false};

}  // namespace

std::string ecdf(const EcdfPlot& plot, const PlotOptions& options) {
  const AxisRange range = value_range(plot);
  std::vector<std::vector<Point>> series;
  for (const EcdfSeries& s : plot.series) series.push_back(cut(s.points, range, kShares, 800));
  const bool any = std::any_of(series.begin(), series.end(), [](auto& s) { return !s.empty(); });
  Frame f(options, titled("share of samples at or below", any),
          {{0, "0"}, {0.25, "0.25"}, {0.5, "0.5"}, {0.75, "0.75"}, {1, "1"}});
  const svg::Unit unit = unit_of(plot.quantity, range);
  f.x_axis(ticks_of(range, unit, about(options)),
           axis_name(plot.quantity.name, unit.name, range.log));
  Grid& g = f.grid();
  for (const Mark& m : plot.marks) f.mark(share_of(range, m.at), m.name, kMark);
  for (size_t i = 0; i < series.size(); ++i) {
    const Pen& pen = kSeries[i % std::size(kSeries)];
    double px = 0, py = 0;
    for (const Point& p : series[i]) {
      const double x = share_of(range, p.x);
      g.line(px, py, x, py, pen);
      g.line(x, py, x, p.y, pen);
      px = x;
      py = p.y;
    }
    if (!series[i].empty()) g.line(px, py, 1, py, pen);
    f.legend(pen, plot.series[i].name);
  }
  for (size_t i = 0; i < series.size(); ++i) {
    const double half = plot.series[i].half;
    if (!(half > 0) || series[i].empty()) continue;
    // Less than a quarter of a row on each side cannot be shown.
    const bool shown = half * g.rows() >= 0.25;
    size_t at = 0;
    for (int c = 0; shown && c < g.columns(); ++c) {
      const double x = c / std::max(g.columns() - 1.0, 1.0);
      while (at < series[i].size() && share_of(range, series[i][at].x) <= x) ++at;
      const double y = at > 0 ? series[i][at - 1].y : 0;
      g.fill(x, x, std::max(y - half, 0.0), std::min(y + half, 1.0), kBand);
    }
    f.legend(kBand, fmt::format("{} of {}: +-{:.2g}{}", plot.band, plot.series[i].name, half,
                                shown ? "" : ", less than a row"));
  }
  return f.text();
}

std::string run_order(const RunPlot& plot, const PlotOptions& options) {
  const AxisRange range = value_range(plot);
  const svg::Unit unit = unit_of(plot.quantity, range);
  const bool any = std::any_of(plot.columns.begin(), plot.columns.end(), drawable);
  Frame f(options, titled(axis_name(plot.quantity.name, unit.name, range.log), any),
          ticks_of(range, unit, about_rows(options)));
  const double samples = plot.samples > 0 ? static_cast<double>(plot.samples)
                                          : static_cast<double>(plot.columns.size());
  f.x_axis(ticks_of({0, std::max(samples, 1.0), false}, {1, ""}, about(options)),
           "sample in run order");
  Grid& g = f.grid();
  const auto columns = joined(plot.columns, 2 * static_cast<size_t>(g.columns()));
  for (size_t i = 0; i < columns.size(); ++i) {
    if (!drawable(columns[i])) continue;
    const double x = (static_cast<double>(i) + 0.5) / static_cast<double>(columns.size());
    g.column(x, share_of(range, columns[i].low), share_of(range, columns[i].high), {"", ':', 36});
  }
  if (any) f.legend({"", ':', 36}, "least to greatest");
  for (const Mark& m : plot.levels) {
    if (!std::isfinite(m.at)) continue;
    g.row(share_of(range, m.at), kLevel);
    f.legend(kLevel, m.name);
  }
  // One sign a cell: the middle one of those that fall into it.
  const size_t cells = static_cast<size_t>(g.columns());
  for (size_t c = 0; c < cells; ++c) {
    const size_t n = plot.middles.size(), from = c * n / cells,
                 to = std::min(std::max((c + 1) * n / cells, from + 1), n);
    std::vector<double> here;
    for (size_t i = from; i < to; ++i)
      if (std::isfinite(plot.middles[i])) here.push_back(plot.middles[i]);
    if (here.empty()) continue;
    const auto middle = here.begin() + static_cast<std::ptrdiff_t>((here.size() - 1) / 2);
    std::nth_element(here.begin(), middle, here.end());
    g.dot((static_cast<double>(c) + 0.5) / static_cast<double>(cells),
          std::clamp(share_of(range, *middle), 0.0, 1.0), kMiddle);
  }
  if (!plot.middles.empty()) f.legend(kMiddle, "median");
  for (const Mark& m : plot.changes)
    if (std::isfinite(m.at)) f.mark(run_share(plot, m.at), m.name, kChange);
  if (const double warm = plot.warm_up ? run_share(plot, *plot.warm_up) : 0; warm > 0) {
    f.mark(warm, "warm-up ends", kMark);
    g.fill(0, warm, 0, 1, kBand);
  }
  return f.text();
}

std::string exceedance(const TailPlot& plot, const PlotOptions& options) {
  const AxisRange range = value_range(plot), shares = share_range(plot);
  const auto seen = cut(positive(plot.empirical), range, shares, 800, 100);
  const auto fitted = cut(positive(plot.fitted), range, shares, 800),
             bound = cut(positive(plot.bound), range, shares, 800);
  const bool any = !seen.empty() || !fitted.empty() || !bound.empty();
  Frame::Ticks y;
  for (double p : decades(shares, about_rows(options) + 2))
    y.emplace_back(share_of(shares, p), decade_label(p));
  Frame f(options, titled(fmt::format("P(X > x) per {} (log scale)", plot.per), any), y);
  const svg::Unit unit = unit_of(plot.quantity, range);
  f.x_axis(ticks_of(range, unit, about(options)), axis_name(plot.quantity.name, unit.name, false));
  Grid& g = f.grid();
  const bool limit = plot.evidence_limit && *plot.evidence_limit > shares.low &&
                     *plot.evidence_limit < shares.high;
  if (limit) g.row(share_of(shares, *plot.evidence_limit), kLimit);
  const auto mark = [&](const std::optional<double>& at, const std::string& name, const Pen& pen) {
    if (at) f.mark(share_of(range, *at), mark_name(name, *at, range), pen);
  };
  mark(plot.threshold, "threshold u", kMark);
  mark(plot.high_water, "largest seen", kMark);
  for (const Mark& m : plot.marks) mark(m.at, m.name, kChange);
  polyline(g, fitted, range, shares, kFit);
  polyline(g, bound, range, shares, kBound);
  polyline(g, seen, range, shares, kSeen);
  dots(g, seen, range, shares, kSeen);
  if (!seen.empty()) f.legend(kSeen, plot.empirical_name);
  if (fitted.size() > 1) f.legend(kFit, plot.fitted_name);
  if (bound.size() > 1) f.legend(kBound, plot.bound_name);
  if (limit) f.legend(kLimit, "p = 1/(100 n): below it model only, no evidence");
  return f.text();
}

std::string qq(const QqPlot& plot, const PlotOptions& options) {
  const AxisRange range = value_range(plot);
  const svg::Unit unit = unit_of(plot.quantity, range);
  const auto points = cut(plot.points, range, range, 800, 100);
  // A cell is about twice as high as wide: so wide, the diagonal is one.
  Frame f(options,
          titled(axis_name("observed " + plot.quantity.name, unit.name, false), !points.empty()),
          ticks_of(range, unit, about_rows(options)), 2 * std::clamp(options.height, 16, 100));
  f.x_axis(ticks_of(range, unit, 4), axis_name("quantile of the " + plot.model, unit.name, false));
  Grid& g = f.grid();
  g.line(0, 0, 1, 1, kDiagonal);
  for (const auto* curve : {&plot.lower, &plot.upper})
    polyline(g, cut(*curve, range, range, 800), range, range, {"·", ',', 0, true});
  dots(g, points, range, range, kSeen);
  f.legend(kDiagonal, "equal");
  if (!points.empty()) f.legend(kSeen, "quantile");
  if (plot.lower.size() > 1 || plot.upper.size() > 1) f.legend({"·", ',', 0, true}, "envelope");
  return f.text();
}

}  // namespace assay::report::term
