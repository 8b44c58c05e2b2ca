// SPDX-License-Identifier: Apache-2.0
// Whole printed reports against files in testdata/. ASSAY_UPDATE_GOLDEN=1 writes them anew.
#include <gtest/gtest.h>

#include "report/fixture.h"
#include "report/golden.h"
#include "report/report.h"

namespace assay::report {
namespace {

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
