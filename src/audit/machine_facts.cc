// SPDX-License-Identifier: Apache-2.0
#include "audit/machine.h"
#include "measure/clock.h"
#include "worker/child.h"

namespace assay::audit {
namespace {

using platform::Fact;
using platform::Harm;

Fact clock_fact() {
  const measure::ClockCost cost = measure::calibrate_clock();
  Fact f{"kernel",   "clock read", fmt::format("{:.1f} ns, step {} ns", cost.read_ns, cost.step_ns),
         Harm::none, "",           false,
         ""};
  if (cost.read_ns > 100 || cost.step_ns > 1000) {
    f.harm = cost.read_ns > 1000 || cost.step_ns > 10000 ? Harm::harmful : Harm::possible;
    f.why = "short inferences are measured with the cost of the clock in them";
    f.fix = "use a clock source that is read without a system call (tsc)";
  }
  return f;
}

Fact isolation_fact(const char* name, bool had, std::string value, const char* why,
                    const char* fix) {
  return {"isolation",    name,  std::move(value), had ? Harm::none : Harm::possible,
          had ? "" : why, false, had ? "" : fix};
}

std::string yes_no(bool yes) { return yes ? std::string("yes") : std::string("no"); }

void isolation_facts(std::vector<Fact>& out) {
  const Json iso = worker::probe_isolation();
  if (!iso.contains("network")) {
    out.push_back({"isolation", "children", "unknown", Harm::unknown,
                   "no child could be started to see what it would have", false,
                   "see that assay-sandbox stands beside assay"});
    return;
  }
  const bool alone = get_string(iso, "network", "unknown") == "none";
  out.push_back(isolation_fact(
      "children without network", alone, yes_no(alone), "a build could fetch what changes it",
      "run as root, or allow user namespaces: sysctl kernel.unprivileged_userns_clone=1"));
  const bool pid = get_bool(iso, "pid_namespace");
  out.push_back(isolation_fact("children in a PID namespace", pid, yes_no(pid),
                               "what a child leaves behind must be searched for",
                               "run as root, or allow user namespaces"));
  const bool read_only = get_bool(iso, "read_only");
  out.push_back(isolation_fact("children write only in their scratch", read_only, yes_no(read_only),
                               "caches may pass from build to build",
                               "run as root, or allow user namespaces, on Linux 5.12 or newer"));
  const std::string memory = get_string(iso, "memory_limit", "unknown");
  out.push_back(isolation_fact("memory limit of children", memory == "cgroup", memory,
                               "the watchdog samples instead",
                               "run where a memory cgroup is writable"));
}

}  // namespace

std::vector<Fact> machine_facts(const platform::Roots& roots) {
  std::vector<Fact> out = platform::facts(roots);
  if (roots.root != "/") return out;  // of a recorded tree these would be this machine's
  // Beside the other facts of the kernel.
  auto at = out.begin();
  for (auto it = out.begin(); it != out.end(); ++it)
    if (it->group == "kernel") at = it + 1;
  out.insert(at, clock_fact());
  isolation_facts(out);
  return out;
}

}  // namespace assay::audit
