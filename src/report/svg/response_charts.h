// SPDX-License-Identifier: Apache-2.0
// Drawings of response times: stages stacked to a response, and values against the number of
// streams. Each returns one <svg> for a page with svg/style.h; no input makes one fail.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace assay::report::svg {

// One bar a row, its parts side by side from 0; at most 8 parts are told apart by colour.
struct StackPart {
  std::string name;
  double value_ns = 0;
};
struct StackRow {
  std::string name, title;       // title: tooltip of the row
  std::vector<StackPart> parts;  // the same names in every row, in one order
};
struct StackPlot {
  std::vector<StackRow> rows;
  std::optional<double> deadline_ns;  // a line across all rows
  std::string label;
};
std::string stack_chart(const StackPlot& plot);

// A value against N with its interval; one line a series, at most 8 told apart.
struct CountPoint {
  int n = 0;
  double value_ns = 0;
  std::optional<double> lower, upper;
};
struct CountSeries {
  std::string name;
  std::vector<CountPoint> points;  // ascending in n
};
struct CountPlot {
  std::vector<CountSeries> series;
  std::string quantity = "median";    // of the y axis
  std::optional<int> oversubscribed;  // from this N on: shaded
  std::string heading, label;
};
std::string count_chart(const CountPlot& plot);

}  // namespace assay::report::svg
