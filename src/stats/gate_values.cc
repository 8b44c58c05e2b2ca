// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <vector>

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

TailGap tail_gap(std::span<const int64_t> sorted, double tick) {
  TailGap out;
  const auto n = static_cast<int64_t>(sorted.size());
  constexpr int64_t kBehind = 10;
  const int64_t top = n / 100, base = n / 20;  // gaps tested; spacings the mean is taken over
  if (top < kBehind) return out;
  const int64_t median = quantile_point(sorted, 0.5);
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

double shift(int64_t a, int64_t b) {
  const double base = std::max(1.0, std::abs(static_cast<double>(a)));
  return (static_cast<double>(b) - static_cast<double>(a)) / base;
}

TwoQuantiles two_quantiles(std::span<const int64_t> part) {
  TwoQuantiles out;
  if (part.empty()) return out;
  std::vector<int64_t> v(part.begin(), part.end());
  const auto n = static_cast<int64_t>(v.size());
  const auto middle = v.begin() + (n + 1) / 2 - 1;
  const auto high = v.begin() + (n - n / 100) - 1;
  std::nth_element(v.begin(), middle, v.end());
  out.median = *middle;
  std::nth_element(middle, high, v.end());
  out.p99 = *high;
  return out;
}

int64_t slow_front(std::span<const float> ranks, int64_t cut) {
  constexpr int64_t kWindow = 50;
  const auto n = static_cast<int64_t>(ranks.size());
  if (cut <= 0 || cut >= n) return 0;
  double rest = 0;
  for (int64_t i = cut; i < n; ++i) rest += ranks[i];
  rest /= static_cast<double>(n - cut);
  int64_t at = 0;
  while (at < cut) {
    const int64_t end = std::min(at + kWindow, n);
    double window = 0;
    for (int64_t i = at; i < end; ++i) window += ranks[i];
    const auto k = static_cast<double>(end - at);
    if (window / k - rest < 2 * static_cast<double>(n) / std::sqrt(12 * k)) break;
    at = end;
  }
  return std::min(at, cut);
}

bool comes_and_goes(std::span<const int64_t> part, std::span<const float> ranks, float threshold) {
  constexpr int64_t kSlices = 40;
  const auto n = static_cast<int64_t>(ranks.size());
  const int64_t length = n / kSlices;
  if (length < 1 || part.size() != ranks.size()) return false;
  std::vector<int64_t> c(kSlices, 0);
  for (int64_t i = 0; i < length * kSlices; ++i) c[i / length] += ranks[i] > threshold;
  const int64_t most = std::max_element(c.begin(), c.end()) - c.begin();
  int64_t low = most, high = most + 1;  // slices [low, high)
  while (low > 0 && 4 * c[low - 1] >= c[most]) --low;
  while (high < kSlices && 4 * c[high] >= c[most]) ++high;
  const double burst =
      static_cast<double>(two_quantiles(part.subspan(low * length, (high - low) * length)).median);
  // Its ends may lie in the next slices; at the ends of the series these must do.
  if (low > 1) --low;
  if (high < kSlices - 1) ++high;
  if (low == 0 || high >= kSlices) return false;
  const auto before = static_cast<double>(two_quantiles(part.first(low * length)).median);
  const auto after = static_cast<double>(two_quantiles(part.subspan(high * length)).median);
  return burst > before && std::abs(after - before) < (burst - before) / 3;
}

}  // namespace assay::stats
