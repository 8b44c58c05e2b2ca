// SPDX-License-Identifier: Apache-2.0
// The variance of a sum of dependent values. Internal to stream.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>

#include "stats/dependence.h"

namespace assay::stream {

// Variance of sum x_i of a centred series: G_0 + 2 sum G_k with G_k = sum_i x_i x_{i+k}, in pairs
// while G_{2j-1} + G_{2j} > 0 (Geyer 1992, the rule of stats/dependence.h), to a quarter of the
// series at most. Not below G_0: fewer values than there are never say more.
inline double long_run_sum(std::span<const double> x) {
  const auto n = static_cast<int64_t>(x.size());
  const auto at_lag = [&](int64_t k) {
    double sum = 0;
    for (int64_t i = 0; i + k < n; ++i)
      sum += x[static_cast<size_t>(i)] * x[static_cast<size_t>(i + k)];
    return sum;
  };
  const double own = at_lag(0);
  double total = own;
  const int64_t most = std::min(n / 4, stats::kMostLags);
  for (int64_t k = 1; k + 1 <= most; k += 2) {
    const double pair = at_lag(k) + at_lag(k + 1);
    if (!(pair > 0)) break;
    total += 2 * pair;
  }
  return std::max(own, total);
}

}  // namespace assay::stream
