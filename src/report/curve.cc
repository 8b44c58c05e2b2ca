// SPDX-License-Identifier: Apache-2.0
#include "report/curve.h"

#include <algorithm>
#include <cmath>

namespace assay::report {

AxisRange axis_range(double low, double high) {
  AxisRange r{low, high, low > 0 && high > 4 * low};
  if (high <= low) {  // one value: give it room, so that a scale exists
    const double room = std::max(std::fabs(low) * 0.01, 1.0);
    r.low = low - room;
    r.high = low + room;
    r.log = false;
  }
  return r;
}

std::vector<Point> ecdf(std::span<const int64_t> sorted, AxisRange range, int columns) {
  std::vector<Point> out;
  if (sorted.empty() || columns < 1) return out;
  const auto n = static_cast<double>(sorted.size());
  const double low = range.log ? std::log(range.low) : range.low;
  const double high = range.log ? std::log(range.high) : range.high;
  auto vertex = [&](size_t last) {
    out.push_back({static_cast<double>(sorted[last]), static_cast<double>(last + 1) / n});
  };
  // The minimum first, with every sample equal to it, then the last sample of each column.
  size_t at = static_cast<size_t>(std::upper_bound(sorted.begin(), sorted.end(), sorted[0]) -
                                  sorted.begin());
  vertex(at - 1);
  for (int c = 1; c <= columns && at < sorted.size(); ++c) {
    const double edge = low + (high - low) * c / columns;
    const double value = range.log ? std::exp(edge) : edge;
    auto end = c == columns ? sorted.end()
                            : std::upper_bound(sorted.begin() + static_cast<std::ptrdiff_t>(at),
                                               sorted.end(), value, [](double v, int64_t s) {
                                                 return v < static_cast<double>(s);
                                               });
    const auto stop = static_cast<size_t>(end - sorted.begin());
    if (stop == at) continue;
    at = stop;
    vertex(at - 1);
  }
  return out;
}

std::vector<MinMax> run_order(std::span<const int64_t> samples, int columns) {
  std::vector<MinMax> out;
  if (samples.empty() || columns < 1) return out;
  const size_t wide = std::min(samples.size(), static_cast<size_t>(columns));
  out.reserve(wide);
  for (size_t c = 0; c < wide; ++c) {
    const size_t from = c * samples.size() / wide, to = (c + 1) * samples.size() / wide;
    const auto [low, high] =
        std::minmax_element(samples.begin() + static_cast<std::ptrdiff_t>(from),
                            samples.begin() + static_cast<std::ptrdiff_t>(to));
    out.push_back({static_cast<double>(*low), static_cast<double>(*high)});
  }
  return out;
}

}  // namespace assay::report
