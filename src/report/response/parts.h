// SPDX-License-Identifier: Apache-2.0
// The sections of a response report, and how they name and print things. Internal to response/.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "report/document.h"
#include "report/response/report.h"

namespace assay::report {

using stream::CellResult;
using stream::Results;
using stream::Stage;
using stream::StageResult;
using stream::TaskResult;

// "openvino fp32, N = 4, threads": only what tells the cells of this run apart.
class CellNames {
 public:
  explicit CellNames(const Results& results);
  std::string operator()(const stream::Cell& cell) const { return name(cell, true); }
  // With the task, where there is more than one.
  std::string operator()(const CellResult& cell, const TaskResult& task) const;
  // Cells that differ in N alone have one of these: a line of a drawing.
  std::string without_streams(const CellResult& cell, const TaskResult& task) const;

 private:
  std::string name(const stream::Cell& cell, bool streams) const;
  bool recipe_, streams_, mode_, policy_, co_runner_, cache_, priority_, cpus_, scenario_;
};

const StageResult* stage_of(const TaskResult& task, Stage stage);
const stats::QuantileRow* row_of(const StageResult& stage, double q);
// A stage that takes time in some cell.
bool stage_there(const Results& r, Stage stage);
std::string stage_name(Stage stage);  // "inference" where word() is "infer"

// "4.560 ms"; "unknown" when negative or not finite.
std::string ns_text(double ns);
std::string ns_text(const std::optional<double>& ns);  // "not available" when absent
// "4.560 ms [4.501, 4.611]", all in the unit of the first.
std::string span_text(double ns, double lower, double upper);
// The same of a row, or "not available, need n >= 299".
std::string quantile_text(const stats::QuantileRow* row);
std::string quantile_text(const StageResult& stage, double q);
std::string percent(double share);
std::string rate_text(const std::optional<double>& rate);
// "0.012 [0.008, 0.017]"; without an interval "no bound (0.012 seen)": a rate alone claims too
// much.
std::string rate_text(const std::optional<double>& rate, const std::optional<double>& lower,
                      const std::optional<double>& upper);
std::string joined(const std::vector<std::string>& texts, std::string_view between = "; ");

// Every cell and task, in the order of the grid.
void each_task(const Results& r,
               const std::function<void(const CellResult&, const TaskResult&)>& visit);
// The log of a cell; null when it is not there.
const stream::CellLog* log_of(const std::vector<stream::CellLog>& logs, const CellResult& cell);

// What the sections are made of.
struct Source {
  const Results& results;
  const std::vector<stream::CellLog>& logs;
  const CellNames& names;
  const ResponseDraw& draw;
};
using Parts = std::vector<Part>;

// Parts, in the order of the page. A part without a table, paragraph or figure is left out.
Parts summary_parts(const Source& s);       // what it says, conditions, responses
Parts stage_parts(const Source& s);         // stages of a response (Fig. 7)
Parts count_parts(const Source& s);         // stages and inference against N (Fig. 8, 9)
Parts compare_parts(const Source& s);       // slowdowns, equality over compilers and builds
Parts distribution_parts(const Source& s);  // ECDF with deadline
Parts deadline_parts(const Source& s);      // misses, other rates, load
Parts release_parts(const Source& s);       // jitter, first after idle
Parts composition_parts(const Source& s);   // joint against stages
Parts wcet_parts(const Source& s);          // equation 1, largest seen, pWCET
Parts evidence_parts(const Source& s);      // accounting, validity, streams, allocations, trust
Parts method_parts();                       // definitions

}  // namespace assay::report
