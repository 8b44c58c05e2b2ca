// SPDX-License-Identifier: Apache-2.0
// ONNX Runtime's shared library, opened at run time, and its one environment.
#pragma once

#include <string>

#include "failure.h"
#include "ort_api.h"

namespace assay::ort {

// A loaded library. It is never unloaded: ONNX Runtime leaves thread-local data behind.
struct Library {
  const OrtApi* api = nullptr;
  OrtEnv* env = nullptr;
  OrtMemoryInfo* memory = nullptr;  // plain host memory
  OrtAllocator* allocator = nullptr;
  std::string version;  // as the library states it, "1.32.0"
};

// The library at `path`, opened once per process and path. ASSAY_MISSING when it is not there or is
// no ONNX Runtime, ASSAY_UNSUPPORTED when it is too old for ort_api.h. Threads may call it.
Result<const Library*> open_library(const std::string& path);

// Turns a status of ONNX Runtime into a Status and releases it; `what` starts the text.
Status check(const Library& library, OrtStatus* status, const std::string& what);

}  // namespace assay::ort
