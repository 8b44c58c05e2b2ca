// SPDX-License-Identifier: Apache-2.0
// What has no law gets no number: load of failed frames, runs that never started, shared CPUs,
// unstable servers.
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

// 10.2 ms of service in 20 ms of a camera, but every second frame takes 60 ms and fails.
TEST(Law, FramesThatFailLoadTheirServer) {
  MadeCell m;
  m.cell.scenario = Scenario::constant_stream;
  m.cell.period_ns = m.deadline_ns = 20'000'000;
  CellLog log = made_log(m);
  for (StreamLog& s : log.repetitions[0].streams)
    for (FrameRecord& r : s.records) {
      if (r.frame % 2 == 0) continue;
      r.fate = static_cast<int64_t>(Fate::failed);
      r.fault = static_cast<int64_t>(vision::FrameFault::run_failed);
      r.done_ns = r.start_ns + 60'000'000;
    }
  log.repetitions.resize(1);
  const Stability load = analyse_cell(log, quick()).stability;
  EXPECT_GT(*load.utilisation, 1.5);
  EXPECT_TRUE(load.unstable);
}

TEST(Law, ARunThatNeverStartedReleasedNoFrame) {
  MadeCell m;
  m.cell.scenario = Scenario::constant_stream;
  m.cell.period_ns = m.deadline_ns = 20'000'000;
  m.frames = 100;
  CellLog log = made_log(m);
  log.repetitions[1].outcome.assign("failed");
  for (StreamLog& s : log.repetitions[1].streams) s.records.clear();
  EXPECT_EQ(analyse_cell(log, quick()).tasks[0].deadline->observed.misses, 100) << "died at once";
  log.repetitions[1].started = false;
  const CellResult c = analyse_cell(log, quick());
  EXPECT_EQ(c.tasks[0].deadline->observed.misses, 0);
  EXPECT_EQ(c.tasks[0].deadline->observed.n, 400);
  EXPECT_EQ(c.tasks[0].accounting.pending, 100);
  EXPECT_TRUE(c.tasks[0].accounting.balanced());
  EXPECT_FALSE(c.valid);
}

// A process each for four cameras on two CPUs: what one takes at another rate is not known.
TEST(Law, ServersThatShareCpusAreNotReplayed) {
  MadeCell m;
  m.cell.scenario = Scenario::constant_stream;
  m.cell.period_ns = m.deadline_ns = 40'000'000;
  m.cell.streams = 4;
  m.cell.oversubscribed = true;
  const CellResult c = analyse_cell(made_log(m), quick());
  EXPECT_TRUE(c.tasks[0].deadline->replays.empty());
  EXPECT_THAT(c.refusals, testing::Contains(HasSubstr("no other rates")));
  m.cell.oversubscribed = false;
  EXPECT_EQ(analyse_cell(made_log(m), quick()).tasks[0].deadline->replays.size(), 3);
}

TEST(Law, AnUnstableServerHasNoTail) {
  MadeCell m;
  m.frames = 4000;
  m.repetitions = 2;
  m.cell.scenario = Scenario::constant_stream;
  m.cell.period_ns = 10'000'000;  // service 10.2 ms
  m.deadline_ns = 100'000'000'000;
  AnalyseOptions o;
  o.bootstrap = 100;
  const std::vector<CellLog> logs = {made_log(m)};
  const Results r = analyse("x", logs, o);
  const TaskResult& t = r.cells[0].tasks[0];
  EXPECT_EQ(t.deadline->observed.misses, 0);
  EXPECT_TRUE(t.wcet.pwcet.refused);
  EXPECT_TRUE(t.wcet.pwcet.points.empty());
  EXPECT_THAT(t.wcet.pwcet.reasons.at(0), HasSubstr("load of the server"));
  EXPECT_FALSE(t.deadline->model_rate || t.deadline->model_upper);
  EXPECT_THAT(r.findings, testing::Contains(HasSubstr("there is no bound on how many do")));
}

}  // namespace
}  // namespace assay::stream
