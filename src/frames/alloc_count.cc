// SPDX-License-Identifier: Apache-2.0
#include "frames/alloc_count.h"

namespace assay::frames {

thread_local constinit AllocState alloc_state;
constinit bool alloc_counting = false;

}  // namespace assay::frames
