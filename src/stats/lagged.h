// SPDX-License-Identifier: Apache-2.0
// Sums over pairs of samples some lags apart, of a series that is computed as it is read: no copy
// of the series is made, whatever its length. Internal to stats.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

namespace assay::stats {

// sum_{i} x_i x_{i+k} for k in [first, last]; get(i) gives x_i, already centred. n >= 0.
template <class Get>
std::vector<double> lagged_products(int64_t n, int64_t first, int64_t last, Get get) {
  constexpr int64_t kBlock = 4096;
  std::vector<double> out(static_cast<size_t>(std::max<int64_t>(last - first + 1, 0)), 0.0);
  std::vector<double> buffer(static_cast<size_t>(std::min(n, kBlock + std::max<int64_t>(last, 0))));
  for (int64_t start = 0; start < n; start += kBlock) {
    const int64_t have = std::min(n - start, kBlock + last);
    for (int64_t i = 0; i < have; ++i) buffer[i] = get(start + i);
    for (int64_t k = first; k <= last; ++k) {
      const int64_t count = std::min(kBlock, have - k);
      if (count <= 0) break;
      const double* a = buffer.data();
      const double* b = a + k;
      // Four sums, so that an addition need not wait for the one before it.
      double s0 = 0, s1 = 0, s2 = 0, s3 = 0;
      int64_t i = 0;
      for (; i + 4 <= count; i += 4) {
        s0 += a[i] * b[i];
        s1 += a[i + 1] * b[i + 1];
        s2 += a[i + 2] * b[i + 2];
        s3 += a[i + 3] * b[i + 3];
      }
      for (; i < count; ++i) s0 += a[i] * b[i];
      out[k - first] += (s0 + s1) + (s2 + s3);
    }
  }
  return out;
}

template <class Get>
double mean_of(int64_t n, Get get) {
  double sum = 0;
  for (int64_t i = 0; i < n; ++i) sum += get(i);
  return n > 0 ? sum / static_cast<double>(n) : 0;
}

}  // namespace assay::stats
