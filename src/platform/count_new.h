// SPDX-License-Identifier: Apache-2.0
// For tests: how often this thread has called operator new.
#pragma once

#include <cstdint>

namespace assay::platform {

int64_t news_of_this_thread();

}  // namespace assay::platform
