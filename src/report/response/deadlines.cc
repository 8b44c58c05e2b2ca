// SPDX-License-Identifier: Apache-2.0
// Deadlines: seen, replayed at other rates, by the tail model; and the distribution of responses.
#include <algorithm>

#include "base/text.h"
#include "report/response/parts.h"
#include "report/series/numbers.h"
#include "report/svg/tail_charts.h"
#include "report/term/plot.h"

namespace assay::report {
namespace {

constexpr int kColumns = 400;
constexpr size_t kCurves = 6;

std::string interval(const std::optional<double>& rate, const std::optional<double>& lower,
                     const std::optional<double>& upper) {
  if (!rate) return "not available";
  if (!lower || !upper) return rate_text(rate) + " (no interval)";
  return fmt::format("{} [{}, {}]", probability_text(*rate), probability_text(*lower),
                     probability_text(*upper));
}

std::string observed_text(const stream::MissRate& m) {
  if (!m.refusal.empty()) return m.refusal;
  return interval(m.rate, m.lower, m.upper);
}

void add_row(Table& t, const std::string& name, const stream::DeadlineResult& d) {
  std::string replays;
  for (const stream::Replay& replay : d.replays)
    replays += fmt::format("{}{:.4g} fps: {}", replays.empty() ? "" : "; ", replay.fps,
                           replay.unstable ? std::string("UNSTABLE")
                                           : interval(replay.rate, replay.lower, replay.upper));
  std::string windows;
  for (const auto& w : d.windows)
    windows += fmt::format("{}{} in {}", windows.empty() ? "" : ", ", w.worst, w.k);
  t.add({name, format_ns(static_cast<double>(d.deadline_ns)),
         fmt::format("{} of {}", d.observed.misses, d.observed.n), observed_text(d.observed),
         replays.empty() ? "-" : replays,
         d.model_upper
             ? fmt::format("{} (upper bound {})", rate_text(d.model_rate), rate_text(d.model_upper))
         : d.model_note.empty() ? "-"
                                : d.model_note,
         std::to_string(d.max_consecutive), windows.empty() ? "-" : windows});
}

std::string task_name(const std::string& name, bool set) {
  return set ? name + ", frame set" : name;
}

}  // namespace

std::vector<Part> ecdf_parts(const Results& r, const std::vector<stream::CellLog>& logs,
                             const CellNames& names, const ResponseDraw& draw) {
  std::vector<Part> out;
  EcdfPlot plot;
  plot.label = "Share of responses at or below each value";
  plot.quantity.name = "response";
  std::vector<std::pair<std::string, std::vector<int64_t>>> sorted;
  for (const stream::CellLog& log : logs) {
    if (sorted.size() == kCurves) break;
    std::vector<int64_t> values;
    for (const auto& repetition : log.repetitions)
      for (const auto& s : repetition.streams)
        for (const auto& record : s.records)
          if (record.fate == static_cast<int64_t>(stream::Fate::done) &&
              (record.flags & stream::kWarmUp) == 0)
            values.push_back(stream::duration(record, Stage::response));
    if (values.empty()) continue;
    std::sort(values.begin(), values.end());
    sorted.emplace_back(names(log.cell), std::move(values));
  }
  if (sorted.empty() || (!draw.svg && !draw.plots)) return out;
  int64_t low = INT64_MAX, high = 0;
  for (const auto& [name, values] : sorted) {
    low = std::min(low, values.front());
    high = std::max(high, values.back());
  }
  for (const auto& [name, values] : sorted)
    plot.series.push_back(
        {name,
         ecdf(values, axis_range(static_cast<double>(low), static_cast<double>(high)), kColumns),
         0});
  for (const CellResult& c : r.cells)
    for (const TaskResult& t : c.tasks)
      if (t.deadline && std::none_of(plot.marks.begin(), plot.marks.end(), [&](const Mark& m) {
            return m.at == static_cast<double>(t.deadline->deadline_ns);
          }))
        plot.marks.push_back({static_cast<double>(t.deadline->deadline_ns), "deadline"});
  Part p;
  p.section.heading = "Distribution of responses";
  if (draw.svg)
    p.section.figures.push_back(
        {svg::ecdf_band_chart(plot), "All frames that were done, by condition."});
  if (draw.plots) {
    term::PlotOptions options;
    options.colour = draw.colour;
    options.unicode = draw.unicode;
    p.plots.push_back(term::ecdf(plot, options));
  }
  out.push_back(std::move(p));
  return out;
}

std::vector<Part> deadline_parts(const Results& r, const CellNames& names) {
  std::vector<Part> out;
  Table t({"condition", "deadline", "missed", "rate seen", "replayed at", "tail model (model)",
           "in a row", "worst windows"});
  for (const CellResult& c : r.cells) {
    for (const TaskResult& task : c.tasks)
      if (task.deadline) add_row(t, task_name(names(c, task), false), *task.deadline);
    if (c.cell.streams > 1 && c.frame_set_deadline)
      add_row(t, task_name(names(c.cell), true), *c.frame_set_deadline);
  }
  if (!t.empty()) {
    Part p;
    p.section.heading = "Deadlines";
    p.section.table = std::move(t);
    p.section.notes.emplace_back(
        "A miss is a frame that was late, dropped, skipped or failed, or was not reached by its "
        "deadline. Seen: exact interval with the frames counted as their clusters allow. Replayed: "
        "the measured services through the same queue at another frame rate, block bootstrap. "
        "Model: the fitted tail beyond the largest response; it is no observation. Worst windows: "
        "most misses in any k frames of a stream. To show one miss in a million at 95 % takes "
        "2 995 731 clean frames.");
    out.push_back(std::move(p));
  }
  Table other({"condition", "what", "n", "p50", "p99", "max"});
  for (const CellResult& c : r.cells)
    for (const TaskResult& task : c.tasks) {
      if (task.release_jitter) {
        const auto& j = *task.release_jitter;
        other.add({names(c, task), "start after release, server idle", std::to_string(j.n),
                   format_ns(static_cast<double>(j.p50)), format_ns(static_cast<double>(j.p99)),
                   format_ns(static_cast<double>(j.max))});
      }
      if (task.after_idle)
        other.add({names(c, task), "response, first after idle", std::to_string(task.after_idle->n),
                   quantile_text(*task.after_idle, .5), quantile_text(*task.after_idle, .99),
                   format_ns(static_cast<double>(task.after_idle->max))});
    }
  if (!other.empty()) {
    Part p;
    p.section.heading = "Release jitter and first frames after idle";
    p.section.table = std::move(other);
    out.push_back(std::move(p));
  }
  return out;
}

}  // namespace assay::report
