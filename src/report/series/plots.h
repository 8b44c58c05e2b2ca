// SPDX-License-Identifier: Apache-2.0
// The plots of series: which points, which marks.
#pragma once

#include <span>
#include <string>

#include "report/plot_data.h"
#include "report/series/document.h"

namespace assay::report {

inline constexpr size_t kMostCurves = 8;
// Up to kMostCurves series, evenly chosen; the band (DKW, of n / tau) where there are one or two;
// `marks`: quantiles of a single one.
EcdfPlot ecdf_of(std::span<const SeriesStats> series, double confidence);
RunPlot run_order_of(std::span<const int64_t> samples, int64_t warm_up, const stats::Gate& gate,
                     std::span<const int64_t> sorted, const std::string& name);
RunPlot run_order_of(const SeriesStats& s);
// Measured tail with fit and bound. `at`: a deadline, or absent.
TailPlot tail_of(std::span<const int64_t> sorted, const stats::Pwcet& w,
                 std::span<const stats::PwcetPoint> curve, std::optional<int64_t> at,
                 const std::string& name);
// Excesses over the threshold against the fitted law, with a 95 % envelope of each order statistic.
QqPlot qq_of(std::span<const int64_t> sorted, const stats::Pwcet& w, const std::string& name);
ForestPlot forest_of(const Comparison& c);
SharePlot shares_of(const Levels& levels);

// Adds a drawing to a part: as a figure and file, as lines for a terminal, as `draw` says.
void add_plot(Document& d, Part& part, const DrawOptions& draw, const EcdfPlot& plot,
              const std::string& file, const std::string& caption);
void add_plot(Document& d, Part& part, const DrawOptions& draw, const RunPlot& plot,
              const std::string& file, const std::string& caption);
void add_plot(Document& d, Part& part, const DrawOptions& draw, const TailPlot& plot,
              const std::string& file, const std::string& caption);
void add_plot(Document& d, Part& part, const DrawOptions& draw, const QqPlot& plot,
              const std::string& file, const std::string& caption);
void add_plot(Document& d, Part& part, const DrawOptions& draw, const ForestPlot& plot,
              const std::string& file, const std::string& caption);
void add_plot(Document& d, Part& part, const DrawOptions& draw, const SharePlot& plot,
              const std::string& file, const std::string& caption);

}  // namespace assay::report
