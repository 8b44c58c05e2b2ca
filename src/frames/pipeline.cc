// SPDX-License-Identifier: Apache-2.0
#include "frames/pipeline.h"

#include <sched.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "base/text.h"
#include "measure/clock.h"

namespace assay::frames {

using stream::Fate;
using stream::FrameRecord;
using vision::FrameFault;

Result<TaskStages> TaskStages::create(const TaskSpec& spec, TaskContext& context, int64_t max_width,
                                      int64_t max_height) {
  const TensorSpec& input = context.engine().inputs()[0];
  ASSAY_TRY(vision::FramePre pre, vision::FramePre::create(spec.pre, input, max_width, max_height));
  TaskStages task(spec, context, std::move(pre));
  const auto& outputs = context.engine().outputs();
  if (spec.detector) {
    ASSAY_TRY(task.boxes_, vision::BoxDecoder::create(*spec.detector, outputs, task.pre_.width(),
                                                      task.pre_.height()));
    task.found_.resize(static_cast<size_t>(spec.detector->max_boxes));
    return task;
  }
  const DType type = outputs[0].dtype;
  constexpr std::array ranked = {DType::f32, DType::f16, DType::bf16, DType::i8, DType::u8};
  if (std::find(ranked.begin(), ranked.end(), type) == ranked.end() || outputs[0].elements() < 1)
    return bad_input(
        fmt::format("task {}: output '{}' is {} {}: no scores to take labels from", spec.name,
                    one_line(outputs[0].name), dtype_name(type), shape_text(outputs[0].shape)),
        "a detector needs its detector description");
  task.found_.resize(kLabels);
  return task;
}

std::span<const vision::Box> TaskStages::post(const vision::TensorToFrame& map, int64_t frame_width,
                                              int64_t frame_height) noexcept {
  if (boxes_) {
    const int64_t n =
        boxes_->decode(context_->outputs(), map, frame_width, frame_height, std::span(found_));
    return {found_.data(),
            static_cast<size_t>(std::clamp<int64_t>(n, 0, static_cast<int64_t>(found_.size())))};
  }
  std::array<vision::Label, kLabels> best;
  const TensorSpec& scores = context_->engine().outputs()[0];
  const int64_t n =
      vision::top_k(context_->outputs()[0], scores.dtype, scores.elements(), spec_->softmax, best);
  for (int64_t i = 0; i < n; ++i)
    found_[static_cast<size_t>(i)] = {
        0, 0, 0, 0, best[static_cast<size_t>(i)].score, best[static_cast<size_t>(i)].index};
  return {found_.data(), static_cast<size_t>(n)};
}

std::optional<vision::FrameView> crop(const vision::FrameView& frame, const vision::Box& box) {
  const bool rgb = frame.format == vision::PixelFormat::rgb8;
  const int64_t step = rgb ? 1 : 2;
  const auto inside = [step](float value, int64_t limit, bool up) {
    const double whole = up ? std::ceil(value) : std::floor(value);
    const auto clipped = static_cast<int64_t>(std::clamp(whole, 0., static_cast<double>(limit)));
    return up ? std::min((clipped + step - 1) / step * step, limit / step * step)
              : clipped / step * step;
  };
  if (!std::isfinite(box.x0) || !std::isfinite(box.y0) || !std::isfinite(box.x1) ||
      !std::isfinite(box.y1))
    return std::nullopt;
  const int64_t x = inside(box.x0, frame.width, false), y = inside(box.y0, frame.height, false);
  vision::FrameView view = frame;
  view.width = inside(box.x1, frame.width, true) - x;
  view.height = inside(box.y1, frame.height, true) - y;
  if (view.width < 2 || view.height < 2) return std::nullopt;
  view.planes[0] += y * frame.strides[0] + (rgb ? 3 * x : x);
  if (frame.format == vision::PixelFormat::nv12) view.planes[1] += y / 2 * frame.strides[1] + x;
  if (frame.format == vision::PixelFormat::i420)
    for (int p : {1, 2}) view.planes[p] += y / 2 * frame.strides[p] + x / 2;
  return view;
}

namespace {

// A box of the full picture, in the pixels of one that was decoded smaller.
vision::Box scaled_down(vision::Box box, int scale) {
  const auto by = static_cast<float>(scale);
  box.x0 /= by;
  box.y0 /= by;
  box.x1 /= by;
  box.y1 /= by;
  return box;
}

// The best boxes through the second task. Stage times are summed over the crops.
FrameFault run_crops(const Served& by, const SourceFrame& frame, std::span<const vision::Box> boxes,
                     FrameRecord& r) noexcept {
  TaskStages& second = *by.second;
  const auto most = static_cast<size_t>(by.task->spec().max_crops);
  for (const vision::Box& box : boxes.first(std::min(boxes.size(), most))) {
    const auto part = crop(frame.view, scaled_down(box, frame.scale));
    if (!part) continue;
    const int64_t begin = measure::stamp_ns();
    vision::TensorToFrame map;
    if (const FrameFault f = second.pre().run(*part, second.context().input(), &map);
        f != FrameFault::none)
      return f;
    const int64_t pre = measure::stamp_ns();
    if (second.context().run() != ASSAY_OK) return FrameFault::run_failed;
    const int64_t infer = measure::stamp_ns();
    const auto found = second.post(map, part->width, part->height);
    const int64_t post = measure::stamp_ns();
    r.second_pre += pre - begin;
    r.second_infer += infer - pre;
    r.second_post += post - infer;
    ++r.crops;
    if (by.results != nullptr)
      by.results->add_crop(found.empty() ? -1 : found[0].label, found.empty() ? 0 : found[0].score);
  }
  return FrameFault::none;
}

FrameFault run_stages(const Served& by, FrameRecord& r) noexcept {
  const auto now = [&by] { return measure::stamp_ns() - by.t0_ns; };
  TaskStages& task = *by.task;
  if (const FrameFault f = by.source->read(r.image); f != FrameFault::none) return f;
  r.read_ns = now();
  vision::DecodeTarget target;
  if (by.scaled_decode) {
    int64_t width = 0, height = 0;
    by.source->size_of(r.image, &width, &height);
    if (width > 0) task.pre().least_source(width, height, &target.min_width, &target.min_height);
  }
  SourceFrame frame;
  if (const FrameFault f = by.source->decode(target, &frame); f != FrameFault::none) return f;
  r.decode_ns = now();
  vision::TensorToFrame map;
  if (const FrameFault f = task.pre().run(frame.view, task.context().input(), &map);
      f != FrameFault::none)
    return f;
  r.pre_ns = now();
  if (task.context().run() != ASSAY_OK) return FrameFault::run_failed;
  r.infer_ns = now();
  // Boxes are told in pixels of the full picture, whatever it was decoded to.
  map.scale_x *= frame.scale;
  map.scale_y *= frame.scale;
  const auto found = task.post(map, frame.full_width, frame.full_height);
  r.objects = task.spec().detector ? static_cast<int64_t>(found.size()) : 1;
  r.label = found.empty() ? -1 : std::max<int64_t>(-1, found[0].label);
  if (by.results != nullptr) {
    by.results->begin(r.frame, r.image, task.spec().detector.has_value());
    for (const vision::Box& box : found) by.results->add(box);
  }
  r.post_ns = now();
  if (by.second != nullptr && !found.empty()) {
    if (const FrameFault f = run_crops(by, frame, found, r); f != FrameFault::none) return f;
    r.done_ns = now();
  } else {
    r.done_ns = r.post_ns;
  }
  return FrameFault::none;
}

}  // namespace

void serve(const Served& by, FrameRecord& r) noexcept {
  const AllocCounts before = alloc_counts();
  r.start_ns = measure::stamp_ns() - by.t0_ns;
  const FrameFault fault = run_stages(by, r);
  r.fate = static_cast<int64_t>(fault == FrameFault::none ? Fate::done : Fate::failed);
  r.fault = static_cast<int64_t>(fault);
  if (fault == FrameFault::stopped) {
    r.fate = static_cast<int64_t>(Fate::pending);
    r.read_ns = r.decode_ns = 0;
  } else if (fault != FrameFault::none) {
    r.done_ns = measure::stamp_ns() - by.t0_ns;
    r.objects = 0;
    r.label = -1;
  }
  const AllocCounts taken = alloc_counts().since(before);
  r.own_allocations = taken.own;
  r.compiler_allocations = taken.compiler;
  r.cpu = sched_getcpu();
}

}  // namespace assay::frames
