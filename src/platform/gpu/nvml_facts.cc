// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <fstream>

#include "base/text.h"
#include "platform/cuda.h"
#include "platform/gpu/nvml_api.h"

namespace assay::platform {
namespace {

constexpr const char* kUnknownText = "unknown";

template <class F, class... A>
std::string text_of(const F& function, A... before) {
  std::array<char, 128> text{};
  if (function(kNvmlNoFunction, before..., text.data(), unsigned{text.size()}) != 0)
    return kUnknownText;
  text.back() = 0;
  return text[0] ? one_line(text.data(), text.size()) : kUnknownText;
}

template <class F, class... A>
int64_t number_of(const F& function, A... before) {
  unsigned v = 0;
  return function(kNvmlNoFunction, before..., &v) == 0 ? int64_t{v} : -1;
}

std::string pci_of(const Nvml& nvml, NvmlDevice d) {
  NvmlPci pci{};
  if (nvml.device_pci(kNvmlNoFunction, d, &pci) != 0) return kUnknownText;
  pci.bus_id[sizeof pci.bus_id - 1] = pci.bus_id_legacy[sizeof pci.bus_id_legacy - 1] = 0;
  const char* text =
      nvml.device_pci.name.ends_with("_v3") && pci.bus_id[0] ? pci.bus_id : pci.bus_id_legacy;
  return text[0] ? one_line(text, 32) : kUnknownText;
}

std::string compute_mode_of(const Nvml& nvml, NvmlDevice d) {
  constexpr std::array kWords = {"default", "exclusive_thread", "prohibited", "exclusive_process"};
  int mode = -1;
  if (nvml.compute_mode(kNvmlNoFunction, d, &mode) != 0 || mode < 0 ||
      mode >= static_cast<int>(kWords.size()))
    return kUnknownText;
  return kWords[static_cast<size_t>(mode)];
}

std::string mig_of(const Nvml& nvml, NvmlDevice d) {
  unsigned now = 0, later = 0;
  const int status = nvml.mig_mode(kNvmlNoFunction, d, &now, &later);
  if (status == kNvmlNotSupported) return "not supported";
  if (status != 0) return kUnknownText;
  const std::string state = now ? "on" : "off";
  return now == later ? state : fmt::format("{} ({} after a reset)", state, later ? "on" : "off");
}

// A process of MPS (control or server: the kernel keeps 15 letters of either name), or "".
std::string mps_process(const fs::path& root) {
  std::error_code ignored;
  for (fs::directory_iterator at(root / "proc", ignored), end; !ignored && at != end;
       at.increment(ignored)) {
    const std::string pid = at->path().filename().string();
    if (pid.empty() || pid.find_first_not_of("0123456789") != std::string::npos) continue;
    std::ifstream in(at->path() / "comm");
    std::string name;
    if (std::getline(in, name) && name.starts_with("nvidia-cuda-mps")) return pid;
  }
  return "";
}

// Clients that NVML lists are a fact; a process, a control pipe and an exclusive mode are hints.
std::string mps_of(const Nvml& nvml, NvmlDevice d, const Roots& roots,
                   const std::string& compute_mode) {
  int64_t clients = 0;
  const bool listed = nvml.mps_processes(d, clients) == 0;
  if (listed && clients > 0) return fmt::format("{} clients", clients);
  if (const std::string pid = mps_process(roots.root); !pid.empty())
    return fmt::format("likely: process {} is of nvidia-cuda-mps", pid);
  const char* folder = std::getenv("CUDA_MPS_PIPE_DIRECTORY");
  const fs::path pipe =
      folder && *folder ? fs::path(folder) : roots.root / fs::path("tmp/nvidia-mps");
  std::error_code ignored;
  if (fs::exists(pipe / "control", ignored))
    return fmt::format("likely: {} exists", one_line((pipe / "control").string(), 200));
  if (compute_mode == "exclusive_process") return "possible: compute mode exclusive_process";
  return listed ? "none seen" : kUnknownText;
}

std::string cuda_of(const Nvml& nvml) {
  int v = 0;
  if (nvml.cuda_version(kNvmlNoFunction, &v) != 0 || v <= 0) return kUnknownText;
  return fmt::format("{}.{}", v / 1000, v % 1000 / 10);
}

GpuFacts facts_of(const Nvml& nvml, const Roots& roots, int index) {
  GpuFacts f;
  f.index = index;
  f.driver = text_of(nvml.driver_version);
  f.cuda_driver = cuda_of(nvml);
  f.name = f.uuid = f.compute_capability = f.persistence = f.compute_mode = f.mig = f.mps = f.pci =
      kUnknownText;
  std::string why;
  NvmlDevice d = nvml.device(index, why);
  if (!d) {
    f.name = fmt::format("unknown ({})", why);
    return f;
  }
  f.name = text_of(nvml.device_name, d);
  f.uuid = text_of(nvml.device_uuid, d);
  int major = 0, minor = 0, on = 0;
  const bool capable = nvml.capability(kNvmlNoFunction, d, &major, &minor) == 0;
  if (capable) f.compute_capability = fmt::format("{}.{}", major, minor);
  if (nvml.persistence(kNvmlNoFunction, d, &on) == 0) f.persistence.assign(on ? "on" : "off");
  f.compute_mode = compute_mode_of(nvml, d);
  f.mig = mig_of(nvml, d);
  f.mps = mps_of(nvml, d, roots, f.compute_mode);
  f.pci = pci_of(nvml, d);
  NvmlMemory memory{};
  if (nvml.memory_info(kNvmlNoFunction, d, &memory) == 0)
    f.memory_bytes = static_cast<int64_t>(memory.total);
  f.max_sm_mhz = number_of(nvml.max_clock, d, kNvmlSm);
  f.max_mem_mhz = number_of(nvml.max_clock, d, kNvmlMem);
  f.application_sm_mhz = number_of(nvml.application_clock, d, kNvmlSm);
  f.power_limit_mw = number_of(nvml.power_limit, d);
  int64_t value = 0;
  if (nvml.processes(d, value) == 0) f.processes = value;
  if (nvml.wide(nvml.event_reasons, d, value) == 0 && value >= 0) f.throttle = value;
  // Locked clocks exist since Volta (7.0) and are for root.
  f.can_lock_clocks = nvml.lock_clocks && capable && major >= 7 && geteuid() == 0;
  return f;
}

}  // namespace

Result<std::vector<GpuFacts>> gpu_facts(const Roots& roots) {
  ASSAY_TRY(const std::shared_ptr<const Nvml> nvml, Nvml::open(roots.nvml));
  if (nvml->count() == 0)
    return missing("NVML sees no GPU",
                   "check with: nvidia-smi; in a container: start it with --gpus all");
  std::vector<GpuFacts> all;
  for (int i = 0; i < nvml->count(); ++i) all.push_back(facts_of(*nvml, roots, i));
  return all;
}

std::string throttle_words(int64_t mask) {
  // Names of the bits: nvml.h, nvmlClocksEventReason*.
  constexpr std::array kBits = {
      std::pair{0x1, "idle"},
      std::pair{0x2, "application clocks"},
      std::pair{0x4, "power cap"},
      std::pair{0x8, "hardware slowdown"},
      std::pair{0x10, "sync boost"},
      std::pair{0x20, "software thermal slowdown"},
      std::pair{0x40, "hardware thermal slowdown"},
      std::pair{0x80, "power brake"},
      std::pair{0x100, "display clocks"},
      std::pair{0x200, "board limit"},
      std::pair{0x400, "reliability"},
  };
  if (mask < 0) return kUnknownText;
  if (mask == 0) return "none";
  std::string words;
  int64_t left = mask;
  for (const auto& [bit, name] : kBits) {
    if (!(mask & bit)) continue;
    if (!words.empty()) words += ", ";
    words += name;
    left &= ~int64_t{bit};
  }
  if (left) words += fmt::format("{}0x{:x}", words.empty() ? "" : ", ", left);
  return words;
}

}  // namespace assay::platform
