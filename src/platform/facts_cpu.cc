// SPDX-License-Identifier: Apache-2.0
#include <fmt/ranges.h>

#include <algorithm>
#include <set>

#include "platform/facts_internal.h"

namespace assay::platform {
namespace {

const std::string kGroup = "cpu";

// What a file of every online CPU says, each answer once; empty when no CPU has it.
std::vector<std::string> answers(const Tree& tree, std::string_view file) {
  std::set<std::string> out;
  for (const int cpu : online_cpus(tree)) {
    std::string line = tree.first_line(cpu_path(cpu, file));
    if (!line.empty()) out.insert(std::move(line));
  }
  return {out.begin(), out.end()};
}

std::string cpufreq_missing(const Tree& tree) {
  return in_virtual_machine(tree) ? "the host sets the clock and does not tell it"
                                  : "no cpufreq in /sys: clocks can be neither seen nor set";
}

void model(const Tree& tree, Facts& out) {
  std::string name = tree.field("/proc/cpuinfo", "model name");
  if (name.empty()) name = tree.field("/proc/cpuinfo", "Hardware");
  if (name.empty()) {
    const std::string implementer = tree.field("/proc/cpuinfo", "CPU implementer");
    const std::string part = tree.field("/proc/cpuinfo", "CPU part");
    if (!implementer.empty() && !part.empty())
      name = fmt::format("implementer {} part {}", implementer, part);
  }
  out.push_back(told_or_unknown(kGroup, "model", name, "/proc/cpuinfo names no processor"));
  if (const std::string code = tree.field("/proc/cpuinfo", "microcode"); !code.empty())
    out.push_back(plain_fact(kGroup, "microcode", code));
}

// A list of CPUs as a kernel writes it, or none at all and CPUs in /proc/stat.
bool cpus_told(const Tree& tree) {
  const std::string line = tree.first_line(fmt::format("{}/online", kCpuFolder));
  if (line.empty())
    return tree.text("/proc/stat").value_or("").find("\ncpu0 ") != std::string::npos;
  const auto cpus = cpu_list(line);
  return line.find_first_not_of("0123456789-,") == std::string::npos && !cpus.empty() &&
         cpus.back() < 4095;
}

void cores(const Tree& tree, Facts& out) {
  if (!cpus_told(tree)) {
    out.push_back(
        unknown_fact(kGroup, "cores", fmt::format("{}/online holds no list of CPUs", kCpuFolder)));
    return;
  }
  const auto online = online_cpus(tree), usable = usable_cpus(tree);
  Fact f = plain_fact(kGroup, "cores", std::to_string(usable.size()));
  if (usable.size() < online.size())
    f.value = fmt::format("{} of {}", usable.size(), online.size());
  if (usable.size() <= 2) {
    f.harm = Harm::possible;
    f.why = "with 2 cores or fewer the sampler shares the audit's core";
    f.fix = "measure on a machine with more cores";
  }
  out.push_back(std::move(f));
}

void governor(const Tree& tree, Facts& out) {
  const auto told = answers(tree, "cpufreq/scaling_governor");
  if (told.empty()) {
    out.push_back(unknown_fact(kGroup, "governor", cpufreq_missing(tree)));
    return;
  }
  Fact f = plain_fact(kGroup, "governor", fmt::format("{}", fmt::join(told, ", ")));
  f.settable = true;
  for (const int cpu : online_cpus(tree))
    f.settable = f.settable && writable(tree, cpu_path(cpu, "cpufreq/scaling_governor"));
  if (told.size() > 1 || told[0] != "performance") {
    f.harm = Harm::harmful;
    f.why = "the clock follows the load, so that a latency depends on what ran before";
    f.fix = "cpupower frequency-set -g performance";
  }
  out.push_back(std::move(f));
}

std::string mhz(int64_t low_khz, int64_t high_khz) {
  return low_khz == high_khz ? fmt::format("{} MHz", high_khz / 1000)
                             : fmt::format("{}-{} MHz", low_khz / 1000, high_khz / 1000);
}

void frequency(const Tree& tree, Facts& out) {
  int64_t low = INT64_MAX, high = 0;
  bool fixed = true, settable = true;
  for (const int cpu : online_cpus(tree)) {
    const auto min = tree.number(cpu_path(cpu, "cpufreq/scaling_min_freq"));
    const auto max = tree.number(cpu_path(cpu, "cpufreq/scaling_max_freq"));
    if (!min || !max || *min <= 0 || *max < *min) continue;
    low = std::min(low, *min);
    high = std::max(high, *max);
    fixed = fixed && *min == *max;
    settable = settable && writable(tree, cpu_path(cpu, "cpufreq/scaling_min_freq"));
  }
  if (high == 0) {
    out.push_back(unknown_fact(kGroup, "clock range", cpufreq_missing(tree)));
    return;
  }
  Fact f = plain_fact(kGroup, "clock range", mhz(low, high));
  f.settable = settable;
  if (!fixed) {
    f.harm = Harm::possible;
    f.why = "the clock may move between these";
    f.fix = fmt::format("cpupower frequency-set -d {0}kHz -u {0}kHz", high);
  }
  out.push_back(std::move(f));
}

void boost(const Tree& tree, Facts& out) {
  const std::string intel = fmt::format("{}/intel_pstate/no_turbo", kCpuFolder);
  const std::string other = fmt::format("{}/cpufreq/boost", kCpuFolder);
  const auto no_turbo = tree.number(intel), allowed = tree.number(other);
  const bool told = (no_turbo && (*no_turbo == 0 || *no_turbo == 1)) ||
                    (!no_turbo && allowed && (*allowed == 0 || *allowed == 1));
  if (!told) {
    out.push_back(unknown_fact(kGroup, "boost", "the machine does not tell it"));
    return;
  }
  const bool on = no_turbo ? *no_turbo == 0 : *allowed == 1;
  Fact f = plain_fact(kGroup, "boost", on ? "on" : "off");
  f.settable = writable(tree, no_turbo ? intel : other);
  if (on) {
    f.harm = Harm::possible;
    f.why = "the highest clock depends on temperature and on what other cores do";
    f.fix = no_turbo ? fmt::format("echo 1 > {}", intel) : fmt::format("echo 0 > {}", other);
  }
  out.push_back(std::move(f));
}

void smt(const Tree& tree, Facts& out) {
  const auto active = tree.number(fmt::format("{}/smt/active", kCpuFolder));
  const int last = usable_cpus(tree).back();
  const auto siblings = cpu_list(tree.first_line(cpu_path(last, "topology/thread_siblings_list")));
  if (!active && siblings.empty()) {
    out.push_back(unknown_fact(kGroup, "SMT", "the machine does not tell it"));
    return;
  }
  const bool on = active ? *active == 1 : siblings.size() > 1;
  Fact f = plain_fact(kGroup, "SMT", on ? "on" : "off");
  if (on) {
    f.harm = Harm::possible;
    f.why = siblings.size() > 1
                ? fmt::format("CPUs {} share one core: what runs on one slows the other",
                              fmt::join(siblings, ", "))
                : "two CPUs share one core: what runs on one slows the other";
    f.fix = fmt::format("echo off > {}/smt/control", kCpuFolder);
  }
  out.push_back(std::move(f));
}

// CPUs of "name=0-3" on the kernel's command line.
std::vector<int> boot_cpus(const Tree& tree, std::string_view name) {
  const std::string line = fmt::format(" {}", tree.text("/proc/cmdline").value_or(""));
  const std::string key = fmt::format(" {}=", name);
  const size_t at = line.find(key);
  if (at == std::string::npos) return {};
  std::string_view value = std::string_view(line).substr(at + key.size());
  return cpu_list(value.substr(0, value.find(' ')));
}

void isolation(const Tree& tree, Facts& out) {
  const int last = usable_cpus(tree).back();
  struct Kind {
    const char *name, *boot, *why;
  };
  for (const Kind& k :
       {Kind{"isolated", "isolcpus", "the scheduler may put other work on the measuring CPU"},
        Kind{"nohz_full", "nohz_full", "the timer tick interrupts the measuring CPU"},
        Kind{"rcu_nocbs", "rcu_nocbs",
             "the kernel's deferred work may run on the measuring CPU"}}) {
    std::string text = tree.first_line(fmt::format("{}/{}", kCpuFolder, k.name));
    if (text == "(null)") text.clear();
    auto cpus = cpu_list(text);
    if (cpus.empty()) cpus = boot_cpus(tree, k.boot);
    const bool held = std::find(cpus.begin(), cpus.end(), last) != cpus.end();
    Fact f = plain_fact(kGroup, k.name,
                        cpus.empty() ? "none" : fmt::format("CPUs {}", fmt::join(cpus, ", ")));
    if (!held) {
      f.harm = Harm::possible;
      f.why = k.why;
      f.fix = fmt::format("boot with {}={} (the measuring CPU)", k.boot, last);
    }
    out.push_back(std::move(f));
  }
}

}  // namespace

void cpu_facts(const Roots&, const Tree& tree, Facts& out) {
  model(tree, out);
  cores(tree, out);
  governor(tree, out);
  frequency(tree, out);
  boost(tree, out);
  smt(tree, out);
  isolation(tree, out);
}

void interrupt_facts(const Tree& tree, Facts& out) {
  const int last = usable_cpus(tree).back();
  int64_t told = 0, here = 0;
  for (const std::string& path : tree.glob("/proc/irq/*/smp_affinity_list")) {
    const std::string folder = path.substr(0, path.rfind('/'));
    // Where the kernel really sends it; a mask of all CPUs alone would name every one of them.
    std::string cpus = tree.first_line(folder + "/effective_affinity_list");
    if (cpus.empty()) cpus = tree.first_line(path);
    const auto list = cpu_list(cpus);
    if (list.empty()) continue;
    ++told;
    here += std::find(list.begin(), list.end(), last) != list.end();
  }
  if (told == 0) {
    out.push_back(unknown_fact(kGroup, "interrupts", "no /proc/irq here"));
    return;
  }
  Fact f = plain_fact(kGroup, "interrupts", fmt::format("{} of {} on CPU {}", here, told, last));
  if (here > 0) {
    f.harm = Harm::possible;
    f.why = "devices interrupt the measuring CPU";
    f.fix = fmt::format(
        "systemctl stop irqbalance; for i in /proc/irq/[0-9]*; do echo 0 > $i/smp_affinity_list; "
        "done (a CPU other than {})",
        last);
  }
  out.push_back(std::move(f));
}

}  // namespace assay::platform
