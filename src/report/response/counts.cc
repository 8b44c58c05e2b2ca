// SPDX-License-Identifier: Apache-2.0
// Stages and inference against the number of streams (the paper's Fig. 8 and 9).
#include <algorithm>
#include <cmath>
#include <set>

#include "base/text.h"
#include "report/response/parts.h"
#include "report/svg/response_charts.h"
#include "stats/quantiles.h"
#include "stream/pool.h"

namespace assay::report {
namespace {

constexpr double kConfidence = .95;

// What a drawing shows: a stage, or the sum of two in each frame.
struct Quantity {
  const char *heading, *figure;
  std::vector<Stage> stages;
};
const std::vector<Quantity>& quantities() {
  static const std::vector<Quantity> all = {
      {"inference", "the paper's Fig. 9", {Stage::infer}},
      {"read", "the paper's Fig. 8a", {Stage::read}},
      {"decode and pre", "the paper's pre-processing, Fig. 8b", {Stage::decode, Stage::pre}},
      {"post", "the paper's Fig. 8c", {Stage::post}},
      {"wait", "for a server that is busy", {Stage::wait}},
      {"response", "the sum of all stages", {Stage::response}}};
  return all;
}

std::optional<stats::QuantileRow> median_of(const Source& s, const CellResult& c,
                                            const TaskResult& t, const Quantity& quantity) {
  if (quantity.stages.size() == 1) {
    const StageResult* of = stage_of(t, quantity.stages.front());
    const auto* row = of != nullptr ? row_of(*of, .5) : nullptr;
    return row != nullptr ? std::optional(*row) : std::nullopt;
  }
  const stream::CellLog* log = log_of(s.logs, c);
  if (log == nullptr) return std::nullopt;
  const stream::Pool pool = stream::pool_of(*log, t.task);
  std::vector<int64_t> sums(pool.frames.size(), 0);
  for (const Stage stage : quantity.stages)
    for (size_t i = 0; i < sums.size(); ++i) sums[i] += stream::duration(*pool.frames[i], stage);
  std::vector<int64_t> sorted = sums;
  std::sort(sorted.begin(), sorted.end());
  return stats::quantile_row(sums, sorted, .5, kConfidence);
}

// Lines in the order in which their conditions first come.
struct Line {
  std::string name;
  std::vector<std::pair<int, std::optional<stats::QuantileRow>>> points;  // N, median
};
std::vector<Line> lines_of(const Source& s, const Quantity& quantity) {
  std::vector<Line> out;
  each_task(s.results, [&](const CellResult& c, const TaskResult& t) {
    const std::string name = s.names.without_streams(c, t);
    auto it = std::find_if(out.begin(), out.end(), [&](const Line& l) { return l.name == name; });
    if (it == out.end()) it = out.insert(out.end(), {name, {}});
    it->points.emplace_back(c.cell.streams, median_of(s, c, t, quantity));
  });
  for (Line& line : out)
    std::stable_sort(line.points.begin(), line.points.end(),
                     [](const auto& a, const auto& b) { return a.first < b.first; });
  return out;
}

std::optional<int> oversubscribed_from(const Results& r) {
  std::optional<int> out;
  for (const CellResult& c : r.cells)
    if (c.cell.oversubscribed) out = std::min(out.value_or(c.cell.streams), c.cell.streams);
  // With other factors in between, a smaller N may be oversubscribed and a larger one not.
  for (const CellResult& c : r.cells)
    if (out && !c.cell.oversubscribed && c.cell.streams >= *out) return std::nullopt;
  return out;
}

svg::CountPlot plot_of(const Source& s, const Quantity& quantity, const std::vector<Line>& lines) {
  svg::CountPlot plot;
  plot.heading = std::string("Median ") + quantity.heading;
  plot.label = plot.heading + " against the number of streams, with 95 % intervals";
  plot.oversubscribed = oversubscribed_from(s.results);
  for (const Line& line : lines) {
    svg::CountSeries series;
    series.name = cut_middle(line.name, 56);
    for (const auto& [n, row] : line.points)
      if (row && row->carried())
        series.points.push_back({n, static_cast<double>(row->estimate),
                                 static_cast<double>(*row->lower),
                                 static_cast<double>(*row->upper)});
    plot.series.push_back(std::move(series));
  }
  return plot;
}

}  // namespace

Parts count_parts(const Source& s) {
  Parts out;
  std::set<int> counts;
  for (const CellResult& c : s.results.cells) counts.insert(c.cell.streams);
  if (counts.size() < 2) return out;
  Part p;
  p.section.heading = "Against the number of streams";
  std::vector<std::string> header = {"median of", "condition"};
  for (const int n : counts) header.push_back(fmt::format("N = {}", n));
  Table table(header);
  for (const Quantity& quantity : quantities()) {
    const bool there = std::any_of(quantity.stages.begin(), quantity.stages.end(),
                                   [&](Stage stage) { return stage_there(s.results, stage); });
    if (!there) continue;
    const std::vector<Line> lines = lines_of(s, quantity);
    for (const Line& line : lines) {
      std::vector<std::string> row = {quantity.heading, line.name};
      for (const int n : counts) {
        const auto at = std::find_if(line.points.begin(), line.points.end(),
                                     [&](const auto& point) { return point.first == n; });
        row.push_back(at == line.points.end() ? "-"
                                              : quantile_text(at->second ? &*at->second : nullptr));
      }
      table.add(std::move(row));
    }
    const bool some = std::any_of(lines.begin(), lines.end(), [](const Line& line) {
      return std::any_of(line.points.begin(), line.points.end(), [](const auto& point) {
        return point.second && point.second->carried() && point.second->estimate > 0;
      });
    });
    if (s.draw.svg && some)
      p.section.figures.push_back({svg::count_chart(plot_of(s, quantity, lines)), quantity.figure});
  }
  p.section.table = std::move(table);
  p.page_only = true;
  p.section.notes.emplace_back(
      "Medians over all frames of a condition with their 95 % intervals, one line a condition. "
      "Shaded: more inference threads than CPUs, not to be compared with the rest. Whether a stage "
      "grew is judged over repetitions, in the next section.");
  out.push_back(std::move(p));
  return out;
}

}  // namespace assay::report
