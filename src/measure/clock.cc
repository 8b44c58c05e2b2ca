// SPDX-License-Identifier: Apache-2.0
#include "measure/clock.h"

#include <algorithm>
#include <limits>
#include <vector>

namespace assay::measure {

ClockCost calibrate_clock(int batches, int reads) {
  batches = std::max(batches, 1);
  reads = std::max(reads, 2);
  ClockCost cost;
  cost.step_ns = std::numeric_limits<int64_t>::max();
  std::vector<double> means;
  means.reserve(static_cast<size_t>(batches));
  for (int b = 0; b < batches; ++b) {
    const int64_t begin = stamp_ns();
    int64_t last = begin;
    int64_t step = cost.step_ns;
    for (int i = 0; i < reads; ++i) {
      const int64_t now = stamp_ns();
      if (now > last) step = std::min(step, now - last);
      last = now;
    }
    cost.step_ns = step;
    means.push_back(static_cast<double>(last - begin) / reads);
  }
  if (cost.step_ns == std::numeric_limits<int64_t>::max()) cost.step_ns = 0;
  // The median: one batch that was interrupted must not make the clock look dear.
  std::nth_element(means.begin(), means.begin() + batches / 2, means.end());
  cost.read_ns = means[static_cast<size_t>(batches / 2)];
  return cost;
}

}  // namespace assay::measure
