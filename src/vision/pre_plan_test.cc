// SPDX-License-Identifier: Apache-2.0
// Memory taken before suffices for every size of frame, so that no frame falls back to the slower
// loops or is refused.
#include "vision/pre_plan.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include "vision/frame_pre_fixture.h"

namespace assay::vision {
namespace {

int64_t draw_side(int64_t most) {
  return *rc::gen::oneOf(rc::gen::inRange<int64_t>(1, std::min<int64_t>(most, 40) + 1),
                         rc::gen::inRange<int64_t>(1, most + 1), rc::gen::just(most));
}

RC_GTEST_PROP(PrePlan, ReservedMemorySuffices, ()) {
  const int64_t most = draw_side(3000), tensor = draw_side(300);
  const auto rule = *rc::gen::element(ResizeRule::pil, ResizeRule::opencv, ResizeRule::torch_plain);
  AxisPlan axis;
  StepPlan steps;
  axis.reserve(most, tensor);
  steps.reserve(most, tensor);
  const int64_t from = draw_side(most), to = draw_side(400);
  const int64_t n = std::min({tensor, to, draw_side(300)});
  const int64_t offset = *rc::gen::inRange<int64_t>(0, to - n + 1);
  axis.fill(rule, true, from, to, offset, n);
  RC_ASSERT(axis.begin() >= 0);
  RC_ASSERT(axis.end() <= from);
  const int order[3] = {0, 1, 2};
  const AcrossSteps got = steps.fill(rule, axis, order, from);
  RC_ASSERT((got.groups > 0) == (3 * from >= 16));
  // The weights of each element are all there, once, and no window leaves the row.
  std::vector<int64_t> sums(static_cast<size_t>(got.groups * 16), 0);
  for (int64_t at = 0; at < got.groups * got.steps; ++at) {
    for (int64_t lane = 0; lane < 4; ++lane) {
      const int64_t vector = lane / 2, half = lane % 2;
      RC_ASSERT(got.offsets[at * 4 + lane] >= 0);
      RC_ASSERT(got.offsets[at * 4 + lane] + 16 <= 3 * from);
      const StepRecord& r = got.records[at * 2 + vector];
      for (int64_t j = 0; j < 4; ++j) {
        const auto element = static_cast<size_t>(at / got.steps * 16 + half * 8 + vector * 4 + j);
        for (int64_t t = 0; t < 2; ++t) {
          const int64_t k = 2 * (half * 4 + j) + t;
          if (rule == ResizeRule::pil)
            sums[element] += (int64_t{r.pair[0][k]} << 11) + r.pair[1][k];
          else if (rule == ResizeRule::opencv)
            sums[element] += r.pair[0][k];
          else
            sums[element] += std::llrint(r.real[t][half * 4 + j] * 1e6);
        }
      }
    }
  }
  for (size_t e = 0; e < sums.size(); ++e) {
    const int64_t want = rule == ResizeRule::pil      ? 1 << 22
                         : rule == ResizeRule::opencv ? 2048
                                                      : 1'000'000;
    const bool real = static_cast<int64_t>(e) < 3 * n;
    const int64_t slack = real ? axis.most() + 1 : 0;
    RC_ASSERT(got.groups == 0 || std::abs(sums[e] - (real ? want : 0)) <= slack);
  }
}

TEST(PrePlan, PlacementFillsTheTensorOrCentres) {
  PreSpec spec;
  const Placement p = place(spec, {224, 224}, {500, 375});
  EXPECT_EQ(p.resized.width, 341);
  EXPECT_EQ(p.left, 58);  // 58.5 goes to even
  EXPECT_EQ(p.x1 - p.x0, 224);
  spec.fit = Fit::letterbox;
  const Placement l = place(spec, {640, 640}, {1920, 1080});
  EXPECT_EQ(l.resized.height, 360);
  EXPECT_EQ(l.y0, 140);
  EXPECT_EQ(l.y1, 500);
}

}  // namespace
}  // namespace assay::vision
