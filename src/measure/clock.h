// SPDX-License-Identifier: Apache-2.0
// The clock of every real time stamp: CLOCK_MONOTONIC, and what one reading of it costs on this
// machine.
#pragma once

#include <time.h>

#include <cstdint>

namespace assay::measure {

// Nanoseconds of CLOCK_MONOTONIC. Inline: it stands in the timed loop.
inline int64_t stamp_ns() {
  timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * int64_t{1000000000} + t.tv_nsec;
}

struct ClockCost {
  double read_ns = 0;   // one reading, back to back: median of the mean over batches
  int64_t step_ns = 0;  // smallest difference > 0 seen between two successive readings
};

// Takes about `batches` x `reads` readings (default: some 2 ms). Any thread.
ClockCost calibrate_clock(int batches = 31, int reads = 2000);

}  // namespace assay::measure
