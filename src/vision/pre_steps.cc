// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstring>

#include "vision/pre_plan.h"
#include "vision/taps.h"

namespace assay::vision {
namespace {

constexpr int64_t kLane = 4, kGroup = 16, kWindow = 16;
constexpr uint8_t kZero = 0x80;  // a shuffle writes 0 there

int64_t lanes_at_most(int64_t max_from, int64_t max_targets) {
  // A lane needs at most 1.5 x scale + 4 steps (its one or two pixels have 2 x scale + 3 taps and
  // lie scale + 1 apart, two taps a step), there are 0.75 lanes a target, the last group may add
  // 3, and targets x scale is at most the axis.
  return (9 * std::max(max_from, max_targets)) / 8 + 3 * max_targets + 9 * max_from / 2 + 32;
}

}  // namespace

void StepPlan::reserve(int64_t max_from, int64_t max_targets) {
  const auto lanes = static_cast<size_t>(lanes_at_most(max_from, max_targets));
  offsets_.resize(lanes);
  records_.resize(lanes / 2 + 1);
}

// Calls emit(step, offset, j, taken, bytes) for each element j of the lane that starts at `element`
// and takes `taken` taps from a step's window, the first being its tap `tap`. Returns the steps.
template <class Emit>
int64_t StepPlan::lane(const AxisPlan& axis, bool pil, const int order[3], int64_t element,
                       int64_t limit, Emit&& emit) const {
  int64_t next[kLane] = {}, taps[kLane] = {}, pixel[kLane] = {};
  for (int64_t j = 0; j < kLane; ++j) {
    const int64_t p = (element + j) / 3;
    if (p >= axis.targets()) continue;
    pixel[j] = p;
    taps[j] = pil ? axis.count(p) : 2;
  }
  const auto byte = [&](int64_t j, int64_t tap) {
    const int64_t p = pixel[j];
    return 3 * (axis.first(p) + std::min(tap, axis.count(p) - 1)) + order[(element + j) % 3];
  };
  for (int64_t step = 0;; ++step) {
    int64_t lowest = -1;
    for (int64_t j = 0; j < kLane; ++j) {
      if (next[j] == taps[j]) continue;
      const int64_t source = axis.first(pixel[j]) + std::min(next[j], axis.count(pixel[j]) - 1);
      if (lowest < 0 || source < lowest) lowest = source;
    }
    if (lowest < 0) return step;
    const int64_t offset = std::min(3 * lowest, limit);
    for (int64_t j = 0; j < kLane; ++j) {
      int64_t taken = 0;
      uint8_t pick[2] = {kZero, kZero};
      while (taken < 2 && next[j] + taken < taps[j] &&
             byte(j, next[j] + taken) - offset < kWindow) {
        pick[taken] = static_cast<uint8_t>(byte(j, next[j] + taken) - offset);
        ++taken;
      }
      if (taken) emit(step, offset, j, pixel[j], next[j], taken, pick);
      next[j] += taken;
    }
  }
}

AcrossSteps StepPlan::fill(ResizeRule rule, const AxisPlan& axis, const int order[3],
                           int64_t width) {
  const int64_t limit = 3 * width - kWindow;
  if (limit < 0) return {};
  const bool pil = rule == ResizeRule::pil;
  AcrossSteps out;
  out.groups = (3 * axis.targets() + kGroup - 1) / kGroup;
  for (int64_t e = 0; e < out.groups * kGroup; e += kLane)
    out.steps = std::max(out.steps, lane(axis, pil, order, e, limit, [](auto&&...) {}));
  const int64_t lanes = out.groups * out.steps * 4;
  if (lanes > static_cast<int64_t>(offsets_.size())) return {};
  std::fill_n(offsets_.begin(), lanes, 0);
  StepRecord none{};
  std::memset(none.pick, kZero, sizeof none.pick);
  std::fill_n(records_.begin(), lanes / 2, none);
  for (int64_t e = 0; e < out.groups * kGroup; e += kLane) {
    const int64_t group = e / kGroup, quarter = e % kGroup / kLane;
    const int64_t vector = quarter % 2, half = quarter / 2;  // elements 4-7 begin vector 1
    lane(axis, pil, order, e, limit,
         [&](int64_t step, int64_t offset, int64_t j, int64_t pixel, int64_t tap, int64_t taken,
             const uint8_t pick[2]) {
           const int64_t at = group * out.steps + step;
           offsets_[static_cast<size_t>(at * 4 + vector * 2 + half)] = static_cast<int32_t>(offset);
           StepRecord& r = records_[static_cast<size_t>(at * 2 + vector)];
           const int64_t place = half * kLane + j;
           for (int64_t t = 0; t < taken; ++t) {
             r.pick[4 * place + 2 * t] = pick[t];
             const int32_t w = axis.weights(pixel)[tap + t];
             if (rule == ResizeRule::torch_plain) {
               r.real[t][place] = axis.real(pixel)[tap + t];
             } else if (rule == ResizeRule::opencv) {
               r.pair[0][2 * place + t] = static_cast<int16_t>(w);
             } else {
               r.pair[0][2 * place + t] = static_cast<int16_t>(w >> (kTapBits / 2));
               r.pair[1][2 * place + t] = static_cast<int16_t>(w & ((1 << (kTapBits / 2)) - 1));
             }
           }
         });
  }
  out.offsets = offsets_.data();
  out.records = records_.data();
  return out;
}

}  // namespace assay::vision
