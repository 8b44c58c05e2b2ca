// SPDX-License-Identifier: Apache-2.0
// What the run says, under which conditions, and one row a condition.
#include <algorithm>
#include <set>

#include "report/figures.h"
#include "report/response/parts.h"

namespace assay::report {
namespace {

constexpr size_t kFirstFindings = 12;
constexpr size_t kValues = 8;  // of one factor that are spelled out

Part findings_part(const Results& r) {
  Part p;
  p.section.heading = "What it says";
  for (const std::string& f : r.findings) {
    if (p.section.paragraphs.size() == kFirstFindings) break;
    p.section.paragraphs.push_back(f);
  }
  if (r.findings.empty())
    p.section.paragraphs.emplace_back(r.cells.empty() ? "Nothing was measured."
                                                      : "Nothing stands out.");
  if (r.findings.size() > kFirstFindings)
    p.section.paragraphs.push_back(
        fmt::format("{} more are listed further down.", r.findings.size() - kFirstFindings));
  for (const std::string& n : r.notes) p.section.notes.push_back(n);
  return p;
}

// The findings that the first part has no room for.
Part more_part(const Results& r) {
  Part p;
  p.section.heading = "More findings";
  for (size_t i = kFirstFindings; i < r.findings.size(); ++i)
    p.section.paragraphs.push_back(r.findings[i]);
  p.section.folded = true;
  return p;
}

template <class Text>
std::string all_of(const Results& r, Text&& text) {
  std::set<std::string> seen;
  std::vector<std::string> values;
  for (const CellResult& c : r.cells)
    if (std::string s = text(c.cell); seen.insert(s).second) values.push_back(std::move(s));
  const size_t more = values.size() > kValues ? values.size() - kValues : 0;
  values.resize(values.size() - more);
  return joined(values, ", ") + (more > 0 ? fmt::format(" and {} more", more) : std::string());
}

Part conditions_part(const Results& r) {
  Part p;
  p.section.heading = "Conditions";
  if (r.cells.empty()) return p;
  Table t({"factor", "values"});
  const auto add = [&](const char* name, auto&& text) { t.add({name, all_of(r, text)}); };
  add("recipe", [](const stream::Cell& c) { return c.recipe; });
  add("scenario", [](const stream::Cell& c) { return std::string(stream::word(c.scenario)); });
  add("frames of a camera", [](const stream::Cell& c) {
    return c.period_ns > 0                 ? fmt::format("every {} ({:.4g} a second)",
                                                         ns_text(static_cast<double>(c.period_ns)),
                                                         1e9 / static_cast<double>(c.period_ns))
           : stream::open_loop(c.scenario) ? std::string("at recorded times")
                                           : std::string("one after the other (closed loop)");
  });
  add("streams N", [](const stream::Cell& c) {
    return fmt::format("{}{}", c.streams, c.oversubscribed ? " (oversubscribed)" : "");
  });
  add("cameras", [](const stream::Cell& c) { return std::to_string(c.cameras); });
  add("mode", [](const stream::Cell& c) { return c.mode; });
  add("policy", [](const stream::Cell& c) { return std::string(stream::word(c.policy)); });
  add("co-runner", [](const stream::Cell& c) { return c.co_runner; });
  add("page cache", [](const stream::Cell& c) { return c.cache; });
  add("priority", [](const stream::Cell& c) { return c.priority; });
  add("CPUs", [](const stream::Cell& c) {
    return c.cpus.empty() ? std::string("all") : fmt::format("{}", fmt::join(c.cpus, " "));
  });
  add("repetitions", [&](const stream::Cell& c) {
    const auto it = std::find_if(r.cells.begin(), r.cells.end(),
                                 [&](const CellResult& x) { return x.cell.id == c.id; });
    return std::to_string(it->repetitions);
  });
  p.section.table = std::move(t);
  p.section.notes.emplace_back(
      "Oversubscribed: more inference threads than CPUs they may use. Such conditions show the "
      "scheduler of the machine as much as the compiler, and are not compared with the others.");
  return p;
}

std::string remarks(const CellResult& c) {
  std::vector<std::string> out;
  if (c.stability.unstable) out.emplace_back("UNSTABLE");
  if (c.cell.oversubscribed) out.emplace_back("oversubscribed");
  if (c.failed_repetitions > 0)
    out.push_back(fmt::format("{} of {} repetitions failed", c.failed_repetitions, c.repetitions));
  return out.empty() ? "-" : joined(out, ", ");
}

Part cells_part(const Source& s) {
  Part p;
  p.section.heading = "Responses";
  Table t({"condition", "N", "mode", "trust", "remarks", "frames", "p50", "p99", "largest",
           "missed", "frame set p99", "frames/s"});
  each_task(s.results, [&](const CellResult& c, const TaskResult& task) {
    const StageResult* response = stage_of(task, Stage::response);
    if (response == nullptr) return;
    const std::string missed =
        task.deadline
            ? fmt::format("{} of {}", task.deadline->observed.misses, task.deadline->observed.n)
            : std::string("no deadline");
    const std::string largest =
        response->n > 0 ? ns_text(static_cast<double>(response->max)) : std::string("unknown");
    const std::string trust(word(response->gate.trust));
    const std::string sets = c.cell.streams > 1 ? quantile_text(c.frame_set, .99) : "-";
    t.add({s.names.without_streams(c, task), std::to_string(c.cell.streams), c.cell.mode, trust,
           remarks(c), count_text(response->n), quantile_text(*response, .5),
           quantile_text(*response, .99), largest, missed, sets,
           fmt::format("{:.4g}", c.throughput_fps)});
    p.lines.push_back(fmt::format(
        "{}: p50 {}, p99 {}, largest {} of {}; missed {}{}; {:.4g} frames/s; {}{}",
        s.names(c, task), quantile_text(*response, .5), quantile_text(*response, .99), largest,
        count_text(response->n), missed, sets == "-" ? "" : "; frame set p99 " + sets,
        c.throughput_fps, trust, remarks(c) == "-" ? "" : "; " + remarks(c)));
  });
  p.section.table = std::move(t);
  p.section.notes.emplace_back(
      "A response is completion minus scheduled release: waiting for a busy server counts. In "
      "brackets: 95 % intervals that assume no distribution and allow for dependence from frame to "
      "frame. Frame set: the slowest of all streams for one frame number, which is what a "
      "controller that needs every camera waits for. Missed: late, dropped, skipped, failed, or "
      "not reached before the deadline was over. Frames/s: of all streams together.");
  return p;
}

}  // namespace

Parts summary_parts(const Source& s) {
  Parts out;
  out.push_back(findings_part(s.results));
  out.push_back(cells_part(s));
  out.push_back(conditions_part(s.results));
  if (s.results.findings.size() > kFirstFindings) out.push_back(more_part(s.results));
  return out;
}

}  // namespace assay::report
