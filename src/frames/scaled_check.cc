// SPDX-License-Identifier: Apache-2.0
#include "frames/scaled_check.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <set>

#include "measure/clock.h"

namespace assay::frames {
namespace {

using vision::FrameFault;

// A picture through the task, one way.
struct Pass {
  bool ok = false;
  int scale = 1;
  int64_t decode_ns = 0;
  std::vector<float> tensor;  // empty when it is not float32
  std::vector<vision::Box> found;
};

Pass pass(const Served& by, int64_t picture, bool scaled) {
  Pass p;
  TaskStages& task = *by.task;
  if (by.source->read(picture) != FrameFault::none) return p;
  vision::DecodeTarget target;
  if (scaled) {
    int64_t width = 0, height = 0;
    by.source->size_of(picture, &width, &height);
    if (width > 0) task.pre().least_source(width, height, &target.min_width, &target.min_height);
  }
  SourceFrame frame;
  const int64_t begin = measure::stamp_ns();
  if (by.source->decode(target, &frame) != FrameFault::none) return p;
  p.decode_ns = measure::stamp_ns() - begin;
  p.scale = frame.scale;
  vision::TensorToFrame map;
  if (task.pre().run(frame.view, task.context().input(), &map) != FrameFault::none) return p;
  const TensorSpec& input = task.context().engine().inputs()[0];
  if (input.dtype == DType::f32) {
    p.tensor.resize(static_cast<size_t>(input.elements()));
    std::memcpy(p.tensor.data(), task.context().input(), p.tensor.size() * sizeof(float));
  }
  if (task.context().run() != ASSAY_OK) return p;
  map.scale_x *= frame.scale;
  map.scale_y *= frame.scale;
  const auto found = task.post(map, frame.full_width, frame.full_height);
  p.found.assign(found.begin(), found.end());
  p.ok = true;
  return p;
}

bool same_answer(const Served& by, const Pass& a, const Pass& b) {
  if (by.task->spec().detector) return vision::match_boxes(a.found, b.found).same();
  if (a.found.empty() || b.found.empty()) return a.found.empty() == b.found.empty();
  return a.found[0].label == b.found[0].label;
}

int64_t median(std::vector<int64_t>& v) {
  if (v.empty()) return 0;
  const auto middle = v.begin() + std::ssize(v) / 2;
  std::nth_element(v.begin(), middle, v.end());
  return *middle;
}

// One grey level in units of the tensor: scale / std, of the channel where it is largest.
double level_of(const vision::PreSpec& pre) {
  const double narrow = *std::min_element(pre.std.begin(), pre.std.end());
  return pre.scale / narrow;
}

}  // namespace

Json check_scaled_decode(const Served& by) {
  std::vector<int64_t> full, scaled;
  std::set<int64_t> seen;
  int64_t pictures = 0, smaller = 0, changed = 0, values = 0;
  double most = 0, sum = 0;
  for (int64_t frame = 0; frame < kCheckedPictures; ++frame) {
    const int64_t picture = by.source->picture_of(frame);
    if (picture < 0) break;
    if (!seen.insert(picture).second) continue;
    const Pass a = pass(by, picture, false), b = pass(by, picture, true);
    if (!a.ok || !b.ok) continue;
    ++pictures;
    smaller += b.scale > 1;
    changed += !same_answer(by, a, b);
    full.push_back(a.decode_ns);
    scaled.push_back(b.decode_ns);
    for (size_t i = 0; i < a.tensor.size(); ++i) {
      const double apart = std::abs(static_cast<double>(a.tensor[i]) - b.tensor[i]);
      most = std::max(most, apart);
      sum += apart;
    }
    values += std::ssize(a.tensor);
  }
  const double level = level_of(by.task->spec().pre);
  const bool known = values > 0 && level > 0;
  return {{"pictures", pictures},
          {"smaller", smaller},
          {"decode_full_ns", median(full)},
          {"decode_scaled_ns", median(scaled)},
          {"max_levels", known ? Json(most / level) : Json(nullptr)},
          {"mean_levels", known ? Json(sum / static_cast<double>(values) / level) : Json(nullptr)},
          {"changed", changed}};
}

}  // namespace assay::frames
