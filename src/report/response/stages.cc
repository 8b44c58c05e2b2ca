// SPDX-License-Identifier: Apache-2.0
// Where the time of a response goes (the paper's Fig. 7), and stages against N (Fig. 8 and 9).
#include <algorithm>
#include <cmath>
#include <map>

#include "base/text.h"
#include "report/response/parts.h"
#include "report/svg/response_charts.h"

namespace assay::report {
namespace {

constexpr size_t kMostRows = 24;

std::optional<double> deadline_of(const Results& r) {
  std::optional<double> out;
  for (const CellResult& c : r.cells)
    for (const TaskResult& t : c.tasks)
      if (t.deadline) {
        const auto d = static_cast<double>(t.deadline->deadline_ns);
        if (out && *out != d) return std::nullopt;
        out = d;
      }
  return out;
}

svg::StackPlot stack_plot(const Results& r, const CellNames& names) {
  svg::StackPlot plot;
  plot.label = "Mean response of every condition, parted into its stages";
  for (const CellResult& c : r.cells)
    for (const TaskResult& t : c.tasks) {
      if (plot.rows.size() == kMostRows) return plot;
      svg::StackRow row;
      row.name = names(c, t);
      row.title = row.name;
      for (const Stage s : stream::kStages) {
        const StageResult* stage = stage_of(t, s);
        row.parts.push_back({std::string(stream::word(s)), stage ? stage->mean : 0});
      }
      plot.rows.push_back(std::move(row));
    }
  plot.deadline_ns = deadline_of(r);
  double most = 0;
  for (const auto& row : plot.rows) {
    double sum = 0;
    for (const auto& part : row.parts) sum += part.value_ns;
    most = std::max(most, sum);
  }
  // A deadline far away would press the bars into a corner.
  if (plot.deadline_ns && *plot.deadline_ns > 3 * most) plot.deadline_ns.reset();
  return plot;
}

Part stages_part(const Results& r, const CellNames& names, const ResponseDraw& draw) {
  Part p;
  p.section.heading = "Stages of a response";
  for (const CellResult& c : r.cells)
    for (const TaskResult& t : c.tasks)
      if (!t.wcet.sentence.empty())
        p.section.paragraphs.push_back(fmt::format("{}: {}", names(c, t), t.wcet.sentence));
  Table table({"condition", "stage", "p50", "p99", "max", "mean", "sd", "of mean", "of variance",
               "of slowest 1 %", "trust"});
  for (const CellResult& c : r.cells)
    for (const TaskResult& t : c.tasks)
      for (const StageResult& s : t.stages) {
        if (s.n == 0 || s.max == 0) continue;  // a stage that this pipeline does not have
        const bool whole = s.stage == Stage::response;
        table.add({names(c, t), std::string(stream::word(s.stage)), quantile_text(s, .5),
                   quantile_text(s, .99), format_ns(static_cast<double>(s.max)), format_ns(s.mean),
                   format_ns(s.sd), whole ? "-" : percent(s.share_mean),
                   whole ? "-" : percent(s.share_variance), whole ? "-" : percent(s.share_tail),
                   std::string(word(s.gate.trust))});
      }
  p.section.table = std::move(table);
  if (draw.svg && !r.cells.empty())
    p.section.figures.push_back(
        {svg::stack_chart(stack_plot(r, names)),
         "Mean of every stage; they sum to the mean response (the paper's Fig. 7)."});
  p.section.notes.emplace_back(
      "wait: from the scheduled release until the server takes the frame. read: bytes into memory. "
      "decode and pre: pixels, then the tensor; both are the paper's pre-processing. second: the "
      "crops of a cascade. Mean and sd are for comparison with the paper; verdicts use quantiles. "
      "Shares of the variance are covariances with the response and sum to 1.");
  return p;
}

// Cells that differ from each other in recipe and N alone, one line a recipe.
using Group = std::map<std::string, svg::CountSeries>;

// What is not the default, of a condition or a comparison: two policies or priorities share no
// line.
template <class Row>
std::string factors(const Row& row) {
  std::string out;
  for (const std::string& other : {row.mode, row.co_runner, row.cache, row.priority})
    if (other != "processes" && other != "none" && other != "warm" && other != "other")
      out += ", " + other;
  if (row.policy != stream::Policy::queue) out += fmt::format(", {}", stream::word(row.policy));
  return out;
}

template <class Value>
svg::CountPlot count_plot(const Results& r, Value&& value, const std::string& heading) {
  svg::CountPlot plot;
  plot.heading = heading;
  plot.label = heading + " against the number of streams";
  Group lines;
  for (const CellResult& c : r.cells)
    for (const TaskResult& t : c.tasks) {
      std::string name = c.cell.recipe;
      if (c.tasks.size() > 1) name += ", " + t.task;
      name += factors(c.cell);
      svg::CountPoint point = value(t);
      point.n = c.cell.streams;
      svg::CountSeries& line = lines[name];
      line.name = name;
      const bool twice = std::any_of(line.points.begin(), line.points.end(),
                                     [&](const auto& p) { return p.n == point.n; });
      if (!twice) line.points.push_back(point);
      if (c.cell.oversubscribed)
        plot.oversubscribed =
            std::min(plot.oversubscribed.value_or(c.cell.streams), c.cell.streams);
    }
  for (auto& [name, line] : lines) {
    std::sort(line.points.begin(), line.points.end(),
              [](const auto& a, const auto& b) { return a.n < b.n; });
    if (plot.series.size() < 8) plot.series.push_back(std::move(line));
  }
  return plot;
}

svg::CountPoint median_of(const TaskResult& t, Stage stage) {
  svg::CountPoint p;
  p.value_ns = std::nan("");
  const StageResult* s = stage_of(t, stage);
  const auto* row = s ? row_of(*s, .5) : nullptr;
  if (!row || !row->carried()) return p;
  p.value_ns = static_cast<double>(row->estimate);
  p.lower = static_cast<double>(*row->lower);
  p.upper = static_cast<double>(*row->upper);
  return p;
}

bool sweeps(const Results& r) {
  return std::any_of(r.cells.begin(), r.cells.end(), [&](const CellResult& c) {
    return c.cell.streams != r.cells.front().cell.streams;
  });
}

}  // namespace

std::vector<Part> stage_parts(const Results& r, const CellNames& names, const ResponseDraw& draw) {
  std::vector<Part> out;
  out.push_back(stages_part(r, names, draw));
  return out;
}

std::vector<Part> count_parts(const Results& r, const CellNames&, const ResponseDraw& draw) {
  std::vector<Part> out;
  if (sweeps(r) && draw.svg) {
    Part p;
    p.section.heading = "Against the number of streams";
    const auto add = [&](Stage stage, const char* heading, const char* caption) {
      p.section.figures.push_back(
          {svg::count_chart(count_plot(
               r, [&](const TaskResult& t) { return median_of(t, stage); }, heading)),
           caption});
    };
    add(Stage::infer, "inference", "Median inference with its interval (the paper's Fig. 9).");
    add(Stage::read, "read", "Median reading (Fig. 8a).");
    add(Stage::decode, "decode", "Median decoding, the first half of pre-processing (Fig. 8b).");
    add(Stage::pre, "pre", "Median of resize, crop and normalise (Fig. 8b).");
    add(Stage::post, "post", "Median post-processing (Fig. 8c).");
    add(Stage::response, "response", "Median response.");
    p.section.notes.emplace_back(
        "Intervals are of the pooled frames of a condition. Whether a stage grew is judged over "
        "repetitions, in the next section.");
    p.page_only = true;
    out.push_back(std::move(p));
  }
  if (!r.slowdowns.empty()) {
    Part p;
    p.section.heading = "Slowdown against one stream";
    Table t({"recipe", "task", "stage", "N", "of", "ratio to N = 1", "word", "p of a rise", "trust",
             "note"});
    for (const stream::Slowdown& s : r.slowdowns) {
      std::string note = s.oversubscribed ? "oversubscribed" : "";
      if (!s.note.empty()) note += (note.empty() ? "" : "; ") + s.note;
      const bool known = s.ratio.lower > 0;
      t.add({s.recipe + factors(s), s.task, std::string(stream::word(s.stage)),
             std::to_string(s.streams), s.q == .5 ? "p50" : "p99",
             known ? fmt::format("{:.3f} [{:.3f}, {:.3f}]", s.ratio.ratio, s.ratio.lower,
                                 s.ratio.upper)
                   : "not available",
             std::string(stats::equality_word(s.ratio.equality)), fmt::format("{:.2g}", s.p_trend),
             std::string(word(s.trust)), note.empty() ? "-" : note});
    }
    p.section.table = std::move(t);
    p.section.notes.emplace_back(
        "The unit is a repetition: ratios of medians over repetitions, Welch's t on logs, 95 %. p "
        "of a rise: Jonckheere-Terpstra over all N. A bound on interference holds for the "
        "neighbours that were measured.");
    out.push_back(std::move(p));
  }
  if (!r.equalities.empty()) {
    Part p;
    p.section.heading = "Are stages the same for all?";
    Table t({"stage", "task", "N", "over", "margin", "ratios", "word", "trust", "sides"});
    for (const stream::StageEquality& e : r.equalities)
      t.add({std::string(stream::word(e.stage)), e.task, std::to_string(e.streams),
             e.over + (e.compiler.empty() ? "" : " of " + e.compiler) + factors(e),
             percent(e.margin), fmt::format("{:.3f} to {:.3f}", e.ratio_low, e.ratio_high),
             std::string(stats::equality_word(e.all.equality)), std::string(word(e.trust)),
             fmt::format("{}", fmt::join(e.sides, ", "))});
    p.section.table = std::move(t);
    p.section.notes.emplace_back(
        "Two one-sided tests on medians of repetitions, every pair: equal is said only where all "
        "pairs lie within the margin.");
    out.push_back(std::move(p));
  }
  return out;
}

}  // namespace assay::report
