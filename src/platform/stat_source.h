// SPDX-License-Identifier: Apache-2.0
// Ticks of /proc/stat: one read for all CPUs.
#pragma once

#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "platform/kernel_file.h"

namespace assay::platform {

// Line "cpuN user nice system idle iowait irq softirq steal ...": absent when it is none.
struct CpuTicks {
  int cpu = 0;
  int64_t busy = 0;          // user + nice + system + irq + softirq; guests are within user
  int64_t steal = kUnknown;  // old kernels have no such column
};
std::optional<CpuTicks> parse_cpu_ticks(std::string_view line) noexcept;

// CPUs that the file tells of, in its order.
std::vector<int> cpus_of_stat(const Tree& tree);

// Null with the reason in `why` when none of the CPUs is in the file.
std::unique_ptr<Source> open_stat(const Tree& tree, const std::vector<int>& cpus,
                                  std::vector<Missing>& missing);

}  // namespace assay::platform
