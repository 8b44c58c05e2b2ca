// SPDX-License-Identifier: Apache-2.0
// Whether a tensor takes one image, and how it lies in it.
#pragma once

#include "base/dtype.h"
#include "base/result.h"

namespace assay::vision {

struct ImageLayout {
  int64_t channels = 3, height = 0, width = 0;
  bool channels_last = false;
};

// 1xCxHxW or 1xHxWxC (or without the 1), C 1 or 3, sides up to kMaxSide; anything else is a usage
// error. The type is not looked at.
Result<ImageLayout> image_layout(const TensorSpec& input);

}  // namespace assay::vision
