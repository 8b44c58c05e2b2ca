// SPDX-License-Identifier: Apache-2.0
// Where every planned frame went, MLPerf's word, streams one by one, memory asked for, and why
// series are not trusted.
#include <algorithm>
#include <map>

#include "report/figures.h"
#include "report/response/parts.h"

namespace assay::report {
namespace {

constexpr size_t kFailures = 20;

std::string n_of(int64_t n) { return count_text(n); }

Part accounting_part(const Source& s) {
  Part p;
  p.section.heading = "Every planned frame";
  Table t({"condition", "planned", "done", "dropped", "skipped", "failed", "pending", "lost",
           "balanced", "faults", "stopped cameras", "repetitions"});
  const auto add = [&](const std::string& name, const CellResult& c, const stream::Accounting& a) {
    std::vector<std::string> faults;
    for (const auto& [fault, n] : a.faults) faults.push_back(fmt::format("{} {}", n_of(n), fault));
    t.add({name, n_of(a.planned), n_of(a.done), n_of(a.dropped), n_of(a.skipped), n_of(a.failed),
           n_of(a.pending), n_of(a.lost), a.balanced() ? "yes" : "NO",
           faults.empty() ? "-" : joined(faults, ", "), std::to_string(a.stopped_cameras),
           c.failed_repetitions > 0
               ? fmt::format("{}, {} did not end well", c.repetitions, c.failed_repetitions)
               : std::to_string(c.repetitions)});
    p.lines.push_back(fmt::format(
        "{}: {} planned = {} done + {} dropped + {} skipped + {} failed + {} pending{}{}", name,
        a.planned, a.done, a.dropped, a.skipped, a.failed, a.pending,
        a.lost > 0 ? fmt::format("; {} LOST", a.lost) : std::string(),
        faults.empty() ? "" : " (" + joined(faults, ", ") + ")"));
  };
  for (const CellResult& c : s.results.cells) {
    for (const TaskResult& task : c.tasks) add(s.names(c, task), c, task.accounting);
    if (c.cell.streams > 1) {
      add(s.names(c.cell) + ", frame sets", c, c.frame_sets);
      p.lines.pop_back();
    }
  }
  size_t failures = 0;
  for (const stream::CellLog& log : s.logs)
    for (const stream::Repetition& r : log.repetitions)
      if (r.outcome != "ok" && ++failures <= kFailures)
        p.section.paragraphs.push_back(fmt::format("{}, repetition {}: {}{}", s.names(log.cell),
                                                   r.index, r.outcome,
                                                   r.reason.empty() ? "" : ": " + r.reason));
  if (failures > kFailures)
    p.section.paragraphs.push_back(
        fmt::format("{} more repetitions did not end well.", failures - kFailures));
  p.section.table = std::move(t);
  p.section.notes.emplace_back(
      "planned = done + dropped + skipped + failed + pending. dropped: a newer frame took its "
      "place (drop-oldest); skipped: it found the server busy (skip-if-busy); failed: a fault of "
      "the picture or of the compiler's runtime, by its word; pending: the run ended, or its "
      "camera stopped, before; lost: no record mentions it, which must not be.");
  return p;
}

Part validity_part(const Source& s) {
  Part p;
  p.section.heading = "By MLPerf's rules";
  Table t({"condition", "scenario", "word", "why", "not said"});
  for (const CellResult& c : s.results.cells)
    t.add({s.names(c.cell), std::string(stream::word(c.cell.scenario)),
           c.valid ? "VALID" : "INVALID",
           c.invalid_reasons.empty() ? "-" : joined(c.invalid_reasons),
           c.refusals.empty() ? "-" : joined(c.refusals)});
  p.section.table = std::move(t);
  p.page_only = true;
  p.section.notes.emplace_back(
      "A repetition counts as a run: 600 s, and frames enough that the percentile of the scenario "
      "can be told at 99 % (SingleStream and ConstantStream p99.9; MultiStream and Server p99; "
      "Offline 24 576 samples). INVALID says that a run is no MLPerf result, not that its numbers "
      "are wrong: each has its own interval and trust.");
  return p;
}

Part streams_part(const Source& s) {
  Part p;
  p.section.heading = "Streams one by one";
  p.section.folded = p.page_only = true;
  Table t({"condition", "stream", "frames", "p50", "p99", "fairness of the condition"});
  for (const CellResult& c : s.results.cells) {
    if (c.streams.size() < 2) continue;
    for (const stream::StreamResult& one : c.streams) {
      StageResult of;  // to print its rows as others are
      of.quantiles = one.quantiles;
      t.add({s.names(c.cell), one.name, n_of(one.n), quantile_text(of, .5), quantile_text(of, .99),
             fmt::format("{:.3f}", c.fairness)});
    }
  }
  p.section.table = std::move(t);
  p.section.notes.emplace_back(
      "Worst first. fairness: largest over smallest median of the streams of a task, 1 at best.");
  return p;
}

Part allocations_part(const Source& s) {
  Part p;
  p.section.heading = "Allocations in the timed path";
  p.section.folded = p.page_only = true;
  Table t(
      {"condition", "by the pipeline", "by the compiler's runtime", "a frame", "objects a frame"});
  each_task(s.results, [&](const CellResult& c, const TaskResult& task) {
    const auto text = [](int64_t n) { return n < 0 ? std::string("unknown") : n_of(n); };
    const int64_t done = task.accounting.done;
    t.add({s.names(c, task), text(task.own_allocations), text(task.compiler_allocations),
           done > 0 && task.compiler_allocations >= 0
               ? fmt::format("{:.3g}", static_cast<double>(task.compiler_allocations) /
                                           static_cast<double>(done))
               : std::string("unknown"),
           fmt::format("{:.3g}", task.objects_per_frame)});
  });
  p.section.table = std::move(t);
  p.section.notes.emplace_back(
      "Calls that ask the allocator for memory between release and completion of a frame, on its "
      "thread. The pipeline itself must make none.");
  return p;
}

Part trust_part(const Source& s) {
  Part p;
  p.section.heading = "Trust";
  std::map<std::string, std::vector<std::string>> where;  // reason -> series
  each_task(s.results, [&](const CellResult& c, const TaskResult& task) {
    for (const StageResult& stage : task.stages)
      for (const std::string& reason : stage.gate.reasons)
        where[reason].push_back(s.names(c, task) + ": " + stage_name(stage.stage));
  });
  std::vector<std::pair<std::string, std::vector<std::string>>> rows(where.begin(), where.end());
  std::stable_sort(rows.begin(), rows.end(),
                   [](const auto& a, const auto& b) { return a.second.size() > b.second.size(); });
  constexpr size_t kRows = 60, kNames = 3;
  Table t({"reason", "series", "which"});
  for (const auto& [reason, series] : rows) {
    if (t.rows().size() == kRows) break;
    std::vector<std::string> which(
        series.begin(),
        series.begin() + static_cast<std::ptrdiff_t>(std::min(kNames, series.size())));
    if (series.size() > kNames) which.push_back(fmt::format("{} more", series.size() - kNames));
    t.add({reason, std::to_string(series.size()), joined(which)});
  }
  if (rows.size() > kRows)
    p.section.paragraphs.push_back(
        fmt::format("{} rarer reasons are in the JSON only.", rows.size() - kRows));
  if (rows.empty()) p.section.paragraphs.emplace_back("Every series is trusted.");
  p.section.folded = rows.size() > 8;
  p.section.table = std::move(t);
  p.page_only = true;
  p.section.notes.emplace_back(
      "Every stage has a gate of its own: stationarity, dependence, and what the machine did "
      "meanwhile. The worst of its streams and repetitions counts.");
  return p;
}

}  // namespace

Parts evidence_parts(const Source& s) {
  Parts out;
  if (s.results.cells.empty()) return out;
  out.push_back(accounting_part(s));
  out.push_back(validity_part(s));
  if (Part p = streams_part(s); !p.section.table->empty()) out.push_back(std::move(p));
  out.push_back(allocations_part(s));
  out.push_back(trust_part(s));
  return out;
}

}  // namespace assay::report
