// SPDX-License-Identifier: Apache-2.0
// Empirical distributions of the responses, with the deadline.
#include <algorithm>
#include <set>

#include "base/text.h"
#include "report/escape.h"
#include "report/response/parts.h"
#include "report/svg/tail_charts.h"
#include "report/term/plot.h"
#include "stream/pool.h"

namespace assay::report {
namespace {

constexpr int kColumns = 300;
constexpr size_t kLongestName = 56;  // in a legend; differences are often at the end
constexpr size_t kCurves = 6;        // of one drawing
constexpr size_t kPlots = 12;        // drawings: more conditions than that are in the tables
constexpr size_t kInTerminal = 4;

// The conditions that differ in N alone, in one drawing.
struct Group {
  std::string name;
  std::vector<std::pair<const CellResult*, const TaskResult*>> members;
};

std::vector<Group> groups_of(const Source& s) {
  std::vector<Group> out;
  each_task(s.results, [&](const CellResult& c, const TaskResult& t) {
    const std::string name = s.names.without_streams(c, t);
    auto it = std::find_if(out.begin(), out.end(), [&](const Group& g) { return g.name == name; });
    if (it == out.end()) it = out.insert(out.end(), {name, {}});
    if (it->members.size() < kCurves) it->members.emplace_back(&c, &t);
  });
  // Without a sweep of N, all in one.
  const bool single =
      std::all_of(out.begin(), out.end(), [](const Group& g) { return g.members.size() == 1; });
  if (!single || out.size() < 2 || out.size() > kCurves) return out;
  Group all{"all conditions", {}};
  for (const Group& g : out) all.members.push_back(g.members.front());
  return {all};
}

EcdfPlot plot_of(const Source& s, const Group& group) {
  EcdfPlot plot;
  plot.label = group.name + ": share of responses at or below each value";
  plot.quantity.name = "response";
  std::vector<std::pair<std::string, std::vector<int64_t>>> sorted;
  int64_t low = INT64_MAX, high = 0;
  std::set<int64_t> deadlines;
  for (const auto& [c, t] : group.members) {
    const stream::CellLog* log = log_of(s.logs, *c);
    if (log == nullptr) continue;
    const stream::Pool pool = stream::pool_of(*log, t->task);
    std::vector<int64_t> values = stream::durations(pool.frames, Stage::response);
    if (values.empty()) continue;
    std::sort(values.begin(), values.end());
    low = std::min(low, values.front());
    high = std::max(high, values.back());
    const bool sweep = group.name == s.names.without_streams(*c, *t);
    sorted.emplace_back(
        sweep ? fmt::format("N = {}", c->cell.streams) : cut_middle(s.names(*c, *t), kLongestName),
        std::move(values));
    if (t->deadline) deadlines.insert(t->deadline->deadline_ns);
  }
  if (sorted.empty()) return plot;
  const AxisRange range = axis_range(static_cast<double>(low), static_cast<double>(high));
  for (const auto& [name, values] : sorted)
    plot.series.push_back({name, ecdf(values, range, kColumns), 0});
  for (const int64_t d : deadlines)
    plot.marks.push_back({static_cast<double>(d), "deadline " + ns_text(static_cast<double>(d))});
  return plot;
}

}  // namespace

Parts distribution_parts(const Source& s) {
  Parts out;
  Part p;
  p.section.heading = "Distribution of responses";
  for (const Group& group : groups_of(s)) {
    if (p.section.figures.size() == kPlots) break;
    const EcdfPlot plot = plot_of(s, group);
    if (plot.series.empty()) continue;
    if (s.draw.svg)
      p.section.figures.push_back(
          {svg::ecdf_band_chart(plot), group.name + ": all frames that were done"});
    if (s.draw.plots && p.plots.size() < kInTerminal) {
      term::PlotOptions options;
      options.colour = s.draw.colour;
      options.unicode = s.draw.unicode;
      p.plots.push_back(plain(group.name, 90) + "\n" + term::ecdf(plot, options));
    }
  }
  p.section.notes.emplace_back(
      "The height of a line at the deadline is the share of the done frames that kept it; frames "
      "that were dropped, skipped or failed have no response and are counted as missed in the next "
      "section.");
  if (!p.section.figures.empty() || !p.plots.empty()) out.push_back(std::move(p));
  return out;
}

}  // namespace assay::report
