// SPDX-License-Identifier: Apache-2.0
// Plots as text. Each returns whole lines, none wider than options.width code points, with axes,
// units and a legend; no input makes one fail. Series differ by their sign, not by colour alone.
#pragma once

#include <string>

#include "report/plot_data.h"

namespace assay::report::term {

struct PlotOptions {
  int width = 72;   // columns of the whole plot; less than 32 counts as 32, more than 400 as 400
  int height = 16;  // rows of the plot area; 4 .. 100
  bool unicode = true;  // braille and box characters; else ASCII only
  bool colour = false;  // ANSI escapes; set for a terminal, never for a file
};

std::string ecdf(const EcdfPlot& plot, const PlotOptions& options = {});
std::string run_order(const RunPlot& plot, const PlotOptions& options = {});
std::string exceedance(const TailPlot& plot, const PlotOptions& options = {});
std::string qq(const QqPlot& plot, const PlotOptions& options = {});

}  // namespace assay::report::term
