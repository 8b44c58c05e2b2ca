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

std::vector<Point> exceedance(std::span<const int64_t> sorted, size_t keep, int columns) {
  std::vector<Point> out;
  if (sorted.empty() || columns < 1) return out;
  const auto n = static_cast<double>(sorted.size());
  const double wide =
      (static_cast<double>(sorted.back()) - static_cast<double>(sorted.front())) / columns;
  const double fall = std::exp(-std::log(n) / columns);
  const size_t body = sorted.size() > keep ? sorted.size() - keep : 0;
  for (size_t i = 0; i < sorted.size(); ++i) {
    if (i > 0 && sorted[i] == sorted[i - 1]) continue;
    const Point p{static_cast<double>(sorted[i]), static_cast<double>(sorted.size() - i) / n};
    if (out.empty() || i >= body || p.x - out.back().x >= wide || p.y <= out.back().y * fall)
      out.push_back(p);
  }
  // The greatest value stands once, with all samples equal to it.
  if (const auto last = static_cast<double>(sorted.back()); out.back().x != last) {
    const auto first = std::lower_bound(sorted.begin(), sorted.end(), sorted.back());
    out.push_back({last, static_cast<double>(sorted.end() - first) / n});
  }
  return out;
}

std::vector<Point> cut(std::span<const Point> points, AxisRange x, AxisRange y, int columns,
                       size_t keep) {
  // How far a value must go from the last one kept: a factor on a log axis, else a difference.
  struct Step {
    bool log;
    double by;
    Step(const AxisRange& r, int parts)
        : log(r.log && r.low > 0 && r.high > r.low),
          by(log ? std::exp(std::log(r.high / r.low) / parts) : (r.high - r.low) / parts) {}
    bool moved(double from, double to) const {
      if (log) return to >= from * by || to * by <= from;
      return std::fabs(to - from) >= by;
    }
  };
  const int parts = std::max(columns, 1);
  const Step across(x, parts), up(y, parts);
  const auto finite = [](const Point& p) { return std::isfinite(p.x) && std::isfinite(p.y); };
  size_t end = points.size();
  while (end > 0 && !finite(points[end - 1])) --end;
  const size_t tail = end > std::max<size_t>(keep, 1) ? end - std::max<size_t>(keep, 1) : 0;
  std::vector<Point> out;
  for (size_t i = 0; i < tail; ++i) {
    const Point& p = points[i];
    if (finite(p) &&
        (out.empty() || across.moved(out.back().x, p.x) || up.moved(out.back().y, p.y)))
      out.push_back(p);
  }
  // Only a series that runs to and fro needs more than this.
  if (const auto most = static_cast<size_t>(2 * parts); out.size() > most) {
    std::vector<Point> fewer;
    for (size_t i = 0; i < most; ++i) fewer.push_back(out[i * out.size() / most]);
    out = std::move(fewer);
  }
  for (size_t i = tail; i < end; ++i)
    if (finite(points[i])) out.push_back(points[i]);
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

std::vector<double> run_middles(std::span<const int64_t> samples, int columns) {
  std::vector<double> out;
  if (samples.empty() || columns < 1) return out;
  const size_t wide = std::min(samples.size(), static_cast<size_t>(columns));
  std::vector<int64_t> part;
  for (size_t c = 0; c < wide; ++c) {
    const size_t from = c * samples.size() / wide, to = (c + 1) * samples.size() / wide;
    part.assign(samples.begin() + static_cast<std::ptrdiff_t>(from),
                samples.begin() + static_cast<std::ptrdiff_t>(to));
    const auto middle = part.begin() + static_cast<std::ptrdiff_t>((part.size() - 1) / 2);
    std::nth_element(part.begin(), middle, part.end());
    out.push_back(static_cast<double>(*middle));
  }
  return out;
}

}  // namespace assay::report
