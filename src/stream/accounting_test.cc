// SPDX-License-Identifier: Apache-2.0
// Every planned frame in exactly one place, whatever became of it.
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include "stream/frame_sets.h"
#include "stream/made_logs.h"
#include "stream/pool.h"
#include "stream/record_check.h"

namespace assay::stream {
namespace {

int64_t total(const Accounting& a) {
  return a.done + a.dropped + a.skipped + a.failed + a.pending + a.lost;
}

MadeCell short_cell() {
  MadeCell m;
  m.frames = 50;
  m.repetitions = 2;
  return m;
}

RC_GTEST_PROP(Accounting, HoldsForAnyRecords, ()) {
  CellLog log;
  const int repetitions = *rc::gen::inRange(0, 4), streams = *rc::gen::inRange(0, 4);
  for (int r = 0; r < repetitions; ++r) {
    Repetition rep;
    rep.outcome = *rc::gen::element<std::string>("ok", "crashed");
    for (int s = 0; s < streams; ++s) {
      StreamLog stream;
      stream.task = *rc::gen::element<std::string>("a", "b");
      stream.planned = *rc::gen::inRange(0, 30);
      const int records = *rc::gen::inRange(0, 40);
      for (int i = 0; i < records; ++i) {
        FrameRecord f;
        f.frame = *rc::gen::inRange(-2, 35);
        f.fate = *rc::gen::inRange(0, 5);
        f.fault = *rc::gen::inRange(0, 10);
        f.flags = *rc::gen::inRange(0, 4);
        stream.records.push_back(f);
      }
      rep.streams.push_back(stream);
    }
    log.repetitions.push_back(rep);
  }
  int64_t planned = 0;
  for (const Repetition& r : log.repetitions)
    for (const StreamLog& s : r.streams) planned += s.planned;
  const Accounting all = account(log, "", nullptr), a = account(log, "a", nullptr),
                   b = account(log, "b", nullptr);
  RC_ASSERT(all.planned == planned);
  RC_ASSERT(total(all) == planned);
  RC_ASSERT(all.balanced() == (all.lost == 0));
  RC_ASSERT(a.planned + b.planned == planned);
  RC_ASSERT(a.done + b.done == all.done);
  const Accounting sets = account_frame_sets(log);
  RC_ASSERT(total(sets) == sets.planned);
}

RC_GTEST_PROP(Accounting, HoldsForMadeRuns, ()) {
  MadeCell m = short_cell();
  m.cell.streams = *rc::gen::inRange(1, 4);
  m.cell.mode = *rc::gen::element<std::string>("processes", "one-server");
  m.cell.scenario = *rc::gen::element(Scenario::single_stream, Scenario::offline, Scenario::server,
                                      Scenario::constant_stream);
  m.cell.policy = open_loop(m.cell.scenario)
                      ? *rc::gen::element(Policy::queue, Policy::drop_oldest, Policy::skip_if_busy)
                      : Policy::queue;
  m.cell.period_ns = *rc::gen::inRange<int64_t>(4'000'000, 20'000'000);
  m.failed_share = *rc::gen::element(0.0, .2);
  m.stop_frame = *rc::gen::element(-1, 30);
  m.die_frame = *rc::gen::element(-1, 40);
  m.end_ns = *rc::gen::element<int64_t>(INT64_MAX, 200'000'000);
  m.warm_up = *rc::gen::element(0, 5);
  m.seed = *rc::gen::inRange<uint64_t>(1, 1000);
  const CellLog log = made_log(m);
  for (const Repetition& r : log.repetitions)
    for (const StreamLog& s : r.streams) {
      const Status checked = check_records(s.records, s.name);
      if (!checked) RC_FAIL(checked.error().message);
    }
  std::vector<std::string> refusals;
  const Accounting a = account(log, "", &refusals);
  RC_ASSERT(a.balanced());
  RC_ASSERT(a.planned == 2 * 50 * m.cell.streams);
  RC_ASSERT(refusals.empty());
  const Pool pool = pool_of(log, "");
  for (size_t i = 1; i < pool.frames.size(); ++i)
    if (i != pool.ends[0]) RC_ASSERT(pool.frames[i - 1]->done_ns <= pool.frames[i]->done_ns);
}

TEST(Accounting, ALostRecordIsNotBalanced) {
  MadeCell m = short_cell();
  m.lose_frame = 7;
  const Accounting a = account(made_log(m), "", nullptr);
  EXPECT_EQ(a.lost, 2);  // one a repetition
  EXPECT_EQ(a.done, 98);
  EXPECT_FALSE(a.balanced());
}

TEST(Accounting, WhatADeadProcessDidNotReachIsPending) {
  MadeCell m = short_cell();
  m.die_frame = 20;
  Accounting a = account(made_log(m), "", nullptr);
  EXPECT_EQ(a.pending, 30);
  EXPECT_TRUE(a.balanced());
  m.lose_frame = 7;  // before its death: that one is lost all the same
  a = account(made_log(m), "", nullptr);
  EXPECT_EQ(a.pending, 30);
  EXPECT_EQ(a.lost, 2);
}

TEST(Accounting, CamerasThatStopAreCounted) {
  MadeCell m = short_cell();
  m.stop_frame = 45;
  const Accounting a = account(made_log(m), "", nullptr);
  EXPECT_EQ(a.stopped_cameras, 2);
  EXPECT_EQ(a.pending, 10);
  EXPECT_EQ(a.faults.at("stopped"), 10);
}

TEST(Accounting, SecondMentionsAndUnplannedFramesDoNotCount) {
  CellLog log = made_log(short_cell());
  auto& records = log.repetitions[0].streams[0].records;
  records.push_back(records[3]);
  records.push_back(records[4]);
  records.back().frame = 50;
  std::vector<std::string> refusals;
  const Accounting a = account(log, "", &refusals);
  EXPECT_EQ(a.done, 100);
  EXPECT_TRUE(a.balanced());
  ASSERT_EQ(refusals.size(), 1);
  EXPECT_NE(refusals[0].find("2 records"), std::string::npos) << refusals[0];
}

TEST(Accounting, AFrameSetIsDoneWhenAllItsFramesAre) {
  MadeCell m = short_cell();
  m.cell.streams = 3;
  m.lose_frame = 7;  // of stream 0 alone
  const Accounting sets = account_frame_sets(made_log(m));
  EXPECT_EQ(sets.planned, 100);
  EXPECT_EQ(sets.done, 98);
  EXPECT_EQ(sets.lost, 2);
}

}  // namespace
}  // namespace assay::stream
