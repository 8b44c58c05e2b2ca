// SPDX-License-Identifier: Apache-2.0
#include "stats/screening.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "stats/special.h"

namespace assay::stats {
namespace {

constexpr size_t kMostExact = 20;

bool usable(std::span<const double> v) {
  return !v.empty() && std::none_of(v.begin(), v.end(), [](double x) { return std::isnan(x); });
}

std::vector<double> sorted(std::span<const double> v) {
  std::vector<double> out(v.begin(), v.end());
  std::sort(out.begin(), out.end());
  return out;
}

// P(U >= u) when all C(m+n, m) orders are equally likely: ways[k] counts the orders with U = k,
// built up one value of the first sample at a time (partitions of k into at most m parts <= n).
double exact_tail(size_t m, size_t n, double u) {
  std::vector<double> ways(m * n + 1, 0.0);
  ways[0] = 1;
  // Gaussian binomial: product over i of (1 - x^(n+i)) / (1 - x^i).
  for (size_t i = 1; i <= m; ++i) {
    for (size_t k = m * n; k >= n + i; --k) ways[k] -= ways[k - n - i];
    for (size_t k = i; k <= m * n; ++k) ways[k] += ways[k - i];
  }
  double all = 0, tail = 0;
  for (size_t k = 0; k <= m * n; ++k) {
    all += ways[k];
    if (static_cast<double>(k) >= u) tail += ways[k];
  }
  return tail / all;
}

}  // namespace

Screening mann_whitney(std::span<const double> a, std::span<const double> b) {
  Screening out;
  if (!usable(a) || !usable(b)) return out;
  const std::vector<double> sa = sorted(a), sb = sorted(b);
  std::vector<double> all(sa);
  all.insert(all.end(), sb.begin(), sb.end());
  std::sort(all.begin(), all.end());
  for (const double x : sa) {
    const auto [first, last] = std::equal_range(sb.begin(), sb.end(), x);
    out.statistic +=
        static_cast<double>(first - sb.begin()) + 0.5 * static_cast<double>(last - first);
  }
  const auto m = static_cast<double>(sa.size()), n = static_cast<double>(sb.size()), total = m + n;
  double ties = 0;  // sum of t^3 - t over the runs of equal values
  for (size_t i = 0; i < all.size();) {
    size_t j = i;
    while (j < all.size() && all[j] == all[i]) ++j;
    const auto t = static_cast<double>(j - i);
    ties += t * t * t - t;
    i = j;
  }
  const double larger = std::max(out.statistic, m * n - out.statistic);
  if (ties == 0 && sa.size() <= kMostExact && sb.size() <= kMostExact) {
    out.p = std::min(1.0, 2 * exact_tail(sa.size(), sb.size(), larger));
    return out;
  }
  const double variance = m * n / 12 * (total + 1 - ties / (total * (total - 1)));
  if (!(variance > 0)) return out;  // all values equal
  const double z = (larger - m * n / 2 - 0.5) / std::sqrt(variance);
  out.p = std::min(1.0, 2 * normal_cdf(-z));
  return out;
}

Screening two_sample_ks(std::span<const double> a, std::span<const double> b) {
  Screening out;
  if (!usable(a) || !usable(b)) return out;
  const std::vector<double> sa = sorted(a), sb = sorted(b);
  const auto m = static_cast<double>(sa.size()), n = static_cast<double>(sb.size());
  for (size_t i = 0, j = 0; i < sa.size() && j < sb.size();) {
    const double x = std::min(sa[i], sb[j]);
    while (i < sa.size() && sa[i] <= x) ++i;
    while (j < sb.size() && sb[j] <= x) ++j;
    out.statistic =
        std::max(out.statistic, std::abs(static_cast<double>(i) / m - static_cast<double>(j) / n));
  }
  const double root = std::sqrt(m * n / (m + n));
  out.p = kolmogorov_tail((root + 0.12 + 0.11 / root) * out.statistic);
  return out;
}

}  // namespace assay::stats
