// SPDX-License-Identifier: Apache-2.0
// MODEL.detector.json: what is taken, and one clear error for what is not.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "vision/boxes.h"

namespace assay::vision {
namespace {

using testing::HasSubstr;

const char* const kGood[] = {
    R"({"kind": "yolo-anchors", "classes": 2, "class_names": ["a", "b"], "softmax_classes": true,
        "levels": [{"output": "y", "stride": 32, "anchors": [[10, 14.5], [3, 4]]},
                   {"output": "z", "stride": 16, "anchors": [[1, 2]]}]})",
    R"({"format": 1, "kind": "yolo-flat", "classes": 80, "objectness": false, "max_boxes": 7})",
    R"({"kind": "yolo-flat", "classes": 80, "boxes_output": "out"})",
    R"({"kind": "ssd", "classes": 1, "boxes_output": "b", "scores_output": "s",
        "priors": [[0.5, 0.5, 0.1, 0.2]], "variances": [0.1, 0.1, 0.2, 0.3]})",
    R"({"kind": "retinanet", "classes": 90, "boxes_output": "b", "scores_output": "s",
        "levels": [{"stride": 8, "anchors": [[32, 32]]}], "anchor_offset": 0.5})",
    R"({"kind": "boxes", "classes": 3, "boxes_output": "b", "scores_output": "s",
        "labels_output": "l", "nms_iou": 1, "score_threshold": 0, "nms_per_class": false,
        "max_candidates": 50})"};

Json good(size_t i) { return *parse_json(kGood[i], "test"); }

TEST(DetectorSpec, RoundTrips) {
  for (size_t i = 0; i < std::size(kGood); ++i) {
    const Json j = good(i);
    auto spec = detector_from_json(j, "test");
    ASSERT_TRUE(spec) << spec.error().message;
    const Json out = to_json(*spec);
    auto again = detector_from_json(out, "test");
    ASSERT_TRUE(again) << again.error().message;
    EXPECT_EQ(dump_json(to_json(*again)), dump_json(out));
    for (const auto& [key, value] : j.items())  // nothing said is lost
      if (key != "format") {
        EXPECT_EQ(out.at(key), value) << key;
      }
    EXPECT_EQ(head_kind_from(word(spec->kind)), spec->kind);
  }
  EXPECT_EQ(detector_from_json(good(4), "test")->variances, (std::array<double, 4>{1, 1, 1, 1}));
  EXPECT_EQ(detector_from_json(good(5), "test")->max_boxes, 50);  // no more than candidates
}

TEST(DetectorSpec, EveryFaultIsNamed) {
  struct Bad {
    size_t base;
    const char *patch, *error;  // JSON merge patch
  };
  const Bad bad[] = {
      {0, R"({"kind": "yolo"})", "kind is \"yolo\", expected yolo-anchors"},
      {0, R"({"kind": null})", "kind is null"},
      {0, R"({"format": 2})", "format is 2, expected 1"},
      {0, R"({"classes": null})", "classes is missing"},
      {0, R"({"classes": 0})", "classes is 0, expected a whole number from 1"},
      {0, R"({"classes": 2.5})", "classes is 2.5"},
      {0, R"({"classes": 18446744073709551615})", "classes is 18446744073709551615"},
      {0, R"({"classes": 3})", "class_names holds 2 names for 3 classes"},
      {0, R"({"class_names": "a"})", "class_names is \"a\", expected a list"},
      {0, R"({"class_names": [1, 2]})", "class_names is 1, expected text"},
      {0, R"({"score_threshold": 1.5})", "score_threshold is 1.5, expected a number from 0 to 1"},
      {0, R"({"score_threshold": "0.5"})", "score_threshold is \"0.5\""},
      {0, R"({"nms_iou": -0.1})", "nms_iou is -0.1"},
      {0, R"({"nms_per_class": 1})", "nms_per_class is 1, expected true or false"},
      {0, R"({"max_candidates": 0})", "max_candidates is 0"},
      {0, R"({"max_candidates": 1000000})", "max_candidates is 1000000"},
      {0, R"({"max_candidates": 10, "max_boxes": 11})", "max_boxes is 11, expected a whole number"},
      {0, R"({"softmax_classes": "yes"})", "softmax_classes is \"yes\""},
      {0, R"({"threshold": 0.5})", "unknown member 'threshold'"},
      {0, R"({"priors": []})", "a detector of kind yolo-anchors has no 'priors'"},
      {0, R"({"levels": null})", "a detector of kind yolo-anchors needs 'levels'"},
      {0, R"({"levels": []})", "levels is [], expected a list of 1 to"},
      {0, R"({"levels": [7]})", "levels[0] is 7, expected an object"},
      {0, R"({"levels": [{"output": "y", "anchors": [[1, 2]]}]})", "levels[0] lacks stride"},
      {0, R"({"levels": [{"output": "y", "stride": 8}]})", "levels[0] lacks anchors"},
      {0, R"({"levels": [{"stride": 0, "anchors": [[1, 2]]}]})", "levels[0].stride is 0"},
      {0, R"({"levels": [{"stride": 8, "anchors": [[1, 0]]}]})", "levels[0].anchors is [1,0]"},
      {0, R"({"levels": [{"stride": 8, "anchors": [[1]]}]})", "levels[0].anchors is [1]"},
      {0, R"({"levels": [{"stride": 8, "anchors": {}}]})", "levels[0].anchors is {}"},
      {0, R"({"levels": [{"stride": 8, "anchors": [[1, 2]], "x": 1}]})", "unknown member 'x'"},
      {0, R"({"levels": [{"stride": 8, "anchors": [[1, 2]]}, {"stride": 9, "anchors": [[1, 2]]}]})",
       "levels[0] lacks output"},
      {1, R"({"objectness": 0})", "objectness is 0, expected true or false"},
      {2, R"({"boxes_output": ""})", "boxes_output is \"\", expected the name of an output"},
      {3, R"({"scores_output": null})", "a detector of kind ssd needs 'scores_output'"},
      {3, R"({"priors": [[1, 2, 3]]})", "priors[0] is [1,2,3], expected 4 numbers"},
      {3, R"({"priors": [[0.5, 0.5, 0, 1]]})", "priors[0] is [0.5,0.5,0,1], expected a width"},
      {3, R"({"variances": [0.1, 0.1, 0, 0.2]})", "variances is [0.1,0.1,0,0.2]"},
      {4, R"({"levels": [{"output": "y", "stride": 8, "anchors": [[1, 2]]}]})",
       "levels[0] has the unknown member 'output'"},
      {4, R"({"anchor_offset": 2})", "anchor_offset is 2"},
      {5, R"({"labels_output": null})", "needs 'labels_output'"},
  };
  for (const Bad& b : bad) {
    Json j = good(b.base);
    j.merge_patch(*parse_json(b.patch, "test"));
    const auto spec = detector_from_json(j, "file.json");
    ASSERT_FALSE(spec) << b.patch;
    EXPECT_EQ(spec.error().code, ExitCode::usage);
    EXPECT_THAT(spec.error().message, HasSubstr(b.error));
    EXPECT_THAT(spec.error().message, HasSubstr("file.json: "));
    EXPECT_FALSE(spec.error().fix.empty());
  }
  EXPECT_FALSE(detector_from_json(Json::array(), "test"));
}

TEST(DetectorSpec, StandsBesideTheModel) {
  auto dir = TempDir::create(fs::temp_directory_path(), "assay-detector-test-").value();
  const fs::path model = dir.path() / "m.onnx";
  auto none = detector_beside(model);
  ASSERT_TRUE(none);
  EXPECT_FALSE(*none);
  std::ofstream(dir.path() / "m.detector.json") << kGood[1];
  auto one = detector_beside(model);
  ASSERT_TRUE(one);
  ASSERT_TRUE(*one);
  EXPECT_EQ((*one)->classes, 80);
  std::ofstream(dir.path() / "m.detector.json") << "{";
  EXPECT_FALSE(detector_beside(model));
}

}  // namespace
}  // namespace assay::vision
