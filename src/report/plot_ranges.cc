// SPDX-License-Identifier: Apache-2.0
#include "report/plot_ranges.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace assay::report {
namespace {

// Beyond this the differences of two values are no numbers any more.
constexpr double kHuge = 1e300;

struct Span {
  double low = HUGE_VAL, high = -HUGE_VAL;
  void add(double v) {
    if (!(std::fabs(v) < kHuge)) return;
    low = std::min(low, v);
    high = std::max(high, v);
  }
  void add(const std::optional<double>& v) {
    if (v) add(*v);
  }
  bool any() const { return high >= low; }
  AxisRange range() const { return any() ? axis_range(low, high) : AxisRange{0, 1, false}; }
};

AxisRange linear(const Span& s) {
  AxisRange r = s.range();
  r.log = false;
  return r;
}

}  // namespace

AxisRange value_range(const EcdfPlot& plot) {
  Span s;
  for (const EcdfSeries& e : plot.series)
    for (const Point& p : e.points) s.add(p.x);
  for (const Mark& m : plot.marks) s.add(m.at);
  return s.range();
}

AxisRange value_range(const RunPlot& plot) {
  Span s;
  for (const MinMax& c : plot.columns) {
    if (!drawable(c)) continue;
    s.add(c.low);
    s.add(c.high);
  }
  for (const Mark& m : plot.levels) s.add(m.at);
  return s.range();
}

AxisRange value_range(const TailPlot& plot) {
  Span seen;
  for (const Point& p : plot.empirical) seen.add(p.x);
  seen.add(plot.high_water);
  Span all = seen;
  for (const auto* curve : {&plot.fitted, &plot.bound})
    for (const Point& p : *curve)
      if (p.y > 0) all.add(p.x);
  all.add(plot.threshold);
  for (const Mark& m : plot.marks) all.add(m.at);
  if (seen.any() && seen.high > seen.low) {
    const double wide = seen.high - seen.low;
    all.high = std::min(all.high, seen.high + 4 * wide);
    all.low = std::max(all.low, seen.low - wide);
  }
  return linear(all);
}

AxisRange share_range(const TailPlot& plot) {
  Span s;
  const auto add = [&](double p) {
    if (p > 0 && p <= 1) s.add(p);
  };
  for (const auto* curve : {&plot.empirical, &plot.fitted, &plot.bound})
    for (const Point& p : *curve) add(p.y);
  if (plot.evidence_limit) add(*plot.evidence_limit);
  if (!s.any()) return {0.1, 1, true};
  // Just under a decade is that decade, for all that rounding did to it.
  const double least = std::floor(std::log10(s.low) + 1e-9), most = std::ceil(std::log10(s.high));
  AxisRange r{std::pow(10, std::max(least, -15.0)), std::pow(10, most), true};
  if (r.high <= r.low) r.low = r.high / 10;
  return r;
}

AxisRange value_range(const QqPlot& plot) {
  Span s;
  for (const Point& p : plot.points) {
    if (!std::isfinite(p.x) || !std::isfinite(p.y)) continue;
    s.add(p.x);
    s.add(p.y);
  }
  // Excesses start at 0: so should the axes, when that costs little room.
  if (s.low > 0 && s.low < 0.2 * s.high) s.low = 0;
  return linear(s);
}

AxisRange value_range(const ForestPlot& plot) {
  Span s;
  for (const ForestRow& r : plot.rows) {
    if (!r.estimate) continue;
    s.add(r.estimate);
    s.add(r.lower);
    s.add(r.upper);
  }
  s.add(plot.margin_low);
  s.add(plot.margin_high);
  s.add(plot.none);
  if (!(s.high > s.low)) {
    const double at = s.any() ? s.low : 1;
    return {at - 0.01, at + 0.01, false};
  }
  AxisRange r = s.range();
  const double room = r.log ? 0 : (r.high - r.low) * 0.06;
  return {r.low - room, r.high + room, r.log};
}

double run_share(const RunPlot& plot, double sample) {
  const double n = plot.samples > 0 ? static_cast<double>(plot.samples)
                                    : static_cast<double>(plot.columns.size());
  return n > 0 && std::isfinite(sample) ? std::clamp(sample / n, 0.0, 1.0) : 0;
}

std::string mark_name(std::string_view name, double at, const AxisRange& range) {
  return std::string(name) + (at > range.high || at < range.low ? " (off the axis)" : "");
}

bool drawable(const MinMax& c) {
  return std::fabs(c.low) < kHuge && std::fabs(c.high) < kHuge && c.low <= c.high;
}

std::vector<MinMax> joined(const std::vector<MinMax>& columns, size_t most) {
  if (columns.size() <= most || most == 0) return columns;
  std::vector<MinMax> out(most, {HUGE_VAL, -HUGE_VAL});
  for (size_t i = 0; i < columns.size(); ++i) {
    if (!drawable(columns[i])) continue;
    MinMax& o = out[i * most / columns.size()];
    o.low = std::min(o.low, columns[i].low);
    o.high = std::max(o.high, columns[i].high);
  }
  return out;
}

svg::Unit unit_of(const Quantity& quantity, const AxisRange& range) {
  if (quantity.time) return svg::time_unit(std::max(std::fabs(range.low), std::fabs(range.high)));
  return {1, quantity.unit};
}

std::string axis_name(std::string_view name, std::string_view unit, bool log) {
  return fmt::format("{}{}{}{}", name, unit.empty() ? "" : ", ", unit, log ? " (log scale)" : "");
}

std::vector<double> decades(AxisRange p, int about) {
  std::vector<double> out;
  if (!(p.low > 0) || !(p.high >= p.low)) return out;
  const int from = static_cast<int>(std::ceil(std::log10(p.low) - 1e-9)),
            to = static_cast<int>(std::floor(std::log10(p.high) + 1e-9));
  const int step = std::max(1, (to - from + about - 1) / std::max(about, 1));
  for (int d = to; d >= from; d -= step) out.push_back(std::pow(10, d));
  return out;
}

std::string decade_label(double p) {
  const int d = static_cast<int>(std::lround(std::log10(p)));
  return d >= -2 ? fmt::format("{:g}", p) : fmt::format("1e{}", d);
}

std::vector<double> scaled_shares(const SharePlot& plot) {
  std::vector<double> out;
  double sum = 0;
  for (const SharePart& p : plot.parts) {
    out.push_back(p.share > 0 && p.share < kHuge ? p.share : 0);
    sum += out.back();
  }
  for (double& s : out) s = sum > 0 ? s / sum : 0;
  return out;
}

}  // namespace assay::report
