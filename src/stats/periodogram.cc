// SPDX-License-Identifier: Apache-2.0
// Beats: Fisher's g of the periodogram, a segment at a time so that memory stays bounded.
#include <algorithm>
#include <cmath>
#include <complex>
#include <unsupported/Eigen/FFT>

#include "stats/independence.h"
#include "stats/lagged.h"
#include "stats/special.h"

namespace assay::stats {
namespace {

constexpr int64_t kSegment = int64_t{1} << 16;
constexpr int64_t kCycles = 10;      // fewer cycles in a segment are a drift
constexpr int64_t kNeighbours = 32;  // ordinates on each side of a peak
constexpr int64_t kLeak = 2;         // ordinates beside a peak that may hold part of it

// Largest length <= n of factors 2, 3 and 5: other lengths cost the transform far more time.
int64_t smooth_length(int64_t n) {
  int64_t best = 1;
  for (int64_t five = 1; five <= n; five *= 5)
    for (int64_t three = five; three <= n; three *= 3) {
      int64_t two = three;
      while (two * 2 <= n) two *= 2;
      best = std::max(best, two);
    }
  return best;
}

// Chance that a peak stands so far above its surroundings: its ratio to their mean is F(2, 2K)
// under a locally flat spectrum. Their mean comes from the median, which other harmonics do not
// raise.
double line_tail(const std::vector<double>& power, int64_t peak, int64_t low, int64_t high) {
  std::vector<double> around;
  for (int64_t j = std::max(low, peak - kNeighbours); j <= std::min(high, peak + kNeighbours); ++j)
    if (std::abs(j - peak) > kLeak) around.push_back(power[j]);
  if (around.size() < 16) return 1;
  const auto middle = around.begin() + static_cast<ptrdiff_t>(around.size() / 2);
  std::nth_element(around.begin(), middle, around.end());
  const double mean = *middle / std::log(2.0);
  if (!(mean > 0)) return power[peak] > 0 ? 0 : 1;
  const double k = static_cast<double>(around.size()) / 2;  // the median is less sure than the mean
  return std::pow(1 + power[peak] / mean / k, -k);
}

template <class Get>
Periodic fisher(int64_t n, Get get) {
  Periodic out;
  const int64_t segments = std::max<int64_t>(1, (n + kSegment - 1) / kSegment);
  const int64_t length = smooth_length(std::max<int64_t>(1, n / segments));
  const int64_t low = kCycles, high = (length - 1) / 2, ordinates = high - low + 1;
  if (ordinates < 20) return out;
  Eigen::FFT<double> fft;
  fft.SetFlag(Eigen::FFT<double>::HalfSpectrum);
  std::vector<double> series(static_cast<size_t>(length)), power(static_cast<size_t>(high + 1));
  std::vector<std::complex<double>> spectrum;
  for (int64_t s = 0; s < segments; ++s) {
    const int64_t start = s * (n / segments);
    const double mean = mean_of(length, [&](int64_t i) { return get(start + i); });
    for (int64_t i = 0; i < length; ++i) series[i] = get(start + i) - mean;
    fft.fwd(spectrum, series);
    double sum = 0;
    int64_t peak = low;
    for (int64_t j = low; j <= high; ++j) {
      power[j] = std::norm(spectrum[j]);
      sum += power[j];
      if (power[j] > power[peak]) peak = j;
    }
    if (!(sum > 0) || !std::isfinite(sum)) continue;
    const double g = power[peak] / sum;
    out.test.computed = true;
    if (g <= out.test.statistic) continue;  // equal lengths: the largest g has the smallest p
    out.test.statistic = g;
    out.test.at = start;
    out.test.p = unit(static_cast<double>(segments) * fisher_g_tail(g, ordinates));
    // Between two ordinates the period is where the power of the three has its centre.
    const double a = peak > low ? power[peak - 1] : 0, c = peak < high ? power[peak + 1] : 0;
    const double at =
        static_cast<double>(peak) +
        (std::sqrt(c) - std::sqrt(a)) / (std::sqrt(a) + std::sqrt(power[peak]) + std::sqrt(c));
    out.period = static_cast<double>(length) / at;
    out.line_p =
        unit(static_cast<double>(segments * ordinates) * line_tail(power, peak, low, high));
  }
  return out;
}

template <class Get>
Beat beat(int64_t n, double period, Get get) {
  Beat best;
  if (!(period >= 2) || n < 8) return best;
  const double mean = mean_of(n, get);
  const auto centred = [&](int64_t i) { return get(i) - mean; };
  const double variance = lagged_products(n, 0, 0, centred)[0];
  if (!(variance > 0)) return best;
  std::vector<Beat> found;
  for (int k = 1; k <= 16 && k * period <= static_cast<double>(n) / 3; ++k) {
    const auto lag = static_cast<int64_t>(k * period);
    const std::vector<double> r = lagged_products(n, lag, lag + 1, centred);
    const int64_t better = r[1] > r[0] ? 1 : 0;
    found.push_back({static_cast<double>(lag + better), r[better] / variance});
    best.r = std::max(best.r, found.back().r);
  }
  for (const Beat& b : found)
    if (b.r >= 0.8 * best.r && b.r > 0) return b;
  return best;
}

}  // namespace

double fisher_g_tail(double g, int64_t ordinates) {
  if (!(g > 0) || ordinates < 1) return 1;
  if (g >= 1) return 0;
  const auto m = static_cast<double>(ordinates);
  const double first = m * std::exp((m - 1) * std::log1p(-g));
  // The alternating series loses all digits where its terms are large; there p is near 1 anyway.
  if (first > 3 && ordinates > 40) return 1 - std::exp(-first);
  double sum = 0, log_choose = 0;
  for (int64_t j = 1; j <= ordinates; ++j) {
    const auto k = static_cast<double>(j);
    if (!(1 - k * g > 0)) break;
    log_choose += std::log((m - k + 1) / k);
    const double term = std::exp(log_choose + (m - 1) * std::log1p(-k * g));
    sum += j % 2 ? term : -term;
    if (term < 1e-17) break;
  }
  return unit(sum);
}

Periodic fisher_g(std::span<const float> series) {
  return fisher(static_cast<int64_t>(series.size()),
                [&](int64_t i) { return static_cast<double>(series[i]); });
}

Periodic fisher_g_above(std::span<const float> series, float threshold) {
  return fisher(static_cast<int64_t>(series.size()),
                [&](int64_t i) { return series[i] > threshold ? 1.0 : 0.0; });
}

Beat beat_of(std::span<const float> series, double period) {
  return beat(static_cast<int64_t>(series.size()), period,
              [&](int64_t i) { return static_cast<double>(series[i]); });
}

Beat beat_of_above(std::span<const float> series, float threshold, double period) {
  return beat(static_cast<int64_t>(series.size()), period,
              [&](int64_t i) { return series[i] > threshold ? 1.0 : 0.0; });
}

}  // namespace assay::stats
