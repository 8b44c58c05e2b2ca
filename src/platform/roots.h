// SPDX-License-Identifier: Apache-2.0
// Where the machine is read from: the kernel's trees and the vendors' libraries. Everything below
// src/platform takes them from here, so that a test (or a reader of a recorded machine) can put a
// tree of files and a small library in their place.
#pragma once

#include <string>

#include "base/files.h"
#include "base/json.h"

namespace assay::platform {

struct Roots {
  fs::path root = "/";                     // /proc and /sys lie below it
  std::string nvml = "libnvidia-ml.so.1";  // names or paths for dlopen
  std::string cuda = "libcuda.so.1";
  std::string cupti = "libcupti.so";
  // False when any of them was replaced: what is read is then not this machine, the evidence says
  // so, and no series measured with it is TRUSTED.
  bool real() const;
};

// ASSAY_PLATFORM_ROOT, ASSAY_NVML_LIBRARY, ASSAY_CUDA_LIBRARY, ASSAY_CUPTI_LIBRARY; what is not set
// stays as above. Children get them in their requests, never by their environment.
Roots roots_from_environment();

Json to_json(const Roots& roots);
Roots roots_from_json(const Json& j);  // members that are absent or no texts stay as above

}  // namespace assay::platform
