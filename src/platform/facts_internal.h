// SPDX-License-Identifier: Apache-2.0
// The groups of facts(), one file each, and what they share.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "platform/facts.h"
#include "platform/tree.h"

namespace assay::platform {

using Facts = std::vector<Fact>;

inline constexpr std::string_view kCpuFolder = "/sys/devices/system/cpu";

// A fact that stands for itself: known, and no harm.
Fact plain_fact(std::string group, std::string name, std::string value);
// "unknown", since `why`; `fix` may make it known.
Fact unknown_fact(std::string group, std::string name, std::string why, std::string fix = "");
// Identity: harmless when told, unknown (with `why`) when "".
Fact told_or_unknown(std::string group, std::string name, std::string value, std::string why);

// CPUs of a kernel list ("0-3,7"), ascending; what is no list ends it. At most 4096.
std::vector<int> cpu_list(std::string_view text);
std::vector<int> online_cpus(
    const Tree& tree);  // of /sys, else of /proc/stat; {0} when neither tells
// Those this process may use (Cpus_allowed_list of a real machine or a recorded one), else online.
std::vector<int> usable_cpus(const Tree& tree);
std::string cpu_path(int cpu, std::string_view file);  // "/sys/devices/system/cpu/cpu3/..."
// May this process write the file?
bool writable(const Tree& tree, std::string_view path);
bool in_virtual_machine(const Tree& tree);
bool is_jetson(const Tree& tree);
// A tree of another machine without a library that speaks for it: NVML would tell of this one.
bool nvml_of_another(const Roots& roots);

void cpu_facts(const Roots& roots, const Tree& tree, Facts& out);
void interrupt_facts(const Tree& tree, Facts& out);
void memory_facts(const Tree& tree, Facts& out);
void kernel_facts(const Roots& roots, const Tree& tree, Facts& out);
void cgroup_facts(const Tree& tree, Facts& out);
void sensor_facts(const Roots& roots, const Tree& tree, Facts& out);
void board_facts(const Tree& tree, Facts& out);
void gpu_groups(const Roots& roots, Facts& out);

}  // namespace assay::platform
