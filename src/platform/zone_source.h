// SPDX-License-Identifier: Apache-2.0
// Temperatures: thermal zones, and the sensors within CPUs where no zone tells of them.
#pragma once

#include <memory>
#include <vector>

#include "platform/gauge_source.h"

namespace assay::platform {

// Null where there is none.
std::unique_ptr<Source> open_zones(const Tree& tree, std::vector<Missing>& missing);

}  // namespace assay::platform
