// SPDX-License-Identifier: Apache-2.0
#include "report/response/parts.h"

namespace assay::report {

// One row a condition, task and stage; times in ns, empty where n does not carry them.
std::string response_csv(const Results& results) {
  Table t({"cell",       "recipe",         "compiler",     "build",
           "streams",    "cameras",        "mode",         "scenario",
           "policy",     "period_ns",      "co_runner",    "cache",
           "priority",   "oversubscribed", "task",         "stage",
           "n",          "avg_ns",         "std_ns",       "min_ns",
           "max_ns",     "p50_ns",         "p50_lower_ns", "p50_upper_ns",
           "p99_ns",     "p99_lower_ns",   "p99_upper_ns", "p999_ns",
           "share_mean", "share_variance", "share_tail",   "trust"});
  for (const CellResult& c : results.cells)
    for (const TaskResult& task : c.tasks)
      for (const StageResult& s : task.stages) {
        const auto value = [&](double q) {
          const auto* row = row_of(s, q);
          return row && row->carried() ? std::to_string(row->estimate) : std::string();
        };
        const auto bound = [&](double q, bool upper) {
          const auto* row = row_of(s, q);
          if (!row || !row->carried()) return std::string();
          return std::to_string(upper ? *row->upper : *row->lower);
        };
        const stream::Cell& k = c.cell;
        t.add({k.id,
               k.recipe,
               k.compiler,
               std::to_string(k.build),
               std::to_string(k.streams),
               std::to_string(k.cameras),
               k.mode,
               std::string(stream::word(k.scenario)),
               std::string(stream::word(k.policy)),
               std::to_string(k.period_ns),
               k.co_runner,
               k.cache,
               k.priority,
               k.oversubscribed ? "1" : "0",
               task.task,
               std::string(stream::word(s.stage)),
               std::to_string(s.n),
               fmt::format("{:.0f}", s.mean),
               fmt::format("{:.0f}", s.sd),
               std::to_string(s.min),
               std::to_string(s.max),
               value(.5),
               bound(.5, false),
               bound(.5, true),
               value(.99),
               bound(.99, false),
               bound(.99, true),
               value(.999),
               fmt::format("{:.6g}", s.share_mean),
               fmt::format("{:.6g}", s.share_variance),
               fmt::format("{:.6g}", s.share_tail),
               std::string(word(s.gate.trust))});
      }
  return t.csv();
}

}  // namespace assay::report
