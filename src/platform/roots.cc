// SPDX-License-Identifier: Apache-2.0
#include "platform/roots.h"

#include <cstdlib>

namespace assay::platform {
namespace {

void take(const char* name, std::string& into) {
  const char* value = std::getenv(name);
  if (value && *value) into = value;
}

}  // namespace

bool Roots::real() const {
  const Roots usual;
  return root == usual.root && nvml == usual.nvml && cuda == usual.cuda && cupti == usual.cupti;
}

Roots roots_from_environment() {
  Roots r;
  std::string root = r.root.string();
  take("ASSAY_PLATFORM_ROOT", root);
  r.root = root;
  take("ASSAY_NVML_LIBRARY", r.nvml);
  take("ASSAY_CUDA_LIBRARY", r.cuda);
  take("ASSAY_CUPTI_LIBRARY", r.cupti);
  return r;
}

Json to_json(const Roots& r) {
  return {{"root", r.root.string()}, {"nvml", r.nvml}, {"cuda", r.cuda}, {"cupti", r.cupti}};
}

Roots roots_from_json(const Json& j) {
  Roots r;
  r.root = get_string(j, "root", r.root.string());
  r.nvml = get_string(j, "nvml", r.nvml);
  r.cuda = get_string(j, "cuda", r.cuda);
  r.cupti = get_string(j, "cupti", r.cupti);
  return r;
}

}  // namespace assay::platform
