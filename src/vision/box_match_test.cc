// SPDX-License-Identifier: Apache-2.0
// Matching and mean average precision on examples worked out by hand.
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <algorithm>

#include "vision/boxes.h"

namespace assay::vision {
namespace {

Box box(float x0, float y0, float x1, float y1, float score = 1, int32_t label = 0) {
  return {x0, y0, x1, y1, score, label};
}

TEST(Iou, HandWorked) {
  EXPECT_EQ(iou(box(0, 0, 2, 2), box(0, 0, 2, 2)), 1);
  EXPECT_DOUBLE_EQ(iou(box(0, 0, 2, 2), box(1, 0, 3, 2)), 2.0 / 6);
  EXPECT_EQ(iou(box(0, 0, 2, 2), box(2, 0, 4, 2)), 0);  // edges touch
  EXPECT_EQ(iou(box(0, 0, 4, 4), box(1, 1, 3, 3)), 0.25);
  EXPECT_EQ(iou(box(1, 1, 1, 3), box(1, 1, 1, 3)), 0);  // no area
  EXPECT_EQ(iou(box(0, 0, 3e38f, 3e38f), box(0, 0, 3e38f, 3e38f)), 1);
}

TEST(Match, ClassAndOverlapDecide) {
  const std::vector<Box> a = {box(0, 0, 10, 10, .9f, 0), box(20, 0, 30, 10, .8f, 1),
                              box(0, 20, 10, 30, .7f, 2)};
  const std::vector<Box> b = {box(20, 0, 30, 10, .8f, 2),    // another class
                              box(0, 0.5f, 10, 10, .5f, 0),  // moved by half a pixel
                              box(0, 26, 10, 36, .7f, 2)};   // overlaps by 4 of 16
  const BoxMatch m = match_boxes(a, b);
  ASSERT_EQ(m.pairs.size(), 1u);
  EXPECT_EQ(m.pairs[0].a, 0);
  EXPECT_EQ(m.pairs[0].b, 1);
  EXPECT_DOUBLE_EQ(m.pairs[0].iou, .95);
  EXPECT_DOUBLE_EQ(m.pairs[0].drift, .5);
  EXPECT_NEAR(m.pairs[0].score_change, .4, 1e-6);
  EXPECT_EQ(m.only_a, (std::vector<int64_t>{1, 2}));
  EXPECT_EQ(m.only_b, (std::vector<int64_t>{0, 2}));
  EXPECT_FALSE(m.same());
  EXPECT_TRUE(match_boxes({}, {}).same());
  EXPECT_FALSE(match_boxes(a, {}).same());
}

TEST(Match, ExactlyHalfMatchesAndTheBestOverlapGoesFirst) {
  EXPECT_TRUE(match_boxes(std::vector{box(0, 0, 2, 1)}, std::vector{box(0, 0, 1, 1)}).same());
  // b overlaps both; it goes to the nearer one although that one comes later.
  const std::vector<Box> a = {box(0, 0, 10, 10), box(1, 0, 11, 10)}, b = {box(2, 0, 12, 10)};
  const BoxMatch m = match_boxes(a, b);
  ASSERT_EQ(m.pairs.size(), 1u);
  EXPECT_EQ(m.pairs[0].a, 1);
  EXPECT_EQ(m.only_a, (std::vector<int64_t>{0}));
}

RC_GTEST_PROP(MatchProperty, EveryBoxIsSeenOnceAndOrderDoesNotMatter, ()) {
  const auto some = [] {
    std::vector<Box> out;
    for (int n = *rc::gen::inRange(0, 10); n > 0; --n) {
      const auto x = static_cast<float>(*rc::gen::inRange(0, 1000)) / 100;
      const auto y = static_cast<float>(*rc::gen::inRange(0, 1000)) / 100;
      out.push_back(box(x, y, x + 5, y + 4, .5f, *rc::gen::inRange(0, 2)));
    }
    return out;
  };
  const auto a = some(), b = some();
  const BoxMatch m = match_boxes(a, b);
  RC_ASSERT(m.pairs.size() + m.only_a.size() == a.size());
  RC_ASSERT(m.pairs.size() + m.only_b.size() == b.size());
  for (const BoxPair& p : m.pairs) {
    const Box &x = a[static_cast<size_t>(p.a)], &y = b[static_cast<size_t>(p.b)];
    RC_ASSERT(x.label == y.label);
    RC_ASSERT(p.iou == iou(x, y));
    RC_ASSERT(p.iou >= .5);
  }
  // Nothing that could still be matched is left over.
  for (const int64_t i : m.only_a)
    for (const int64_t j : m.only_b)
      RC_ASSERT(a[static_cast<size_t>(i)].label != b[static_cast<size_t>(j)].label ||
                iou(a[static_cast<size_t>(i)], b[static_cast<size_t>(j)]) < .5);
  RC_ASSERT(match_boxes(a, a).same());
}

TEST(MeanPrecision, AllFoundIsOneAndNothingFoundIsZero) {
  const Box t = box(0, 0, 10, 10);
  EXPECT_EQ(mean_precision(std::vector<FrameBoxes>{{{t}, {t}}}, 1)->map, 1);
  EXPECT_EQ(mean_precision(std::vector<FrameBoxes>{{{}, {t}}}, 1)->map, 0);
  EXPECT_FALSE(mean_precision(std::vector<FrameBoxes>{{{t}, {}}}, 1));
  EXPECT_FALSE(mean_precision({}, 1));
  EXPECT_FALSE(mean_precision(std::vector<FrameBoxes>{{{t}, {t}}}, 0));
}

TEST(MeanPrecision, RightWrongRight) {
  // By score: right, wrong, right; 2 truths. Precision 1, 1/2, 2/3 at recall 1/2, 1/2, 1:
  // 1/2 * 1 + 1/2 * 2/3 = 5/6.
  const std::vector<FrameBoxes> frames = {
      {{box(0, 0, 10, 10, .9f), box(50, 50, 60, 60, .8f)}, {box(0, 0, 10, 10)}},
      {{box(0, 0, 10, 10, .7f)}, {box(0, 0, 10, 10)}}};
  const auto m = mean_precision(frames, 2);
  ASSERT_TRUE(m);
  EXPECT_DOUBLE_EQ(m->map, 5.0 / 6);
  ASSERT_EQ(m->by_class.size(), 2u);
  EXPECT_DOUBLE_EQ(*m->by_class[0], 5.0 / 6);
  EXPECT_FALSE(m->by_class[1]);
}

TEST(MeanPrecision, ATruthIsFoundOnce) {
  // The second box on the same truth is wrong; it comes after: precision 1 at recall 1.
  const std::vector<FrameBoxes> after = {
      {{box(0, 0, 10, 10, .9f), box(0, 0, 10, 9, .8f)}, {box(0, 0, 10, 10)}}};
  EXPECT_DOUBLE_EQ(mean_precision(after, 1)->map, 1);
  // Two truths, the second never found: half.
  const std::vector<FrameBoxes> twice = {
      {{box(0, 0, 10, 10, .9f), box(0, 0, 10, 9, .8f)}, {box(0, 0, 10, 10), box(50, 0, 60, 10)}}};
  EXPECT_DOUBLE_EQ(mean_precision(twice, 1)->map, .5);
}

TEST(MeanPrecision, ClassesCountAlikeAndAWrongClassIsWrong) {
  const std::vector<FrameBoxes> frames = {
      {{box(0, 0, 10, 10, .9f, 0), box(20, 0, 30, 10, .9f, 0)},
       {box(0, 0, 10, 10, 1, 0), box(20, 0, 30, 10, 1, 1), box(40, 0, 50, 10, 1, 9)}}};
  // Class 0: found first or second, both of one score in the order given: 1. Class 1: 0.
  EXPECT_DOUBLE_EQ(mean_precision(frames, 2)->map, .5);
}

TEST(MeanPrecision, OverlapBelowTheLeastIsWrong) {
  const std::vector<FrameBoxes> frames = {{{box(0, 0, 10, 4.9f, .9f)}, {box(0, 0, 10, 10)}}};
  EXPECT_EQ(mean_precision(frames, 1)->map, 0);
  EXPECT_EQ(mean_precision(frames, 1, .4)->map, 1);
}

}  // namespace
}  // namespace assay::vision
