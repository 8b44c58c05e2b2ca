// SPDX-License-Identifier: Apache-2.0
#include "stream/analyse.h"

#include <algorithm>
#include <utility>

#include "stream/concurrency.h"
#include "stream/findings.h"
#include "stream/wcet.h"

namespace assay::stream {
namespace {

void add_equations(Results& out, std::span<const CellView> cells, const AnalyseOptions& options) {
  for (size_t i = 0; i < cells.size(); ++i) {
    if (out.cells[i].cell.cameras == 1) continue;  // its own "alone"
    const CellView* one = alone_of(cells, cells[i]);
    for (TaskResult& t : out.cells[i].tasks) {
      const CellView::Task* alone = one != nullptr ? one->find(t.task) : nullptr;
      add_equation(t.wcet, cells[i].find(t.task)->pool, alone != nullptr ? &alone->pool : nullptr,
                   options);
    }
  }
}

void add_notes(Results& out) {
  out.notes.emplace_back(
      "response: completion minus scheduled release of each measured frame; quantiles of stages do "
      "not add up to it");
  out.notes.emplace_back(
      "slowdowns and equalities: one value a repetition; intervals hold for this machine, these "
      "pictures and the co-runners that were measured");
  if (std::any_of(out.cells.begin(), out.cells.end(),
                  [](const CellResult& c) { return c.cell.oversubscribed; }))
    out.notes.emplace_back(
        "oversubscribed cells (more inference threads than CPUs they may use) are never held equal "
        "to others");
  if (std::any_of(out.cells.begin(), out.cells.end(), [](const CellResult& c) {
        return std::any_of(c.tasks.begin(), c.tasks.end(), [](const TaskResult& t) {
          return t.deadline && !t.deadline->replays.empty();
        });
      }))
    out.notes.emplace_back(
        "other rates: the measured services through the same queue; a machine under another load "
        "may serve slower");
}

}  // namespace

Results analyse(std::string name, std::span<const CellLog> logs, const AnalyseOptions& options) {
  Results out;
  out.name = std::move(name);
  for (const CellLog& log : logs) out.cells.push_back(analyse_cell(log, options));
  const std::vector<CellView> views = views_of(logs, out.cells);
  add_equations(out, views, options);
  out.slowdowns = slowdowns_of(views, options);
  out.equalities = equalities_of(views, options);
  add_notes(out);
  out.findings = findings_of(out, options.confidence);
  return out;
}

}  // namespace assay::stream
