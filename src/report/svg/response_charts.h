// SPDX-License-Identifier: Apache-2.0
// Drawings of response times: stages stacked to a response, and values against the number of
// streams. Each returns one <svg> for a page with svg/style.h; no input makes one fail.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace assay::report::svg {

// One bar a row, its parts side by side from 0; a part that has room bears its name. Bars many
// times as long as most are cut off at the axis, their text stays.
struct StackPart {
  std::string name;
  int colour = 0;  // 0 .. 7 of the palette
};
struct StackRow {
  std::string name, text;         // text: behind the bar
  std::vector<double> values_ns;  // one a part; not finite or negative counts as 0
};
struct StackPlot {
  std::vector<StackPart> parts;
  std::vector<StackRow> rows;
  std::optional<double> deadline_ns;  // a line across all rows, when it is not far away
  std::string heading, label;
};
std::string stack_chart(const StackPlot& plot);

// A value against N with its interval; one line a series, at most 8 told apart by colour and dash.
struct CountPoint {
  int n = 0;
  double value_ns = 0;
  std::optional<double> lower, upper;
};
struct CountSeries {
  std::string name;
  std::vector<CountPoint> points;  // ascending in n; not finite ones are left out
};
struct CountPlot {
  std::vector<CountSeries> series;
  std::optional<int> oversubscribed;  // from this N on: shaded
  std::string heading, label;
};
std::string count_chart(const CountPlot& plot);

}  // namespace assay::report::svg
