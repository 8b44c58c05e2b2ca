// SPDX-License-Identifier: Apache-2.0
// What the raw and the synthetic source share: dense frames, in a file or in memory.
#pragma once

#include <vector>

#include "frames/source.h"
#include "worker/feed.h"
#include "worker/spawn.h"

namespace assay::frames {

struct RawData : SourceData {
  SourceSpec spec;
  worker::Fd fd;               // -1: the frames are in `bytes`
  std::vector<uint8_t> bytes;  // n frames, back to back
  int64_t n = 0;

  Result<std::unique_ptr<Source>> use() const override;
  int64_t frames() const override { return spec.loop ? INT64_MAX : n; }
  int64_t max_width() const override { return spec.width; }
  int64_t max_height() const override { return spec.height; }
};

}  // namespace assay::frames
