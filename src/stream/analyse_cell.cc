// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "stream/pool.h"

namespace assay::stream {
namespace {

TaskResult analyse_task(const CellLog& log, const std::string& task, const AnalyseOptions& options,
                        std::vector<std::string>& refusals) {
  TaskResult t;
  t.task = task;
  const Pool pool = pool_of(log, task);
  t.accounting = account(log, task, &refusals);
  t.stages = stage_results(pool, options);
  return t;
}

}  // namespace

CellResult analyse_cell(const CellLog& log, const AnalyseOptions& options) {
  CellResult c;
  c.cell = log.cell;
  c.repetitions = static_cast<int64_t>(log.repetitions.size());
  for (const Repetition& r : log.repetitions) c.failed_repetitions += r.outcome != "ok";
  for (const std::string& task : tasks_of(log))
    c.tasks.push_back(analyse_task(log, task, options, c.refusals));
  return c;
}

}  // namespace assay::stream
