// SPDX-License-Identifier: Apache-2.0
// Whole printed reports against files in testdata/. ASSAY_UPDATE_GOLDEN=1 writes them anew.
#include <gtest/gtest.h>

#include <cstdlib>

#include "report/fixture.h"
#include "report/report.h"

namespace assay::report {
namespace {

void expect_golden(const std::string& name, const std::string& text) {
  const fs::path file = fs::path(ASSAY_REPORT_TESTDATA) / name;
  if (std::getenv("ASSAY_UPDATE_GOLDEN")) {
    ASSERT_TRUE(write_file_atomic(file, text));
    return;
  }
  const auto wanted = read_file(file);
  ASSERT_TRUE(wanted) << wanted.error().message << "; run once with ASSAY_UPDATE_GOLDEN=1";
  EXPECT_EQ(text, *wanted)
      << "if this is meant: run once with ASSAY_UPDATE_GOLDEN=1 and look at the difference";
}

class Golden : public testing::TestWithParam<bool> {};

TEST_P(Golden, ReportsArePrintedAsBefore) {
  TempDir dir = TempDir::create(fs::temp_directory_path(), "assay-report-").value();
  FixtureOptions o;
  o.builds = o.launches = 2;
  o.samples = 60;
  o.hostile = GetParam();
  auto run = make_run(dir.path() / "run", o).value();
  const Model m = load_model(run).value();
  const std::string name = o.hostile ? "hostile" : "plain";
  expect_golden(name + ".txt", to_text(m, false).value());
  expect_golden(name + ".md", to_markdown(m).value());
  if (o.hostile) return;
  expect_golden(name + ".html", to_html(m).value());
  expect_golden(name + ".verdicts.json", verdicts_json(m).value());
}

INSTANTIATE_TEST_SUITE_P(Names, Golden, testing::Bool());

}  // namespace
}  // namespace assay::report
