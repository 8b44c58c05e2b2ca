// SPDX-License-Identifier: Apache-2.0
// Boxes over builds in every form of the report.
#include "report/detections.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "report/fixture.h"
#include "report/page_fault.h"
#include "report/report.h"
#include "report/summary.h"

namespace assay::report {
namespace {

using testing::HasSubstr;
using testing::Not;

Json inputs(int64_t count, int64_t n) {
  return {{"count", count}, {"n", n},       {"unit", "input"}, {"unit_count", count},
          {"units", n},     {"lower", 0.0}, {"upper", 0.0295}, {"confidence", 0.95}};
}
Json pair(int64_t a, int64_t b, int64_t differ) {
  Json none = {{"max", nullptr}, {"p50", nullptr}};
  return {{"a", a},
          {"b", b},
          {"inputs", inputs(differ, 100)},
          {"matched", 180},
          {"only_a", 2 * differ},
          {"only_b", differ},
          {"lost_in_suppression", differ},
          {"drift", {{"max", 0.75}, {"p50", 0.125}}},
          {"score_margin", differ ? Json{{"max", 0.05}, {"p50", 0.0125}} : none}};
}
VerdictRow verdict(const char* scope, const char* word, std::vector<Json> pairs, int64_t any) {
  VerdictRow v;
  v.ref = std::string("v-") + scope;
  v.id = std::string("0123456789abcdef") + scope;
  v.subject = "detections";
  v.scope = scope;
  v.verdict = word;
  v.statement = "boxes of builds";
  v.statistic = {{"pairs", pairs},
                 {"any", inputs(any, 100)},
                 {"map", {{{"build", 0}, {"map", 0.875}}, {{"build", 1}, {"map", 0.75}}}}};
  v.threshold = {{"upper_bound", 0.01}};
  return v;
}

// The made run whose second recipe is of a detector.
Model detector_model(bool hostile = false) {
  TempDir dir = TempDir::create(fs::temp_directory_path(), "assay-report-").value();
  FixtureOptions o;
  o.builds = o.launches = 2;
  o.samples = 60;
  o.hostile = hostile;
  auto run = make_run(dir.path() / "run", o).value();
  Model m = load_model(run).value();
  m.models[0].info["detector"] = {{"width", 64}, {"truth", "0"}};
  Recipe& r = m.models[0].recipes[1];
  std::erase_if(r.verdicts, [](const VerdictRow& v) {
    return v.subject == "labels" || v.subject == "accuracy";
  });
  r.verdicts.push_back(verdict("builds", "DIFFERENT", {pair(0, 1, 3)}, 3));
  r.verdicts.push_back(verdict("reference", "INCONCLUSIVE", {pair(0, 0, 0), pair(1, 0, 0)}, 0));
  return m;
}

TEST(Detections, AbsentWithoutADetector) {
  EXPECT_TRUE(detections_of(Recipe()).empty());
  EXPECT_TRUE(detections_json(Recipe()).empty());
  TempDir dir = TempDir::create(fs::temp_directory_path(), "assay-report-").value();
  auto run = make_run(dir.path() / "run", {}).value();
  const Model m = load_model(run).value();
  EXPECT_THAT(to_html(m).value(), Not(HasSubstr("<h4>Detections</h4>")));
  EXPECT_THAT(to_markdown(m).value(), Not(HasSubstr("boxes over")));
  EXPECT_THAT(to_json(m).value(), Not(HasSubstr("\"detections\"")));
}

TEST(Detections, AreAMemberOfTheJson) {
  const Json j = parse_json(to_json(detector_model()).value(), "report").value();
  const Json& d = j["models"][0]["recipes"][1]["detections"];
  ASSERT_EQ(d.size(), 2u);
  EXPECT_EQ(d[0]["scope"], "builds");
  EXPECT_EQ(d[0]["verdict"], "DIFFERENT");
  const Json& p = d[0]["pairs"][0];
  EXPECT_EQ(p["inputs_that_differ"], 3);
  EXPECT_EQ(p["inputs"], 100);
  EXPECT_EQ(p["unmatched"], 9);
  EXPECT_EQ(p["drift_px"]["max"], 0.75);
  EXPECT_EQ(p["score_margin"]["p50"], 0.0125);
  EXPECT_TRUE(d[1]["pairs"][0]["score_margin"]["max"].is_null());
  EXPECT_EQ(d[0]["map"][1]["map"], 0.75);
  EXPECT_FALSE(j["models"][0]["recipes"][0].contains("detections"));
}

TEST(Detections, HaveTheirTablesAndCells) {
  const Model m = detector_model();
  const std::string md = to_markdown(m).value(), page = to_html(m).value(),
                    text = to_text(m, false).value();
  EXPECT_EQ(page_fault(page), "");
  EXPECT_THAT(page, HasSubstr("<h4>Detections</h4>"));
  EXPECT_THAT(page, HasSubstr("build 0 and build 1: other boxes on 3 of 100 inputs"));
  EXPECT_THAT(page, HasSubstr("0.75 px"));
  EXPECT_THAT(page, HasSubstr("href=\"#v-builds\""));
  EXPECT_THAT(md, HasSubstr("| builds | build 0 | build 1 | 3 of 100 |"));
  EXPECT_THAT(md, HasSubstr("| reference | build 1 | reference | 0 of 100 |"));
  EXPECT_THAT(md, HasSubstr("boxes over builds"));
  for (const std::string& s : {md, page, text}) EXPECT_THAT(s, HasSubstr("mAP 0.75 to 0.875"));
  for (const std::string& s : {page, text}) EXPECT_THAT(s, HasSubstr("true boxes"));
  const Headline h = headline(m, m.models[0].recipes[1]);
  EXPECT_EQ(h.labels.word, "DIFFERENT");
  EXPECT_EQ(h.labels.text, "3 of 100 inputs with other boxes");
  EXPECT_EQ(h.reference.word, "INCONCLUSIVE");
  EXPECT_THAT(h.reference.text, HasSubstr("at most"));  // zero with its bound
  std::string needs;
  for (const Open& o : not_established(m))
    if (o.subject == "detections") needs = o.needs;
  EXPECT_THAT(needs, HasSubstr("299 inputs without a mismatch (there are 100)"));
}

TEST(Detections, WhatTheEvidenceHoldsBreaksNothing) {
  Model m = detector_model(true);
  Recipe& r = m.models[0].recipes[1];
  VerdictRow& v = r.verdicts[r.verdicts.size() - 2];
  v.statement = v.verdict = hostile_text();
  for (
      const char* statistic :
      {"null", "[]", "{\"pairs\": 3, \"map\": {}}", "{\"pairs\": [[], null, {}], \"map\": [3, {}]}",
       R"({"pairs": [{"a": "0", "b": {}, "inputs": 4, "drift": 3, "score_margin": {"max": "x"}}]})",
       R"({"pairs": [{"a": -7, "b": 9223372036854775807, "inputs": {"count": 1, "n": 0}}],
            "any": {"count": 0, "n": 0}, "map": [{"build": -1, "map": null}]})"}) {
    v.statistic = parse_json(statistic, "test").value();
    EXPECT_EQ(page_fault(to_html(m).value()), "") << statistic;
    EXPECT_THAT(to_html(m).value(), Not(HasSubstr("<script")));
    EXPECT_TRUE(parse_json(to_json(m).value(), "report"));
    EXPECT_FALSE(to_markdown(m).value().empty());
    const std::string text = to_text(m, false).value();
    for (unsigned char c : text) ASSERT_TRUE(c >= 0x20 || c == '\n');
  }
}

}  // namespace
}  // namespace assay::report
