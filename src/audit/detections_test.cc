// SPDX-License-Identifier: Apache-2.0
// Boxes over builds: what appears or vanishes, drift, who is to blame, precision.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "audit/made_evidence.h"

namespace assay::audit {
namespace {

using stats::Design;
using testing::HasSubstr;

class DetectionsTest : public testing::Test {
 protected:
  // Per input two boxes of yolo-flat: [cx, cy, w, h, objectness, class].
  static Rows rows(int64_t n) {
    return Rows(static_cast<size_t>(n), {20, 20, 10, 10, 1, 0.9f, 50, 50, 10, 10, 1, 0.3f});
  }
  static DataEvidence data(Design design, int64_t n) {
    DataEvidence d = made_data(design, n, design == Design::clustered ? 8 : 0);
    d.detector.emplace();
    d.detector->spec.kind = vision::HeadKind::yolo_flat;
    d.detector->spec.classes = 1;
    d.detector->width = d.detector->height = 64;
    return d;
  }
  std::vector<VerdictRow> judge(const std::vector<Rows>& builds, const DataEvidence& data,
                                const Rows* reference = nullptr) {
    RecipeEvidence recipe = evidence("made", builds), ref;
    if (reference) ref = evidence("reference", {*reference});
    auto c = compare_recipe(run_, recipe, reference ? &ref : nullptr, data);
    EXPECT_TRUE(c) << (c ? "" : c.error().message);
    std::vector<VerdictRow> out;
    verdicts_of_labels(recipe, *c, data, Json::object(), out);
    const auto done = verdicts_of_detections(run_, recipe, reference ? &ref : nullptr, *c, data,
                                             Json::object(), out);
    EXPECT_TRUE(done) << (done ? "" : done.error().message);
    return out;
  }
  RecipeEvidence evidence(const char* id, const std::vector<Rows>& builds) {
    RecipeEvidence r = made_outputs(run_, id, builds);
    for (BuildEvidence& b : r.builds) b.launches[0].outputs[0].shape = {1, 2, 6};
    return r;
  }

  TempDir dir_ = std::move(TempDir::create(fs::temp_directory_path(), "assay-boxes-test-").value());
  store::RunFolder run_ = store::RunFolder::open_for_writing(dir_.path() / "run").value();
};

TEST_F(DetectionsTest, WithoutADetectorThereIsNoVerdict) {
  EXPECT_TRUE(judge({rows(3), rows(3)}, made_data(Design::fixed, 3)).empty());
}

TEST_F(DetectionsTest, SameNeedsTheBoundThatLabelsNeed) {
  auto v = judge({rows(500), rows(500)}, data(Design::independent, 500));
  EXPECT_EQ(find_verdict(v, "labels"), nullptr);
  EXPECT_EQ(find_verdict(v, "detections", "builds")->verdict, "SAME");
  EXPECT_NEAR(get_double(find_verdict(v, "detections")->statistic["any"], "upper"), 0.005974, 1e-5);
  v = judge({rows(100), rows(100)}, data(Design::independent, 100));
  EXPECT_EQ(find_verdict(v, "detections")->verdict, "INCONCLUSIVE");
  v = judge({rows(500), rows(500)}, data(Design::clustered, 500));
  EXPECT_EQ(find_verdict(v, "detections")->verdict, "INCONCLUSIVE");
  v = judge({rows(5), rows(5)}, data(Design::fixed, 5));
  EXPECT_EQ(find_verdict(v, "detections")->verdict, "SAME");
  EXPECT_THAT(find_verdict(v, "detections")->statement, HasSubstr("these inputs only"));
  v = judge({rows(5)}, data(Design::fixed, 5));
  EXPECT_EQ(find_verdict(v, "detections")->verdict, "INCONCLUSIVE");
}

// One box of 500 inputs slips under the threshold of .25 in the second build.
TEST_F(DetectionsTest, AVanishedBoxIsDifferent) {
  Rows b = rows(500);
  b[7][11] = 0.2f;
  const auto v = judge({rows(500), b, rows(500)}, data(Design::independent, 500));
  const VerdictRow* d = find_verdict(v, "detections", "builds");
  EXPECT_EQ(d->verdict, "DIFFERENT");
  EXPECT_EQ(get_int(d->statistic["any"], "count"), 1);
  EXPECT_EQ(get_int(d->statistic, "boxes_unmatched"), 2);  // of pairs 0-1 and 1-2
  EXPECT_EQ(get_int(d->statistic, "lost_in_suppression"), 0);
  EXPECT_NEAR(get_double(d->statistic, "max_score_margin"), 0.05, 1e-6);
  ASSERT_EQ(d->statistic["pairs"].size(), 3u);
  EXPECT_EQ(get_int(d->statistic["pairs"][0], "only_a"), 1);
  EXPECT_EQ(get_int(d->statistic["pairs"][0], "only_b"), 0);
  EXPECT_EQ(get_int(d->statistic["pairs"][1]["inputs"], "count"), 0);
  EXPECT_EQ(d->evidence["launches"].size(), 3u);
}

// Two boxes at IoU 9/21 = .43 both stay; moved to 9.4/20.6 = .456 the weaker one is suppressed.
TEST_F(DetectionsTest, SuppressionIsBlamedAndDriftMeasured) {
  Rows a = rows(4), b = rows(4);
  for (Rows* r : {&a, &b}) (*r)[2] = {20, 20, 15, 10, 1, 0.9f, 26, 20, 15, 10, 1, 0.8f};
  b[2][6] = 25.6f;
  b[1][0] = 20.25f;
  const auto v = judge({a, b}, data(Design::fixed, 4));
  const VerdictRow* d = find_verdict(v, "detections", "builds");
  EXPECT_EQ(d->verdict, "DIFFERENT");
  EXPECT_EQ(get_int(d->statistic, "boxes_unmatched"), 1);
  EXPECT_EQ(get_int(d->statistic, "lost_in_suppression"), 1);
  const Json& pair = d->statistic["pairs"][0];
  EXPECT_DOUBLE_EQ(get_double(pair["drift"], "max"), 0.25);
  EXPECT_EQ(get_double(pair["drift"], "p50", -1), 0);
  EXPECT_EQ(get_int(pair, "matched"), 7);
}

TEST_F(DetectionsTest, ReferenceAndPrecision) {
  DataEvidence d = data(Design::fixed, 2);
  d.detector->truth = {{{15, 15, 25, 25, 1, 0}}, {{15, 15, 25, 25, 1, 0}, {45, 45, 55, 55, 1, 0}}};
  Rows ref = rows(2);
  ref[1][5] = 0.1f;
  const auto v = judge({rows(2), rows(2)}, d, &ref);
  EXPECT_EQ(find_verdict(v, "detections", "builds")->verdict, "SAME");
  const VerdictRow* r = find_verdict(v, "detections", "reference");
  EXPECT_EQ(r->verdict, "DIFFERENT");
  EXPECT_EQ(r->statistic["pairs"].size(), 2u);
  // Right, right, wrong, right at recall 1/3, 2/3, 2/3, 1: (1 + 1 + 3/4) / 3.
  EXPECT_NEAR(get_double(r->statistic["map"][0], "map"), 2.75 / 3, 1e-12);
}

// A build whose outputs the head cannot read is no SAME.
TEST_F(DetectionsTest, ABuildWithoutBoxesIsSaid) {
  RecipeEvidence recipe = evidence("made", {rows(3), rows(3), rows(3)});
  recipe.builds[2].launches[0].outputs[0].shape = {1, 3, 4};
  const DataEvidence d = data(Design::fixed, 3);
  std::vector<VerdictRow> v;
  ASSERT_TRUE(verdicts_of_detections(run_, recipe, nullptr, {}, d, Json::object(), v));
  EXPECT_EQ(v[0].verdict, "INCONCLUSIVE");
  EXPECT_THAT(v[0].statement, HasSubstr("1x3x4"));
}

}  // namespace
}  // namespace assay::audit
