// SPDX-License-Identifier: Apache-2.0
// Drawings of series in run order, of shares and of ratios. Each returns one <svg> for a page with
// svg/style.h; no input makes one fail.
#pragma once

#include <string>

#include "report/plot_data.h"

namespace assay::report::svg {

// Least to greatest value a column with axes; at most 480 columns (neighbours are joined). The
// warm-up is shaded, change points are dashed lines with their name.
std::string run_order_chart(const RunPlot& plot);
// One stacked bar, its parts named with share and text below.
std::string share_chart(const SharePlot& plot);
// One row a ratio: point, interval, its numbers and result beside; the margin is a band behind.
std::string forest_chart(const ForestPlot& plot);

}  // namespace assay::report::svg
