// SPDX-License-Identifier: Apache-2.0
#include "ort_library.h"

#include <dlfcn.h>

#include <cstdio>
#include <map>
#include <memory>
#include <mutex>

namespace assay::ort {
namespace {

// A runner never prints; what matters comes back in a status.
void discard_log(void*, int, const char*, const char*, const char*, const char*) {}

// The table of the library at `path`; `library->version` is set on success.
Status load(const std::string& path, Library* library) {
  if (path.empty()) {
    return fail(ASSAY_MISSING, "no ONNX Runtime library was named: install the compiler first");
  }
  void* handle = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (handle == nullptr) return fail(ASSAY_MISSING, std::string("dlopen: ") + dlerror());
  auto base_function = reinterpret_cast<OrtGetApiBaseFunction>(dlsym(handle, "OrtGetApiBase"));
  const OrtApiBase* base = base_function == nullptr ? nullptr : base_function();
  if (base == nullptr) {
    dlclose(handle);
    return fail(ASSAY_MISSING, path + ": no OrtGetApiBase in it: not ONNX Runtime");
  }
  const char* version = base->GetVersionString();
  int major = 0;
  int minor = 0;
  if (version == nullptr || std::sscanf(version, "%d.%d", &major, &minor) != 2 || major != 1) {
    return fail(ASSAY_UNSUPPORTED,
                path + ": version " + (version ? version : "?") + ", expected ONNX Runtime 1.x");
  }
  library->version = version;
  library->api = base->GetApi(ASSAY_ORT_API_VERSION);
  if (library->api == nullptr) {
    return fail(ASSAY_UNSUPPORTED,
                path + ": version " + library->version + " does not offer API version 2");
  }
  return {};
}

Status prepare(Library* library) {
  const OrtApi* api = library->api;
  OrtStatus* status =
      api->CreateEnvWithCustomLogger(discard_log, nullptr, ORT_LOG_FATAL, "assay", &library->env);
  if (auto done = check(*library, status, "environment"); !done) return done;
  status = api->CreateCpuMemoryInfo(ORT_ARENA_ALLOCATOR, ORT_MEM_DEFAULT, &library->memory);
  if (auto done = check(*library, status, "memory info"); !done) return done;
  return check(*library, api->GetAllocatorWithDefaultOptions(&library->allocator), "allocator");
}

}  // namespace

Result<const Library*> open_library(const std::string& path) {
  static std::mutex mutex;
  static auto* opened = new std::map<std::string, std::unique_ptr<Library>>;  // never destroyed
  std::lock_guard<std::mutex> lock(mutex);
  if (auto at = opened->find(path); at != opened->end()) return at->second.get();
  auto library = std::make_unique<Library>();
  if (auto done = load(path, library.get()); !done) return tl::unexpected(done.error());
  if (auto done = prepare(library.get()); !done) return tl::unexpected(done.error());
  return ((*opened)[path] = std::move(library)).get();
}

Status check(const Library& library, OrtStatus* status, const std::string& what) {
  if (status == nullptr) return {};
  bool unsupported = library.api->GetErrorCode(status) == ORT_CODE_NOT_IMPLEMENTED;
  const char* message = library.api->GetErrorMessage(status);
  std::string text = what + ": " + (message == nullptr ? "no message" : message);
  for (char& c : text) {
    if (c == '\n' || c == '\r') c = ' ';
  }
  library.api->ReleaseStatus(status);
  return fail(unsupported ? ASSAY_UNSUPPORTED : ASSAY_FAILED, std::move(text));
}

}  // namespace assay::ort
