// SPDX-License-Identifier: Apache-2.0
// Whole documents against files in testdata/diff/; ASSAY_UPDATE_GOLDEN=1 writes them anew.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/json.h"
#include "diff/made_engines.h"
#include "report/diff/report.h"
#include "report/golden.h"
#include "report/page_fault.h"

namespace assay::report {
namespace {

using testing::HasSubstr;
using testing::Not;

DiffReport report_of(std::vector<diff::EngineMap> engines, bool all = false) {
  DiffReport r{std::move(engines), {}, all};
  r.comparison = diff::compare(r.engines);
  return r;
}

// Three builds with one of each change.
std::vector<diff::EngineMap> three() {
  using diff::made_engine, diff::made_layer, diff::made_decision;
  std::vector<diff::EngineMap> e{made_engine("build-0", 10), made_engine("build-1", 10),
                                 made_engine("build-2", 10)};
  e[1].layers[1] = made_layer(1, 1);
  e[2].layers[1] = made_layer(1, 2);
  e[1].layers[2].kernel = "conv_2_renamed";
  e[2].layers[3].precision = "fp16";
  e[2].layers[3].inputs[0].format = "nchw16c";
  e[1].layers[4].outputs[0].shape = {1, 8, 8, 8};
  std::swap(e[2].layers[5], e[2].layers[6]);
  diff::Layer relu = made_layer(7);
  relu.name = "relu7", relu.kernel = "relu_7";
  relu.origin = {"Relu_7"};
  e[1].layers[7].origin = {"Conv_7"};
  e[1].layers.insert(e[1].layers.begin() + 8, relu);
  e[2].layers.pop_back();
  e[1].artifact_bytes = 120'000;
  e[0].decisions = {
      made_decision("conv1", "tile 4",
                    {{"tile 4", {1000, 1100}}, {"tile 8", {1050, 1200}}, {"tile 1", {}}}),
      made_decision("conv2", "tile 4", {{"tile 4", {1000, 1100}}})};
  e[1].decisions = {
      made_decision("conv1", "tile 8", {{"tile 4", {1040, 1060}}, {"tile 8", {990, 1050}}}),
      made_decision("conv2", "tile 4", {{"tile 4", {1000, 1100}}})};
  e[2].decisions = {
      made_decision("conv1", "tile 16", {{"tile 4", {2000, 2100}}, {"tile 16", {900, 910}}})};
  return e;
}

// Every text an attack on one of the printers.
std::vector<diff::EngineMap> hostile() {
  const std::string bad =
      "<script>alert(1)</script>\"'&|`*_[x](javascript:y)\n# @all "
      "\x1b[31m\xE2\x80\xAE\xC2\x9B\xff</pre>```";
  std::vector<diff::EngineMap> out;
  for (int v = 0; v < 2; ++v) {
    diff::EngineMap e = diff::made_engine(bad, 2);
    e.compiler = e.version = e.source = e.precision = bad;
    for (diff::Layer& l : e.layers) {
      l.name = l.type = l.precision = bad;
      l.kernel = bad + std::to_string(v);
      l.source_text = bad + "\n" + bad + std::to_string(v);
      l.source_sha256 = bad + std::to_string(v);
      l.origin = {bad, bad + "2"};
      for (diff::TensorRef* t : {&l.inputs[0], &l.outputs[0]})
        t->name = t->dtype = bad, t->format = bad + std::to_string(v);
    }
    e.decisions = {diff::made_decision(bad, bad + std::to_string(v),
                                       {{bad + "0", {1, 2}}, {bad + "1", {1, 2}}})};
    e.notes = {bad};
    out.push_back(std::move(e));
  }
  return out;
}

TEST(DiffGolden, DocumentsArePrintedAsBefore) {
  const DiffReport r = report_of(three());
  expect_golden("diff/builds.txt", diff_text(r));
  expect_golden("diff/builds.md", diff_markdown(r));
  expect_golden("diff/builds.json", diff_json(r));
  expect_golden("diff/builds.jsonl", diff_jsonl(r));
  expect_golden("diff/builds.csv", diff_csv(r));
  expect_golden("diff/builds.html", diff_html(r));
  const DiffReport h = report_of(hostile());
  expect_golden("diff/hostile.txt", diff_text(h));
  expect_golden("diff/hostile.md", diff_markdown(h));
}

TEST(DiffDocuments, TwoCompilersAreComparedByNodes) {
  auto engines = three();
  engines.pop_back();
  engines[1].compiler = "other";
  const DiffReport r = report_of(engines);
  expect_golden("diff/compilers.txt", diff_text(r));
}

TEST(DiffDocuments, EqualEnginesSaySoInOneLine) {
  const auto e = three();
  EXPECT_EQ(diff_text(report_of({e[0], e[0]})), "0 of 10 layers differ\n");
  EXPECT_THAT(diff_text(report_of({e[0], e[0]}, true)), HasSubstr("conv9"));
  EXPECT_EQ(diff_jsonl(report_of({e[0], e[0]})), "");
}

TEST(DiffPage, IsWholeSelfContainedAndHasNoScript) {
  for (const auto& engines : {three(), hostile(), std::vector<diff::EngineMap>(2)}) {
    const std::string page = diff_html(report_of(engines));
    EXPECT_EQ(page_fault(page), "");
    for (const char* bad : {"<script", "<img", "href=\"javascript", "\x1b", "\xE2\x80\xAE",
                            "\xC2\x9B", "src=", "http:", "https:"})
      EXPECT_EQ(page.find(bad), std::string::npos) << bad;
  }
}

TEST(DiffPage, StaysBelowAMegabyteAndSaysWhatIsLeftOut) {
  std::vector<diff::EngineMap> big{diff::made_engine("a", 200), diff::made_engine("b", 200),
                                   diff::made_engine("c", 200)};
  for (size_t e = 1; e < 3; ++e)
    for (size_t i = 0; i < 200; ++i) {
      diff::Layer& l = big[e].layers[i];
      l.kernel = std::string(400, 'k') + std::to_string(e);
      l.source_text = diff::made_source(i, static_cast<int>(e), 2000);
      l.source_sha256 = sha256_hex(l.source_text);
      big[e].decisions.push_back(
          diff::made_decision(l.name, std::string(300, 't') + std::to_string(e), {{"x", {1, 2}}}));
    }
  const std::string page = diff_html(report_of(big));
  EXPECT_LE(page.size(), 1'000'000u);
  EXPECT_THAT(page, HasSubstr("left out to keep this page small"));
  EXPECT_EQ(page_fault(page), "");
}

TEST(DiffJson, HoldsEveryRowAndNullsForWhatIsNotTold) {
  auto engines = three();
  engines[0].artifact_bytes = -1;
  engines[0].layers[0].time_ns = {HUGE_VAL};
  const Json j = parse_json(diff_json(report_of(engines)), "diff").value();
  EXPECT_EQ(j["format"], 1);
  EXPECT_TRUE(j["engines"][0]["artifact_bytes"].is_null());
  EXPECT_TRUE(j["rows"][0]["sides"][0]["time_ns"].is_null());
  EXPECT_TRUE(j["engines"][0]["time_ns"].is_null());
  EXPECT_EQ(j["rows"].size(), 10u);
  EXPECT_EQ(j["tasks"][0]["flip"], "near tie");
  EXPECT_THAT(diff_json(report_of(hostile())), Not(HasSubstr("\x1b")));
}

}  // namespace
}  // namespace assay::report
