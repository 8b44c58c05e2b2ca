// SPDX-License-Identifier: Apache-2.0
#include "report/series/plots.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/math/special_functions/beta.hpp>
#include <cmath>

#include "report/series/numbers.h"
#include "report/svg/series_charts.h"
#include "report/svg/tail_charts.h"
#include "stats/gpd.h"
#include "stats/quiet.h"

namespace assay::report {
namespace {

constexpr int kColumns = 720;  // of data handed on; the drawings cut further
constexpr size_t kMostPoints = 1000;

void add(Document& d, Part& part, const DrawOptions& draw, std::string svg, std::string lines,
         const std::string& file, const std::string& caption) {
  if (draw.svg) {
    d.drawings.emplace_back(file, svg);
    part.section.figures.push_back({std::move(svg), caption});
  }
  if (draw.terminal && !lines.empty()) part.plots.push_back(std::move(lines));
}

// Quantile of a Beta(i, k+1-i) value: where the i-th of k uniform values lies.
double order_statistic(size_t i, size_t k, double p) {
  return boost::math::ibeta_inv(static_cast<double>(i), static_cast<double>(k + 1 - i), p,
                                stats::Quiet());
}

}  // namespace

EcdfPlot ecdf_of(std::span<const SeriesStats> series, double confidence) {
  EcdfPlot plot;
  plot.band = fmt::format("{:.3g} % band (DKW)", confidence * 100);
  plot.label = "Share of latencies at or below each value";
  const size_t shown = std::min(series.size(), kMostCurves);
  int64_t low = INT64_MAX, high = 0;
  for (size_t i = 0; i < shown; ++i) {
    const SeriesStats& s = series[i * series.size() / shown];
    if (s.sorted.empty()) continue;
    low = std::min(low, s.minimum());
    high = std::max(high, s.maximum());
  }
  for (size_t i = 0; i < shown; ++i) {
    const SeriesStats& s = series[i * series.size() / shown];
    if (s.sorted.empty()) continue;
    EcdfSeries e;
    e.name = s.input.name;
    e.points =
        ecdf(s.sorted, axis_range(static_cast<double>(low), static_cast<double>(high)), kColumns);
    double tau = 1;
    for (const auto& row : s.rows) tau = std::max(tau, row.tau);
    if (shown <= 2)
      e.half = stats::dkw_half_width(
          static_cast<int64_t>(std::floor(static_cast<double>(s.n()) / tau)), confidence);
    plot.series.push_back(std::move(e));
  }
  if (shown == 1)
    for (const auto& row : series.front().rows)
      if (row.carried() && (row.q == .5 || row.q == .99))
        plot.marks.push_back({static_cast<double>(row.estimate), quantile_name(row.q)});
  return plot;
}

RunPlot run_order_of(std::span<const int64_t> samples, int64_t warm_up, const stats::Gate& gate,
                     std::span<const int64_t> sorted, const std::string& name) {
  RunPlot plot;
  plot.columns = run_order(samples, kColumns);
  plot.samples = static_cast<int64_t>(samples.size());
  if (warm_up > 0) plot.warm_up = static_cast<double>(warm_up);
  if (gate.break_at >= 0 && gate.trust != Trust::trusted &&
      std::any_of(gate.reasons.begin(), gate.reasons.end(),
                  [](const std::string& r) { return r.starts_with("step:"); }))
    plot.changes.push_back({static_cast<double>(gate.break_at), "step"});
  if (!sorted.empty())
    plot.levels.push_back({static_cast<double>(sorted[(sorted.size() - 1) / 2]), "median"});
  plot.label = "Latencies of " + name + " in run order";
  return plot;
}

RunPlot run_order_of(const SeriesStats& s) {
  return run_order_of(s.input.samples, s.warm_up, s.gate, s.sorted, s.input.name);
}

TailPlot tail_of(std::span<const int64_t> sorted, const stats::Pwcet& w,
                 std::span<const stats::PwcetPoint> curve, std::optional<int64_t> at,
                 const std::string& name) {
  TailPlot plot;
  plot.empirical = exceedance(sorted, 100, kColumns);
  plot.bound_name = fmt::format("upper bound {:.3g} %", w.confidence * 100);
  plot.label = "Exceedance of " + name;
  if (!sorted.empty()) {
    plot.high_water = static_cast<double>(sorted.back());
    plot.evidence_limit = 1 / (100 * static_cast<double>(sorted.size()));
  }
  if (at) plot.marks.push_back({static_cast<double>(*at), "deadline"});
  if (w.refused) return plot;
  plot.threshold = static_cast<double>(w.threshold_ns);
  for (const auto& p : curve) {
    if (p.estimate_ns && p.p <= w.zeta) plot.fitted.push_back({*p.estimate_ns, p.p});
    if (p.bound_ns) plot.bound.push_back({*p.bound_ns, p.p});
  }
  return plot;
}

QqPlot qq_of(std::span<const int64_t> sorted, const stats::Pwcet& w, const std::string& name) {
  QqPlot plot;
  plot.label = "Excesses of " + name + " against the fitted law";
  if (!w.fit.ok || w.k < 2) return plot;
  const auto above = std::upper_bound(sorted.begin(), sorted.end(), w.threshold_ns);
  const auto k = static_cast<size_t>(sorted.end() - above);
  const size_t step = std::max<size_t>(1, k / kMostPoints);
  auto model = [&](double share) {
    return stats::gpd_quantile(std::max(1 - share, 1e-300), w.fit.sigma, w.fit.xi);
  };
  for (size_t i = 0; i < k; i = i + 1 < k && i + step >= k ? k - 1 : i + step) {
    const double x = model((static_cast<double>(i) + .5) / static_cast<double>(k));
    const double y = static_cast<double>(above[static_cast<std::ptrdiff_t>(i)] - w.threshold_ns);
    plot.points.push_back({x, y});
    plot.lower.push_back({x, model(order_statistic(i + 1, k, .025))});
    plot.upper.push_back({x, model(order_statistic(i + 1, k, .975))});
  }
  return plot;
}

ForestPlot forest_of(const Comparison& c) {
  ForestPlot plot;
  plot.label = "Ratios of B to A with their intervals";
  plot.name = "B / A";
  double margin = 0;
  for (const Claim& claim : c.claims) {
    ForestRow row;
    row.name = claim.name;
    row.result = std::string(word(claim.verdict));
    if (claim.bounded) {
      row.estimate = claim.ratio;
      row.lower = claim.tost_lower;
      row.upper = claim.tost_upper;
    } else {
      row.missing = claim.reason;
    }
    margin = std::max(margin, claim.margin);
    plot.rows.push_back(std::move(row));
  }
  // One band can stand for one margin only.
  if (std::all_of(c.claims.begin(), c.claims.end(),
                  [&](const Claim& claim) { return claim.margin == margin; })) {
    plot.margin_low = 1 / (1 + margin);
    plot.margin_high = 1 + margin;
  }
  return plot;
}

SharePlot shares_of(const Levels& levels) {
  SharePlot plot;
  plot.label = "Share of the variance by level";
  for (size_t i = 0; i < levels.split.levels.size() && i < levels.names.size(); ++i) {
    const auto& l = levels.split.levels[i];
    const TimeScale scale(l.sd);
    plot.parts.push_back({levels.names[i], l.share, "sd " + scale.with_unit(l.sd)});
  }
  return plot;
}

void add_plot(Document& d, Part& part, const DrawOptions& draw, const EcdfPlot& plot,
              const std::string& file, const std::string& caption) {
  add(d, part, draw, draw.svg ? svg::ecdf_band_chart(plot) : "",
      draw.terminal ? term::ecdf(plot, draw.plot) : "", file, caption);
}
void add_plot(Document& d, Part& part, const DrawOptions& draw, const RunPlot& plot,
              const std::string& file, const std::string& caption) {
  add(d, part, draw, draw.svg ? svg::run_order_chart(plot) : "",
      draw.terminal ? term::run_order(plot, draw.plot) : "", file, caption);
}
void add_plot(Document& d, Part& part, const DrawOptions& draw, const TailPlot& plot,
              const std::string& file, const std::string& caption) {
  add(d, part, draw, draw.svg ? svg::exceedance_chart(plot) : "",
      draw.terminal ? term::exceedance(plot, draw.plot) : "", file, caption);
}
void add_plot(Document& d, Part& part, const DrawOptions& draw, const QqPlot& plot,
              const std::string& file, const std::string& caption) {
  add(d, part, draw, draw.svg ? svg::qq_chart(plot) : "",
      draw.terminal ? term::qq(plot, draw.plot) : "", file, caption);
}
void add_plot(Document& d, Part& part, const DrawOptions& draw, const ForestPlot& plot,
              const std::string& file, const std::string& caption) {
  add(d, part, draw, draw.svg ? svg::forest_chart(plot) : "", "", file, caption);
}
void add_plot(Document& d, Part& part, const DrawOptions& draw, const SharePlot& plot,
              const std::string& file, const std::string& caption) {
  add(d, part, draw, draw.svg ? svg::share_chart(plot) : "", "", file, caption);
}

}  // namespace assay::report
