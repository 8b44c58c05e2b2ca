// SPDX-License-Identifier: Apache-2.0
// A libcuda.so.1 that runs nothing and tells planted times (fake_config.h; ASSAY_FAKE_CUDA, or
// LIBRARY.conf). Keys:
//   devices N  init STATUS  version N  name TEXT  major N  minor N  multiprocessors N  l2_bytes N
//   memory_bytes N (more cannot be allocated)
//   ns.KERNEL N    one iteration of that kernel takes so long; ns.default for those without a line
//   ns.copy N      one copy
//   load.KERNEL STATUS, launch.KERNEL STATUS   of the module that holds the kernel; of its launch
//   elapsed STATUS   of cuEventElapsedTime (or "nan")
// Kernels have the parameters (out, uint32 iterations, ...). PTX text is looked through: a target
// above the device is refused as the driver does.
#include <cmath>
#include <cstring>
#include <memory>
#include <mutex>
#include <set>

#include "platform/gpu/testing/fake_config.h"

#define FAKE_API extern "C" __attribute__((visibility("default")))

namespace {

constexpr const char* kDefaults = R"(
devices 1
init 0
version 13000
name Fake GPU
major 9
minor 0
multiprocessors 4
l2_bytes 4194304
memory_bytes 1073741824
ns.default 1000
ns.copy 1000
elapsed 0
)";
constexpr int kInvalidValue = 1, kNoMemory = 2, kNotInitialised = 3, kNoBinary = 209,
              kInvalidPtx = 218, kNotFound = 500;

struct Kernel {
  std::string name;
};
struct Module {
  std::string text;
  std::vector<std::unique_ptr<Kernel>> kernels;
};
struct Stream {
  double ns = 0;  // planted time that its work took
};
struct Event {
  double ns = -1;
};

struct State {
  std::mutex mutex;
  assay::fake::Config config;
  bool ready = false;
  int64_t allocated = 0, contexts = 0;
  std::map<uint64_t, size_t> memory;
  uint64_t next = 0x700000000000;
  std::set<void*> streams, events, modules;
};
State& state() {
  static State* s = new State();  // never destroyed: the library is not unloaded
  return *s;
}

int64_t number(const std::string& key, int64_t otherwise = 0) {
  const auto found = state().config.find(key);
  return found == state().config.end() ? otherwise
                                       : std::strtoll(found->second.c_str(), nullptr, 0);
}

// Refuses text that no driver would take.
int look_through(const std::string& text, std::string& why) {
  const auto has = [&](const char* what) { return text.find(what) != std::string::npos; };
  if (!text.starts_with(".version ") || !has(".address_size 64") || !has(".entry ")) {
    why = "no .version, .address_size 64 or .entry";
    return kInvalidPtx;
  }
  int depth = 0;
  for (const char c : text) {
    depth += c == '{' ? 1 : c == '}' ? -1 : 0;
    if (depth < 0) break;
  }
  if (depth != 0 || !has("ret;")) {
    why = "braces do not match, or no ret";
    return kInvalidPtx;
  }
  const size_t at = text.find(".target sm_");
  if (at == std::string::npos) {
    why = "no .target";
    return kInvalidPtx;
  }
  const char* digits = text.c_str() + at + std::strlen(".target sm_");
  char* end = nullptr;
  const long target = std::strtol(digits, &end, 10);
  const long device = number("major") * 10 + number("minor");
  if (*end == 'a' ? target != device : target > device) {
    why = "the target is not this device's";
    return kNoBinary;
  }
  return 0;
}

}  // namespace

FAKE_API int cuInit(unsigned flags) {
  State& s = state();
  const std::lock_guard hold(s.mutex);
  if (flags != 0) return kInvalidValue;
  s.config =
      assay::fake::load_config("ASSAY_FAKE_CUDA", reinterpret_cast<void*>(&cuInit), kDefaults);
  for (const auto& [key, value] : s.config) {
    const bool planted =
        key.starts_with("ns.") || key.starts_with("load.") || key.starts_with("launch.");
    if (planted || assay::fake::parse_config(kDefaults).contains(key)) continue;
    assay::fake::complain("unknown key " + key);
    return kInvalidValue;
  }
  s.ready = number("init") == 0;
  return static_cast<int>(number("init"));
}
FAKE_API int cuGetErrorString(int status, const char** text) {
  *text = status == 100   ? "no CUDA-capable device is detected"
          : status == 2   ? "out of memory"
          : status == 218 ? "a PTX JIT compilation failed"
          : status == 209 ? "no kernel image is available for execution on the device"
          : status == 719 ? "unspecified launch failure"
                          : "fake error";
  return 0;
}
FAKE_API int cuDriverGetVersion(int* version) {
  *version = static_cast<int>(number("version"));
  return 0;
}
FAKE_API int cuDeviceGetCount(int* count) {
  if (!state().ready) return kNotInitialised;
  *count = static_cast<int>(number("devices"));
  return 0;
}
FAKE_API int cuDeviceGet(int* device, int index) {
  if (index < 0 || index >= number("devices")) return 101;
  *device = index + 40;  // a handle, not an index
  return 0;
}
FAKE_API int cuDeviceGetName(char* out, int length, int) {
  const std::string& name = state().config["name"];
  if (static_cast<int>(name.size()) >= length) return kInvalidValue;
  std::memcpy(out, name.c_str(), name.size() + 1);
  return 0;
}
FAKE_API int cuDeviceGetAttribute(int* value, int which, int) {
  const char* key = which == 16   ? "multiprocessors"
                    : which == 38 ? "l2_bytes"
                    : which == 75 ? "major"
                    : which == 76 ? "minor"
                                  : nullptr;
  if (!key) return kInvalidValue;
  *value = static_cast<int>(number(key));
  return 0;
}
FAKE_API int cuDeviceTotalMem_v2(size_t* bytes, int) {
  *bytes = static_cast<size_t>(number("memory_bytes"));
  return 0;
}
FAKE_API int cuDevicePrimaryCtxRetain(void** context, int device) {
  if (device < 40) return 101;
  ++state().contexts;
  *context = &state();
  return 0;
}
FAKE_API int cuDevicePrimaryCtxRelease_v2(int) {
  --state().contexts;
  return 0;
}
FAKE_API int cuCtxSetCurrent(void* context) {
  return context == nullptr || context == &state() ? 0 : 201;
}
FAKE_API int cuMemAlloc_v2(uint64_t* address, size_t bytes) {
  State& s = state();
  const std::lock_guard hold(s.mutex);
  if (bytes == 0) return kInvalidValue;
  if (s.allocated + static_cast<int64_t>(bytes) > number("memory_bytes")) return kNoMemory;
  s.allocated += static_cast<int64_t>(bytes);
  *address = s.next;
  s.next += (bytes + 511) / 512 * 512;
  s.memory[*address] = bytes;
  return 0;
}
FAKE_API int cuMemFree_v2(uint64_t address) {
  State& s = state();
  const std::lock_guard hold(s.mutex);
  const auto found = s.memory.find(address);
  if (found == s.memory.end()) return kInvalidValue;
  s.allocated -= static_cast<int64_t>(found->second);
  s.memory.erase(found);
  return 0;
}
FAKE_API int cuMemsetD8Async(uint64_t, unsigned char, size_t, void*) { return 0; }
FAKE_API int cuMemcpyDtoH_v2(void* to, uint64_t, size_t bytes) {
  std::memset(to, 0, bytes);
  return 0;
}
FAKE_API int cuStreamCreate(void** stream, unsigned) {
  *stream = *state().streams.insert(new Stream()).first;
  return 0;
}
FAKE_API int cuStreamDestroy_v2(void* stream) {
  if (state().streams.erase(stream) == 0) return 400;
  delete static_cast<Stream*>(stream);
  return 0;
}
FAKE_API int cuStreamSynchronize(void* stream) {
  return state().streams.contains(stream) ? 0 : 400;
}
FAKE_API int cuMemcpyDtoDAsync_v2(uint64_t to, uint64_t from, size_t bytes, void* stream) {
  if (!state().streams.contains(stream)) return 400;
  if (bytes == 0 || to < from + bytes) return kInvalidValue;
  static_cast<Stream*>(stream)->ns += static_cast<double>(number("ns.copy"));
  return 0;
}
FAKE_API int cuModuleLoadDataEx(void** module, const void* image, unsigned n, int* options,
                                void** values) {
  auto m = std::make_unique<Module>();
  m->text = static_cast<const char*>(image);
  std::string why;
  int status = look_through(m->text, why);
  for (const auto& [key, value] : state().config)
    if (key.starts_with("load.") &&
        m->text.find(".entry " + key.substr(5) + "(") != std::string::npos) {
      status = static_cast<int>(number(key));
      why = "planted";
    }
  if (status != 0) {
    for (unsigned i = 0; i < n; ++i)
      if (options[i] == 5) std::strcpy(static_cast<char*>(values[i]), why.c_str());
    return status;
  }
  *module = *state().modules.insert(m.release()).first;
  return 0;
}
FAKE_API int cuModuleUnload(void* module) {
  if (state().modules.erase(module) == 0) return 400;
  delete static_cast<Module*>(module);
  return 0;
}
FAKE_API int cuModuleGetFunction(void** function, void* module, const char* name) {
  if (!state().modules.contains(module)) return 400;
  auto* m = static_cast<Module*>(module);
  if (m->text.find(std::string(".entry ") + name + "(") == std::string::npos) return kNotFound;
  m->kernels.push_back(std::make_unique<Kernel>(Kernel{name}));
  *function = m->kernels.back().get();
  return 0;
}
FAKE_API int cuLaunchKernel(void* function, unsigned gx, unsigned gy, unsigned gz, unsigned bx,
                            unsigned by, unsigned bz, unsigned, void* stream, void** arguments,
                            void**) {
  if (!state().streams.contains(stream)) return 400;
  if (!function || !arguments || gx == 0 || gy * gz != 1 || bx == 0 || bx > 1024 || by * bz != 1)
    return kInvalidValue;
  const std::string& name = static_cast<Kernel*>(function)->name;
  if (const int64_t status = number("launch." + name); status != 0) return static_cast<int>(status);
  uint64_t out = 0;
  uint32_t iterations = 0;
  std::memcpy(&out, arguments[0], sizeof out);
  std::memcpy(&iterations, arguments[1], sizeof iterations);
  // Every thread writes one word: there must be room.
  const auto results = state().memory.find(out);
  if (iterations == 0 || results == state().memory.end() || results->second < size_t{4} * gx * bx)
    return 700;
  static_cast<Stream*>(stream)->ns +=
      static_cast<double>(iterations) *
      static_cast<double>(number("ns." + name, number("ns.default")));
  return 0;
}
FAKE_API int cuEventCreate(void** event, unsigned) {
  *event = *state().events.insert(new Event()).first;
  return 0;
}
FAKE_API int cuEventDestroy_v2(void* event) {
  if (state().events.erase(event) == 0) return 400;
  delete static_cast<Event*>(event);
  return 0;
}
FAKE_API int cuEventRecord(void* event, void* stream) {
  if (!state().events.contains(event) || !state().streams.contains(stream)) return 400;
  static_cast<Event*>(event)->ns = static_cast<Stream*>(stream)->ns;
  return 0;
}
FAKE_API int cuEventSynchronize(void* event) { return state().events.contains(event) ? 0 : 400; }
FAKE_API int cuEventElapsedTime(float* ms, void* begin, void* end) {
  if (!state().events.contains(begin) || !state().events.contains(end)) return 400;
  if (state().config["elapsed"] == "nan") {
    *ms = NAN;
    return 0;
  }
  *ms = static_cast<float>((static_cast<Event*>(end)->ns - static_cast<Event*>(begin)->ns) * 1e-6);
  return static_cast<int>(number("elapsed"));
}

// For tests: what is still held (modules, streams, events, allocations, contexts).
FAKE_API int64_t assay_fake_cuda_held() {
  const State& s = state();
  return static_cast<int64_t>(s.streams.size() + s.events.size() + s.modules.size() +
                              s.memory.size()) +
         s.contexts;
}
