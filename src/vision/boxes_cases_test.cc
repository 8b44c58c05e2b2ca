// SPDX-License-Identifier: Apache-2.0
// Boxes of detectors as their files say them: levels, frames, ties, empty outputs, small types.
#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <limits>

#include "vision/boxes.h"

namespace assay::vision {
namespace {

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr float kInf = std::numeric_limits<float>::infinity();

float logit(float p) { return std::log(p / (1 - p)); }

DetectorSpec spec_of(const std::string& text) {
  const auto j = parse_json(text, "spec");
  const auto spec = detector_from_json(*j, "spec");
  EXPECT_TRUE(spec) << spec.error().message;
  return *spec;
}

// Outputs of an engine of float32, each of its exact size on the heap.
struct Outputs {
  std::vector<TensorSpec> specs;
  std::vector<std::vector<float>> values;
  Outputs& add(const std::string& name, std::vector<int64_t> shape, std::vector<float> v) {
    specs.push_back({name, DType::f32, std::move(shape)});
    EXPECT_EQ(specs.back().elements(), std::ssize(v)) << name;
    values.push_back(std::move(v));
    values.back().shrink_to_fit();
    return *this;
  }
  std::vector<void*> pointers() {
    std::vector<void*> out;
    for (auto& v : values) out.push_back(v.data());
    return out;
  }
};

std::vector<Box> decode(const std::string& text, Outputs& outputs, int64_t width, int64_t height,
                        const TensorToFrame& map = {}, int64_t frame_width = 0,
                        int64_t frame_height = 0) {
  const DetectorSpec spec = spec_of(text);
  auto decoder = BoxDecoder::create(spec, outputs.specs, width, height);
  EXPECT_TRUE(decoder) << decoder.error().message;
  if (!decoder) return {};
  std::vector<Box> out(static_cast<size_t>(spec.max_boxes) + 1);
  const auto pointers = outputs.pointers();
  const int64_t n = decoder->decode(pointers, map, frame_width > 0 ? frame_width : width,
                                    frame_height > 0 ? frame_height : height, out);
  EXPECT_LE(n, spec.max_boxes);
  out.resize(static_cast<size_t>(n));
  return out;
}

void expect_box(const Box& b, float x0, float y0, float x1, float y1, float score, int32_t label) {
  EXPECT_NEAR(b.x0, x0, 1e-3);
  EXPECT_NEAR(b.y0, y0, 1e-3);
  EXPECT_NEAR(b.x1, x1, 1e-3);
  EXPECT_NEAR(b.y1, y1, 1e-3);
  EXPECT_NEAR(b.score, score, 1e-5);
  EXPECT_EQ(b.label, label);
}

TEST(Boxes, YoloAnchorsOfTwoAnchorsAndTwoLevels) {
  Outputs o;
  std::vector<float> big(2 * 6, 0), small(6 * 4, 0);
  big[4] = big[6 + 4] = -20;
  big[6 + 4] = logit(.9f), big[6 + 5] = 20;  // second anchor of the coarse level
  for (size_t cell = 0; cell < 4; ++cell) small[16 + cell] = -20;
  small[16 + 2] = logit(.5f), small[20 + 2] = 20;  // row 1, column 0
  o.add("fine", {1, 6, 2, 2}, small).add("coarse", {1, 12, 1, 1}, big);
  const auto boxes = decode(
      R"({"kind": "yolo-anchors", "classes": 1, "levels": [
          {"output": "coarse", "stride": 16, "anchors": [[2, 2], [4, 8]]},
          {"output": "fine", "stride": 8, "anchors": [[2, 2]]}]})",
      o, 16, 16);
  ASSERT_EQ(boxes.size(), 2u);
  expect_box(boxes[0], 6, 4, 10, 12, .9f, 0);
  expect_box(boxes[1], 3, 11, 5, 13, .5f, 0);
}

TEST(Boxes, RetinanetCountsItsAnchorsRowByRow) {
  // 20 x 10 pixels at stride 8: 3 x 2 cells of 2 anchors; row 9 is cell (x 1, y 1), anchor 1.
  Outputs o;
  std::vector<float> deltas(48, 0), scores(24, -20);
  scores[9 * 2 + 1] = logit(.6f);
  deltas[9 * 4] = .5f;  // half of the anchor's width to the right
  o.add("b", {1, 12, 4}, deltas).add("s", {1, 12, 2}, scores);
  const auto boxes = decode(
      R"({"kind": "retinanet", "classes": 2, "boxes_output": "b", "scores_output": "s",
          "levels": [{"stride": 8, "anchors": [[100, 100], [4, 2]]}]})",
      o, 20, 10);
  ASSERT_EQ(boxes.size(), 1u);
  expect_box(boxes[0], 8, 7, 12, 9, .6f, 1);
}

constexpr const char* kPlain =
    R"({"kind": "boxes", "classes": 3, "boxes_output": "b", "scores_output": "s", "labels_output": "l",
        "max_boxes": 5})";
Outputs plain(std::vector<std::array<float, 4>> boxes, const std::vector<float>& scores,
              const std::vector<float>& labels) {
  Outputs o;
  std::vector<float> flat;
  for (const auto& b : boxes) flat.insert(flat.end(), b.begin(), b.end());
  const auto n = std::ssize(boxes);
  o.add("l", {1, n}, labels).add("b", {1, n, 4}, flat).add("s", {n}, scores);
  return o;
}

TEST(Boxes, DecodedOnesAreScaledToTheFrameAndClipped) {
  auto o = plain({{10, 20, 30, 40}, {-5, -5, 5, 5}}, {.5f, .9f}, {2, 0});
  const auto boxes = decode(kPlain, o, 64, 64, {.scale_x = 2, .scale_y = 3, .offset_y = 2}, 50, 90);
  ASSERT_EQ(boxes.size(), 2u);
  expect_box(boxes[0], 0, 0, 10, 9, .9f, 0);
  expect_box(boxes[1], 20, 54, 50, 90, .5f, 2);
}

TEST(Boxes, WhatIsNoBoxIsDropped) {
  auto o = plain({{0, 0, kNan, 1},
                  {0, 0, kInf, 1},
                  {5, 5, 4, 6},
                  {-9, 0, -1, 5},
                  {3, 3, 3, 9},
                  {0, 0, 1, 1},
                  {0, 0, 1, 1},
                  {0, 0, 1, 1},
                  {0, 0, 1, 1},
                  {1, 2, 3, 4},
                  {-3e38f, -3e38f, 3e38f, 3e38f}},
                 {.9f, .9f, .9f, .9f, .9f, kNan, .9f, .9f, kInf, .4f, .3f},
                 {0, 0, 0, 0, 0, 0, 3, -1, 0, 1, 2});
  const auto boxes = decode(kPlain, o, 16, 16);
  ASSERT_EQ(boxes.size(), 2u);
  expect_box(boxes[0], 1, 2, 3, 4, .4f, 1);
  expect_box(boxes[1], 0, 0, 16, 16, .3f, 2);
  EXPECT_TRUE(match_boxes(boxes, boxes).same());
}

TEST(Boxes, EqualScoresGoByLabelThenPosition) {
  auto o = plain({{0, 0, 2, 2}, {4, 0, 6, 2}, {8, 0, 9, 2}, {8, 4, 9, 6}}, {.5f, .5f, .5f, .5f},
                 {1, 0, 0, 1});
  const auto boxes = decode(kPlain, o, 16, 16);
  ASSERT_EQ(boxes.size(), 4u);
  EXPECT_EQ(boxes[0].x0, 4);
  EXPECT_EQ(boxes[1].x0, 8);
  EXPECT_EQ(boxes[2].x0, 0);
  EXPECT_EQ(boxes[3].y0, 4);
}

TEST(Boxes, NoRowsNoBoxes) {
  auto o = plain({}, {}, {});
  EXPECT_TRUE(decode(kPlain, o, 16, 16).empty());
  Outputs rows;
  rows.add("o", {1, 0, 7}, {});
  EXPECT_TRUE(decode(R"({"kind": "yolo-flat", "classes": 2})", rows, 16, 16).empty());
}

TEST(Boxes, ADecoderNeedsTheOutputsItWasMadeFor) {
  auto o = plain({{0, 0, 2, 2}}, {.5f}, {1});
  auto decoder = BoxDecoder::create(spec_of(kPlain), o.specs, 16, 16);
  ASSERT_TRUE(decoder);
  std::vector<Box> out(5);
  auto pointers = o.pointers();
  EXPECT_EQ(decoder->decode(pointers, {}, 16, 16, out), 1);
  EXPECT_EQ(decoder->decode(pointers, {}, 16, 16, {}), 0);
  EXPECT_EQ(decoder->decode(pointers, {}, 0, 16, out), 0);
  pointers.pop_back();
  EXPECT_EQ(decoder->decode(pointers, {}, 16, 16, out), 0);
}

// Put together in code rather than read: no division by 0, no endless memory.
TEST(Boxes, SpecsMadeInCodeAreChecked) {
  const TensorSpec out{"a", DType::f32, {1, 7, 1, 2}};
  DetectorSpec made = spec_of(
      R"({"kind": "yolo-anchors", "classes": 2, "levels": [{"stride": 10, "anchors": [[4, 6]]}]})");
  EXPECT_TRUE(BoxDecoder::create(made, {out}, 20, 10));
  made.levels[0].stride = 0;
  EXPECT_FALSE(BoxDecoder::create(made, {out}, 20, 10));
  made = spec_of(kPlain);
  made.max_candidates = 0;
  EXPECT_FALSE(BoxDecoder::create(made, {}, 20, 10));
  EXPECT_FALSE(BoxDecoder::create(spec_of(kPlain), {}, 0, 10));
  EXPECT_FALSE(BoxDecoder::create(
      spec_of(R"({"kind": "retinanet", "classes": 1, "boxes_output": "b", "scores_output": "s",
                  "levels": [{"stride": 1, "anchors": [[1, 1]]}]})"),
      {{"b", DType::f32, {1, 1, 4}}, {"s", DType::f32, {1, 1, 1}}}, 1 << 20, 1 << 20));
}

// Every type of output gives the boxes that its numbers as floats give.
TEST(Boxes, SmallTypesOfOutputs) {
  std::vector<TensorSpec> specs = {
      {"l", DType::i64, {1}}, {"b", DType::f16, {1, 4}}, {"s", DType::bf16, {1}}};
  auto decoder = BoxDecoder::create(spec_of(kPlain), specs, 16, 16);
  ASSERT_TRUE(decoder);
  int64_t label = 2;
  uint16_t sides[] = {0x3c00, 0x4000, 0x4200, 0x4400}, score = 0x3f40;  // 1 2 3 4, 0.75
  void* pointers[] = {&label, sides, &score};
  std::vector<Box> out(5);
  ASSERT_EQ(decoder->decode(pointers, {}, 16, 16, out), 1);
  expect_box(out[0], 1, 2, 3, 4, .75f, 2);
}

}  // namespace
}  // namespace assay::vision
