// SPDX-License-Identifier: Apache-2.0
// Inside libassay-video.so alone: what FFmpeg decoded as planes of 4:2:0.
#pragma once

extern "C" {
#include <libavutil/frame.h>
}

#include <vector>

#include "frames/video_abi.h"
#include "vision/frame.h"

namespace assay::frames {

// Points `out` into `picture`, or, where its colours are finer than 4:2:0 or absent, into `chroma`,
// which then holds their means. `unsupported` for other pixels than 8-bit YUV and grey. The times
// of `out` are left alone. Grows `chroma` at the first picture of a size.
vision::FrameFault planes_of(const AVFrame& picture, std::vector<uint8_t>* chroma,
                             assay_video_frame* out);

}  // namespace assay::frames
