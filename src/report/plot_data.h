// SPDX-License-Identifier: Apache-2.0
// What the plots of `assay stats` and `assay wcet` show. One struct a plot, drawn by svg/ for a
// page and by term/ for a terminal. Points may be many (10^6): the drawing cuts them to what can be
// seen, always to points that were given and never at the extremes. Values that are not finite are
// left out; an empty plot is drawn as axes with "no data". Names may come from anywhere: escaped
// there.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "report/curve.h"

namespace assay::report {

// What an axis of values measures. `time`: values are ns and printed in ns, us, ms or s.
struct Quantity {
  std::string name = "latency";
  bool time = true;
  std::string unit;  // when not `time`, e.g. "mJ"; may be empty
};

// A value of the x axis (or of the y axis where said) with a name beside its line.
struct Mark {
  double at = 0;
  std::string name;  // short: "p99", "warm-up", "deadline"
};

// Empirical distribution functions, one or more (two are told apart best).
struct EcdfSeries {
  std::string name;
  std::vector<Point> points;  // (value, share <= value), ascending: of ecdf()
  double half = 0;  // half width of the band, a share: DKW sqrt(ln(2/alpha)/(2n)); 0: no band
};
struct EcdfPlot {
  std::vector<EcdfSeries> series;
  std::string band = "95 % band (DKW)";  // legend of the bands; not printed when none has one
  std::vector<Mark> marks;               // values, e.g. a deadline or a quantile
  Quantity quantity;
  std::string label;  // what the drawing shows, for those who cannot see it
};

// Samples in run order: least and greatest value a column.
struct RunPlot {
  std::vector<MinMax> columns;    // of run_order()
  std::vector<double> middles;    // optional, of run_middles(): shows steps that the spread hides
  int64_t samples = 0;            // how many samples the columns stand for; 0: one a column
  std::optional<double> warm_up;  // samples cut as warm-up: that stretch is shaded
  std::vector<Mark> changes;      // change points, at = index of the first sample after it
  std::vector<Mark> levels;       // horizontal lines, at = value, e.g. the median
  Quantity quantity;
  std::string label;
};

// Exceedance: P(X > x) on a log axis against x.
struct TailPlot {
  std::vector<Point> empirical;  // (value, share >= value), ascending: of exceedance()
  std::vector<Point> fitted;     // (x, p) of the fitted tail, any order of p
  std::vector<Point> bound;      // (upper confidence bound of the quantile at p, p)
  std::string empirical_name = "measured", fitted_name = "fitted tail (GPD)",
              bound_name = "upper bound 95 %";
  std::optional<double> threshold;       // u of the fit
  std::optional<double> high_water;      // largest value seen
  std::optional<double> evidence_limit;  // p = 1/(100 n); smaller p are shaded: model, no evidence
  std::vector<Mark> marks;               // values of x, e.g. a deadline
  std::string per = "inference";         // what p counts
  Quantity quantity;
  std::string label;
};

// Quantiles of a sample against those of a model, with the diagonal.
struct QqPlot {
  std::vector<Point> points;        // (quantile of the model, observed), ascending
  std::vector<Point> lower, upper;  // optional envelope at the same quantiles of the model
  std::string model = "fitted GPD";
  Quantity quantity{"excess over the threshold", true, ""};
  std::string label;
};

// Where variance comes from: shares of one whole.
struct SharePart {
  std::string name;  // "inference", "launch", "build"
  double share = 0;  // 0 .. 1; negative or not finite counts as 0; scaled when the sum is not 1
  std::string text;  // beside the share, e.g. "sd 1.2 us"
};
struct SharePlot {
  std::vector<SharePart> parts;  // highest level last; 8 at most are told apart by colour
  std::string heading, label;
};

// Ratios (or differences) with intervals, one a row, and the band of the margin.
struct ForestRow {
  std::string name, title, href;       // title: tooltip; href: "#v12" or empty
  std::optional<double> estimate;      // absent: the row says `missing`
  std::optional<double> lower, upper;  // absent: open, dashed end
  std::string missing;
  std::string result;  // at the right end of the row, e.g. a verdict word
};
struct ForestPlot {
  std::vector<ForestRow> rows;
  double none = 1;                                // value of "no effect": a line
  std::optional<double> margin_low, margin_high;  // band of the margin, e.g. 1/1.01 and 1.01
  std::string name = "ratio";                     // of the axis
  std::string heading, label;
};

}  // namespace assay::report
