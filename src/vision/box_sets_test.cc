// SPDX-License-Identifier: Apache-2.0
// Overlap, suppression, matching and average precision.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <cmath>

#include "vision/boxes.h"

namespace assay::vision {
namespace {

Box box(float x0, float y0, float x1, float y1, float score = 1, int32_t label = 0) {
  return {x0, y0, x1, y1, score, label};
}

TEST(Iou, ByHand) {
  EXPECT_DOUBLE_EQ(iou(box(0, 0, 2, 2), box(1, 1, 3, 3)), 1.0 / 7);
  EXPECT_EQ(iou(box(0, 0, 2, 2), box(2, 0, 4, 2)), 0);
  EXPECT_EQ(iou(box(0, 0, 2, 2), box(0, 0, 2, 2)), 1);
  EXPECT_EQ(iou(box(0, 0, 0, 2), box(0, 0, 0, 2)), 0);
  EXPECT_EQ(iou(box(NAN, 0, 2, 2), box(0, 0, 2, 2)), 0);
  EXPECT_EQ(iou(box(-3e38f, -3e38f, 3e38f, 3e38f), box(-3e38f, -3e38f, 3e38f, 3e38f)), 1);
}

std::vector<Box> any_boxes() {
  const auto gen =
      rc::gen::tuple(rc::gen::inRange(0, 12), rc::gen::inRange(0, 12), rc::gen::inRange(1, 8),
                     rc::gen::inRange(1, 8), rc::gen::inRange(0, 3));
  std::vector<Box> out;
  for (const auto& [x, y, w, h, label] :
       *rc::gen::container<std::vector<std::tuple<int, int, int, int, int>>>(gen))
    out.push_back(box(static_cast<float>(x), static_cast<float>(y), static_cast<float>(x + w),
                      static_cast<float>(y + h), 1.0f - 0.001f * static_cast<float>(out.size()),
                      label));
  return out;
}

// By cells of the grid that both cover: shares no code with iou().
double grid_iou(const Box& a, const Box& b) {
  int both = 0, any = 0;
  for (int y = 0; y < 24; ++y)
    for (int x = 0; x < 24; ++x) {
      const auto in = [&](const Box& k) {
        return k.x0 <= static_cast<float>(x) && static_cast<float>(x) < k.x1 &&
               k.y0 <= static_cast<float>(y) && static_cast<float>(y) < k.y1;
      };
      both += in(a) && in(b);
      any += in(a) || in(b);
    }
  return static_cast<double>(both) / any;
}

// A box is kept exactly when no kept box before it overlaps it too much: checked over all pairs.
RC_GTEST_PROP(Suppression, IsTheBruteForceOne, ()) {
  const auto boxes = any_boxes();
  const double most = *rc::gen::inRange(0, 11) / 10.0 + 0.001;
  const bool per_class = *rc::gen::arbitrary<bool>();
  std::vector<uint8_t> keep(boxes.size() + 1, 7);
  const int64_t kept = suppress(boxes, most, per_class, 1 << 20, keep);
  std::vector<uint8_t> dead(boxes.size(), 0);
  int64_t alive = 0;
  for (size_t i = 0; i < boxes.size(); ++i) {
    RC_ASSERT(int{keep[i]} == int{!dead[i]});
    alive += !dead[i];
    for (size_t j = i + 1; !dead[i] && j < boxes.size(); ++j)
      if (!per_class || boxes[i].label == boxes[j].label)
        dead[j] |= grid_iou(boxes[i], boxes[j]) > most;
  }
  RC_ASSERT(kept == alive);
  RC_ASSERT(keep.back() == 7);
  const int64_t cut = suppress(boxes, most, per_class, 2, keep);
  RC_ASSERT(cut == std::min<int64_t>(2, alive));
}

TEST(Match, GreedyByOverlapWithinAClass) {
  const std::vector<Box> a = {box(0, 0, 10, 10, 0.9f), box(20, 0, 30, 10, 0.8f),
                              box(50, 50, 60, 60, 0.7f, 1)};
  const std::vector<Box> b = {box(2, 0, 12, 10, 0.5f), box(0, 0, 10, 10.5f, 0.6f),
                              box(50, 50, 60, 60, 0.7f, 2)};
  const BoxMatch m = match_boxes(a, b);
  ASSERT_EQ(m.pairs.size(), 1u);
  EXPECT_EQ(m.pairs[0].a, 0);
  EXPECT_EQ(m.pairs[0].b, 1);  // the nearer one, though it stands second
  EXPECT_DOUBLE_EQ(m.pairs[0].drift, 0.5);
  EXPECT_NEAR(m.pairs[0].score_change, 0.3, 1e-6);
  EXPECT_EQ(m.only_a, (std::vector<int64_t>{1, 2}));
  EXPECT_EQ(m.only_b, (std::vector<int64_t>{0, 2}));
  EXPECT_FALSE(m.same());
  EXPECT_TRUE(match_boxes({}, {}).same());
}

RC_GTEST_PROP(Match, WithItselfIsWholeAndSidesSwap, ()) {
  const auto boxes = any_boxes(), others = any_boxes();
  const BoxMatch self = match_boxes(boxes, boxes);
  RC_ASSERT(self.same());
  for (const BoxPair& p : self.pairs) RC_ASSERT(p.drift == 0);
  const BoxMatch ab = match_boxes(boxes, others);
  RC_ASSERT(ab.pairs.size() + ab.only_a.size() == boxes.size());
  RC_ASSERT(ab.pairs.size() + ab.only_b.size() == others.size());
}

// Two truths in two frames; found in order of score: right, wrong, right.
// Precision 1, 1/2, 2/3 at recall 1/2, 1/2, 1: 1/2 * 1 + 1/2 * 2/3 = 5/6.
TEST(Precision, ByHand) {
  std::vector<FrameBoxes> frames(2);
  frames[0].truth = {box(0, 0, 10, 10)};
  frames[1].truth = {box(0, 0, 10, 10)};
  frames[0].found = {box(0, 0, 10, 10, 0.9f), box(50, 50, 60, 60, 0.8f)};
  frames[1].found = {box(1, 0, 10, 10, 0.7f)};
  auto p = mean_precision(frames, 2);
  ASSERT_TRUE(p);
  EXPECT_NEAR(p->map, 5.0 / 6, 1e-12);
  ASSERT_EQ(p->by_class.size(), 2u);
  EXPECT_FALSE(p->by_class[1]);  // no truth, so no word about it

  // A second box on the same truth is wrong: precision 1, 1/2, 2/3 again.
  frames[0].found[1] = box(0, 0, 10, 9, 0.8f);
  EXPECT_NEAR(mean_precision(frames, 1)->map, 5.0 / 6, 1e-12);
  // Never found: recall stops at 1/2.
  frames[1].found.clear();
  EXPECT_NEAR(mean_precision(frames, 1)->map, 0.5, 1e-12);
  // A wrong box that scores NaN stands last and changes nothing.
  frames[1].found = {box(70, 70, 80, 80, NAN)};
  EXPECT_NEAR(mean_precision(frames, 1)->map, 0.5, 1e-12);
  // Another class with one truth that is missed halves the mean.
  frames[1].truth.push_back(box(0, 0, 5, 5, 1, 1));
  EXPECT_NEAR(mean_precision(frames, 2)->map, 0.25, 1e-12);
  EXPECT_EQ(*mean_precision(frames, 2)->by_class[1], 0);
}

TEST(Precision, OverlapUnderTheBoundIsNoHitAndNoTruthNoValue) {
  std::vector<FrameBoxes> frames(1);
  frames[0].found = {box(0, 0, 10, 10)};
  EXPECT_FALSE(mean_precision(frames, 1));
  frames[0].truth = {box(0, 0, 10, 4)};
  EXPECT_EQ(mean_precision(frames, 1)->map, 0);
  EXPECT_EQ(mean_precision(frames, 1, 0.4)->map, 1);
}

}  // namespace
}  // namespace assay::vision
