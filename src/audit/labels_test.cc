// SPDX-License-Identifier: Apache-2.0
// Outputs, labels and accuracy: what the sampling of the data set lets a verdict claim.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "audit/made_evidence.h"

namespace assay::audit {
namespace {

using stats::Design;
using testing::HasSubstr;

constexpr int64_t kClasses = 6;

class LabelsTest : public testing::Test {
 protected:
  std::vector<VerdictRow> judge(const std::vector<Rows>& builds, const DataEvidence& data,
                                const Rows* reference = nullptr) {
    RecipeEvidence recipe = made_outputs(run_, "made", builds), ref;
    if (reference) {
      ref = made_outputs(run_, "reference", {*reference});
      ref.is_reference = true;
    }
    auto c = compare_recipe(run_, recipe, reference ? &ref : nullptr, data);
    EXPECT_TRUE(c) << (c ? "" : c.error().message);
    std::vector<VerdictRow> out;
    verdicts_of_outputs(recipe, *c, reference != nullptr, out);
    verdicts_of_labels(recipe, *c, data, Json::object(), out);
    return out;
  }
  static Rows rows(int64_t n, const std::vector<int64_t>& flipped = {}) {
    return made_rows(n, kClasses, [&](int64_t i) {
      const bool flip = std::find(flipped.begin(), flipped.end(), i) != flipped.end();
      return (i + (flip ? 1 : 0)) % kClasses;
    });
  }
  static DataEvidence labelled(Design design, int64_t n, int64_t clusters = 0) {
    DataEvidence d = made_data(design, n, clusters);
    for (int64_t i = 0; i < n; ++i) d.labels.push_back(i % kClasses);
    return d;
  }

  TempDir dir_ =
      std::move(TempDir::create(fs::temp_directory_path(), "assay-labels-test-").value());
  store::RunFolder run_ = store::RunFolder::open_for_writing(dir_.path() / "run").value();
};

TEST_F(LabelsTest, EqualBitsAreSameAndOneBitIsNot) {
  Rows a = rows(40), b = rows(40);
  auto v = judge({a, a, a}, made_data(Design::fixed, 40));
  EXPECT_EQ(find_verdict(v, "outputs", "builds")->verdict, "SAME");
  EXPECT_EQ(get_int(find_verdict(v, "outputs", "builds")->statistic, "pairs"), 3);
  EXPECT_EQ(find_verdict(v, "outputs", "launches")->verdict, "INCONCLUSIVE");  // one launch each
  b[39][0] = std::nextafter(b[39][0], 10.0f);
  v = judge({a, a, b}, made_data(Design::fixed, 40));
  EXPECT_EQ(find_verdict(v, "outputs", "builds")->verdict, "DIFFERENT");
  EXPECT_EQ(get_int(find_verdict(v, "outputs", "builds")->statistic, "pairs_different"), 2);
  EXPECT_EQ(get_int(find_verdict(v, "outputs", "builds")->statistic["worst"], "count"), 1);
}

TEST_F(LabelsTest, OneBuildIsInconclusive) {
  const auto v = judge({rows(40)}, made_data(Design::fixed, 40));
  EXPECT_EQ(find_verdict(v, "outputs", "builds")->verdict, "INCONCLUSIVE");
  EXPECT_EQ(find_verdict(v, "labels")->verdict, "INCONCLUSIVE");
}

// Zero of n is no zero: 0 of 500 bounds the share below 1 %, 0 of 100 does not.
TEST_F(LabelsTest, NoFlipsOfIndependentInputs) {
  auto v = judge({rows(500), rows(500)}, made_data(Design::independent, 500));
  const VerdictRow* labels = find_verdict(v, "labels");
  EXPECT_EQ(labels->verdict, "SAME");
  EXPECT_NEAR(get_double(labels->statistic["any"], "upper"), 0.005974, 1e-5);
  v = judge({rows(100), rows(100)}, made_data(Design::independent, 100));
  EXPECT_EQ(find_verdict(v, "labels")->verdict, "INCONCLUSIVE");
  EXPECT_NEAR(get_double(find_verdict(v, "labels")->statistic["any"], "upper"), 0.02951, 1e-4);
}

TEST_F(LabelsTest, NoFlipsOfFixedInputsHoldForThemOnly) {
  const auto v = judge({rows(50), rows(50)}, made_data(Design::fixed, 50));
  EXPECT_EQ(find_verdict(v, "labels")->verdict, "SAME");
  EXPECT_TRUE(find_verdict(v, "labels")->statistic["any"]["upper"].is_null());
  EXPECT_THAT(find_verdict(v, "labels")->statement, HasSubstr("these inputs only"));
}

TEST_F(LabelsTest, NoFlipsOfFewClustersAreInconclusive) {
  const auto v = judge({rows(500), rows(500)}, made_data(Design::clustered, 500, 16));
  EXPECT_EQ(find_verdict(v, "labels")->verdict, "INCONCLUSIVE");
  EXPECT_EQ(get_int(find_verdict(v, "labels")->statistic["any"], "units"), 16);
  EXPECT_NEAR(get_double(find_verdict(v, "labels")->statistic["any"], "upper"), 0.1707, 1e-3);
}

TEST_F(LabelsTest, OneFlipIsDifferentWhateverTheSampling) {
  for (const Design design : {Design::independent, Design::clustered, Design::fixed}) {
    const auto v = judge({rows(500), rows(500, {7})}, made_data(design, 500, 16));
    const VerdictRow* labels = find_verdict(v, "labels");
    EXPECT_EQ(labels->verdict, "DIFFERENT");
    EXPECT_EQ(get_int(labels->statistic, "flips"), 1);
    EXPECT_GT(get_double(labels->statistic, "max_margin_flipped"), 4);
  }
}

// Rule 6: every input twice in its cluster is no new knowledge.
TEST_F(LabelsTest, DuplicatingEveryInputTightensNoClusteredBound) {
  auto twice = [](const Rows& r) {
    Rows out = r;
    out.insert(out.end(), r.begin(), r.end());
    return out;
  };
  DataEvidence once = labelled(Design::clustered, 160, 16), doubled = once;
  doubled.n = 320;
  doubled.clusters.insert(doubled.clusters.end(), once.clusters.begin(), once.clusters.end());
  doubled.labels.insert(doubled.labels.end(), once.labels.begin(), once.labels.end());
  const std::vector<int64_t> wrong = {0, 16, 32, 48, 64};  // all of one cluster
  const Rows ref = rows(160), build = rows(160, wrong);
  const Rows ref2 = twice(ref), build2 = twice(build);
  const auto a = judge({build, build}, once, &ref), b = judge({build2, build2}, doubled, &ref2);
  for (const char* subject : {"labels", "accuracy"}) {
    const VerdictRow *va = find_verdict(a, subject), *vb = find_verdict(b, subject);
    EXPECT_EQ(va->verdict, vb->verdict) << subject;
  }
  const Json &la = find_verdict(a, "labels")->statistic["any"],
             &lb = find_verdict(b, "labels")->statistic["any"];
  EXPECT_EQ(la["upper"], lb["upper"]);
  const Json &aa = find_verdict(a, "accuracy")->statistic["builds"][0],
             &ab = find_verdict(b, "accuracy")->statistic["builds"][0];
  EXPECT_EQ(aa["discordant"]["upper"], ab["discordant"]["upper"]);
  EXPECT_EQ(aa["top1"]["upper"], ab["top1"]["upper"]);
  EXPECT_EQ(aa["top1"]["lower"], ab["top1"]["lower"]);
  EXPECT_EQ(dump_json(aa["mcnemar_p"]), dump_json(ab["mcnemar_p"]));
}

TEST_F(LabelsTest, AccuracySameNeedsABoundOnDiscordantInputs) {
  const Rows ref = rows(500);
  auto v = judge({rows(500), rows(500)}, labelled(Design::independent, 500), &ref);
  EXPECT_EQ(find_verdict(v, "accuracy")->verdict, "SAME");
  EXPECT_EQ(get_int(find_verdict(v, "accuracy")->statistic["builds"][0]["top1"], "count"), 500);
  const Rows few = rows(60);
  v = judge({rows(60), rows(60)}, labelled(Design::independent, 60), &few);
  EXPECT_EQ(find_verdict(v, "accuracy")->verdict, "INCONCLUSIVE");
}

TEST_F(LabelsTest, BetterThanTheModelIsSuspect) {
  std::vector<int64_t> wrong;
  for (int64_t i = 0; i < 20; ++i) wrong.push_back(i * 3);
  const auto codes = [&](const Rows& reference, const Rows& build, const DataEvidence& data) {
    RecipeEvidence recipe = made_outputs(run_, "made", {build}),
                   ref = made_outputs(run_, "reference", {reference});
    ref.is_reference = true;
    const auto c = compare_recipe(run_, recipe, &ref, data);
    std::vector<FindingRow> found;
    findings_of_accuracy(recipe, c.value(), data, Json::object(), found);
    std::string out;
    for (const FindingRow& f : found) out += f.code + " ";
    return out;
  };
  const auto sampled = labelled(Design::independent, 500);
  EXPECT_EQ(codes(rows(500, wrong), rows(500), sampled), "accuracy-perfect better-than-the-model ");
  EXPECT_EQ(codes(rows(500), rows(500, wrong), sampled), "");  // worse is another finding's
  EXPECT_EQ(codes(rows(500, {1, 2, 3}), rows(500, {4}), sampled), "");  // by chance
  // On a fixed set the difference is exact: 20 of 500 is more than 1 %, 2 is not.
  const auto fixed = labelled(Design::fixed, 500);
  EXPECT_EQ(codes(rows(500, wrong), rows(500, {499}), fixed), "better-than-the-model ");
  EXPECT_EQ(codes(rows(500, {1, 2, 3}), rows(500, {499}), fixed), "");
  EXPECT_EQ(codes(rows(60), rows(60), labelled(Design::fixed, 60)), "");  // too few to say
}

TEST_F(LabelsTest, AccuracyDifferentByMcNemar) {
  const Rows ref = rows(500);
  std::vector<int64_t> wrong;
  for (int64_t i = 0; i < 20; ++i) wrong.push_back(i * 3);
  const auto v = judge({rows(500, wrong)}, labelled(Design::independent, 500), &ref);
  const VerdictRow* a = find_verdict(v, "accuracy");
  EXPECT_EQ(a->verdict, "DIFFERENT");
  EXPECT_EQ(get_int(a->statistic["builds"][0]["top1"], "count"), 480);
  EXPECT_LT(get_double(a->statistic["builds"][0], "mcnemar_p", 1), 1e-5);
}

// Twenty wrong inputs of one photograph are one photograph: no significance from the crops.
TEST_F(LabelsTest, AccuracyOverClustersCountsClusters) {
  const Rows ref = rows(160);
  std::vector<int64_t> wrong;
  for (int64_t i = 3; i < 160; i += 16) wrong.push_back(i);  // ten inputs, cluster 3
  const auto v = judge({rows(160, wrong)}, labelled(Design::clustered, 160, 16), &ref);
  EXPECT_EQ(find_verdict(v, "accuracy")->verdict, "INCONCLUSIVE");
}

TEST_F(LabelsTest, UnlabelledDataGivesAgreementWithTheReference) {
  const Rows ref = rows(500);
  const auto v = judge({rows(500, {1, 2, 3})}, made_data(Design::independent, 500), &ref);
  const VerdictRow* a = find_verdict(v, "accuracy");
  EXPECT_EQ(a->statistic["labelled"], false);
  EXPECT_EQ(get_int(a->statistic["builds"][0]["top1"], "count"), 497);
  EXPECT_THAT(a->statement, HasSubstr("agrees with the reference"));
  EXPECT_EQ(find_verdict(v, "outputs", "reference")->verdict, "DIFFERENT");
}

TEST_F(LabelsTest, NotANumberIsADifferenceAndCounted) {
  Rows a = rows(40), b = rows(40);
  b[3][2] = NAN;
  auto v = judge({a, b}, made_data(Design::fixed, 40));
  EXPECT_EQ(find_verdict(v, "outputs", "builds")->verdict, "DIFFERENT");
  a[3][2] = NAN;
  v = judge({a, b}, made_data(Design::fixed, 40));
  EXPECT_EQ(find_verdict(v, "outputs", "builds")->verdict, "SAME");  // the same bits
}

}  // namespace
}  // namespace assay::audit
