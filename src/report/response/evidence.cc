// SPDX-License-Identifier: Apache-2.0
// Where every planned frame went, streams one by one, memory asked for, and why series are not
// trusted.
#include <algorithm>
#include <map>

#include "base/text.h"
#include "report/response/parts.h"

namespace assay::report {
namespace {

Part accounting_part(const Results& r, const CellNames& names) {
  Part p;
  p.section.heading = "Every planned frame";
  Table t({"condition", "planned", "done", "dropped", "skipped", "failed", "pending", "lost",
           "faults", "repetitions"});
  for (const CellResult& c : r.cells)
    for (const TaskResult& task : c.tasks) {
      const stream::Accounting& a = task.accounting;
      std::string faults;
      for (const auto& [fault, n] : a.faults)
        faults += fmt::format("{}{} {}", faults.empty() ? "" : ", ", n, fault);
      t.add({names(c, task), std::to_string(a.planned), std::to_string(a.done),
             std::to_string(a.dropped), std::to_string(a.skipped), std::to_string(a.failed),
             std::to_string(a.pending), std::to_string(a.lost), faults.empty() ? "-" : faults,
             c.failed_repetitions > 0
                 ? fmt::format("{}, {} did not end well", c.repetitions, c.failed_repetitions)
                 : std::to_string(c.repetitions)});
    }
  p.section.table = std::move(t);
  p.section.notes.emplace_back(
      "planned = done + dropped + skipped + failed + pending; lost must be 0. dropped and skipped "
      "by the policy, failed by a fault of the picture or the compiler, pending: the run ended "
      "before.");
  return p;
}

Part streams_part(const Results& r, const CellNames& names) {
  Part p;
  p.section.heading = "Streams";
  Table t({"condition", "stream", "frames", "median", "p99", "fairness"});
  for (const CellResult& c : r.cells) {
    if (c.streams.size() < 2) continue;
    for (const stream::StreamResult& s : c.streams) {
      StageResult of;  // only to print its quantiles as others are
      of.quantiles = s.quantiles;
      t.add({names(c.cell), s.name, std::to_string(s.n), format_ns(s.median),
             quantile_text(of, .99), fmt::format("{:.2f}", c.fairness)});
    }
  }
  p.section.table = std::move(t);
  p.section.notes.emplace_back("fairness: largest over smallest median of the streams, 1 at best.");
  p.page_only = true;
  return p;
}

Part allocations_part(const Results& r, const CellNames& names) {
  Part p;
  p.section.heading = "Memory asked for between release and completion";
  Table t({"condition", "by assay", "by the compiler's runtime", "a frame"});
  const auto text = [](int64_t n) { return n < 0 ? std::string("unknown") : std::to_string(n); };
  for (const CellResult& c : r.cells)
    for (const TaskResult& task : c.tasks)
      t.add({names(c, task), text(task.own_allocations), text(task.compiler_allocations),
             task.compiler_allocations < 0 || task.accounting.done == 0
                 ? "unknown"
                 : fmt::format("{:.3g}", static_cast<double>(task.compiler_allocations) /
                                             static_cast<double>(task.accounting.done))});
  p.section.table = std::move(t);
  p.page_only = true;
  return p;
}

Part trust_part(const Results& r, const CellNames& names) {
  Part p;
  p.section.heading = "Trust";
  std::map<std::string, std::vector<std::string>> where;  // reason -> series
  for (const CellResult& c : r.cells)
    for (const TaskResult& task : c.tasks)
      for (const StageResult& s : task.stages)
        for (const std::string& reason : s.gate.reasons)
          where[reason].push_back(names(c, task) + ": " + std::string(stream::word(s.stage)));
  Table t({"reason", "series", "which"});
  for (const auto& [reason, series] : where) {
    std::string which;
    for (size_t i = 0; i < series.size() && i < 3; ++i) which += (i ? "; " : "") + series[i];
    if (series.size() > 3) which += fmt::format("; {} more", series.size() - 3);
    t.add({reason, std::to_string(series.size()), which});
  }
  if (where.empty()) p.section.paragraphs.emplace_back("Every series is trusted.");
  p.section.table = std::move(t);
  p.page_only = where.size() > 12;
  p.section.notes.emplace_back(
      "Every stage has a gate of its own (docs/method.md): the worst of its streams and "
      "repetitions counts.");
  return p;
}

}  // namespace

std::vector<Part> evidence_parts(const Results& r, const CellNames& names) {
  std::vector<Part> out;
  out.push_back(accounting_part(r, names));
  if (std::any_of(r.cells.begin(), r.cells.end(),
                  [](const CellResult& c) { return c.streams.size() > 1; }))
    out.push_back(streams_part(r, names));
  out.push_back(allocations_part(r, names));
  out.push_back(trust_part(r, names));
  return out;
}

}  // namespace assay::report
