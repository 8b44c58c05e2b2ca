// SPDX-License-Identifier: Apache-2.0
// What the frames of one stream showed, kept in memory taken before the run, written after it.
#pragma once

#include <span>
#include <vector>

#include "base/files.h"
#include "frames/request.h"
#include "vision/boxes.h"
#include "vision/labels.h"

namespace assay::frames {

class StreamResults {
 public:
  // Room for `frames` frames of at most `each` boxes or labels; less when that were too much
  // memory: what finds no room is marked as cut.
  void reserve(int64_t frames, int64_t each);
  void begin(int64_t frame, int64_t image, bool boxes) noexcept;
  void add(const vision::Box& box) noexcept;  // a label is a box without sides
  void add_crop(int32_t label, float score) noexcept;
  // One JSON line a frame.
  std::string lines(int64_t stream) const;

 private:
  struct Entry {
    int64_t frame = 0, image = 0, first = 0, found = 0, crops = 0;
    bool boxes = false, cut = false;
  };
  void put(const vision::Box& box, int64_t Entry::*count) noexcept;
  std::vector<Entry> entries_;  // sized before; used_ of them are filled
  std::vector<vision::Box> pool_;
  size_t used_ = 0, taken_ = 0;
  bool open_ = false;
};

// results.jsonl in `dir`, all streams.
Status write_results(const fs::path& dir, std::span<const StreamResults* const> streams);

}  // namespace assay::frames
