// SPDX-License-Identifier: Apache-2.0
// Power rails of Jetson boards: INA3221 monitors, under the IIO driver of JetPack 4 and the hwmon
// driver of JetPack 5 and later.
#pragma once

#include <memory>
#include <vector>

#include "platform/kernel_file.h"

namespace assay::platform {

// Null where there is none.
std::unique_ptr<Source> open_rails(const Tree& tree, std::vector<Missing>& missing);

}  // namespace assay::platform
