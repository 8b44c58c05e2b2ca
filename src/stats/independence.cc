// SPDX-License-Identifier: Apache-2.0
#include "stats/independence.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "stats/lagged.h"
#include "stats/special.h"

namespace assay::stats {
namespace {

template <class Get>
std::vector<double> acf(int64_t n, int64_t first, int64_t last, double variance, Get get) {
  std::vector<double> r = lagged_products(n, first, last, get);
  for (double& v : r) v /= variance;
  return r;
}

template <class Get>
std::vector<double> acf_about_mean(int64_t n, int64_t lags, Get get) {
  if (n < 2 || lags < 1 || lags >= n) return {};
  const double mean = mean_of(n, get);
  const auto centred = [&](int64_t i) { return get(i) - mean; };
  const double variance = lagged_products(n, 0, 0, centred)[0];
  if (!(variance > 0) || !std::isfinite(variance)) return {};
  return acf(n, 1, lags, variance, centred);
}

// The series less the means of its equal slices; get(i) is what is read. Reads front to back (and
// may step back a block): keeps the slice it is in.
template <class Get>
class Detrended {
 public:
  Detrended(int64_t n, Get get, int64_t slices) : n_(n), get_(get) {
    slices = std::clamp<int64_t>(slices, 1, std::max<int64_t>(1, n / 2));
    for (int64_t s = 0; s < slices; ++s) {
      const int64_t low = s * n / slices, high = (s + 1) * n / slices;
      means_.push_back(mean_of(high - low, [&](int64_t i) { return get_(low + i); }));
    }
  }
  double operator()(int64_t i) {
    const auto k = static_cast<int64_t>(means_.size());
    if (i < low_ || i >= high_) {
      slice_ = std::min(i * k / n_, k - 1);
      while ((slice_ + 1) * n_ / k <= i) ++slice_;
      low_ = slice_ * n_ / k;
      high_ = (slice_ + 1) * n_ / k;
    }
    return get_(i) - means_[slice_];
  }

 private:
  int64_t n_;
  Get get_;
  std::vector<double> means_;
  int64_t slice_ = 0, low_ = 0, high_ = 0;
};

template <class Get>
double tau_of(int64_t n, int64_t max_lags, Get& get) {
  const auto read = [&](int64_t i) { return get(i); };
  max_lags = std::min(max_lags, n - 1);
  if (max_lags < 2) return 1;
  const double variance = lagged_products(n, 0, 0, read)[0];
  if (!(variance > 0) || !std::isfinite(variance)) return 1;
  double tau = 1;
  constexpr int64_t kChunk = 20;  // even: pairs do not cross chunks
  for (int64_t first = 1; first < max_lags; first += kChunk) {
    const int64_t last = std::min(first + kChunk - 1, max_lags);
    const std::vector<double> r = acf(n, first, last, variance, read);
    for (size_t j = 0; j + 1 < r.size(); j += 2) {
      const double pair = r[j] + r[j + 1];
      if (!(pair > 0)) return std::max(1.0, tau);
      tau += 2 * pair;
    }
  }
  return std::max(1.0, tau);
}

}  // namespace

std::vector<double> autocorrelation(std::span<const int64_t> values, int64_t lags) {
  const int64_t base = values.empty() ? 0 : values[0];  // keeps small spreads of large values exact
  return acf_about_mean(static_cast<int64_t>(values.size()), lags, [&](int64_t i) {
    return static_cast<double>(values[i]) - static_cast<double>(base);
  });
}

std::vector<double> autocorrelation(std::span<const float> series, int64_t lags, int64_t slices) {
  const auto n = static_cast<int64_t>(series.size());
  if (n < 2 || lags < 1 || lags >= n) return {};
  Detrended get(
      n, [&](int64_t i) { return static_cast<double>(series[i]); }, slices);
  const auto read = [&](int64_t i) { return get(i); };
  const double variance = lagged_products(n, 0, 0, read)[0];
  if (!(variance > 0) || !std::isfinite(variance)) return {};
  return acf(n, 1, lags, variance, read);
}

std::vector<double> autocorrelation_above(std::span<const float> series, float threshold,
                                          int64_t lags) {
  return acf_about_mean(static_cast<int64_t>(series.size()), lags,
                        [&](int64_t i) { return series[i] > threshold ? 1.0 : 0.0; });
}

TestValue ljung_box(std::span<const double> r, int64_t n) {
  TestValue out;
  const auto m = static_cast<int64_t>(r.size());
  if (m < 1 || n <= m) return out;
  const auto size = static_cast<double>(n);
  out.at = 1;
  for (int64_t k = 1; k <= m; ++k) {
    out.statistic += r[k - 1] * r[k - 1] / (size - static_cast<double>(k));
    if (std::abs(r[k - 1]) > std::abs(r[out.at - 1])) out.at = k;
  }
  out.statistic *= size * (size + 2);
  if (!std::isfinite(out.statistic)) return {};
  out.p = chi_square_tail(out.statistic, static_cast<double>(m));
  out.computed = true;
  return out;
}

TestValue ljung_box_values(std::span<const int64_t> values, int64_t lags) {
  return ljung_box(autocorrelation(values, lags), static_cast<int64_t>(values.size()));
}

TestValue ljung_box_ranks(std::span<const int64_t> values, int64_t lags) {
  return ljung_box(autocorrelation(mid_ranks(values), lags), static_cast<int64_t>(values.size()));
}

TestValue ljung_box_above_p95(std::span<const int64_t> values, int64_t lags) {
  const auto n = static_cast<int64_t>(values.size());
  const std::vector<float> ranks = mid_ranks(values);
  return ljung_box(autocorrelation_above(ranks, rank_at(ranks, n - n / 20), lags), n);
}

TestValue runs_about_median(std::span<const float> ranks) {
  TestValue out;
  const auto n = static_cast<int64_t>(ranks.size());
  if (n < 2) return out;
  // x > median, the median of an even number lying between the two middle values.
  const double low = rank_at(ranks, (n + 1) / 2), high = rank_at(ranks, n / 2 + 1);
  const double median = (low + high) / 2;
  int64_t above = 0, changes = 0;
  bool before = ranks[0] > median;
  for (const float r : ranks) {
    const bool now = r > median;
    above += now;
    changes += now != before;
    before = now;
  }
  const int64_t runs = 1 + changes;
  const auto a = static_cast<double>(above), b = static_cast<double>(n - above);
  const double both = a + b, twice = 2 * a * b;
  const double variance = twice * (twice - both) / (both * both * (both - 1));
  if (!(variance > 0)) return out;
  out.statistic = (static_cast<double>(runs) - (1 + twice / both)) / std::sqrt(variance);
  out.p = unit(std::erfc(std::abs(out.statistic) / std::numbers::sqrt2));
  out.computed = true;
  return out;
}

TestValue runs_about_median(std::span<const int64_t> values) {
  return runs_about_median(mid_ranks(values));
}

double integrated_autocorrelation(std::span<const float> series, int64_t max_lags, int64_t slices) {
  const auto n = static_cast<int64_t>(series.size());
  Detrended get(
      n, [&](int64_t i) { return static_cast<double>(series[i]); }, slices);
  return tau_of(n, max_lags, get);
}

double integrated_autocorrelation_above(std::span<const float> series, float threshold,
                                        int64_t max_lags, int64_t slices) {
  const auto n = static_cast<int64_t>(series.size());
  Detrended get(
      n, [&](int64_t i) { return series[i] > threshold ? 1.0 : 0.0; }, slices);
  return tau_of(n, max_lags, get);
}

TestValue bds(std::span<const double> values, int64_t m, double eps, int64_t longest) {
  TestValue out;
  longest = std::max(longest, m);
  const int64_t n = static_cast<int64_t>(values.size()) - longest + 1;  // vectors; points used
  if (m < 2 || values.size() > 5000 || n < 3 || !(eps > 0)) return out;
  for (const double v : values)
    if (!std::isfinite(v)) return out;
  double close_m = 0, close_1 = 0, triples = 0;  // ordered pairs and triples of different points
  for (int64_t i = 0; i < n; ++i) {
    double row = 0;
    for (int64_t j = 0; j < n; ++j) {
      if (j == i || !(std::abs(values[i] - values[j]) < eps)) continue;
      row += 1;
      int64_t t = 1;
      while (t < m && std::abs(values[i + t] - values[j + t]) < eps) ++t;
      close_m += t == m;
    }
    close_1 += row;
    triples += row * (row - 1);
  }
  const auto size = static_cast<double>(n), order = static_cast<double>(m);
  const double pairs = size * (size - 1), c = close_1 / pairs, k = triples / (pairs * (size - 2));
  double variance = std::pow(k, order) + (order - 1) * (order - 1) * std::pow(c, 2 * order) -
                    order * order * k * std::pow(c, 2 * order - 2);
  for (int64_t j = 1; j < m; ++j)
    variance +=
        2 * std::pow(k, static_cast<double>(m - j)) * std::pow(c, 2.0 * static_cast<double>(j));
  if (!(variance > 0)) return out;
  out.statistic =
      std::sqrt(size) * (close_m / pairs - std::pow(c, order)) / (2 * std::sqrt(variance));
  out.p = unit(std::erfc(std::abs(out.statistic) / std::numbers::sqrt2));
  out.computed = std::isfinite(out.statistic);
  return out;
}

}  // namespace assay::stats
