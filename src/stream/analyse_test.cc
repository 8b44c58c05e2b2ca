// SPDX-License-Identifier: Apache-2.0
#include "stream/analyse.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <algorithm>

#include "stats/intervals.h"
#include "stream/made_logs.h"
#include "stream/result_json.h"

namespace assay::stream {
namespace {

using testing::HasSubstr;

AnalyseOptions quick() {
  AnalyseOptions o;
  o.pwcet = false;
  o.bootstrap = 100;
  return o;
}

RC_GTEST_PROP(Analyse, StagesAddUpToTheResponse, ()) {
  MadeCell m;
  m.cell.streams = *rc::gen::inRange(1, 4);
  m.frames = *rc::gen::inRange(2, 300);
  m.repetitions = *rc::gen::inRange(1, 4);
  m.dependence = *rc::gen::element(0.0, .5, 1.0);
  m.second.median_ns = *rc::gen::element(0.0, 2e6);
  m.cell.scenario = *rc::gen::element(Scenario::single_stream, Scenario::constant_stream);
  m.cell.period_ns = 11'000'000;
  m.seed = *rc::gen::inRange<uint64_t>(1, 1000);
  const CellResult c = analyse_cell(made_log(m), quick());
  const TaskResult& t = c.tasks.at(0);
  double mean = 0, share = 0, variance = 0, tail = 0;
  for (size_t i = 0; i < 7; ++i) {
    mean += t.stages[i].mean;
    share += t.stages[i].share_mean;
    variance += t.stages[i].share_variance;
    tail += t.stages[i].share_tail;
  }
  RC_ASSERT(t.stages.size() == 8U && t.stages[7].stage == Stage::response);
  RC_ASSERT(std::abs(mean / t.stages[7].mean - 1) < 1e-9);
  RC_ASSERT(std::abs(share - 1) < 1e-9 && std::abs(tail - 1) < 1e-9);
  RC_ASSERT(std::abs(variance - 1) < 1e-6);
  RC_ASSERT(t.stages[7].n == m.frames * m.repetitions * m.cell.streams);
}

TEST(Analyse, WarmUpAndFramesNotDoneAreInNoSeries) {
  MadeCell m;
  m.warm_up = 20;
  m.failed_share = .1;
  const CellResult c = analyse_cell(made_log(m), quick());
  const Accounting& a = c.tasks[0].accounting;
  EXPECT_TRUE(a.balanced());
  EXPECT_GT(a.failed, 300);
  EXPECT_EQ(a.faults.at("damaged"), a.failed);
  const int64_t n = c.tasks[0].stages.back().n;
  EXPECT_LT(n, a.done);
  EXPECT_NEAR(static_cast<double>(n), .9 * 5 * 980, 100);
  for (const StageResult& s : c.tasks[0].stages) EXPECT_EQ(s.n, n);
}

// 100 ms in one frame, cameras at 20 ms, 10.2 ms of service: under queue the next frames wait 90.2,
// 80.4, ... 11.8 and 2 ms, each 9.8 less; drop-oldest and skip-if-busy lose frames instead.
TEST(Analyse, AStallShowsInEveryLaterFrameOfTheQueueAndAsLossesOtherwise) {
  MadeCell m;
  m.cell.scenario = Scenario::constant_stream;
  m.cell.period_ns = m.deadline_ns = 20'000'000;
  m.stall_frame = 500;
  const CellLog queued = made_log(m);
  const auto& records = queued.repetitions[0].streams[0].records;
  int64_t late = 0;
  for (size_t i = 501; i < 510; ++i) late += duration(records[i], Stage::wait) > 10'000'000;
  EXPECT_EQ(late, 9);
  const CellResult q = analyse_cell(queued, quick());
  EXPECT_EQ(q.tasks[0].accounting.done, 5000);
  EXPECT_EQ(q.tasks[0].deadline->observed.misses, 5 * 10);
  EXPECT_EQ(q.tasks[0].deadline->max_consecutive, 10);
  ASSERT_EQ(q.tasks[0].deadline->windows.size(), 2);
  EXPECT_EQ(q.tasks[0].deadline->windows[0].worst, 10);
  EXPECT_EQ(q.tasks[0].deadline->windows[1].k, 100);
  EXPECT_EQ(q.tasks[0].deadline->frames_for_1e6, 2'995'731);
  EXPECT_FALSE(q.stability.unstable);
  for (const Policy p : {Policy::drop_oldest, Policy::skip_if_busy}) {
    m.cell.policy = p;
    const CellResult c = analyse_cell(made_log(m), quick());
    const Accounting& a = c.tasks[0].accounting;
    EXPECT_TRUE(a.balanced());
    EXPECT_EQ(a.dropped > 0, p == Policy::drop_oldest);
    EXPECT_EQ(a.skipped > 0, p == Policy::skip_if_busy);
    EXPECT_EQ(a.done + a.dropped + a.skipped, 5000);
    EXPECT_GE(a.dropped + a.skipped, 5 * 4);
    EXPECT_LT(c.tasks[0].deadline->max_consecutive, 10);
  }
}

TEST(Analyse, AServerThatCannotKeepUpHasNoMissRate) {
  MadeCell m;
  m.cell.scenario = Scenario::constant_stream;
  m.cell.period_ns = m.deadline_ns = 10'000'000;  // service 10.2 ms
  const CellLog log = made_log(m);
  const CellResult c = analyse_cell(log, quick());
  EXPECT_TRUE(c.stability.unstable);
  EXPECT_GT(*c.stability.utilisation, 1);
  const MissRate& r = c.tasks[0].deadline->observed;
  EXPECT_FALSE(r.rate || r.lower || r.upper);
  EXPECT_GT(r.misses, 0);
  EXPECT_THAT(r.refusal, HasSubstr("no stationary miss rate"));
  EXPECT_FALSE(c.frame_set_deadline->observed.rate);
  const Results all = analyse("x", std::vector{log}, quick());
  ASSERT_FALSE(all.findings.empty());
  EXPECT_THAT(all.findings[0], HasSubstr("UNSTABLE"));
  // The same service under drop-oldest loses frames and is stable.
  m.cell.policy = Policy::drop_oldest;
  const CellResult d = analyse_cell(made_log(m), quick());
  EXPECT_FALSE(d.stability.unstable);
  EXPECT_TRUE(d.tasks[0].deadline->observed.rate);
}

TEST(Analyse, OneServerIsLoadedByAllItsStreams) {
  MadeCell m;
  m.cell.scenario = Scenario::constant_stream;
  m.cell.period_ns = m.deadline_ns = 40'000'000;
  m.cell.streams = 2;
  m.growth = 0;
  const double alone = *analyse_cell(made_log(m), quick()).stability.utilisation;
  m.cell.mode = "one-server";
  const double shared = *analyse_cell(made_log(m), quick()).stability.utilisation;
  EXPECT_NEAR(shared / alone, 2, .02);
}

TEST(Analyse, CensoredFramesMissWhenTheirDeadlineIsOver) {
  MadeCell m;
  m.cell.scenario = Scenario::constant_stream;
  m.cell.period_ns = 20'000'000;
  m.deadline_ns = 30'000'000;
  m.frames = 200;
  m.repetitions = 1;
  m.end_ns = 2'000'000'000 - 1;  // frames 0 .. 99 are released before the end
  CellLog log = made_log(m);
  EXPECT_EQ(analyse_cell(log, quick()).tasks[0].deadline->observed.misses, 0);
  EXPECT_EQ(analyse_cell(log, quick()).tasks[0].deadline->observed.n, 100);
  // The run lasted half a second longer, but the server did not take them: 24 deadlines are over.
  log.repetitions[0].wall_ns = 2'500'000'000;
  const MissRate r = analyse_cell(log, quick()).tasks[0].deadline->observed;
  EXPECT_EQ(r.misses, 24);
  EXPECT_EQ(r.n, 124);
}

TEST(Analyse, ACrashedCameraMissesAndAClosedLoopDoesNot) {
  MadeCell m;
  m.cell.scenario = Scenario::constant_stream;
  m.cell.period_ns = m.deadline_ns = 20'000'000;
  m.die_frame = 600;
  const CellResult open = analyse_cell(made_log(m), quick());
  EXPECT_EQ(open.tasks[0].deadline->observed.misses, 400);
  EXPECT_EQ(open.failed_repetitions, 1);
  EXPECT_FALSE(open.valid);
  m.cell.scenario = Scenario::single_stream;
  const CellResult closed = analyse_cell(made_log(m), quick());
  EXPECT_EQ(closed.tasks[0].deadline->observed.misses, 0);
  EXPECT_EQ(closed.tasks[0].deadline->observed.n, 4600);
}

TEST(Analyse, TheFrameSetIsAsSlowAsItsSlowestFrame) {
  MadeCell m;
  m.cell.streams = 3;
  m.frames = 400;
  const CellLog log = made_log(m);
  const CellResult c = analyse_cell(log, quick());
  int64_t largest = 0;
  double mean = 0;
  for (const Repetition& r : log.repetitions)
    for (size_t i = 0; i < 400; ++i) {
      int64_t most = 0;
      for (const StreamLog& s : r.streams)
        most = std::max(most, duration(s.records[i], Stage::response));
      largest = std::max(largest, most);
      mean += static_cast<double>(most) / 2000;
    }
  EXPECT_EQ(c.frame_set.n, 2000);
  EXPECT_EQ(c.frame_set.max, largest);
  EXPECT_NEAR(c.frame_set.mean, mean, 1);
  EXPECT_EQ(c.streams.size(), 3);
  EXPECT_GE(c.fairness, 1);
  EXPECT_LT(c.fairness, 1.05);
}

TEST(Analyse, AFrameSetThatIsNotWholeHasNoResponseAndMisses) {
  MadeCell m;
  m.cell.streams = 3;
  m.frames = 400;
  m.cell.scenario = Scenario::constant_stream;
  m.cell.period_ns = m.deadline_ns = 50'000'000;
  m.lose_frame = 7;  // of one stream
  const CellResult c = analyse_cell(made_log(m), quick());
  EXPECT_EQ(c.frame_set.n, 5 * 399);
  EXPECT_EQ(c.frame_set_deadline->observed.n, 5 * 400);
  EXPECT_EQ(c.frame_set_deadline->observed.misses, 5);
  EXPECT_EQ(c.tasks[0].deadline->observed.n, 3 * 5 * 400);
  EXPECT_EQ(c.tasks[0].deadline->observed.misses, 5);
}

TEST(Analyse, FindingsComeInTheOrderOfTheirWeight) {
  MadeCell bad;
  bad.cell.recipe = "alpha fp32";
  bad.cell.scenario = Scenario::constant_stream;
  bad.cell.period_ns = bad.deadline_ns = 10'000'000;
  bad.lose_frame = 3;
  bad.compiler_allocations = 4;
  bad.frames = 300;
  const std::vector<CellLog> logs = {made_log(bad)};
  const Results r = analyse("x", logs, quick());
  const auto at = [&](const char* text) {
    return std::find_if(r.findings.begin(), r.findings.end(),
                        [&](const std::string& f) { return f.find(text) != std::string::npos; }) -
           r.findings.begin();
  };
  EXPECT_EQ(at("UNSTABLE"), 0);
  EXPECT_EQ(at("5 of 1500 planned frames are lost"), 1);
  EXPECT_EQ(at("missed the deadline of 10.0 ms"), 2);
  EXPECT_LT(at("waiting for the server"), at("allocates 4 times a frame"));
  EXPECT_LT(at("allocates 4 times a frame"), std::ssize(r.findings));
}

TEST(Analyse, RefusesWhatFewFramesDoNotCarry) {
  MadeCell m;
  m.frames = 20;
  m.repetitions = 1;
  m.deadline_ns = 100'000'000;
  m.cell.scenario = Scenario::constant_stream;
  m.cell.period_ns = 100'000'000;
  AnalyseOptions o = quick();
  o.pwcet = true;
  const CellResult c = analyse_cell(made_log(m), o);
  const TaskResult& t = c.tasks[0];
  for (const stats::QuantileRow& q : t.stages.back().quantiles)
    EXPECT_TRUE(q.q < .99 || !q.carried());
  EXPECT_TRUE(t.wcet.pwcet.refused);
  EXPECT_FALSE(t.wcet.pwcet.reasons.empty());
  EXPECT_FALSE(t.composition.joint || t.composition_999);
  EXPECT_FALSE(t.deadline->model_upper);
  EXPECT_FALSE(c.valid);
  EXPECT_FALSE(c.refusals.empty());
  const CellResult nothing = analyse_cell(CellLog{}, o);
  EXPECT_TRUE(nothing.tasks.empty());
  EXPECT_FALSE(nothing.valid);
}

TEST(Analyse, NoFrameDoneIsNoFault) {
  MadeCell m;
  m.frames = 30;
  m.failed_share = 1.1;
  m.deadline_ns = 1'000'000;
  const CellLog log = made_log(m);
  const Results r = analyse("x", std::vector{log}, quick());
  EXPECT_EQ(r.cells[0].tasks[0].accounting.failed, 150);
  EXPECT_EQ(r.cells[0].tasks[0].stages.back().n, 0);
  EXPECT_EQ(r.cells[0].tasks[0].deadline->observed.misses, 150);
  EXPECT_FALSE(dump_json(to_json(r)).empty());
}

TEST(Analyse, TheTailModelSpeaksOnlyAboveAllResponses) {
  MadeCell m;
  m.frames = 4000;
  m.repetitions = 2;
  m.repetition_spread = 0;
  m.cell.scenario = Scenario::constant_stream;
  m.cell.period_ns = 50'000'000;
  m.deadline_ns = 13'000'000;
  AnalyseOptions o;
  o.bootstrap = 100;
  const TaskResult t = analyse_cell(made_log(m), o).tasks[0];
  ASSERT_LT(t.wcet.observed_max, m.deadline_ns);
  ASSERT_FALSE(t.wcet.pwcet.refused) << t.wcet.pwcet.reasons.at(0);
  ASSERT_TRUE(t.deadline->model_rate && t.deadline->model_upper) << t.deadline->model_note;
  EXPECT_LE(*t.deadline->model_rate, *t.deadline->model_upper);
  EXPECT_LT(*t.deadline->model_upper, *t.deadline->observed.upper);
  EXPECT_THAT(t.deadline->model_note, HasSubstr("model"));
  m.deadline_ns = 10'400'000;
  const TaskResult late = analyse_cell(made_log(m), o).tasks[0];
  EXPECT_FALSE(late.deadline->model_rate || late.deadline->model_upper);
  EXPECT_THAT(late.deadline->model_note, HasSubstr("observed rate stands"));
}

TEST(Analyse, FramesAfterIdleAreASeriesOfTheirOwn) {
  MadeCell m;
  m.cell.scenario = Scenario::constant_stream;
  m.cell.period_ns = 20'000'000;
  m.idle_every = 10;
  m.idle_gap_ns = 200'000'000;
  m.after_idle_ns = 5'000'000;
  const std::vector<CellLog> logs = {made_log(m)};
  const Results r = analyse("x", logs, quick());
  const TaskResult& t = r.cells[0].tasks[0];
  ASSERT_TRUE(t.after_idle);
  EXPECT_EQ(t.after_idle->n, 5 * 99);
  EXPECT_NEAR(t.after_idle->mean / 1e6, 15.2, .2);
  ASSERT_TRUE(t.release_jitter);
  EXPECT_EQ(t.release_jitter->max, 0);  // the virtual clock is never late
  EXPECT_THAT(r.findings, testing::Contains(HasSubstr("first frame after idle takes 1.49 times")));
}

// 10.2 ms of service, cameras at 20 ms: at twice the rate the queue grows for ever.
TEST(Analyse, OtherRatesGoThroughTheQueue) {
  MadeCell m;
  m.cell.scenario = Scenario::constant_stream;
  m.cell.period_ns = m.deadline_ns = 20'000'000;
  const std::vector<CellLog> logs = {made_log(m)};
  const Results r = analyse("x", logs, quick());
  const auto& replays = r.cells[0].tasks[0].deadline->replays;
  ASSERT_EQ(replays.size(), 3);
  EXPECT_DOUBLE_EQ(replays[0].fps, 62.5);
  EXPECT_EQ(*replays[0].rate, 0);
  EXPECT_FALSE(replays[1].unstable);
  EXPECT_TRUE(replays[2].unstable);
  EXPECT_FALSE(replays[2].rate);
  EXPECT_THAT(r.findings, testing::Contains(HasSubstr("at 100 frames a second would be UNSTABLE")));
  AnalyseOptions o = quick();
  o.replay_fps = {30, 55};
  EXPECT_EQ(analyse_cell(logs[0], o).tasks[0].deadline->replays.size(), 2);
}

// What an instability of the level does to trust, stage by stage: decode is clean.
TEST(Analyse, ScaledDecodingIsToldWithWhatItCosts) {
  MadeCell m;
  m.repetitions = 2;
  CellLog log = made_log(m);
  log.repetitions[1].scaled = scaled_from_json({{"pictures", 64},
                                                {"smaller", 60},
                                                {"decode_full_ns", 4'000'000},
                                                {"changed", 3},
                                                {"decode_scaled_ns", 1'000'000},
                                                {"max_levels", 21.5},
                                                {"mean_levels", nullptr}});
  const Results r = analyse("x", std::span(&log, 1), quick());
  EXPECT_THAT(r.findings, testing::Contains(testing::AllOf(
                              HasSubstr("scaled decoding of 60 of 64 pictures: 1.00 ms in place of "
                                        "4.00 ms (4 times as fast)"),
                              HasSubstr("3 of 64 pictures get another answer"))));
  EXPECT_EQ(to_json(r)["cells"][0]["scaled_decode"]["changed"], 3);
  for (const Json& bad :
       {Json::array(), Json{{"pictures", -1}}, Json{{"pictures", 2}, {"changed", 3}}})
    EXPECT_FALSE(scaled_from_json(bad));
}

TEST(Analyse, EveryStageHasItsOwnGate) {
  MadeCell m;
  m.frames = 2000;
  m.repetitions = 2;
  CellLog log = made_log(m);
  for (Repetition& r : log.repetitions)
    for (FrameRecord& f : r.streams[0].records) {
      const int64_t more = f.frame >= 1000 ? 300'000 : 0;  // inference is 10 % slower from here on
      f.infer_ns += more, f.post_ns += more, f.done_ns += more;
    }
  const TaskResult t = analyse_cell(log, quick()).tasks[0];
  for (const StageResult& s : t.stages) {
    const bool hit = s.stage == Stage::infer || s.stage == Stage::response;
    EXPECT_EQ(s.gate.trust == Trust::rejected, hit) << word(s.stage);
    if (hit) {
      EXPECT_THAT(s.gate.reasons.at(0), HasSubstr("step:"));
    }
  }
}

TEST(Analyse, TheSameLogsAndOptionsGiveTheSameBytes) {
  const auto logs = made_grid(150, 4);
  const std::string a = dump_json(to_json(analyse("grid", logs, quick())));
  EXPECT_EQ(a, dump_json(to_json(analyse("grid", made_grid(150, 4), quick()))));
  EXPECT_NE(a, dump_json(to_json(analyse("grid", made_grid(150, 5), quick()))));
}

}  // namespace
}  // namespace assay::stream
