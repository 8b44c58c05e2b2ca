// SPDX-License-Identifier: Apache-2.0
// What the axes of a plot span, one answer for svg/ and term/. A range is never empty and never
// holds a value that is not finite; log only where all values are above 0.
#pragma once

#include <string>
#include <vector>

#include "report/plot_data.h"
#include "report/svg/canvas.h"

namespace assay::report {

AxisRange value_range(const EcdfPlot& plot);
AxisRange value_range(const RunPlot& plot);
// The measured tail and what the curves reach, at most four times as far right of the measured
// range as it is wide: one wild bound must not press the data into a corner.
AxisRange value_range(const TailPlot& plot);
AxisRange share_range(const TailPlot& plot);  // of p: log, whole decades, 1e-15 at the least
AxisRange value_range(const QqPlot& plot);    // of both axes
AxisRange value_range(const ForestPlot& plot);

// The warm-up as a share of the run, 0 .. 1; likewise a mark.
double run_share(const RunPlot& plot, double sample);
// Name of a mark; says so when its place is outside the range, where it is drawn at the edge.
std::string mark_name(std::string_view name, double at, const AxisRange& range);
// Neighbours joined to at most `most` columns; columns that are not finite or low > high are left
// out, but keep their place.
std::vector<MinMax> joined(const std::vector<MinMax>& columns, size_t most);
bool drawable(const MinMax& column);

svg::Unit unit_of(const Quantity& quantity, const AxisRange& range);
// "latency, ms (log scale)"; without a unit no comma.
std::string axis_name(std::string_view name, std::string_view unit, bool log);
// Decades of `p` as ticks, at most `about`, and their labels "1", "0.1", "1e-6".
std::vector<double> decades(AxisRange p, int about);
std::string decade_label(double p);
// Shares of the parts, scaled to a sum of 1; all 0 when there is nothing.
std::vector<double> scaled_shares(const SharePlot& plot);

}  // namespace assay::report
