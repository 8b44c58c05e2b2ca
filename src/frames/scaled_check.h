// SPDX-License-Identifier: Apache-2.0
// What scaled decoding gains and costs on the pictures of this run: both ways over the same
// pictures, before the run and outside of anything timed for it.
#pragma once

#include "base/json.h"
#include "frames/pipeline.h"

namespace assay::frames {

inline constexpr int64_t kCheckedPictures = 64;

// Members: pictures (that could be decoded both ways), smaller (of them, decoded below full size),
// decode_full_ns and decode_scaled_ns (medians), max_levels and mean_levels (difference of the
// tensors in grey levels; null for tensors that are not float32), changed (pictures whose best
// label differs, or whose boxes do: class and IoU >= 0.5). `by.task` is run twice a picture.
Json check_scaled_decode(const Served& by);

}  // namespace assay::frames
