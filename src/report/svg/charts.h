// SPDX-License-Identifier: Apache-2.0
// The drawings of the report. Each returns one <svg> with a label for screen readers and tooltips.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "report/curve.h"
#include "report/svg/canvas.h"

namespace assay::report::svg {

// One step line a curve, at most 8 told apart by colour and dash.
struct Curve {
  std::string name;
  std::vector<Point> points;  // of ecdf()
};
std::string ecdf_chart(const std::vector<Curve>& curves, AxisRange range_ns,
                       std::string_view label);

// One row a build: point and interval; an absent bound is an open, dashed end.
struct Dot {
  std::string name, href, title;
  std::optional<double> estimate;  // absent: the row says `missing`
  std::optional<double> lower, upper;
  std::string missing;
};
std::string dot_chart(const std::vector<Dot>& rows, std::string_view heading,
                      std::string_view label);

// Horizontal bars from 0 with the value written at their end.
struct Bar {
  std::string name, text, href;
  double value = 0;
};
std::string bar_chart(const std::vector<Bar>& rows, std::string_view heading,
                      std::string_view label);

// Columns on a log count axis, so that one value in a million is still seen.
struct Bin {
  std::string name;
  int64_t count = 0;
};
std::string histogram(const std::vector<Bin>& bins, std::string_view x_name,
                      std::string_view label);

// Square matrix; shade 0 (nothing) .. 1 (all).
struct Cell {
  std::string text, title, href;
  double shade = 0;
  bool none = false;  // diagonal or not compared
};
std::string matrix(const std::vector<std::string>& names,
                   const std::vector<std::vector<Cell>>& cells, std::string_view label);

// Least to greatest sample a column in run order, without axes (its caption says the range).
std::string run_chart(const std::vector<MinMax>& columns, AxisRange range, std::string_view label);

}  // namespace assay::report::svg
