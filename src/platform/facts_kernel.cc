// SPDX-License-Identifier: Apache-2.0
#include <time.h>

#include <charconv>
#include <sstream>

#include "base/text.h"
#include "platform/facts_internal.h"

namespace assay::platform {
namespace {

const std::string kGroup = "kernel";

void virtualisation(const Tree& tree, Facts& out) {
  const bool machine = in_virtual_machine(tree);
  std::string type = tree.first_line("/sys/hypervisor/type");
  if (type.empty()) type = tree.first_line("/sys/class/dmi/id/sys_vendor");
  Fact f = plain_fact(kGroup, "virtual machine", machine ? "yes" : "no");
  if (machine) {
    if (!type.empty()) f.value = fmt::format("yes ({})", one_line(type, 60));
    f.harm = Harm::possible;
    f.why = "other machines of the host take time that cannot be seen here";
    f.fix = "measure on bare metal for claims about latency";
  }
  if (!tree.exists("/proc/cpuinfo"))
    f = unknown_fact(kGroup, "virtual machine", "no /proc/cpuinfo");
  out.push_back(std::move(f));
  const bool container = tree.exists("/.dockerenv") || tree.exists("/run/.containerenv") ||
                         tree.first_line("/proc/1/cgroup").find("/docker") != std::string::npos ||
                         tree.first_line("/proc/1/cgroup").find("kubepods") != std::string::npos;
  if (container) {
    Fact c = plain_fact(kGroup, "container", "yes");
    c.harm = Harm::possible;
    c.why = "what else runs on this machine cannot be seen";
    c.fix = "run on the host, or alone on it";
    out.push_back(std::move(c));
  }
}

struct Ticks {
  int64_t all = 0, steal = 0;
};

// "cpu  user nice system idle iowait irq softirq steal ..." over all CPUs.
std::optional<Ticks> ticks(const Tree& tree) {
  std::istringstream in(tree.first_line("/proc/stat"));
  std::string name;
  in >> name;
  if (name != "cpu") return std::nullopt;
  Ticks t;
  int column = 0;
  for (int64_t v = 0; column < 8 && in >> v; ++column) {
    if (v < 0) return std::nullopt;
    t.all += v;
    if (column == 7) t.steal = v;
  }
  if (column < 8 || t.all == 0) return std::nullopt;
  return t;
}

void steal(const Roots& roots, const Tree& tree, Facts& out) {
  const auto before = ticks(tree);
  if (!before) {
    out.push_back(unknown_fact(kGroup, "steal", "/proc/stat does not tell it"));
    return;
  }
  // Now, not since the machine was started: over a fifth of a second. A recorded tree stands still.
  int64_t all = before->all, stolen = before->steal;
  std::string over = "since boot";
  if (roots.root == "/") {
    const timespec wait{0, 200'000'000};
    nanosleep(&wait, nullptr);
    if (const auto after = ticks(tree); after && after->all > before->all) {
      all = after->all - before->all;
      stolen = after->steal - before->steal;
      over = "now";
    }
  }
  const double share = static_cast<double>(stolen) / static_cast<double>(all);
  if (in_virtual_machine(tree) && before->steal == 0) {
    out.push_back(
        unknown_fact(kGroup, "steal", "a virtual machine whose host reports no stolen time, ever"));
    return;
  }
  Fact f = plain_fact(kGroup, "steal", fmt::format("{:.2f} % {}", share * 100, over));
  if (share > 0.001) {
    f.harm = share > 0.01 ? Harm::harmful : Harm::possible;
    f.why = "the host runs something else in our time";
    f.fix = "move to a dedicated host, or measure when the host is quiet";
  }
  out.push_back(std::move(f));
}

void clocksource(const Tree& tree, Facts& out) {
  const std::string folder = "/sys/devices/system/clocksource/clocksource0";
  Fact f = told_or_unknown(kGroup, "clock source", tree.first_line(folder + "/current_clocksource"),
                           "the kernel does not tell it");
  if (f.value == "hpet" || f.value == "acpi_pm" || f.value == "jiffies" || f.value == "xen") {
    f.harm = Harm::harmful;
    f.why = "each time stamp is a slow call into the kernel, or coarse";
    const std::string others = tree.first_line(folder + "/available_clocksource");
    f.fix = others.find("tsc") != std::string::npos
                ? fmt::format("echo tsc > {}/current_clocksource", folder)
                : "boot with tsc=reliable where the processor allows";
  }
  out.push_back(std::move(f));
}

void pressure(const Tree& tree, Facts& out) {
  const std::string line = tree.first_line("/proc/pressure/cpu");
  const size_t at = line.find("avg10=");
  double share = -1;
  if (at != std::string::npos)
    std::from_chars(line.data() + at + 6, line.data() + line.size(), share);
  if (!(share >= 0 && share <= 100)) {
    out.push_back(unknown_fact(kGroup, "pressure (PSI)", "the kernel keeps no pressure counters",
                               "boot with psi=1"));
    return;
  }
  Fact f = plain_fact(kGroup, "pressure (PSI)", fmt::format("{:.2f} % of 10 s", share));
  if (share > 1) {
    f.harm = share > 10 ? Harm::harmful : Harm::possible;
    f.why = "work waited for a CPU";
    f.fix = "stop what else runs";
  }
  out.push_back(std::move(f));
}

void load(const Tree& tree, Facts& out) {
  const std::string line = tree.first_line("/proc/loadavg");
  double one = -1;
  std::from_chars(line.data(), line.data() + line.size(), one);
  if (!(one >= 0)) {
    out.push_back(unknown_fact(kGroup, "load", "/proc/loadavg does not tell it"));
    return;
  }
  Fact f = plain_fact(kGroup, "load", line.substr(0, line.find(' ')));
  const auto cores = static_cast<double>(usable_cpus(tree).size());
  if (one > 0.5) {
    f.harm = one >= cores ? Harm::harmful : Harm::possible;
    f.why = "other work shares caches, memory and power with what is measured";
    f.fix = "stop what else runs (ps -eo pcpu,comm --sort=-pcpu | head)";
  }
  out.push_back(std::move(f));
}

}  // namespace

void kernel_facts(const Roots& roots, const Tree& tree, Facts& out) {
  out.push_back(told_or_unknown(kGroup, "release", tree.first_line("/proc/sys/kernel/osrelease"),
                                "/proc does not tell it"));
  if (tree.number("/sys/kernel/realtime").value_or(0) == 1)
    out.push_back(plain_fact(kGroup, "preemption", "real time"));
  virtualisation(tree, out);
  steal(roots, tree, out);
  clocksource(tree, out);
  pressure(tree, out);
  load(tree, out);
}

}  // namespace assay::platform
