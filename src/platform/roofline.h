// SPDX-License-Identifier: Apache-2.0
// The least time that physics allows for a network on a machine, with the arithmetic. Pure.
#pragma once

#include <cstdint>
#include <string>

#include "base/json.h"
#include "platform/peaks.h"

namespace assay::platform {

struct Work {               // of one inference
  double operations = 0;    // multiply-add counts 2; only what no algorithm can save is in a bound
  double weight_bytes = 0;  // at the executed precision
  double activation_bytes = 0;  // inputs and outputs of the whole network: touched at least once
  std::string precision = "fp32";
  // Direct convolution can be saved by fast algorithms (Winograd, FFT): the share of `operations`
  // that a bound may count. 1/4 for 3x3 stride 1 (F(4x4,3x3) saves 4x), 1 for matrix products.
  double irreducible_operations = 0;
};

struct Bound {
  bool known = false;
  double floor_ns = 0;  // max(compute, memory)
  double compute_ns = 0, memory_ns = 0;
  double margin = 0;       // the bound is lowered by this share before anything is rejected
  std::string limit;       // "arithmetic" or "memory"
  std::string arithmetic;  // one line: every number with its unit, as a reader would check it
};
Bound least_time(const Work& work, const Peaks& peaks, double margin = 0.1);

// Where a measured latency stands: share of peak FLOP/s and of bandwidth (over the full operations,
// so it may exceed 1 for Winograd), and whether it is below the bound.
struct Place {
  bool known = false, impossible = false;
  double share_of_flops = 0, share_of_bandwidth = 0, times_the_floor = 0;
  std::string text;
};
Place place(const Work& work, const Peaks& peaks, const Bound& bound, double latency_ns);

}  // namespace assay::platform
