// SPDX-License-Identifier: Apache-2.0
#include "report/report.h"

#include <gtest/gtest.h>

#include <set>

#include "report/escape.h"
#include "report/figures.h"
#include "report/fixture.h"
#include "report/page_fault.h"
#include "report/summary.h"

namespace assay::report {
namespace {

struct Made {
  TempDir dir;
  store::RunFolder run;
};
Made make(const FixtureOptions& o) {
  TempDir d = TempDir::create(fs::temp_directory_path(), "assay-report-").value();
  auto run = make_run(d.path() / "run", o);
  EXPECT_TRUE(run) << (run ? "" : run.error().message);
  return {std::move(d), std::move(*run)};
}
Model model_of(const FixtureOptions& o) {
  Made m = make(o);
  return load_model(m.run).value();
}

TEST(Html, IsWellFormedSelfContainedAndHasNoScript) {
  for (const bool hostile : {false, true}) {
    FixtureOptions o;
    o.hostile = hostile;
    const std::string page = to_html(model_of(o)).value();
    EXPECT_EQ(page_fault(page), "");
    for (const char* bad :
         {"<script", "<img", "javascript:", "\x1b", "\xE2\x80\xAE", "\xC2\x9B", "src="}) {
      if (hostile && std::string(bad) == "src=") continue;  // stands there as text
      EXPECT_EQ(page.find(bad), std::string::npos) << bad;
    }
    if (!hostile) {
      EXPECT_EQ(page.find("http://"), std::string::npos);
    }
    EXPECT_NE(page.find("default-src 'none'"), std::string::npos);
    EXPECT_LT(page.size(), 1u << 20);
  }
}

TEST(Markdown, HostileNamesStayInTheirCell) {
  FixtureOptions o;
  o.hostile = true;
  const std::string text = to_markdown(model_of(o)).value();
  bool fence = false;
  for (size_t at = 0; at < text.size();) {
    const size_t end = text.find('\n', at);
    const std::string line = text.substr(at, end - at);
    at = end + 1;
    if (line.starts_with("```")) fence = !fence;
    if (fence) continue;
    EXPECT_EQ(line.find("@you"), std::string::npos);
    for (size_t i = line.find("<"); i != std::string::npos; i = line.find("<", i + 1))
      ASSERT_TRUE(i > 0 && line[i - 1] == '\\') << line;
  }
  EXPECT_FALSE(fence);
}

TEST(Text, HasNoControlCharactersAndColoursOnlyWhenTold) {
  FixtureOptions o;
  o.hostile = true;
  const Model m = model_of(o);
  const std::string text = to_text(m, false).value();
  for (unsigned char c : text) ASSERT_TRUE(c >= 0x20 || c == '\n');
  EXPECT_NE(to_text(m, true).value().find("\x1b[1;31mDIFFERENT\x1b[0m"), std::string::npos);
}

// What a later schema added is absent from older evidence, which reads as it did.
TEST(Schema, EvidenceOfVersion1IsRead) {
  auto dir = TempDir::create(::testing::TempDir(), "v1-");
  ASSERT_TRUE(dir);
  std::string before;
  {
    auto run = make_run(dir->path() / "run", {});
    ASSERT_TRUE(run);
    before = verdicts_json(*load_model(*run)).value();
    ASSERT_TRUE(run->db().script(
        "DROP TABLE lock_check; DROP TABLE locked_build; DROP TABLE lock; PRAGMA user_version=1"));
  }
  auto run = store::RunFolder::open_for_reading(dir->path() / "run");
  ASSERT_TRUE(run) << run.error().message;
  auto model = load_model(*run);
  ASSERT_TRUE(model) << model.error().message;
  EXPECT_EQ(verdicts_json(*model).value(), before);
}

TEST(Json, ParsesAndCountsAreRight) {
  const Json j = parse_json(to_json(model_of({})).value(), "report").value();
  EXPECT_EQ(j["samples"], 3 * 3 * 3 * 400);  // the superseded launch is not among them
  const Json& r = j["models"][0]["recipes"][0];
  EXPECT_EQ(r["superseded_jobs"], 1);
  EXPECT_EQ(r["builds_asked"], 3);
  EXPECT_EQ(r["launches_asked"], 9);
  EXPECT_EQ(r["launches_ok"], 9);
  EXPECT_EQ(r["builds"][0]["launches"].size(), 4u);
}

TEST(Verdicts, AreByteEqualForEqualFindingsOfTwoRuns) {
  FixtureOptions a, b;
  b.salt = "other ids";
  const Model first = model_of(a), second = model_of(b);
  EXPECT_NE(first.run_id, second.run_id);
  EXPECT_EQ(verdicts_json(first).value(), verdicts_json(second).value());
  FixtureOptions c;
  c.samples = 401;
  EXPECT_NE(verdicts_json(first).value(), verdicts_json(model_of(c)).value());
}

TEST(Report, EmptyFailedAndUnderivedRunsPrint) {
  FixtureOptions nothing, failures, underived;
  nothing.recipes = 0;
  nothing.derived = false;
  failures.only_failures = true;
  underived.derived = false;
  for (const auto& o : {nothing, failures, underived}) {
    const Model m = model_of(o);
    EXPECT_EQ(page_fault(to_html(m).value()), "");
    EXPECT_FALSE(to_markdown(m).value().empty());
    EXPECT_TRUE(parse_json(to_json(m).value(), "report"));
    const std::string text = to_text(m, false).value();
    EXPECT_EQ(text.find("Nothing is judged yet") != std::string::npos, !o.derived);
    EXPECT_EQ(text.find("0/3") != std::string::npos, o.only_failures);
  }
}

TEST(Report, ScriptedSeriesAreNoMeasurement) {
  FixtureOptions o;
  o.clock = "scripted";
  const Model m = model_of(o);
  for (const auto& s : {to_html(m).value(), to_markdown(m).value(), to_text(m, false).value()})
    EXPECT_NE(s.find("scripted, not a measurement"), std::string::npos);
  EXPECT_EQ(to_html(model_of({})).value().find("not a measurement"), std::string::npos);
}

TEST(Report, MissingAndTornSamplesAreNamed) {
  Made made = make({});
  const Model whole = load_model(made.run).value();
  const auto& s = whole.models[0].recipes[1].builds[0].launches[0].series[0];
  fs::resize_file(made.run.blob_path(s.samples_blob), 9);
  fs::remove(
      made.run.blob_path(whole.models[0].recipes[1].builds[1].launches[0].series[0].samples_blob));
  const Model m = load_model(made.run).value();
  EXPECT_EQ(m.problems.size(), 2u);
  EXPECT_EQ(m.samples, whole.samples - 800);
  EXPECT_NE(to_html(m).value().find("torn: 9 bytes"), std::string::npos);
}

TEST(Figures, NeverZeroWithoutABoundNorAPercentileThatNCannotCarry) {
  EXPECT_EQ(interval_text(Interval{5e6, 4.9e6, {}, 0.95, 300, 368}), "not available (n >= 368)");
  EXPECT_EQ(interval_text(Interval{12.34e6, 12.3e6, 12.41e6, 0.95, 300, 0}),
            "12.34 ms [12.30, 12.41]");
  EXPECT_EQ(proportion_text(Proportion{0, 500, 0, 21, "cluster", 0.0, 0.133, 0.95}),
            "0 of 500 inputs; at most 13.3 % of clusters (0 of 21 clusters seen, confidence 0.95)");
  EXPECT_EQ(proportion_text(Proportion{0, 360, 0, 0, "none", {}, {}, 0.95}),
            "0 of 360 inputs; exact for this fixed set (no bound)");
  EXPECT_EQ(proportion_text({}), "unknown");
  EXPECT_EQ(fact(Json::object(), "governor"), "unknown");
}

TEST(Escape, HandlesBrokenUtf8AndLength) {
  EXPECT_EQ(plain("a\xFF\xC0\xAF z"), "a\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD z");
  EXPECT_EQ(plain(std::string(1000, 'x'), 10), "xxxxxxxxxx...");
  EXPECT_EQ(plain("\xE2\x80\xAEgpj.exe"), "\\u{202e}gpj.exe");
  EXPECT_EQ(markdown_block("```\nrm", "sh"), "````sh\n```\nrm\n````\n");
}

}  // namespace
}  // namespace assay::report
