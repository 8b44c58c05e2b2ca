// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>

#include "stats/gate_internal.h"
#include "stats/intervals.h"

namespace assay::stats {
namespace {

double gap_between(int64_t low, int64_t high) {  // low <= high, INT64 extremes do not overflow
  return static_cast<double>(static_cast<uint64_t>(high) - static_cast<uint64_t>(low));
}

}  // namespace

ValueFacts value_facts(std::span<const int64_t> sorted) {
  ValueFacts out;
  if (sorted.empty()) return out;
  out.distinct = 1;
  for (size_t i = 1; i < sorted.size(); ++i) {
    if (sorted[i] == sorted[i - 1]) continue;
    const double gap = gap_between(sorted[i - 1], sorted[i]);
    out.tick = out.distinct == 1 ? gap : std::min(out.tick, gap);
    ++out.distinct;
  }
  out.median = static_cast<double>(quantile_point(sorted, 0.5));
  out.iqr = gap_between(quantile_point(sorted, 0.25), quantile_point(sorted, 0.75));
  return out;
}

TailGap tail_gap(std::span<const int64_t> sorted) {
  TailGap out;
  const auto n = static_cast<int64_t>(sorted.size());
  constexpr int64_t kBehind = 10;
  const int64_t top = n / 200, base = n / 20;  // gaps tested; spacings the mean is taken over
  if (top < kBehind) return out;
  const int64_t median = quantile_point(sorted, 0.5);
  const double tick = value_facts(sorted).tick;
  double sum = 0, largest = 0;
  int64_t at = 0;
  for (int64_t k = 1; k <= base; ++k) {
    const int64_t high = sorted[n - k], low = sorted[n - k - 1];
    if (low <= median) return out;  // ties reach from the median into the tail
    const double from = gap_between(median, low);
    const double e = static_cast<double>(k) * std::log1p(gap_between(low, high) / from);
    sum += e;
    if (k < kBehind || k > top || high == low) continue;
    const double beyond_tick =
        static_cast<double>(k) * std::log1p((gap_between(low, high) - tick) / from);
    if (beyond_tick > largest) {
      largest = beyond_tick;
      at = k;
    }
  }
  // The gap itself must not raise the mean it is judged by.
  const double mean = (sum - largest) / static_cast<double>(base - 1);
  out.test.computed = mean > 0;
  if (at == 0 || !(mean > 0)) return out;
  out.test.statistic = largest / mean;
  const auto tested = static_cast<double>(top - kBehind + 1);
  out.test.p = -std::expm1(tested * std::log1p(-std::exp(-out.test.statistic)));
  out.share = gap_between(sorted[n - at - 1], sorted[n - at]) /
              std::max(1.0, std::abs(static_cast<double>(median)));
  out.above = at;
  return out;
}

}  // namespace assay::stats
