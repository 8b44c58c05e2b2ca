// SPDX-License-Identifier: Apache-2.0
// One frame through its stages: read, decode, pre, infer, post, and a cascade's second task. One
// pipeline a worker thread; nothing of ours allocates, locks or opens a file in serve(), but the
// read stage its own.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "frames/results.h"
#include "frames/source.h"
#include "frames/task_engines.h"
#include "stream/record.h"
#include "vision/boxes.h"
#include "vision/frame_pre.h"
#include "vision/labels.h"

namespace assay::frames {

inline constexpr int64_t kLabels = 5;

// A task as one worker uses it.
class TaskStages {
 public:
  // Frames up to `max_width` x `max_height`. Usage error naming what of the engine does not fit an
  // image, its labels or its boxes.
  static Result<TaskStages> create(const TaskSpec& spec, TaskContext& context, int64_t max_width,
                                   int64_t max_height);
  const TaskSpec& spec() const { return *spec_; }
  TaskContext& context() { return *context_; }
  vision::FramePre& pre() { return pre_; }
  // Of the outputs that are there now: boxes of the frame, or the best labels as boxes without
  // sides. Valid until the next call.
  std::span<const vision::Box> post(const vision::TensorToFrame& map, int64_t frame_width,
                                    int64_t frame_height) noexcept;

 private:
  TaskStages(const TaskSpec& spec, TaskContext& context, vision::FramePre pre)
      : spec_(&spec), context_(&context), pre_(std::move(pre)) {}
  const TaskSpec* spec_;
  TaskContext* context_;
  vision::FramePre pre_;
  std::optional<vision::BoxDecoder> boxes_;
  std::vector<vision::Box> found_;
};

struct Served {
  int64_t t0_ns = 0;  // times of the record count from here
  Source* source = nullptr;
  bool scaled_decode = false;
  TaskStages* task = nullptr;
  TaskStages* second = nullptr;
  StreamResults* results = nullptr;
};

// Serves the frame that `r` names (frame, image, release); fills the rest of it. A camera that
// stopped leaves it pending.
void serve(const Served& by, stream::FrameRecord& r) noexcept;

// The part of a frame under `box`, at least 2 x 2 pixels, on even pixels where chroma is halved;
// absent when the frame is too small or the box lies outside.
std::optional<vision::FrameView> crop(const vision::FrameView& frame, const vision::Box& box);

}  // namespace assay::frames
