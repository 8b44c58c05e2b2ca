// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "stream/analyse.h"
#include "stream/made_logs.h"

namespace assay::stream {
namespace {

using testing::HasSubstr;

AnalyseOptions quick() {
  AnalyseOptions o;
  o.pwcet = false;
  o.bootstrap = 100;
  return o;
}
MadeCell long_run(Scenario scenario) {
  MadeCell m;
  m.cell.scenario = scenario;
  m.cell.period_ns = m.deadline_ns = 100'000'000;
  m.frames = 6700;
  m.repetitions = 1;
  return m;
}

TEST(Validity, ALongCleanRunIsValid) {
  const CellResult c = analyse_cell(made_log(long_run(Scenario::constant_stream)), quick());
  EXPECT_TRUE(c.valid) << c.invalid_reasons.at(0);
}

TEST(Validity, ShortAndSmallRunsAreNot) {
  MadeCell m = long_run(Scenario::constant_stream);
  m.frames = 6600;
  CellResult c = analyse_cell(made_log(m), quick());
  ASSERT_EQ(c.invalid_reasons.size(), 1);
  EXPECT_THAT(c.invalid_reasons[0], HasSubstr("6600 frames in a repetition, p99.9 takes 6636"));
  m.frames = 6700;
  m.cell.period_ns = 50'000'000;
  c = analyse_cell(made_log(m), quick());
  ASSERT_EQ(c.invalid_reasons.size(), 1);
  EXPECT_THAT(c.invalid_reasons[0], HasSubstr("600 s"));
}

TEST(Validity, DropsAreCountedInConstantStreamAndLateInServer) {
  MadeCell m = long_run(Scenario::constant_stream);
  m.cell.policy = Policy::drop_oldest;
  m.frames = 8000;
  m.stall_frame = 500;
  m.stall_ns = 3'000'000'000;
  const CellResult c = analyse_cell(made_log(m), quick());
  EXPECT_GT(c.tasks[0].accounting.dropped, 0);
  EXPECT_TRUE(c.valid) << c.invalid_reasons.at(0);
  m.lose_frame = 7;
  EXPECT_FALSE(analyse_cell(made_log(m), quick()).valid);

  MadeCell s = long_run(Scenario::server);
  s.deadline_ns = 15'000'000;  // 10.2 ms of service at a load of .1: some 9 % wait
  const CellResult late = analyse_cell(made_log(s), quick());
  ASSERT_FALSE(late.valid);
  EXPECT_THAT(late.invalid_reasons.back(), HasSubstr("were late or lost"));
  s.deadline_ns = 100'000'000;
  EXPECT_TRUE(analyse_cell(made_log(s), quick()).valid);
  s.deadline_ns = 0;
  EXPECT_FALSE(analyse_cell(made_log(s), quick()).valid);
}

TEST(Validity, FailedFramesAreNot) {
  MadeCell m = long_run(Scenario::single_stream);
  m.frames = 60'000;
  m.failed_share = .001;
  const CellResult c = analyse_cell(made_log(m), quick());
  ASSERT_FALSE(c.valid);
  EXPECT_THAT(c.invalid_reasons.back(), HasSubstr("frames failed"));
}

}  // namespace
}  // namespace assay::stream
