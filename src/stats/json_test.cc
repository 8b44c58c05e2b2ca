// SPDX-License-Identifier: Apache-2.0
#include "stats/json.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace assay::stats {
namespace {

// No number but null or finite anywhere; JSON text that parses again.
void expect_sound(const Json& j) {
  const std::string text = dump_json(j);
  auto again = parse_json(text, "made");
  ASSERT_TRUE(again) << text;
  for (const char* bad : {":nan", ":-nan", ":inf", ":-inf", "[nan", ",nan", "[inf", ",inf"})
    EXPECT_EQ(text.find(bad), std::string::npos) << text;
}

TEST(Json, ARefusedQuantileHasNoNumber) {
  QuantileRow r;
  r.q = .999;
  r.estimate = 1234567;
  r.upper_one_sided = 7654321;
  r.n_needed = 4603;
  r.refusal = "too few samples";
  const Json j = to_json(r);
  for (const char* key : {"estimate_ns", "lower_ns", "upper_ns", "upper_one_sided_ns"})
    EXPECT_TRUE(j[key].is_null()) << key;
  EXPECT_EQ(j["n_needed"], 4603);
  EXPECT_EQ(j["refusal"], "too few samples");
  r.lower = 1200000;
  r.upper = 1300000;
  const Json k = to_json(r);
  EXPECT_EQ(k["estimate_ns"], 1234567);
  EXPECT_TRUE(k["refusal"].is_null());
}

TEST(Json, NotFiniteIsNull) {
  EXPECT_TRUE(number(std::nan("")).is_null());
  EXPECT_TRUE(number(std::numeric_limits<double>::infinity()).is_null());
  EXPECT_EQ(number(.5), .5);
  Gate g;
  g.tests.push_back({.name = "kpss", .effect = std::nan("")});
  const Json j = to_json(g);
  EXPECT_TRUE(j["tests"][0]["effect"].is_null());
  EXPECT_TRUE(j["break_at"].is_null());
  EXPECT_EQ(j["trust"], std::string(word(Trust::rejected)));
  expect_sound(j);
}

TEST(Json, ARatioWithoutTwoValuesASideIsNoNumber) {
  const double one[] = {5.0}, two[] = {5.0, 6.0};
  const Json j = to_json(compare_log_ratio(one, two, .01, .05));
  EXPECT_TRUE(j["ratio"].is_null());
  EXPECT_TRUE(j["p_equivalence"].is_null());
  EXPECT_FALSE(j["refusal"].is_null());
  EXPECT_TRUE(to_json(compare_log_ratio(two, two, .01, .05))["refusal"].is_null());
}

TEST(Json, LooksCanBeReplayed) {
  const std::vector<int64_t> quiet(2000, 100);
  const auto r = test_requirement(quiet, 200, .01, .05);
  ASSERT_EQ(r.decision, Decision::pass);
  const Json j = to_json(r);
  ASSERT_EQ(j["looks"].size(), r.looks.size());
  const Json& last = j["looks"].back();
  EXPECT_EQ(last["n"], r.n);
  EXPECT_EQ(last["decision"], "PASS");
  EXPECT_GE(last["statistic"].get<double>(), last["threshold"].get<double>());
  expect_sound(j);
}

TEST(Json, ARefusedPwcetHasNoPoints) {
  const std::vector<int64_t> few(20, 100);
  const Pwcet w = pwcet(few, Trust::degraded);
  ASSERT_TRUE(w.refused);
  const Json j = to_json(w);
  EXPECT_TRUE(j["points"].empty());
  for (const char* key : {"zeta", "ties", "weight"}) EXPECT_TRUE(j[key].is_null()) << key;
  EXPECT_TRUE(j["checks"]["hold_out"]["count"].is_null());
  EXPECT_TRUE(j["checks"]["residual_cv"]["cv"].is_null());
  EXPECT_TRUE(j["checks"]["block_maxima"]["gumbel_p"].is_null());
  EXPECT_FALSE(j["refusal"].empty());
  EXPECT_FALSE(j["applicability"].empty());
  EXPECT_TRUE(j["n_needed"].is_number());
  expect_sound(j);
  expect_sound(to_json(pwcet_over_builds({})));
  expect_sound(to_json(paper_wcet_single(1, 2, 3, std::nan(""))));
  EXPECT_TRUE(to_json(paper_wcet_single(1, 2, 3, -1))["response_ns"].is_null());
}

TEST(Json, LevelsOfAnInvalidSplitAreNull) {
  VarianceSplit v;
  v.levels.resize(2);
  const Json j = to_json(v);
  EXPECT_TRUE(j["levels"][0]["sd"].is_null());
  EXPECT_TRUE(j["mean"].is_null());
  expect_sound(j);
}

}  // namespace
}  // namespace assay::stats
