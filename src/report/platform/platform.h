// SPDX-License-Identifier: Apache-2.0
// What the machine did while a recipe was measured: statistic_json["platform"] of its latency
// verdict as rows that every printer shows. What is not known says "unknown" and why.
#pragma once

#include <string>
#include <vector>

#include "report/model.h"

namespace assay::report {

// The object, or an empty one when the run has no records (older evidence, scripted clocks).
const Json& platform_of(const Recipe& recipe);
bool has_platform(const ModelInfo& info);

// One row a recipe: recipe, p50, clock, busy, temperature, power, throttled.
const std::vector<std::string>& machine_header();
std::vector<std::string> machine_cells(const Recipe& recipe);

// One row a recipe and source of energy: recipe, source, gross and net of one inference, covered,
// period, builds. A recipe without any source has one row that says why.
const std::vector<std::string>& energy_header();
std::vector<std::vector<std::string>> energy_rows(const Recipe& recipe);

// Tables stay narrow: "unknown (why)" in a cell becomes "unknown [1]", and the reason stands once
// below the table.
class Notes {
 public:
  std::string cell(const std::string& text);
  std::vector<std::string> cells(std::vector<std::string> row);
  std::vector<std::string> lines() const;  // "[1] why"

 private:
  std::vector<std::string> reasons_;
};

// Section of a recipe's page: both tables, one row a launch, clock and power over time.
std::string html_platform(const Recipe& recipe);

}  // namespace assay::report
