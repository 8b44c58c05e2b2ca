// SPDX-License-Identifier: Apache-2.0
// The sections of a response report, and how they name and print things. Internal to response/.
#pragma once

#include <string>
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
  std::string operator()(const stream::Cell& cell) const;
  // With the task, where there is more than one.
  std::string operator()(const CellResult& cell, const TaskResult& task) const;

 private:
  bool recipe_, streams_, mode_, policy_, co_runner_, cache_, priority_, cpus_, scenario_;
};

const StageResult* stage_of(const TaskResult& task, Stage stage);
const stats::QuantileRow* row_of(const StageResult& stage, double q);
// "4.56 ms [4.50 ms, 4.61 ms]", or "not available, need n >= 299".
std::string quantile_text(const StageResult& stage, double q);
std::string percent(double share);
std::string rate_text(const std::optional<double>& rate);
std::string opt_ns(const std::optional<double>& ns);

// Parts, in the order of the page. `draw` says which figures are made.
std::vector<Part> summary_parts(const Results& r, const CellNames& names);
std::vector<Part> stage_parts(const Results& r, const CellNames& names, const ResponseDraw& draw);
std::vector<Part> count_parts(const Results& r, const CellNames& names, const ResponseDraw& draw);
std::vector<Part> ecdf_parts(const Results& r, const std::vector<stream::CellLog>& logs,
                             const CellNames& names, const ResponseDraw& draw);
std::vector<Part> deadline_parts(const Results& r, const CellNames& names);
std::vector<Part> composition_parts(const Results& r, const CellNames& names);
std::vector<Part> wcet_parts(const Results& r, const CellNames& names);
std::vector<Part> evidence_parts(const Results& r, const CellNames& names);

}  // namespace assay::report
