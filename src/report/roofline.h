// SPDX-License-Identifier: Apache-2.0
// Where a recipe's latency stands among what the machine can do: text for every printer.
#pragma once

#include <string>
#include <vector>

#include "report/model.h"

namespace assay::report {

struct RooflineRow {
  int64_t build = -1;
  std::string median, flops, bandwidth, floor;  // "12.3 %", "4.1 x", or "unknown"
  bool impossible = false;
  std::string text;  // the arithmetic
};
struct Roofline {
  bool told = false;  // false: the evidence has nothing of it
  std::string work;   // operations and weights of one inference
  std::string bound;  // the least time with its arithmetic, or why none is known
  std::string peaks;  // of the machine, on one line
  std::vector<RooflineRow> rows;
};
Roofline roofline_of(const Recipe& recipe);
// One line: "25 % of peak arithmetic, 5 % of bandwidth, 4 x the floor (10 ms: arithmetic)"; "" when
// nothing is told.
std::string roofline_line(const Recipe& recipe);
// A paragraph and a table for the latency section of the page.
std::string html_roofline(const Recipe& recipe);

}  // namespace assay::report
