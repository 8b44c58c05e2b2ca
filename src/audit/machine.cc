// SPDX-License-Identifier: Apache-2.0
#include "audit/machine.h"

#include <fmt/format.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <set>
#include <sstream>

#include "base/files.h"
#include "base/text.h"
#include "worker/child.h"

namespace assay::audit {
namespace {

// First line of a small file without its newline; "" when it cannot be read. (/proc files have no
// size: no read_file.)
std::string first_line(const fs::path& path) {
  std::ifstream in(path);
  std::string line;
  std::getline(in, line);
  return one_line(line, 200);
}

std::string or_unknown(std::string s) { return s.empty() ? "unknown" : s; }

std::string proc_field(const char* file, std::string_view key) {
  std::ifstream in(file);
  for (std::string line; std::getline(in, line);) {
    if (!line.starts_with(key)) continue;
    const size_t colon = line.find(':');
    if (colon == std::string::npos) continue;
    const size_t start = line.find_first_not_of(" \t", colon + 1);
    return start == std::string::npos ? "" : one_line(line.substr(start), 4000);
  }
  return "";
}

const fs::path kCpu = "/sys/devices/system/cpu";

std::string governor() { return first_line(kCpu / "cpu0/cpufreq/scaling_governor"); }

// "on", "off" or "".
std::string boost() {
  if (auto no_turbo = first_line(kCpu / "intel_pstate/no_turbo"); !no_turbo.empty())
    return no_turbo == "0" ? "on" : "off";
  if (auto b = first_line(kCpu / "cpufreq/boost"); !b.empty()) return b == "0" ? "off" : "on";
  return "";
}

// Cost of one clock read: median over rounds of the mean of 1000 reads; ns.
double clock_read_ns() {
  std::vector<double> rounds;
  for (int r = 0; r < 21; ++r) {
    const int64_t start = monotonic_ns();
    for (int i = 0; i < 1000; ++i) {
      timespec t;
      clock_gettime(CLOCK_MONOTONIC, &t);
      asm volatile("" : : "m"(t));
    }
    rounds.push_back(static_cast<double>(monotonic_ns() - start) / 1000);
  }
  std::nth_element(rounds.begin(), rounds.begin() + 10, rounds.end());
  return rounds[10];
}

}  // namespace

std::string machine_id() {
  if (auto id = first_line("/etc/machine-id"); !id.empty()) return id;
  char host[256] = "";
  gethostname(host, sizeof host - 1);
  return content_id(cpu_name() + host);
}
std::string boot_id() { return or_unknown(first_line("/proc/sys/kernel/random/boot_id")); }
std::string cpu_name() { return or_unknown(proc_field("/proc/cpuinfo", "model name")); }

std::string cpu_flags() {
  std::string text = proc_field("/proc/cpuinfo", "flags");
  if (text.empty()) text = proc_field("/proc/cpuinfo", "Features");  // Arm
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
  const bool hypervisor =
      proc_field("/proc/cpuinfo", "flags").find(" hypervisor") != std::string::npos;
  const int64_t memory = static_cast<int64_t>(sysconf(_SC_PHYS_PAGES)) * sysconf(_SC_PAGESIZE);
  return {{"cpu", cpu_name()},
          {"cores", allowed_cpus().size()},
          {"microcode", or_unknown(proc_field("/proc/cpuinfo", "microcode"))},
          {"kernel", std::string(u.release)},
          {"memory_bytes", memory},
          {"governor", or_unknown(governor())},
          {"boost", or_unknown(boost())},
          {"smt", or_unknown(first_line(kCpu / "smt/active"))},
          {"isolated_cpus", first_line(kCpu / "isolated")},
          {"hypervisor", hypervisor ? "yes" : "no"},
          {"load", or_unknown(first_line("/proc/loadavg"))},
          {"clock_read_ns", clock_read_ns()},
          {"isolation", worker::probe_isolation()}};
}

std::vector<Control> controls() {
  std::vector<Control> out;
  const auto cpus = allowed_cpus();
  out.push_back({"cores", std::to_string(cpus.size()), cpus.size() > 2 ? "good" : "poor",
                 cpus.size() > 2 ? ""
                                 : "with 2 cores or fewer the sampler shares the audit's core; "
                                   "measure on a machine with more"});
  const std::string g = governor();
  out.push_back({"frequency governor", or_unknown(g),
                 g.empty()            ? "unknown"
                 : g == "performance" ? "good"
                                      : "poor",
                 g.empty() || g == "performance" ? "" : "cpupower frequency-set -g performance"});
  const std::string b = boost();
  out.push_back({"boost", or_unknown(b),
                 b.empty()    ? "unknown"
                 : b == "off" ? "good"
                              : "poor",
                 b == "on" ? "echo 1 > /sys/devices/system/cpu/intel_pstate/no_turbo (or echo 0 > "
                             "/sys/devices/system/cpu/cpufreq/boost)"
                           : ""});
  const std::string smt = first_line(kCpu / "smt/active");
  out.push_back({"SMT",
                 smt == "1"   ? "active"
                 : smt == "0" ? "off"
                              : "unknown",
                 smt.empty()  ? "unknown"
                 : smt == "0" ? "good"
                              : "poor",
                 smt == "1" ? "echo off > /sys/devices/system/cpu/smt/control" : ""});
  const std::string isolated = first_line(kCpu / "isolated");
  out.push_back({"isolated cores", isolated.empty() ? "none" : isolated,
                 isolated.empty() ? "poor" : "good",
                 isolated.empty() ? "boot with isolcpus=LAST nohz_full=LAST" : ""});
  const bool hypervisor =
      proc_field("/proc/cpuinfo", "flags").find(" hypervisor") != std::string::npos;
  out.push_back({"virtual machine", hypervisor ? "yes" : "no", hypervisor ? "poor" : "good",
                 hypervisor ? "steal and clocks of the host cannot be seen: measure on bare metal "
                              "for claims about latency"
                            : ""});
  std::ifstream psi("/proc/pressure/cpu");
  out.push_back({"pressure counters (PSI)", psi.good() ? "readable" : "unknown",
                 psi.good() ? "good" : "unknown", psi.good() ? "" : "boot with psi=1"});
  rlimit lock{};
  getrlimit(RLIMIT_MEMLOCK, &lock);
  const bool can_lock = geteuid() == 0 || lock.rlim_cur == RLIM_INFINITY;
  out.push_back({"memory lock",
                 can_lock ? "allowed" : format_bytes(static_cast<int64_t>(lock.rlim_cur)),
                 can_lock ? "good" : "poor", can_lock ? "" : "ulimit -l unlimited"});
  out.push_back({"clock read", fmt::format("{:.1f} ns", clock_read_ns()), "good", ""});
  const Json iso = worker::probe_isolation();
  const std::string net = get_string(iso, "network", "unknown");
  out.push_back(
      {"children without network", net == "none" ? "yes" : "no", net == "none" ? "good" : "poor",
       net == "none"
           ? ""
           : "run as root, or allow user namespaces: sysctl kernel.unprivileged_userns_clone=1"});
  const bool pid = get_bool(iso, "pid_namespace");
  out.push_back({"children in a PID namespace", pid ? "yes" : "no", pid ? "good" : "poor",
                 pid ? "" : "run as root, or allow user namespaces"});
  const bool read_only = get_bool(iso, "read_only");
  out.push_back({"children write only in their scratch", read_only ? "yes" : "no",
                 read_only ? "good" : "poor",
                 read_only ? "" : "run as root, or allow user namespaces, on Linux 5.12 or newer"});
  const std::string mem = get_string(iso, "memory_limit", "unknown");
  out.push_back({"memory limit of children", mem, mem == "cgroup" ? "good" : "poor",
                 mem == "cgroup"
                     ? ""
                     : "run where a memory cgroup is writable; the watchdog samples instead"});
  const bool energy = fs::exists("/sys/class/powercap/intel-rapl:0/energy_uj");
  out.push_back({"energy counter (RAPL)", energy ? "present" : "unknown",
                 energy ? "good" : "unknown",
                 energy ? "" : "not visible in this machine or container"});
  return out;
}

}  // namespace assay::audit
