// SPDX-License-Identifier: Apache-2.0
// Long series cut to what a plot can show: one vertex per pixel column, exact minimum and maximum.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace assay::report {

struct Point {
  double x = 0, y = 0;
};
struct MinMax {
  double low = 0, high = 0;
};

// What an axis spans. Log when the values span more than a factor of 4.
struct AxisRange {
  double low = 0, high = 0;
  bool log = false;
  bool empty() const { return high < low || (low == 0 && high == 0); }
};
AxisRange axis_range(double low, double high);

// Empirical distribution of `sorted` (ascending, ns): (value, share <= value), at most `columns` +
// 1 vertices. First vertex: the minimum; last: (maximum, 1). Each vertex is a true point of the
// ECDF.
std::vector<Point> ecdf(std::span<const int64_t> sorted, AxisRange range, int columns);

// Upper tail of `sorted` (ascending, ns): (value, share >= value), ascending in value, one vertex a
// value, every share above 0. The largest `keep` values are all there; the others at most one a
// column of `columns` equal parts of the range and of the log of the share.
std::vector<Point> exceedance(std::span<const int64_t> sorted, size_t keep = 100,
                              int columns = 200);

// At most about 2 * `columns` + `keep` of `points`, in their order: the first and last, the last
// `keep`, and what moves by a column of x or of y (log axes count in logs). Not finite ones are
// dropped.
std::vector<Point> cut(std::span<const Point> points, AxisRange x, AxisRange y, int columns,
                       size_t keep = 0);

// Least and greatest value of each of at most `columns` equal stretches of `samples` in run order.
std::vector<MinMax> run_order(std::span<const int64_t> samples, int columns);

// Median (lower of the two middle ones) of each of the same stretches.
std::vector<double> run_middles(std::span<const int64_t> samples, int columns);

}  // namespace assay::report
