// SPDX-License-Identifier: Apache-2.0
#include "audit/machine.h"

#include <fmt/format.h>
#include <sched.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <set>
#include <sstream>

#include "base/files.h"
#include "base/text.h"
#include "measure/clock.h"
#include "platform/facts.h"
#include "platform/tree.h"
#include "worker/child.h"

namespace assay::audit {
namespace {

constexpr size_t kMostFlags = 4000;  // bytes: some CPUs have more than a hundred flags

std::string first_line(std::string_view path) { return platform::Tree().first_line(path); }
std::string of_cpu(std::string_view key) {
  return platform::Tree().field("/proc/cpuinfo", key, kMostFlags);
}

std::string or_unknown(std::string s) { return s.empty() ? "unknown" : s; }

}  // namespace

std::string machine_id() {
  if (auto id = first_line("/etc/machine-id"); !id.empty()) return id;
  char host[256] = "";
  gethostname(host, sizeof host - 1);
  return content_id(cpu_name() + host);
}
std::string boot_id() { return or_unknown(first_line("/proc/sys/kernel/random/boot_id")); }
std::string cpu_name() { return or_unknown(of_cpu("model name")); }

std::string cpu_flags() {
  std::string text = of_cpu("flags");
  if (text.empty()) text = of_cpu("Features");  // Arm
  std::istringstream in(text);
  std::set<std::string> flags;
  for (std::string f; in >> f;) flags.insert(f);
  std::string out;
  for (const std::string& f : flags) out += (out.empty() ? "" : " ") + f;
  return or_unknown(out);
}

std::string cpu_architecture() {
  utsname u{};
  uname(&u);
  return or_unknown(u.machine);
}

std::vector<int> allowed_cpus() {
  cpu_set_t set;
  std::vector<int> out;
  if (sched_getaffinity(0, sizeof set, &set) == 0)
    for (int i = 0; i < CPU_SETSIZE; ++i)
      if (CPU_ISSET(i, &set)) out.push_back(i);
  return out;
}

int64_t default_memory_limit_bytes() {
  return static_cast<int64_t>(sysconf(_SC_PHYS_PAGES)) / 10 * 8 * sysconf(_SC_PAGESIZE);
}

Json machine_record() {
  utsname u{};
  uname(&u);
  const platform::Roots roots = platform::roots_from_environment();
  const std::vector<platform::Fact> facts = platform::facts(roots);
  const auto cpu = [&](const char* name) { return platform::value_of(facts, "cpu", name); };
  const std::string smt = cpu("SMT"), isolated = cpu("isolated");
  const bool machine = platform::value_of(facts, "kernel", "virtual machine").starts_with("yes");
  const int64_t memory = static_cast<int64_t>(sysconf(_SC_PHYS_PAGES)) * sysconf(_SC_PAGESIZE);
  Json gpus = Json::object();
  for (const platform::Fact& f : facts)
    if (f.group.starts_with("gpu ")) gpus[f.group][f.name] = f.value;
  return {{"cpu", cpu_name()},
          {"cores", allowed_cpus().size()},
          {"microcode", or_unknown(of_cpu("microcode"))},
          {"kernel", std::string(u.release)},
          {"memory_bytes", memory},
          {"governor", cpu("governor")},
          {"boost", cpu("boost")},
          {"smt", smt},
          {"isolated_cpus", isolated.starts_with("CPUs ") ? isolated.substr(5) : ""},
          {"hypervisor", machine ? "yes" : "no"},
          {"load", or_unknown(first_line("/proc/loadavg"))},
          {"clock_read_ns", measure::calibrate_clock().read_ns},
          {"isolation", worker::probe_isolation()},
          {"platform_root", {{"root", roots.root.string()}, {"real", roots.real()}}},
          {"board", platform::value_of(facts, "board", "model")},
          {"clock_range", cpu("clock range")},
          {"gpus", std::move(gpus)}};
}

}  // namespace assay::audit
