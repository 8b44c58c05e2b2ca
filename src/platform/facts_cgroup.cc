// SPDX-License-Identifier: Apache-2.0
// Limits that a control group puts on this process: of version 2 (one tree) and version 1 (one tree
// a controller). Those of every group above count too.
#include <algorithm>
#include <charconv>
#include <sstream>

#include "base/text.h"
#include "platform/facts_internal.h"

namespace assay::platform {
namespace {

const std::string kGroup = "limits";

struct Groups {
  // Folders from the process's own group up to the root of the tree that is mounted here.
  std::vector<std::string> v2, v1_cpu, v1_memory;
};

std::vector<std::string> up_from(const Tree& tree, const std::string& mount, std::string path) {
  std::vector<std::string> out;
  // In a container the path is the host's, and its group is mounted as the root.
  while (path.size() > 1) {
    if (tree.exists(mount + path)) out.push_back(mount + path);
    path.resize(std::max<size_t>(path.rfind('/'), 0));
  }
  if (tree.exists(mount)) out.push_back(mount);
  return out;
}

Groups groups_of(const Tree& tree) {
  Groups out;
  const std::string mount = "/sys/fs/cgroup";
  std::istringstream in(tree.text("/proc/self/cgroup").value_or(""));
  for (std::string line; std::getline(in, line);) {
    const size_t first = line.find(':'), second = line.find(':', first + 1);
    if (first == std::string::npos || second == std::string::npos) continue;
    const std::string names = "," + line.substr(first + 1, second - first - 1) + ",";
    const std::string path = line.substr(second + 1);
    if (!path.starts_with('/') || path.find("..") != std::string::npos) continue;
    if (names == ",,") out.v2 = up_from(tree, mount, path);
    for (const char* folder : {"/cpu,cpuacct", "/cpu"})
      if (names.find(",cpu,") != std::string::npos && out.v1_cpu.empty())
        out.v1_cpu = up_from(tree, mount + folder, path);
    if (names.find(",memory,") != std::string::npos)
      out.v1_memory = up_from(tree, mount + "/memory", path);
  }
  return out;
}

// CPUs a quota is worth; the smallest of all groups.
std::optional<double> least_quota(const Tree& tree, const Groups& g) {
  std::optional<double> least;
  const auto take = [&](double quota, double period) {
    if (quota > 0 && period > 0) least = std::min(least.value_or(1e9), quota / period);
  };
  for (const std::string& folder : g.v2) {
    std::istringstream in(tree.first_line(folder + "/cpu.max"));
    std::string quota;
    double period = 0, value = 0;
    in >> quota >> period;
    std::from_chars(quota.data(), quota.data() + quota.size(), value);
    take(value, period);
  }
  for (const std::string& folder : g.v1_cpu)
    take(static_cast<double>(tree.number(folder + "/cpu.cfs_quota_us").value_or(-1)),
         static_cast<double>(tree.number(folder + "/cpu.cfs_period_us").value_or(0)));
  return least;
}

std::optional<int64_t> least_memory(const Tree& tree, const Groups& g) {
  constexpr int64_t kNone = int64_t{1} << 60;  // version 1 writes "no limit" as a very large number
  std::optional<int64_t> least;
  const auto take = [&](const std::string& path) {
    if (const auto v = tree.number(path); v && *v > 0 && *v < kNone)
      least = std::min(least.value_or(kNone), *v);
  };
  for (const std::string& folder : g.v2) take(folder + "/memory.max");
  for (const std::string& folder : g.v1_memory) take(folder + "/memory.limit_in_bytes");
  return least;
}

}  // namespace

void cgroup_facts(const Tree& tree, Facts& out) {
  const Groups g = groups_of(tree);
  if (g.v2.empty() && g.v1_cpu.empty() && g.v1_memory.empty()) {
    out.push_back(unknown_fact(kGroup, "control group", "no control group is visible here"));
  } else {
    Fact cpu = plain_fact(kGroup, "CPU quota", "none");
    if (const auto quota = least_quota(tree, g)) {
      cpu.value = fmt::format("{:.3g} CPUs", *quota);
      cpu.harm = Harm::harmful;
      cpu.why = "when the quota is used up everything stops until the next period";
      cpu.fix = "start without a CPU quota (docker: no --cpus; systemd: CPUQuota=)";
    }
    out.push_back(std::move(cpu));
    Fact memory = plain_fact(kGroup, "memory limit", "none");
    if (const auto limit = least_memory(tree, g)) {
      memory.value = format_bytes(*limit);
      memory.harm = Harm::possible;
      memory.why = "near the limit the kernel reclaims pages, beyond it it kills";
      memory.fix = "start without a memory limit, or with more than the model needs";
    }
    out.push_back(std::move(memory));
  }
  const auto online = online_cpus(tree), usable = usable_cpus(tree);
  Fact set = plain_fact(kGroup, "CPU set", tree.field("/proc/self/status", "Cpus_allowed_list"));
  if (set.value.empty()) {
    set = unknown_fact(kGroup, "CPU set", "/proc/self/status does not tell it");
  } else if (usable.size() < online.size()) {
    set.harm = Harm::possible;
    set.why = "the other CPUs belong to others, who share caches and memory";
    set.fix = "fine when the CPU set was chosen; else start without one (taskset, cpuset)";
  }
  out.push_back(std::move(set));
}

}  // namespace assay::platform
