// SPDX-License-Identifier: Apache-2.0
// Each head against boxes worked out by hand.
#include "vision/boxes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "vision/boxes_head.h"

namespace assay::vision {

int64_t allocations_so_far();  // labels_test.cc, where they are counted

namespace {

using testing::HasSubstr;

float logit(double p) { return static_cast<float>(std::log(p / (1 - p))); }

DetectorSpec spec(HeadKind kind, int64_t classes) {
  DetectorSpec s;
  s.kind = kind;
  s.classes = classes;
  if (kind == HeadKind::retinanet) s.variances = {1, 1, 1, 1};
  s.scores_output = "scores";
  s.labels_output = "labels";
  s.boxes_output = "boxes";
  if (kind == HeadKind::yolo_flat) s.boxes_output = "";
  return s;
}
TensorSpec tensor(const char* name, std::vector<int64_t> shape, DType t = DType::f32) {
  return {name, t, std::move(shape)};
}

struct Run {
  std::vector<Box> boxes;
  std::string error;
};
Run decode(const DetectorSpec& s, const std::vector<TensorSpec>& outputs,
           std::vector<std::vector<float>> values, int64_t side = 64, const TensorToFrame& map = {},
           int64_t frame = 0) {
  auto d = BoxDecoder::create(s, outputs, side, side);
  if (!d) return {{}, d.error().message};
  std::vector<void*> pointers;
  for (auto& v : values) pointers.push_back(v.data());
  std::vector<Box> out(50);
  if (frame == 0) frame = side;
  out.resize(static_cast<size_t>(d->decode(pointers, map, frame, frame, out)));
  return {out, ""};
}

void expect_box(const Box& b, double x0, double y0, double x1, double y1, double score,
                int32_t label) {
  EXPECT_NEAR(b.x0, x0, 1e-4);
  EXPECT_NEAR(b.y0, y0, 1e-4);
  EXPECT_NEAR(b.x1, x1, 1e-4);
  EXPECT_NEAR(b.y1, y1, 1e-4);
  EXPECT_NEAR(b.score, score, 1e-5);
  EXPECT_EQ(b.label, label);
}

// 2 anchors, 3 classes, 2x2 cells of 32 pixels; all cells empty but anchor 1 at row 1, column 0.
class YoloAnchors : public testing::Test {
 protected:
  YoloAnchors() : values_(2 * 8 * 4, -20.0f) {
    spec_.levels = {{"out", 32, {{10, 10}, {16, 24}}}};
    const double numbers[8] = {logit(0.25), logit(0.5),    std::log(2.0), 0,
                               logit(0.9),  std::log(1.0), std::log(8.0), std::log(1.0)};
    for (size_t k = 0; k < 8; ++k) values_[(8 + k) * 4 + 2] = static_cast<float>(numbers[k]);
  }
  DetectorSpec spec_ = spec(HeadKind::yolo_anchors, 3);
  std::vector<TensorSpec> outputs_ = {tensor("other", {5}), tensor("out", {1, 16, 2, 2})};
  std::vector<float> values_;
  std::vector<float> other_ = std::vector<float>(5);
};

// Centre (0.25*32, 1.5*32) = (8, 48), size 32x24.
TEST_F(YoloAnchors, Version2SharesTheClasses) {
  spec_.softmax_classes = true;
  const auto r = decode(spec_, outputs_, {other_, values_});
  ASSERT_EQ(r.boxes.size(), 1u) << r.error;
  expect_box(r.boxes[0], 0, 36, 24, 60, 0.9 * 0.8, 1);  // x0 = -8 is clipped
}
TEST_F(YoloAnchors, Version3JudgesEachClass) {
  const auto r = decode(spec_, outputs_, {other_, values_});
  ASSERT_EQ(r.boxes.size(), 3u);
  expect_box(r.boxes[0], 0, 36, 24, 60, 0.9 * 8 / 9, 1);
  expect_box(r.boxes[1], 0, 36, 24, 60, 0.45, 0);
  expect_box(r.boxes[2], 0, 36, 24, 60, 0.45, 2);
  spec_.nms_per_class = false;
  EXPECT_EQ(decode(spec_, outputs_, {other_, values_}).boxes.size(), 1u);
}
TEST_F(YoloAnchors, BoxesStandInTheFrame) {
  spec_.score_threshold = 0.5;
  // Letterbox: the tensor's x from 8, half the frame's size.
  const auto r = decode(spec_, outputs_, {other_, values_}, 64, {2, 2, -4, 0}, 128);
  ASSERT_EQ(r.boxes.size(), 1u);
  expect_box(r.boxes[0], 0, 72, 56, 120, 0.8, 1);
}
TEST_F(YoloAnchors, ShapeThatDoesNotFit) {
  outputs_[1].shape = {1, 16, 2, 3};
  EXPECT_THAT(decode(spec_, outputs_, {other_, values_}).error,
              HasSubstr("'out' is 1x16x2x3, the detector expects 1x16x2x2"));
  outputs_[1] = tensor("out", {1, 16, 2, 2}, DType::boolean);
  EXPECT_THAT(decode(spec_, outputs_, {}).error, HasSubstr("has the type bool"));
  outputs_[1].name = "else";
  EXPECT_THAT(decode(spec_, outputs_, {}).error, HasSubstr("no output 'out'"));
  spec_.levels[0].output = "";
  EXPECT_THAT(decode(spec_, outputs_, {}).error, HasSubstr("names no output"));
}

TEST(YoloFlat, RowsOfNumbersWithObjectness) {
  const auto s = spec(HeadKind::yolo_flat, 2);
  const auto r = decode(s, {tensor("out", {1, 3, 7})},
                        {{32, 20, 16, 8,  0.8f, 0.1f, 0.9f,  //
                          33, 20, 16, 8,  0.8f, 0.1f, 0.5f,  // the same, weaker: suppressed
                          50, 50, 10, 10, 0.2f, 1,    1}});  // objectness under the threshold
  ASSERT_EQ(r.boxes.size(), 1u) << r.error;
  expect_box(r.boxes[0], 24, 16, 40, 24, 0.72, 1);
}
TEST(YoloFlat, RowsOfBoxesWithoutObjectness) {
  auto s = spec(HeadKind::yolo_flat, 1);
  s.objectness = false;
  const auto r = decode(s, {tensor("out", {1, 5, 2})}, {{10, 40, 10, 40, 8, 8, 8, 8, 0.3f, 0.6f}});
  ASSERT_EQ(r.boxes.size(), 2u) << r.error;
  expect_box(r.boxes[0], 36, 36, 44, 44, 0.6, 0);
  expect_box(r.boxes[1], 6, 6, 14, 14, 0.3, 0);
  EXPECT_THAT(decode(s, {tensor("out", {1, 6, 2})}, {}).error, HasSubstr("1xNx5 or 1x5xN"));
}

// Prior at the middle, 0.25 x 0.5 of 64 pixels; variances .1 and .2.
TEST(Ssd, PriorsAndVariances) {
  auto s = spec(HeadKind::ssd, 2);
  s.priors = {{0.5, 0.5, 0.25, 0.5}, {0.1, 0.1, 0.1, 0.1}};
  const std::vector<float> deltas = {5, -2.5f, static_cast<float>(5 * std::log(2.0)), 0, 0, 0,
                                     0, 0};
  const std::vector<TensorSpec> outputs = {tensor("scores", {1, 2, 3}), tensor("boxes", {1, 2, 4})};
  // cx = 32 + .5 * 16 = 40, cy = 32 - .25 * 32 = 24, w = 32, h = 32.
  auto r = decode(s, outputs, {{0.1f, 0.2f, 0.7f, 1, 0, 0}, deltas});
  ASSERT_EQ(r.boxes.size(), 1u) << r.error;
  expect_box(r.boxes[0], 24, 8, 56, 40, 0.7, 1);
  s.softmax_classes = true;  // the same shares as logits
  r = decode(s, outputs, {{std::log(1.0f), std::log(2.0f), std::log(7.0f), 20, 0, 0}, deltas});
  ASSERT_EQ(r.boxes.size(), 1u);
  expect_box(r.boxes[0], 24, 8, 56, 40, 0.7, 1);
  s.priors.pop_back();
  EXPECT_THAT(decode(s, outputs, {}).error, HasSubstr("expects 1x1x4"));
}

// 3x3 cells of stride 8 (20 pixels: the last is cut), then 2x2 of 16; one anchor each.
TEST(RetinaNet, AnchorsOverLevels) {
  auto s = spec(HeadKind::retinanet, 1);
  s.levels = {{"", 8, {{8, 8}}}, {"", 16, {{16, 32}}}};
  std::vector<float> deltas(13 * 4, 0.0f), logits(13, -20.0f);
  logits[5] = logit(0.6);   // level 0, row 1, column 2: anchor centre (16, 8)
  logits[12] = logit(0.9);  // level 1, row 1, column 1: (16, 16)
  deltas[5 * 4] = 0.5f;
  deltas[12 * 4 + 3] = static_cast<float>(std::log(0.25));
  const std::vector<TensorSpec> outputs = {tensor("boxes", {1, 13, 4}),
                                           tensor("scores", {1, 13, 1})};
  auto r = decode(s, outputs, {deltas, logits}, 20);
  ASSERT_EQ(r.boxes.size(), 2u) << r.error;
  expect_box(r.boxes[0], 8, 12, 20, 20, 0.9, 0);
  expect_box(r.boxes[1], 16, 4, 20, 12, 0.6, 0);
  s.anchor_offset = 0.5;  // centres half a stride on: the box of level 0 leaves the frame's side
  r = decode(s, outputs, {deltas, logits}, 20, {}, 40);
  expect_box(r.boxes[0], 16, 20, 32, 28, 0.9, 0);
  expect_box(r.boxes[1], 20, 8, 28, 16, 0.6, 0);
  EXPECT_THAT(decode(s, outputs, {}, 30).error, HasSubstr("expects 1x20x4"));
}

TEST(Given, LabelsOfAnyType) {
  const auto s = spec(HeadKind::boxes, 3);
  std::vector<float> boxes = {1, 2, 11, 12, 1, 2, 11, 12, 5, 5, 5, 9, 20, 20, 30, 30};
  std::vector<float> scores = {0.5f, 0.9f, 0.9f, 0.8f};
  std::vector<int64_t> labels = {2, 2, 1, 3};  // the third has no area, the fourth no class
  auto d = BoxDecoder::create(
      s, {tensor("boxes", {4, 4}), tensor("scores", {1, 4}), tensor("labels", {4}, DType::i64)}, 64,
      64);
  ASSERT_TRUE(d) << d.error().message;
  void* pointers[] = {boxes.data(), scores.data(), labels.data()};
  Box out[4];
  ASSERT_EQ(d->decode(pointers, {}, 64, 64, out), 1);
  expect_box(out[0], 1, 2, 11, 12, 0.9, 2);
  EXPECT_EQ(d->decode(std::span(pointers).first(2), {}, 64, 64, out), 0);
  EXPECT_THAT(
      decode(s, {tensor("boxes", {4, 4}), tensor("scores", {3}), tensor("labels", {4})}, {}).error,
      HasSubstr("'scores' is 3, the detector expects 4"));
}

// Whatever the numbers: finite boxes inside the frame, best first, and no allocation.
TEST(AnyHead, HostileNumbersAndNoAllocation) {
  const float hostile[] = {NAN,   INFINITY, -INFINITY, 0,  1,
                           3e38f, -3e38f,   1e-40f,    88, std::numeric_limits<float>::max()};
  auto ssd = spec(HeadKind::ssd, 2);
  ssd.priors.assign(12, {0.5, 0.5, 0.2, 0.2});
  auto retina = spec(HeadKind::retinanet, 2);
  retina.levels = {{"", 32, {{8, 8}, {16, 16}, {32, 32}}}};
  auto yolo = spec(HeadKind::yolo_anchors, 2);
  yolo.levels = {{"", 32, {{8, 8}}}};
  struct Case {
    DetectorSpec spec;
    std::vector<TensorSpec> outputs;
  };
  std::vector<Case> cases = {
      {yolo, {tensor("y", {1, 7, 2, 2})}},
      {spec(HeadKind::yolo_flat, 2), {tensor("y", {1, 20, 7})}},
      {ssd, {tensor("boxes", {1, 12, 4}), tensor("scores", {1, 12, 3})}},
      {retina, {tensor("boxes", {1, 12, 4}), tensor("scores", {1, 12, 2})}},
      {spec(HeadKind::boxes, 2),
       {tensor("boxes", {9, 4}), tensor("scores", {9}), tensor("labels", {9})}}};
  for (Case& c : cases) {
    c.spec.score_threshold = 0;
    c.spec.max_candidates = 7;
    c.spec.max_boxes = 5;
    auto d = BoxDecoder::create(c.spec, c.outputs, 64, 64);
    ASSERT_TRUE(d) << word(c.spec.kind) << d.error().message;
    std::vector<std::vector<float>> values;
    std::vector<void*> pointers;
    for (const auto& t : c.outputs) values.emplace_back(static_cast<size_t>(t.elements()));
    for (auto& v : values) pointers.push_back(v.data());
    uint64_t state = 1;
    for (int round = 0; round < 300; ++round) {
      for (auto& v : values)
        for (float& f : v) {
          state = state * 6364136223846793005u + 1442695040888963407u;
          f = hostile[(state >> 40) % std::size(hostile)];
        }
      Box out[5];
      const int64_t before = allocations_so_far();
      const int64_t n = d->decode(pointers, {}, 64, 48, out);
      ASSERT_EQ(allocations_so_far(), before);
      ASSERT_LE(n, 5);
      for (int64_t i = 0; i < n; ++i) {
        const Box& b = out[i];
        EXPECT_TRUE(b.x0 >= 0 && b.x0 < b.x1 && b.x1 <= 64) << b.x0 << " " << b.x1;
        EXPECT_TRUE(b.y0 >= 0 && b.y0 < b.y1 && b.y1 <= 48) << b.y0 << " " << b.y1;
        EXPECT_TRUE(b.label == 0 || b.label == 1);
        EXPECT_TRUE(std::isfinite(b.score));
        EXPECT_TRUE(i == 0 || out[i - 1].score >= b.score);
      }
    }
  }
}

// Of equal scores the lower label, then the earlier position, whatever order they are met in.
TEST(Candidates, KeepTheBestInATotalOrder) {
  Candidates c(2);
  c.start({}, 100, 100, 0.1);
  c.offer(0.5, 1, 4, 0, 0, 1, 1);
  c.offer(0.5, 0, 9, 0, 0, 2, 2);
  c.offer(0.5, 0, 3, 0, 0, 3, 3);
  c.offer(0.1, 0, 0, 0, 0, 4, 4);        // not over the threshold
  c.offer(0.9, 0, 1, 200, 0, 210, 4);    // outside
  c.offer(INFINITY, 0, 1, 0, 0, 10, 4);  // no score
  const auto best = c.best_first();
  ASSERT_EQ(best.size(), 2u);
  EXPECT_EQ(best[0].position, 3);
  EXPECT_EQ(best[1].position, 9);
}

}  // namespace
}  // namespace assay::vision
