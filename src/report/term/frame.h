// SPDX-License-Identifier: Apache-2.0
// What stands around the cells of a plot: axes, ticks, names of marks, legend.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "report/svg/canvas.h"
#include "report/term/grid.h"
#include "report/term/plot.h"

namespace assay::report::term {

class Frame {
 public:
  using Ticks = std::vector<std::pair<double, std::string>>;  // share of the axis, label
  // `most_columns`: of the plot area, for plots that shall not be wide.
  Frame(const PlotOptions& options, std::string y_name, Ticks y, int most_columns = 400);
  Grid& grid() { return grid_; }
  void x_axis(Ticks ticks, std::string name);
  void mark(double x, std::string_view name, const Pen& pen);  // upright line with its name above
  void legend(const Pen& pen, std::string_view name);
  std::string text() const;

 private:
  std::string safe(std::string_view name, size_t most) const;
  std::string signed_by(const Pen& pen, std::string_view sign) const;
  PlotOptions options_;
  std::string y_name_, x_name_;
  Ticks y_, x_;
  int gutter_;
  Grid grid_;
  std::vector<std::pair<int, std::string>> marks_;
  std::vector<std::pair<Pen, std::string>> legend_;
};

// Ticks of a range with labels in `unit`.
Frame::Ticks ticks_of(const AxisRange& range, const svg::Unit& unit, int about);
// Place of `v` in `range` as a share, not clamped.
double share_of(const AxisRange& range, double v);

}  // namespace assay::report::term
