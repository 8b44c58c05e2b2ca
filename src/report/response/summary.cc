// SPDX-License-Identifier: Apache-2.0
// What the run says, under which conditions, and one row a condition.
#include <algorithm>
#include <set>

#include "base/text.h"
#include "report/response/parts.h"

namespace assay::report {
namespace {

std::string deadline_text(const TaskResult& t) {
  if (!t.deadline) return "none";
  const auto& m = t.deadline->observed;
  return fmt::format("{} of {}", m.misses, m.n);
}

Part findings_part(const Results& r) {
  Part p;
  p.section.heading = "What it says";
  for (const std::string& f : r.findings) p.section.paragraphs.push_back(f);
  if (r.findings.empty()) p.section.paragraphs.emplace_back("Nothing stands out.");
  for (const std::string& n : r.notes) p.section.notes.push_back(n);
  p.section.notes.emplace_back(
      "A response is completion minus scheduled release: waiting for the server counts. Numbers in "
      "brackets are 95 % intervals that need no distribution; what n cannot carry is not printed.");
  return p;
}

template <class Text>
std::string all_of(const Results& r, Text&& text) {
  std::set<std::string> seen;
  std::string out;
  for (const CellResult& c : r.cells)
    if (const std::string s = text(c.cell); seen.insert(s).second)
      out += (out.empty() ? "" : ", ") + s;
  return out.empty() ? "none" : out;
}

Part conditions_part(const Results& r) {
  Part p;
  p.section.heading = "Conditions";
  Table t({"factor", "values"});
  const auto add = [&](const char* name, auto&& text) { t.add({name, all_of(r, text)}); };
  add("recipe", [](const stream::Cell& c) { return c.recipe; });
  add("scenario", [](const stream::Cell& c) { return std::string(stream::word(c.scenario)); });
  add("period", [](const stream::Cell& c) {
    return c.period_ns > 0
               ? fmt::format("{} ({:.4g} frames/s)", format_ns(static_cast<double>(c.period_ns)),
                             1e9 / static_cast<double>(c.period_ns))
               : std::string("closed loop");
  });
  add("streams N", [](const stream::Cell& c) {
    return fmt::format("{}{}", c.streams, c.oversubscribed ? " (oversubscribed)" : "");
  });
  add("mode", [](const stream::Cell& c) { return c.mode; });
  add("policy", [](const stream::Cell& c) { return std::string(stream::word(c.policy)); });
  add("co-runner", [](const stream::Cell& c) { return c.co_runner; });
  add("page cache", [](const stream::Cell& c) { return c.cache; });
  add("priority", [](const stream::Cell& c) { return c.priority; });
  add("CPUs", [](const stream::Cell& c) { return fmt::format("{}", fmt::join(c.cpus, " ")); });
  p.section.table = std::move(t);
  p.section.notes.emplace_back(
      "Oversubscribed: more inference threads than CPUs they may use; such cells show the "
      "scheduler, not the compiler, and are not compared with others as equal.");
  return p;
}

Part cells_part(const Results& r, const CellNames& names) {
  Part p;
  p.section.heading = "Responses";
  Table t(
      {"condition", "frames", "p50", "p99", "max", "missed", "frame set p99", "frames/s", "trust"});
  for (const CellResult& c : r.cells)
    for (const TaskResult& task : c.tasks) {
      const StageResult* response = stage_of(task, Stage::response);
      if (!response) continue;
      t.add({names(c, task), std::to_string(response->n), quantile_text(*response, .5),
             quantile_text(*response, .99), format_ns(static_cast<double>(response->max)),
             deadline_text(task), c.cell.streams > 1 ? quantile_text(c.frame_set, .99) : "-",
             fmt::format("{:.4g}", c.throughput_fps), std::string(word(response->gate.trust))});
    }
  p.section.table = std::move(t);
  p.section.notes.emplace_back(
      "frame set: the slowest of all streams for one frame number, which is what a controller that "
      "needs every camera waits for. missed: late, dropped, skipped or failed frames.");
  return p;
}

Part validity_part(const Results& r, const CellNames& names) {
  Part p;
  p.section.heading = "Validity and stability";
  Table t({"condition", "scenario", "valid", "load (upper bound)", "why"});
  for (const CellResult& c : r.cells) {
    std::string why;
    for (const std::string& reason : c.invalid_reasons) why += (why.empty() ? "" : "; ") + reason;
    for (const std::string& refusal : c.refusals) why += (why.empty() ? "" : "; ") + refusal;
    if (c.stability.unstable) why += (why.empty() ? "" : "; ") + std::string("UNSTABLE");
    if (!c.stability.note.empty()) why += (why.empty() ? "" : "; ") + c.stability.note;
    t.add({names(c.cell), std::string(stream::word(c.cell.scenario)), c.valid ? "VALID" : "INVALID",
           c.stability.utilisation
               ? fmt::format("{} ({})", percent(*c.stability.utilisation),
                             c.stability.upper ? percent(*c.stability.upper) : "not available")
               : "-",
           why.empty() ? "-" : why});
  }
  p.section.table = std::move(t);
  p.section.notes.emplace_back(
      "VALID and INVALID follow MLPerf's rules for the scenario. Load is the sum of mean services "
      "over periods of what one server has to do; where its upper bound reaches 1 there is no "
      "stationary miss rate, and none is printed.");
  return p;
}

}  // namespace

std::vector<Part> summary_parts(const Results& r, const CellNames& names) {
  std::vector<Part> out;
  out.push_back(findings_part(r));
  out.push_back(conditions_part(r));
  out.push_back(cells_part(r, names));
  out.push_back(validity_part(r, names));
  return out;
}

}  // namespace assay::report
