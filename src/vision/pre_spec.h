// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "vision/frame_pre.h"

namespace assay::vision {

// Usage error naming the member that is out of range.
Status check_pre_spec(const PreSpec& spec, std::string_view where);

}  // namespace assay::vision
