// SPDX-License-Identifier: Apache-2.0
#include "stats/dependence.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace assay::stats {
namespace {

// The indicator 1{x > threshold} as bits, and the counts that its autocovariance takes.
class Indicator {
 public:
  Indicator(std::span<const int64_t> x, int64_t threshold)
      : n_(static_cast<int64_t>(x.size())), bits_(x.size() / 64 + 2, 0) {
    for (size_t i = 0; i < x.size(); ++i)
      bits_[i / 64] |= static_cast<uint64_t>(x[i] > threshold) << (i % 64);
    for (const uint64_t w : bits_) count_ += std::popcount(w);
  }

  int64_t count() const { return count_; }
  bool at(int64_t i) const { return bits_[static_cast<size_t>(i / 64)] >> (i % 64) & 1; }

  // How many i have both x_i and x_(i+lag) over the threshold.
  int64_t together(int64_t lag) const {
    const auto words = static_cast<size_t>(lag / 64);
    const int shift = static_cast<int>(lag % 64);
    int64_t sum = 0;
    for (size_t w = 0; w + words + 1 < bits_.size(); ++w) {
      if (bits_[w] == 0) continue;
      uint64_t later = bits_[w + words] >> shift;
      if (shift > 0) later |= bits_[w + words + 1] << (64 - shift);
      if (const uint64_t both = bits_[w] & later) sum += std::popcount(both);
    }
    return sum;
  }

 private:
  int64_t n_, count_ = 0;
  std::vector<uint64_t> bits_;  // one word more than needed: together() reads one ahead
};

}  // namespace

std::vector<double> autocorrelation(std::span<const double> x, int lags) {
  if (x.empty() || lags < 0) return {};
  double mean = 0, scale = 0;
  for (const double v : x) {
    if (!std::isfinite(v)) return {};
    scale = std::max(scale, std::abs(v));
  }
  const auto n = static_cast<double>(x.size());
  std::vector<double> centred(x.begin(), x.end());
  if (scale > 0)  // values near the end of the range must not overflow when squared
    for (double& v : centred) v /= scale;
  for (const double v : centred) mean += v / n;
  double variance = 0;
  for (double& v : centred) {
    v -= mean;
    variance += v * v;
  }
  const size_t last = std::min<size_t>(static_cast<size_t>(lags), x.size() - 1);
  std::vector<double> r(last + 1, 0.0);
  r[0] = 1;
  // What rounding of the mean leaves of a constant series is no variance.
  const auto [least, greatest] = std::minmax_element(x.begin(), x.end());
  if (*least == *greatest || !(variance > 0)) return r;
  for (size_t k = 1; k <= last; ++k) {
    double sum = 0;
    for (size_t i = 0; i + k < centred.size(); ++i) sum += centred[i] * centred[i + k];
    r[k] = sum / variance;
  }
  return r;
}

double exceedance_tau(std::span<const int64_t> run_order, int64_t threshold) {
  const auto n = static_cast<int64_t>(run_order.size());
  const Indicator over(run_order, threshold);
  if (n < 4 || over.count() == 0 || over.count() == n) return 1;
  const auto total = static_cast<double>(n), count = static_cast<double>(over.count());
  const double mean = count / total, variance = mean * (1 - mean);
  double first = 0, last = 0;  // exceedances among the first and the last `lag` samples
  const auto correlation = [&](int64_t lag) {
    first += over.at(lag - 1);
    last += over.at(n - lag);
    const double products = static_cast<double>(over.together(lag));
    const double left = static_cast<double>(n - lag);
    return (products - mean * (2 * count - first - last) + left * mean * mean) / total / variance;
  };
  double tau = 1;
  const int64_t most = std::min(n / 4, kMostLags);
  for (int64_t lag = 1; lag + 1 <= most; lag += 2) {
    const double one = correlation(lag);
    const double pair = one + correlation(lag + 1);
    if (!(pair > 0)) break;
    tau += 2 * pair;
  }
  return std::max(1.0, tau);
}

}  // namespace assay::stats
