// SPDX-License-Identifier: Apache-2.0
#include "platform/probe.h"

namespace assay::platform {

Sources nvml_sources(const ProbeSpec&, std::vector<Missing>& missing) {
  missing.push_back({"nvml", "not built"});
  return {};
}

}  // namespace assay::platform
