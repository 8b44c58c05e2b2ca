// SPDX-License-Identifier: Apache-2.0
// Error rates of claims about outputs, and of whole audits with all their claims, over simulated
// audits (statistics.md, sections 7.3 and 10): each at most nominal + 3 sd. See
// calibration_slow_test.cc.
#include <gtest/gtest.h>

#include "audit/made_audits.h"
#include "base/words.h"

namespace assay::audit {
namespace {

const Json kStandard = {{"profile", "standard"}};

// Labels and correctness of `builds` builds, as comparisons of outputs leave them.
RecipeComparisons outputs_of(int builds, const std::vector<uint8_t>& flipped) {
  RecipeComparisons c;
  c.has_labels = true;
  c.any_flip = flipped;
  for (int b = 1; b < builds; ++b) {
    ComparisonRow row;
    row.scope = "builds";
    row.n = static_cast<int64_t>(flipped.size());
    row.top1_mismatch = std::count(flipped.begin(), flipped.end(), 1);
    row.metrics["labels"]["top1"] = Json::object();
    c.rows.push_back(std::move(row));
  }
  return c;
}

TEST(CalibrationOfAudits, LabelsSameAtTheMargin) {
  std::mt19937_64 random(14);
  std::bernoulli_distribution at_margin(.01), rare(.0001);
  const RecipeEvidence recipe = made_recipe("labels");
  for (const bool clustered : {false, true}) {
    const int64_t units = 300, each = clustered ? 4 : 1;
    const DataEvidence data =
        made_data(clustered ? stats::Design::clustered : stats::Design::independent, units * each,
                  clustered ? units : 0);
    const auto claims_same = [&](std::bernoulli_distribution& flip) {
      std::vector<uint8_t> flipped(static_cast<size_t>(units * each), 0);
      for (int64_t u = 0; u < units; ++u)
        if (flip(random)) flipped[static_cast<size_t>(u)] = 1;
      std::vector<VerdictRow> v;
      verdicts_of_labels(recipe, outputs_of(3, flipped), data, Json::object(), v);
      return find_verdict(v, "labels")->verdict == word(Verdict::same);
    };
    int wrong = 0, right = 0;
    for (int i = 0; i < kAudits; ++i) wrong += claims_same(at_margin);
    for (int i = 0; i < kPowerAudits; ++i) right += claims_same(rare);
    const std::string what = clustered ? "300 clusters of 4" : "300 inputs";
    expect_rate("labels SAME", what + ", of which 1 % truly flip", kAlpha, wrong, kAudits);
    expect_power("labels SAME", what + ", of which 0.01 % flip", right, kPowerAudits, .9);
  }
}

// Correctness of builds beside a reference: `worse` of the inputs lost, `better` won.
RecipeComparisons scores_of(int builds, int64_t n, double worse, double better,
                            std::mt19937_64& random) {
  std::uniform_real_distribution<double> uniform;
  RecipeComparisons c;
  c.has_labels = true;
  c.any_flip.assign(static_cast<size_t>(n), 0);
  c.reference_top1.assign(static_cast<size_t>(n), 0);
  for (auto& r : c.reference_top1) r = uniform(random) < .7;
  for (int b = 0; b < builds; ++b) {
    RecipeComparisons::BuildAccuracy a{b, c.reference_top1, {}};
    for (auto& hit : a.top1) {
      // Conditional on the reference, so that the shares hold over all inputs.
      if (hit ? uniform(random) < worse / .7 : uniform(random) < better / .3) hit = !hit;
    }
    a.top5 = a.top1;
    c.accuracy.push_back(std::move(a));
  }
  return c;
}
RecipeEvidence with_builds(const char* id, int builds) {
  RecipeEvidence r = made_recipe(id);
  for (int b = 0; b < builds; ++b) r.builds.push_back(made_build(b, "artifact", {}));
  return r;
}
DataEvidence labelled(int64_t n) {
  DataEvidence d = made_data(stats::Design::independent, n);
  d.labels.assign(static_cast<size_t>(n), 0);
  return d;
}

TEST(CalibrationOfAudits, Accuracy) {
  const int64_t n = 1000;
  const DataEvidence data = labelled(n);
  const auto counted = [&](double worse, double better, int count, uint64_t seed, Verdict wanted,
                           int builds = 3) {
    const RecipeEvidence recipe = with_builds("accuracy", builds);
    std::mt19937_64 random(seed);
    int hits = 0;
    for (int i = 0; i < count; ++i) {
      std::vector<VerdictRow> v;
      verdicts_of_labels(recipe, scores_of(builds, n, worse, better, random), data, Json::object(),
                         v);
      hits += find_verdict(v, "accuracy")->verdict == word(wanted);
    }
    return hits;
  };
  expect_rate("accuracy DIFFERENT", "3 builds, 2 % lost and 2 % won of 1000", kAlpha,
              counted(.02, .02, kAudits, 15, Verdict::different), kAudits);
  expect_rate("accuracy SAME", "3 builds, each 1 point worse, 1000 inputs", kAlpha,
              counted(.01, 0, kAudits, 16, Verdict::same), kAudits);
  expect_rate("accuracy SAME", "1 build, 1 point worse, 1000 inputs", kAlpha,
              counted(.01, 0, kAudits, 25, Verdict::same, 1), kAudits);
  expect_power("accuracy DIFFERENT", "3 builds, 3 points worse, 1000 inputs",
               counted(.03, 0, kPowerAudits, 17, Verdict::different), kPowerAudits, .9);
  expect_power("accuracy SAME", "3 builds, 0.05 % of 1000 inputs discordant",
               counted(.0005, 0, kPowerAudits, 18, Verdict::same), kPowerAudits, .9);
}

// Without labels: agreement with the reference, for inputs that are the margin's share apart.
TEST(CalibrationOfAudits, Agreement) {
  const int64_t n = 1000;
  const RecipeEvidence recipe = with_builds("agreement", 10);
  const DataEvidence data = made_data(stats::Design::independent, n);
  std::mt19937_64 random(19);
  std::bernoulli_distribution at_margin(.99), worse(.97);
  int different = 0, same = 0, shown = 0;
  const auto verdict = [&](std::bernoulli_distribution& agrees) {
    RecipeComparisons c;
    c.has_labels = true;
    c.any_flip.assign(static_cast<size_t>(n), 0);
    for (int b = 0; b < 10; ++b) {
      RecipeComparisons::BuildAccuracy a{b, std::vector<uint8_t>(static_cast<size_t>(n)), {}};
      for (auto& hit : a.top1) hit = agrees(random);
      c.accuracy.push_back(std::move(a));
    }
    std::vector<VerdictRow> v;
    verdicts_of_labels(recipe, c, data, Json::object(), v);
    return find_verdict(v, "accuracy")->verdict;
  };
  for (int i = 0; i < kAudits; ++i) {
    const std::string said = verdict(at_margin);
    different += said == word(Verdict::different);
    same += said == word(Verdict::same);
  }
  for (int i = 0; i < kPowerAudits; ++i) shown += verdict(worse) == word(Verdict::different);
  const std::string setting = "10 builds, unlabelled, 1 % of 1000 inputs disagree";
  expect_rate("accuracy DIFFERENT", setting, kAlpha, different, kAudits);
  expect_rate("accuracy SAME", setting, kAlpha, same, kAudits);
  expect_power("accuracy DIFFERENT", "the same, 3 % disagree", shown, kPowerAudits, .9);
}

// Six recipes, four claims each, a false one to be had of every one: three recipes of equal builds
// and equal accuracy (false: DIFFERENT), three with everything exactly on its margin (false: SAME).
TEST(CalibrationOfAudits, FamilyOfSixRecipes) {
  std::mt19937_64 random(20);
  std::bernoulli_distribution at_margin(.01);
  const DataEvidence data = labelled(400);
  int wrong = 0, before = 0;
  for (int audit = 0; audit < kAudits; ++audit) {
    std::vector<VerdictRow> all;
    std::vector<bool> equal;  // of each verdict: DIFFERENT would be the false word
    for (int recipe = 0; recipe < 6; ++recipe) {
      const bool same = recipe < 3;
      // Latency and tail of one launch cannot both lie on their margins: alternate.
      const double ratio = same ? 1 : recipe == 3 ? 1.05 : 1.01;
      const MadeAudit made{.factor = {1, ratio},
                           .launches = 4,
                           .samples = 370,
                           .launch_sd = same          ? .01
                                        : recipe == 3 ? .005
                                                      : .002,
                           .noise = same ? .02 : .01};
      const std::string id = fmt::format("r{}", recipe);
      JudgedTimes j = judge_times(simulated(made, random, id.c_str()), kStandard);
      for (VerdictRow& v : j.verdicts) all.push_back(std::move(v));
      std::vector<uint8_t> flipped(static_cast<size_t>(data.n), 0);
      for (auto& f : flipped) f = at_margin(random);
      RecipeComparisons c = scores_of(2, data.n, same ? .02 : .01, same ? .02 : 0, random);
      const RecipeComparisons labels = outputs_of(2, flipped);
      c.any_flip = labels.any_flip;
      c.rows = labels.rows;
      verdicts_of_labels(with_builds(id.c_str(), 2), c, data, Json::object(), all);
      while (equal.size() < all.size()) {
        const VerdictRow& v = all[equal.size()];
        // Tails 1 % apart are SAME within 5 %, and that is true: no false word but DIFFERENT.
        equal.push_back(v.subject == "labels" ? false : v.subject == "tail" ? recipe != 3 : same);
      }
    }
    const auto errs = [&] {
      for (size_t i = 0; i < all.size(); ++i) {
        const VerdictRow& v = all[i];
        if (!v.statistic.contains("claim")) continue;
        // Labels that flipped are a fact, counted; only SAME is a claim about other inputs.
        if (v.subject == "labels" && v.verdict == word(Verdict::different)) continue;
        if (v.verdict == word(equal[i] ? Verdict::different : Verdict::same)) return true;
      }
      return false;
    };
    before += errs();
    judge_family(all, kAlpha);
    wrong += errs();
  }
  expect_rate("any false claim of an audit", "6 recipes, 24 claims, all on the edge", kAlpha, wrong,
              kAudits);
  tell("the same without Holm", "not claimed", before / double(kAudits),
       fmt::format("{} | | {:.2f} % |", kAudits, 100.0 * before / kAudits));
  EXPECT_GT(before, wrong);
}

TEST(CalibrationOfAudits, PageOverEqualRecipes) {
  std::mt19937_64 random(21);
  std::normal_distribution<double> normal;
  int found = 0;
  for (int audit = 0; audit < kAudits; ++audit) {
    std::vector<VerdictRow> verdicts(6);
    for (VerdictRow& v : verdicts) {
      v.subject = "latency";
      v.statistic["clock"] = "monotonic";
      for (int b = 0; b < 3; ++b)
        v.statistic["builds"].push_back(
            {{"p50", {{"estimate", 1e6 * std::exp(.03 * normal(random))}}}});
    }
    std::vector<FindingRow> findings;
    findings_of_all_orders(verdicts, findings);
    found += !findings.empty();
  }
  expect_rate("finding build-order-over-recipes", "6 recipes of 3 builds of sd 3 %", kTrendAlpha,
              found, kAudits);
}

}  // namespace
}  // namespace assay::audit
