// SPDX-License-Identifier: Apache-2.0
// A libnvidia-ml.so.1 that answers from a text file (fake_config.h; ASSAY_FAKE_NVML, or
// LIBRARY.conf). Keys:
//   gpus N   init STATUS   driver TEXT   cuda NUMBER   lock STATUS (of setting clocks)   log FILE
//   gpuN.KEY, or gpu*.KEY for those without a line of their own:
//     name uuid pci capability (texts: "9.0"), handle (status of asking for the GPU);
//     sm_mhz mem_mhz max_sm_mhz max_mem_mhz application_sm_mhz celsius mw mj throttle busy_percent
//     mem_busy_percent processes mps_processes power_limit_mw memory_bytes persistence compute_mode
//     mig mig_pending (values that may change and fail)
// Reads are counted from nvmlInit on. Opening the sources of platform/probe.h reads each value
// once, and each round once; busy_percent and mem_busy_percent come by one call that is made for
// each of them, so both count two.
#include <array>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <mutex>
#include <set>

#include "platform/gpu/nvml_api.h"
#include "platform/gpu/testing/fake_config.h"

#define FAKE_API extern "C" __attribute__((visibility("default")))

namespace {

using assay::fake::Answer;
using assay::fake::Config;
using assay::fake::Values;
using assay::platform::NvmlDevice;
using assay::platform::NvmlMemory;
using assay::platform::NvmlPci;
using assay::platform::NvmlTemperature;
using assay::platform::NvmlUtilization;

constexpr const char* kDefaults = R"(
gpus 1
init 0
driver 999.10
cuda 13000
lock 0
log
gpu*.handle 0
gpu*.name Fake GPU
gpu*.uuid GPU-00000000-0000-0000-0000-000000000000
gpu*.pci 00000000:00:06.0
gpu*.capability 9.0
gpu*.sm_mhz 1980
gpu*.mem_mhz 2619
gpu*.max_sm_mhz 1980
gpu*.max_mem_mhz 2619
gpu*.application_sm_mhz 1980
gpu*.celsius 40
gpu*.mw 300000
gpu*.mj ramp 1000000 30000 100
gpu*.throttle 0
gpu*.busy_percent 90
gpu*.mem_busy_percent 40
gpu*.processes 1
gpu*.mps_processes 0
gpu*.power_limit_mw 700000
gpu*.memory_bytes 85899345920
gpu*.persistence 1
gpu*.compute_mode 0
gpu*.mig 0
gpu*.mig_pending 0
)";
constexpr int kUninitialised = 1, kInvalid = 2, kNotFound = 6, kUnknownError = 999;
constexpr size_t kMost = 64;

struct State {
  std::mutex mutex;
  int users = 0;
  Config config;
  assay::fake::Time initialised;
  std::map<std::string, Values> values;  // "gpu0.mw"
  std::array<unsigned, kMost> locked{};
};

State& state() {
  static State s;
  return s;
}

// The devices are the addresses of these.
std::array<char, kMost> handles;

int index_of(NvmlDevice device) {
  const char* p = static_cast<const char*>(device);
  return p >= handles.data() && p < handles.data() + handles.size()
             ? static_cast<int>(p - handles.data())
             : -1;
}

bool is_text(const std::string& key) {
  static const std::set<std::string> texts = {"name", "uuid", "pci", "capability"};
  return texts.contains(key);
}

std::string text(NvmlDevice device, const char* key) {
  const Config& c = state().config;
  const auto own = c.find("gpu" + std::to_string(index_of(device)) + "." + key);
  return own != c.end() ? own->second : c.at(std::string("gpu*.") + key);
}

Answer answer(NvmlDevice device, const char* key) {
  State& s = state();
  const std::lock_guard hold(s.mutex);
  if (s.users == 0) return {kUninitialised, 0};
  const int index = index_of(device);
  if (index < 0) return {kInvalid, 0};
  const auto found = s.values.find("gpu" + std::to_string(index) + "." + key);
  return found == s.values.end() ? Answer{kInvalid, 0} : found->second.next(s.initialised);
}

template <class T>
int give(NvmlDevice device, const char* key, T* out) {
  const Answer a = answer(device, key);
  if (a.status == 0 && out) *out = static_cast<T>(a.value);
  return a.status;
}

int give_text(const std::string& value, char* out, unsigned length) {
  if (value.size() + 1 > length) return 7;
  std::memcpy(out, value.c_str(), value.size() + 1);
  return 0;
}

int64_t plain(const char* key) { return std::strtoll(state().config.at(key).c_str(), nullptr, 0); }

// Fills `values`; false when the file says what is not known here.
bool understand(State& s) {
  const Config known = assay::fake::parse_config(kDefaults);
  const size_t gpus = static_cast<size_t>(plain("gpus"));
  for (const auto& [key, value] : s.config) {
    const size_t dot = key.find('.');
    if (!known.contains(dot == std::string::npos ? key : "gpu*" + key.substr(dot))) {
      assay::fake::complain("unknown key " + key);
      return false;
    }
    if (!key.starts_with("gpu*.") || is_text(key.substr(5))) continue;
    for (size_t i = 0; i < gpus && i < kMost; ++i) {
      const std::string own = "gpu" + std::to_string(i) + key.substr(4);
      const std::string& spec = s.config.contains(own) ? s.config.at(own) : value;
      if (!s.values[own].parse(spec)) {
        assay::fake::complain(own + ": cannot be understood: " + spec);
        return false;
      }
    }
  }
  return true;
}

[[maybe_unused]] void log_line(const std::string& line) {
  const std::string& path = state().config.at("log");
  if (!path.empty()) std::ofstream(path, std::ios::app) << line << "\n";
}

int count_processes(NvmlDevice device, const char* key, unsigned* count, void* infos) {
  const unsigned room = infos ? *count : 0;
  const int status = give(device, key, count);
  return status != 0 ? status : *count > room ? 7 : 0;
}

int start() {
  State& s = state();
  const std::lock_guard hold(s.mutex);
  if (s.users == 0) {
    s.config = assay::fake::load_config("ASSAY_FAKE_NVML", handles.data(), kDefaults);
    s.values.clear();
    s.locked.fill(0);
    s.initialised = std::chrono::steady_clock::now();
    if (!understand(s)) return kUnknownError;
    if (const int status = static_cast<int>(plain("init")); status != 0) return status;
  }
  ++s.users;
  return 0;
}

int gpu_count(unsigned* count) {
  *count = static_cast<unsigned>(plain("gpus"));
  return 0;
}

int gpu_handle(unsigned index, NvmlDevice* device) {
  if (index >= kMost || index >= static_cast<unsigned>(plain("gpus"))) return kInvalid;
  *device = &handles[index];
  const Answer a = answer(*device, "handle");
  return a.status != 0 ? a.status : static_cast<int>(a.value);
}

}  // namespace

FAKE_API int nvmlShutdown() {
  const std::lock_guard hold(state().mutex);
  if (state().users == 0) return kUninitialised;
  --state().users;
  return 0;
}
FAKE_API const char* nvmlErrorString(int status) {
  switch (status) {
    case 0:
      return "Success";
    case 3:
      return "Not Supported";
    case 4:
      return "Insufficient Permissions";
    case 9:
      return "Driver Not Loaded";
    case 15:
      return "GPU is lost";
    case 18:
      return "Driver/library version mismatch";
    default:
      return "Unknown Error";
  }
}
FAKE_API int nvmlSystemGetDriverVersion(char* out, unsigned length) {
  return give_text(state().config.at("driver"), out, length);
}
FAKE_API int nvmlDeviceGetName(NvmlDevice d, char* out, unsigned length) {
  return give_text(text(d, "name"), out, length);
}
FAKE_API int nvmlDeviceGetUUID(NvmlDevice d, char* out, unsigned length) {
  return give_text(text(d, "uuid"), out, length);
}
FAKE_API int nvmlDeviceGetMemoryInfo(NvmlDevice d, NvmlMemory* memory) {
  const int status = give(d, "memory_bytes", &memory->total);
  memory->free = memory->total;
  memory->used = 0;
  return status;
}
FAKE_API int nvmlDeviceGetCudaComputeCapability(NvmlDevice d, int* major, int* minor) {
  return std::sscanf(text(d, "capability").c_str(), "%d.%d", major, minor) == 2 ? 0 : kNotFound;
}
FAKE_API int nvmlDeviceGetPersistenceMode(NvmlDevice d, int* on) {
  return give(d, "persistence", on);
}
FAKE_API int nvmlDeviceGetComputeMode(NvmlDevice d, int* mode) {
  return give(d, "compute_mode", mode);
}
FAKE_API int nvmlDeviceGetClockInfo(NvmlDevice d, int type, unsigned* mhz) {
  const int status = give(d, type == 2 ? "mem_mhz" : "sm_mhz", mhz);
  const int index = index_of(d);
  if (status == 0 && type != 2 && state().locked[static_cast<size_t>(index)])
    *mhz = state().locked[static_cast<size_t>(index)];
  return status;
}
FAKE_API int nvmlDeviceGetMaxClockInfo(NvmlDevice d, int type, unsigned* mhz) {
  return give(d, type == 2 ? "max_mem_mhz" : "max_sm_mhz", mhz);
}
FAKE_API int nvmlDeviceGetApplicationsClock(NvmlDevice d, int, unsigned* mhz) {
  return give(d, "application_sm_mhz", mhz);
}
FAKE_API int nvmlDeviceGetTemperature(NvmlDevice d, int, unsigned* celsius) {
  return give(d, "celsius", celsius);
}
FAKE_API int nvmlDeviceGetPowerUsage(NvmlDevice d, unsigned* mw) { return give(d, "mw", mw); }
FAKE_API int nvmlDeviceGetUtilizationRates(NvmlDevice d, NvmlUtilization* u) {
  const int status = give(d, "busy_percent", &u->gpu);
  const int second = give(d, "mem_busy_percent", &u->memory);
  return status != 0 ? status : second;
}

#ifdef FAKE_NVML_IS_OLD
FAKE_API int nvmlInit() { return start(); }
FAKE_API int nvmlDeviceGetCount(unsigned* count) { return gpu_count(count); }
FAKE_API int nvmlDeviceGetHandleByIndex(unsigned i, NvmlDevice* d) { return gpu_handle(i, d); }
FAKE_API int nvmlDeviceGetPciInfo_v2(NvmlDevice d, NvmlPci* pci) {
  return give_text(text(d, "pci").substr(4), pci->bus_id_legacy, sizeof pci->bus_id_legacy);
}
FAKE_API int nvmlDeviceGetPowerManagementLimit(NvmlDevice d, unsigned* mw) {
  return give(d, "power_limit_mw", mw);
}
FAKE_API int nvmlDeviceGetCurrentClocksThrottleReasons(NvmlDevice d, unsigned long long* mask) {
  return give(d, "throttle", mask);
}
FAKE_API int nvmlDeviceGetComputeRunningProcesses(NvmlDevice d, unsigned* count, void* infos) {
  return count_processes(d, "processes", count, infos);
}
#else
FAKE_API int nvmlInit_v2() { return start(); }
FAKE_API int nvmlDeviceGetCount_v2(unsigned* count) { return gpu_count(count); }
FAKE_API int nvmlDeviceGetHandleByIndex_v2(unsigned i, NvmlDevice* d) { return gpu_handle(i, d); }
FAKE_API int nvmlSystemGetCudaDriverVersion_v2(int* version) {
  *version = static_cast<int>(plain("cuda"));
  return 0;
}
FAKE_API int nvmlDeviceGetPciInfo_v3(NvmlDevice d, NvmlPci* pci) {
  return give_text(text(d, "pci"), pci->bus_id, sizeof pci->bus_id);
}
FAKE_API int nvmlDeviceGetEnforcedPowerLimit(NvmlDevice d, unsigned* mw) {
  return give(d, "power_limit_mw", mw);
}
FAKE_API int nvmlDeviceGetTemperatureV(NvmlDevice d, NvmlTemperature* t) {
  return t->version == 0x100000C ? give(d, "celsius", &t->celsius) : 25;
}
FAKE_API int nvmlDeviceGetTotalEnergyConsumption(NvmlDevice d, unsigned long long* mj) {
  return give(d, "mj", mj);
}
FAKE_API int nvmlDeviceGetCurrentClocksEventReasons(NvmlDevice d, unsigned long long* mask) {
  return give(d, "throttle", mask);
}
FAKE_API int nvmlDeviceGetComputeRunningProcesses_v3(NvmlDevice d, unsigned* count, void* infos) {
  return count_processes(d, "processes", count, infos);
}
FAKE_API int nvmlDeviceGetMPSComputeRunningProcesses_v3(NvmlDevice d, unsigned* count,
                                                        void* infos) {
  return count_processes(d, "mps_processes", count, infos);
}
FAKE_API int nvmlDeviceGetMigMode(NvmlDevice d, unsigned* now, unsigned* later) {
  const int status = give(d, "mig", now);
  return status != 0 ? status : give(d, "mig_pending", later);
}
FAKE_API int nvmlDeviceSetGpuLockedClocks(NvmlDevice d, unsigned low, unsigned high) {
  const int index = index_of(d);
  if (index < 0) return kInvalid;
  if (const int status = static_cast<int>(plain("lock")); status != 0) return status;
  state().locked[static_cast<size_t>(index)] = high;
  log_line("lock gpu" + std::to_string(index) + " " + std::to_string(low) + " " +
           std::to_string(high));
  return 0;
}
FAKE_API int nvmlDeviceResetGpuLockedClocks(NvmlDevice d) {
  const int index = index_of(d);
  if (index < 0) return kInvalid;
  if (const int status = static_cast<int>(plain("lock")); status != 0) return status;
  state().locked[static_cast<size_t>(index)] = 0;
  log_line("reset gpu" + std::to_string(index));
  return 0;
}
#endif
