// SPDX-License-Identifier: Apache-2.0
// What a record says of a stretch of time: how clocks fell, what throttled, who else was busy, how
// busy, warm and thirsty it was. Pure. What cannot be known is absent, with a reason where one is
// asked for; it is never 0.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "platform/record.h"

namespace assay::platform {

// Share by which a clock fell below the highest value that it had shown before; absent without a
// value above 0. A clock that rises fell by nothing: it slept before.
std::optional<double> clock_drop(std::span<const double> in_time_order);

struct StretchSpec {
  int64_t begin_ns = 0, end_ns = 0;  // CLOCK_MONOTONIC
  int cpu = -1;                      // the measuring thread's; -1: not pinned
  std::vector<int> busy_cpus;        // those that inference uses, `cpu` too
  int64_t own_cpu_us = -1;           // CPU time of the measuring process meanwhile; -1: unknown
  int gpu = -1;                      // the GPU that runs the engine; -1: none
};

struct Spread {
  int64_t n = 0;  // rounds that told
  double mean = 0, min = 0, p50 = 0, p90 = 0, max = 0;
  bool known() const { return n > 0; }
};

struct Stretch {
  int64_t rounds = 0;
  double seconds = 0;
  std::optional<double> clock_drop;  // of the GPU's clock when a GPU runs the engine
  std::optional<int64_t> throttle;   // all bits that the GPU showed; absent: none told, or no GPU
  std::string other_load;            // "CPU 0 was 93 % busy"; "" when there was none
  std::string load_unknown;          // why that cannot be said
  std::optional<int64_t> other_gpu_processes;
  Spread clock_mhz, celsius, power_mw, gpu_busy_percent, gpu_memory_busy_percent;
  std::optional<double> cpu_busy;  // of the CPUs that inference uses (all when not pinned): 0 to 1
};
// Rounds in the stretch, and those just beside it.
Stretch stretch_of(const Record& record, const StretchSpec& spec);
// Indices [first, last) of those rounds.
std::pair<size_t, size_t> rounds_of(const Record& record, int64_t begin_ns, int64_t end_ns);

// Values of a channel in rounds [first, last), in time order, without the unknown ones.
std::vector<double> values_of(const Record& record, std::string_view channel, size_t first,
                              size_t last);
Spread spread_of(std::vector<double> values);

}  // namespace assay::platform
