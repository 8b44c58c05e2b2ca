// SPDX-License-Identifier: Apache-2.0
// Drawings of distributions and their tails. Each returns one <svg> for a page with svg/style.h;
// at most about 500 vertices a line whatever it is given; no input makes one fail.
#pragma once

#include <string>

#include "report/plot_data.h"

namespace assay::report::svg {

// Step lines with bands, marks as vertical lines.
std::string ecdf_band_chart(const EcdfPlot& plot);
// log10 P(X > x) against x. The largest 100 values are always drawn, each as a dot.
std::string exceedance_chart(const TailPlot& plot);
// Square; both axes have one range, so that the diagonal is one.
std::string qq_chart(const QqPlot& plot);

}  // namespace assay::report::svg
