// SPDX-License-Identifier: Apache-2.0
#include "base/text.h"
#include "platform/cuda.h"
#include "platform/facts_internal.h"

namespace assay::platform {
namespace {

std::string or_unknown(const std::string& s) { return s.empty() ? std::string("unknown") : s; }

// NVML and CUDA write what they do not tell as "unknown".
Fact told(const std::string& group, const char* name, const std::string& value, const char* why) {
  return told_or_unknown(group, name, value == "unknown" ? std::string() : one_line(value, 120),
                         why);
}

void clocks(const std::string& group, const GpuFacts& g, Facts& out) {
  if (g.max_sm_mhz <= 0) {
    out.push_back(unknown_fact(group, "clocks", "NVML does not tell them"));
    return;
  }
  Fact f = plain_fact(group, "clocks",
                      fmt::format("up to {} MHz, memory {}", g.max_sm_mhz,
                                  g.max_mem_mhz > 0 ? fmt::format("{} MHz", g.max_mem_mhz)
                                                    : std::string("unknown")));
  // NVML does not tell whether clocks are locked: only a record over time shows it.
  f.harm = Harm::possible;
  f.why = "the clock rises with load and falls with heat unless it is locked";
  f.settable = g.can_lock_clocks;
  const int64_t steady = g.application_sm_mhz > 0 ? g.application_sm_mhz : g.max_sm_mhz;
  f.fix = fmt::format("nvidia-smi -i {} -lgc {}{}", g.index, steady,
                      g.can_lock_clocks
                          ? fmt::format(" (assay doctor --fix --gpu-mhz {} sets it)", steady)
                          : std::string(" (as root)"));
  out.push_back(std::move(f));
}

void modes(const std::string& group, const GpuFacts& g, Facts& out) {
  Fact persistence = told(group, "persistence", g.persistence, "NVML does not tell it");
  if (g.persistence == "off") {
    persistence.harm = Harm::possible;
    persistence.why = "the driver is loaded anew for each process: a cold start of its own";
    persistence.fix = fmt::format("nvidia-smi -i {} -pm 1", g.index);
  }
  out.push_back(std::move(persistence));
  Fact mode = told(group, "compute mode", g.compute_mode, "NVML does not tell it");
  if (g.compute_mode == "prohibited") {
    mode.harm = Harm::harmful;
    mode.why = "no process may compute on it";
    mode.fix = fmt::format("nvidia-smi -i {} -c 0", g.index);
  }
  out.push_back(std::move(mode));
  Fact mig = told(group, "MIG", g.mig, "NVML does not tell it");
  if (g.mig.starts_with("on")) {
    mig.harm = Harm::possible;
    mig.why = "what is measured is a slice of the GPU, whose neighbours share its power and clock";
    mig.fix = fmt::format("nvidia-smi -i {} -mig 0", g.index);
  }
  out.push_back(std::move(mig));
  Fact mps = told(group, "MPS", g.mps, "NVML does not tell its clients, and nothing hints at it");
  if (mps.value != "unknown" && mps.value != "none seen") {
    mps.harm = Harm::possible;
    mps.why = "kernels of several processes run beside each other";
    mps.fix = "echo quit | nvidia-cuda-mps-control";
  }
  out.push_back(std::move(mps));
}

void now(const std::string& group, const GpuFacts& g, Facts& out) {
  if (g.throttle < 0) {
    out.push_back(unknown_fact(group, "throttling", "NVML does not tell it"));
  } else {
    const std::string words = throttle_words(g.throttle);
    Fact f = plain_fact(group, "throttling", words.empty() ? std::string("none") : words);
    if (g.throttle & kHarmfulThrottle) {
      f.harm = Harm::harmful;
      f.why = "the clock is held down now";
      f.fix = "wait until it is cool, raise the power limit (nvidia-smi -pl), check the supply";
    }
    out.push_back(std::move(f));
  }
  if (g.processes < 0) {
    out.push_back(unknown_fact(group, "processes", "NVML does not tell them"));
    return;
  }
  Fact f = plain_fact(group, "processes", std::to_string(g.processes));
  if (g.processes > 0) {
    f.harm = Harm::harmful;
    f.why = "other processes hold the GPU";
    f.fix = fmt::format("nvidia-smi -i {} (lists them); stop them", g.index);
  }
  out.push_back(std::move(f));
}

}  // namespace

bool nvml_of_another(const Roots& roots) { return roots.root != "/" && roots.nvml == Roots().nvml; }

void gpu_groups(const Roots& roots, Facts& out) {
  // A Jetson's GPU is no NVML device: the board tells of it.
  if (is_jetson(Tree(roots.root))) return;
  if (nvml_of_another(roots)) {
    out.push_back(unknown_fact("gpu", "NVIDIA GPU", "not asked: not this machine"));
    return;
  }
  const auto all = gpu_facts(roots);
  if (!all) {
    Fact f = unknown_fact("gpu", "NVIDIA GPU", one_line(all.error().message, 200),
                          one_line(all.error().fix, all.error().fix.size() * 4 + 1));
    out.push_back(std::move(f));
    return;
  }
  if (all->empty()) out.push_back(plain_fact("gpu", "NVIDIA GPU", "none"));
  for (const GpuFacts& g : *all) {
    const std::string group = fmt::format("gpu {}", g.index);
    out.push_back(told(group, "name", g.name, "NVML does not tell it"));
    out.push_back(told(group, "driver",
                       g.driver == "unknown" || g.driver.empty()
                           ? std::string()
                           : fmt::format("{} (CUDA {})", g.driver, or_unknown(g.cuda_driver)),
                       "NVML does not tell it"));
    out.push_back(told(group, "compute capability", g.compute_capability, "NVML does not tell it"));
    out.push_back(told_or_unknown(group, "memory",
                                  g.memory_bytes > 0 ? format_bytes(g.memory_bytes) : std::string(),
                                  "NVML does not tell it"));
    out.push_back(told_or_unknown(
        group, "power limit",
        g.power_limit_mw > 0 ? fmt::format("{} W", g.power_limit_mw / 1000) : std::string(),
        "NVML does not tell it"));
    clocks(group, g, out);
    modes(group, g, out);
    now(group, g, out);
  }
}

}  // namespace assay::platform
