// SPDX-License-Identifier: Apache-2.0
// Extremal index (statistics.md, section 6.1; Ferro & Segers 2003).
#include "stats/extremal.h"

#include <algorithm>
#include <cmath>

#include "stats/random.h"

namespace assay::stats {
namespace {

// From inter-exceedance times; N - 1 of them, as in the estimator's formula.
double intervals_estimate(std::span<const double> gaps) {
  if (gaps.empty()) return 1;
  double largest = 0, sum = 0, square = 0, sum1 = 0, product = 0;
  for (const double t : gaps) {
    largest = std::max(largest, t);
    sum += t, square += t * t;
    sum1 += t - 1, product += (t - 1) * (t - 2);
  }
  const auto count = static_cast<double>(gaps.size());
  const double theta =
      largest > 2 ? 2 * sum1 * sum1 / (count * product) : 2 * sum * sum / (count * square);
  return theta > 0 && theta < 1 ? theta : 1;
}

std::vector<double> gaps_of(std::span<const int64_t> times) {
  std::vector<double> gaps;
  for (size_t i = 1; i < times.size(); ++i) {
    gaps.push_back(static_cast<double>(times[i]) - static_cast<double>(times[i - 1]));
  }
  return gaps;
}

}  // namespace

std::vector<int64_t> exceedance_times(std::span<const int64_t> run_order, int64_t threshold) {
  std::vector<int64_t> times;
  for (size_t i = 0; i < run_order.size(); ++i) {
    if (run_order[i] > threshold) times.push_back(static_cast<int64_t>(i));
  }
  return times;
}

double extremal_index(std::span<const int64_t> times) { return intervals_estimate(gaps_of(times)); }

double extremal_index_runs(std::span<const int64_t> times, int64_t run) {
  if (times.empty()) return 1;
  int64_t clusters = 1;
  for (const double gap : gaps_of(times)) clusters += gap > static_cast<double>(run) ? 1 : 0;
  return static_cast<double>(clusters) / static_cast<double>(times.size());
}

ExtremalIndex extremal_index_interval(std::span<const int64_t> times, double confidence,
                                      int bootstrap, uint64_t seed) {
  ExtremalIndex r;
  r.exceedances = static_cast<int64_t>(times.size());
  const std::vector<double> gaps = gaps_of(times);
  r.theta = intervals_estimate(gaps);
  if (gaps.size() < 10 || bootstrap < 20 || !(confidence > 0 && confidence < 1)) {
    r.lower = 0, r.upper = 1;
    return r;
  }
  const auto count = static_cast<int64_t>(gaps.size());
  const auto block = static_cast<int64_t>(std::ceil(std::cbrt(static_cast<double>(count))));
  Random random(seed);
  std::vector<double> drawn(gaps.size()), thetas;
  for (int b = 0; b < bootstrap; ++b) {
    for (int64_t i = 0; i < count; i += block) {
      const int64_t from = static_cast<int64_t>(below(
          random, static_cast<uint64_t>(count)));  // circular, so that each gap is equally likely
      for (int64_t j = 0; j < block && i + j < count; ++j) {
        drawn[static_cast<size_t>(i + j)] = gaps[static_cast<size_t>((from + j) % count)];
      }
    }
    thetas.push_back(intervals_estimate(drawn));
  }
  std::sort(thetas.begin(), thetas.end());
  const auto rank = [&](double q) {
    const auto i = static_cast<int64_t>(std::floor(q * bootstrap));
    return thetas[static_cast<size_t>(std::clamp<int64_t>(i, 0, bootstrap - 1))];
  };
  r.lower = std::min(r.theta, rank((1 - confidence) / 2));
  r.upper = std::max(r.theta, rank((1 + confidence) / 2));
  return r;
}

double horizon_probability(double p, double inferences, double theta) {
  if (!(p > 0)) return 0;
  if (p >= 1) return 1;
  return -std::expm1(inferences * theta * std::log1p(-p));
}

}  // namespace assay::stats
