// SPDX-License-Identifier: Apache-2.0
// boxes.json of a data set: what is taken, and one clear error for what is not.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "vision/dataset.h"

namespace assay::vision {
namespace {

using testing::HasSubstr;

class TrueBoxes : public testing::Test {
 protected:
  TrueBoxes() {
    EXPECT_TRUE(dataset_synthetic({{"x", DType::f32, {1, 3, 8, 8}}}, 3, 1, folder_));
    Json j = *parse_json(*read_file(folder_ / "dataset.json"), "test");
    j["boxes"] = "boxes.json";
    write("dataset.json", dump_json(j));
  }
  void write(const char* name, const std::string& text) {
    std::ofstream(folder_ / name, std::ios::binary) << text;
  }
  Result<Dataset> with(const std::string& boxes) {
    write("boxes.json", boxes);
    return open_dataset(folder_, true);
  }
  TempDir dir_ = std::move(TempDir::create(fs::temp_directory_path(), "assay-truth-test-").value());
  fs::path folder_ = dir_.path() / "d";
};

TEST_F(TrueBoxes, AreReadOneListAnItem) {
  const auto d =
      with(R"({"boxes": [[[1, 2, 3.5, 4, 7], [0, 0, 0, 8, 0]], [], [[-1, 0, 9, 1, 2]]]})");
  ASSERT_TRUE(d) << d.error().message;
  ASSERT_EQ(d->boxes.size(), 3u);
  ASSERT_EQ(d->boxes[0].size(), 2u);
  EXPECT_EQ(d->boxes[0][0].x1, 3.5f);
  EXPECT_EQ(d->boxes[0][0].label, 7);
  EXPECT_TRUE(d->boxes[1].empty());
  EXPECT_EQ(d->boxes[2][0].x0, -1);
}

TEST_F(TrueBoxes, BelongToTheContentOfTheSet) {
  const auto a = with(R"({"boxes": [[], [], [[0, 0, 1, 1, 0]]]})");
  const auto b = with(R"({"boxes": [[], [], [[0, 0, 1, 1, 1]]]})");
  ASSERT_TRUE(a && b);
  EXPECT_NE(a->sha256, b->sha256);
}

TEST_F(TrueBoxes, EveryFaultIsNamed) {
  const struct {
    const char *boxes, *says;
  } bad[] = {
      {R"({"boxes": [[], []]})", "2 lists of boxes, expected one for each of the 3 items"},
      {R"({"boxes": [[], [], [], []]})", "4 lists of boxes"},
      {R"({"labels": [[], [], []]})", "0 lists of boxes"},
      {R"({"boxes": 3})", "0 lists of boxes"},
      {R"([[], [], []])", "0 lists of boxes"},
      {R"({"boxes": [[], 7, []]})", "item 1 is 7"},
      {R"({"boxes": [[[0, 0, 1, 1]], [], []]})", "item 0 is [[0,0,1,1]]"},
      {R"({"boxes": [[[0, 0, 1, 1, 0, 0]], [], []]})", "item 0 is"},
      {R"({"boxes": [[], [], [[0, 0, 1, null, 0]]]})", "item 2 is"},
      {R"({"boxes": [[[0, 0, 1, "1", 0]], [], []]})", "item 0 is"},
      {R"({"boxes": [[[0, 0, 1, 1, 0.5]], [], []]})", "item 0 is"},
      {R"({"boxes": [[[0, 0, 1, 1, -1]], [], []]})", "item 0 is"},
      {R"({"boxes": [[[0, 0, 1, 1, 3000000000]], [], []]})", "item 0 is"},
      {R"({"boxes": [[[0, 0, 1, 1, 18446744073709551615]], [], []]})", "item 0 is"},
      {R"({"boxes": [[[2, 0, 1, 1, 0]], [], []]})", "item 0 is"},
      {R"({"boxes": [[[0, 2, 1, 1, 0]], [], []]})", "item 0 is"},
      {R"({"boxes": [[[0, 0, 1e300, 1, 0]], [], []]})", "item 0 is"},
      {R"({"boxes": [[[NaN, 0, 1, 1, 0]], [], []]})", "boxes.json"},
      {R"({"boxes": [[[1e999, 0, 1, 1, 0]], [], []]})", "boxes.json"},
      {"{", "boxes.json"},
      {"", "boxes.json"},
  };
  for (const auto& b : bad) {
    const auto d = with(b.boxes);
    ASSERT_FALSE(d) << b.boxes;
    EXPECT_EQ(d.error().code, ExitCode::usage) << b.boxes;
    EXPECT_THAT(d.error().message, HasSubstr(b.says)) << b.boxes;
    EXPECT_EQ(d.error().message.find('\n'), std::string::npos);
  }
}

TEST_F(TrueBoxes, StayInsideTheFolder) {
  std::ofstream(dir_.path() / "out.json") << R"({"boxes": [[], [], []]})";
  for (const char* name : {"../out.json", "/etc/hostname", "", "absent.json"}) {
    Json j = *parse_json(*read_file(folder_ / "dataset.json"), "test");
    j["boxes"] = name;
    write("dataset.json", dump_json(j));
    EXPECT_FALSE(open_dataset(folder_, true)) << name;
  }
}

}  // namespace
}  // namespace assay::vision
