// SPDX-License-Identifier: Apache-2.0
// The server on the real clock. Times are never asserted but for what no machine can be faster
// than: a frame waits at least as long as the stall that it waits behind.
#include <signal.h>

#include "frames/test_run.h"

namespace assay::frames {
namespace {

using stream::Fate;
using stream::Policy;
using stream::Scenario;
constexpr int64_t ms = 1'000'000;

class ScenarioTest : public FramesTest {
 protected:
  // 60 frames each 5 ms; the run of frame 10 takes 100 ms longer.
  Ran stalled(Policy policy) {
    FrameRequest r = request(Scenario::constant_stream, 1, 60, 5 * ms);
    r.tasks = {task("faulty", "mode stall_run\nat_run 14\n")};  // after 3 of warm-up
    r.policy = policy;
    return run(r);
  }
};

TEST_F(ScenarioTest, StallShowsInEveryLaterFrameOfAQueue) {
  const Ran ran = stalled(Policy::queue);
  expect_all_accounted(ran, 60);
  ASSERT_EQ(ran.count(0, Fate::done), 60);
  const auto& records = ran.records[0];
  const stream::FrameRecord& slow = records[10];
  ASSERT_EQ(slow.frame, 10);
  ASSERT_GE(slow.infer_ns - slow.pre_ns, 100 * ms);
  int64_t behind = 0, free_at = slow.done_ns;
  for (size_t i = 11; i < records.size() && records[i].release_ns < free_at; ++i, ++behind) {
    EXPECT_GE(records[i].start_ns, free_at);
    EXPECT_GE(records[i].done_ns - records[i].release_ns, slow.done_ns - records[i].release_ns);
    EXPECT_EQ(records[i].idle_ns, 0);
    free_at = records[i].done_ns;
  }
  EXPECT_GE(behind, 19);
}

TEST_F(ScenarioTest, StallShowsAsDrops) {
  const Ran ran = stalled(Policy::drop_oldest);
  expect_all_accounted(ran, 60);
  EXPECT_GE(ran.count(0, Fate::dropped), 18);
  EXPECT_EQ(ran.count(0, Fate::dropped) + ran.count(0, Fate::done), 60);
  for (const auto& r : ran.records[0])
    if (r.fate == static_cast<int64_t>(Fate::dropped)) {
      EXPECT_EQ(r.start_ns, 0);
    }
}

TEST_F(ScenarioTest, StallShowsAsSkips) {
  const Ran ran = stalled(Policy::skip_if_busy);
  expect_all_accounted(ran, 60);
  EXPECT_GE(ran.count(0, Fate::skipped), 19);
  EXPECT_EQ(ran.count(0, Fate::skipped) + ran.count(0, Fate::done), 60);
}

TEST_F(ScenarioTest, ReleasesFollowTheScheduleAndIdleIsFlagged) {
  FrameRequest r = request(Scenario::constant_stream, 2, 20, 2 * ms);
  r.streams[1].release.offset_ns = ms;
  r.streams[1].camera = r.streams[0].camera;
  for (StreamSpec& s : r.streams) {
    s.release.idle_every = 8;
    s.release.idle_gap_ns = 10 * ms;
  }
  const Ran ran = run(r);
  expect_all_accounted(ran, 20);
  for (size_t s = 0; s < 2; ++s) {
    const auto planned = stream::releases(r.streams[s].release, 20);
    for (const auto& record : ran.records[s]) {
      EXPECT_EQ(record.release_ns, planned[static_cast<size_t>(record.frame)]);
      EXPECT_GE(record.start_ns, record.release_ns);
      EXPECT_EQ(record.flags == stream::kFirstAfterIdle, record.frame == 8 || record.frame == 16);
      if (s == 0 && record.frame == 0) {
        EXPECT_GT(record.idle_ns, 0) << "it waited for the start";
      }
      EXPECT_EQ(record.image, ran.records[1 - s][static_cast<size_t>(record.frame)].image);
    }
  }
}

TEST_F(ScenarioTest, ThreadsInOneProcess) {
  FrameRequest r = request(Scenario::constant_stream, 4, 25, 4 * ms);
  r.workers = 4;
  const Ran ran = run(r);
  expect_all_accounted(ran, 25);
  ASSERT_NE(ran.event("opened"), nullptr);
  EXPECT_EQ(get_int(*ran.event("opened"), "engines"), 1);
  EXPECT_EQ(get_int(*ran.event("opened"), "contexts"), 4);
  for (size_t s = 0; s < 4; ++s) EXPECT_EQ(ran.count(s, Fate::done), 25);
}

TEST_F(ScenarioTest, SingleStreamReleasesWhenTheLastIsDone) {
  FrameRequest r = request(Scenario::single_stream, 1, 30);
  r.streams[0].release.idle_every = 10;
  r.streams[0].release.idle_gap_ns = 2 * ms;
  const Ran ran = run(r);
  expect_all_accounted(ran, 30);
  for (size_t i = 1; i < 30; ++i) {
    EXPECT_GE(ran.records[0][i].release_ns, ran.records[0][i - 1].done_ns);
    EXPECT_EQ(ran.records[0][i].flags == stream::kFirstAfterIdle, i % 10 == 0);
  }
}

TEST_F(ScenarioTest, MultiStreamQueriesAreReleasedTogether) {
  for (const int workers : {1, 3}) {
    FrameRequest r = request(Scenario::multi_stream, 3, 20);
    r.workers = workers;
    const Ran ran = run(r);
    expect_all_accounted(ran, 20);
    for (size_t i = 0; i < 20; ++i)
      for (size_t s = 0; s < 3; ++s) {
        EXPECT_EQ(ran.records[s][i].release_ns, ran.records[0][i].release_ns);
        if (i > 0) {
          EXPECT_GE(ran.records[0][i].release_ns, ran.records[s][i - 1].done_ns);
        }
      }
  }
}

TEST_F(ScenarioTest, OfflineReleasesAllAtOnce) {
  const Ran ran = run(request(Scenario::offline, 2, 15));
  expect_all_accounted(ran, 15);
  for (const auto& r : ran.records[1]) EXPECT_EQ(r.release_ns, 0);
}

TEST_F(ScenarioTest, ServerArrivals) {
  const FrameRequest r = request(Scenario::server, 2, 40, ms);
  const Ran ran = run(r);
  expect_all_accounted(ran, 40);
  EXPECT_EQ(ran.records[0][7].release_ns, stream::releases(r.streams[0].release, 40)[7]);
}

TEST_F(ScenarioTest, StopLeavesTheRestPending) {
  for (const Scenario scenario :
       {Scenario::constant_stream, Scenario::single_stream, Scenario::multi_stream}) {
    FrameRequest r = request(scenario, 2, 200'000, scenario == Scenario::constant_stream ? ms : 0);
    r.workers = 2;
    for (StreamSpec& s : r.streams) {
      s.release.idle_every = 7;
      s.release.idle_gap_ns = ms / 2;
    }
    const Ran ran = run(r, [](FrameBuffer& buffer) {
      while (buffer.records(0).size() < 5) std::this_thread::yield();
      buffer.stop();
    });
    expect_all_accounted(ran, 200'000);
    EXPECT_GE(ran.count(0, Fate::done), 5);
    EXPECT_GE(ran.count(0, Fate::pending), 1);
    EXPECT_NE(ran.event("done"), nullptr);
  }
}

TEST_F(ScenarioTest, TerminateStopsToo) {
  const Ran ran = run(request(Scenario::constant_stream, 1, 100'000, ms), [](FrameBuffer& buffer) {
    while (buffer.records(0).size() < 3) std::this_thread::yield();
    kill(getpid(), SIGTERM);
  });
  expect_all_accounted(ran, 100'000);
  EXPECT_GE(ran.count(0, Fate::pending), 1);
}

TEST_F(ScenarioTest, TimeLimitLeavesTheRestPending) {
  FrameRequest r = request(Scenario::constant_stream, 1, 1000, ms);
  r.max_seconds = 0.02;
  const Ran ran = run(r);
  expect_all_accounted(ran, 1000);
  EXPECT_GE(ran.count(0, Fate::pending), 900);
}

TEST_F(ScenarioTest, CameraThatStopsIsPendingAndStopped) {
  FrameRequest r = request(Scenario::constant_stream, 1, 20, ms);
  r.streams[0].source.loop = false;
  r.streams[0].source.limit = 6;
  const Ran ran = run(r);
  expect_all_accounted(ran, 20);
  EXPECT_EQ(ran.count(0, Fate::done), 6);
  EXPECT_EQ(ran.records[0][19].fault, static_cast<int64_t>(vision::FrameFault::stopped));
}

TEST_F(ScenarioTest, FailedRunIsAFrameNotTheEnd) {
  FrameRequest r = request(Scenario::single_stream, 1, 20);
  r.tasks = {task("faulty", "mode fail_run\nat_run 8\n")};
  const Ran ran = run(r);
  expect_all_accounted(ran, 20);
  EXPECT_EQ(ran.count(0, Fate::failed), 1);
  EXPECT_EQ(ran.records[0][4].fault, static_cast<int64_t>(vision::FrameFault::run_failed));
  EXPECT_GT(ran.records[0][4].pre_ns, 0);
  EXPECT_EQ(ran.records[0][4].infer_ns, 0);
}

TEST_F(ScenarioTest, EngineThatCannotRunIsAnError) {
  FrameRequest r = request(Scenario::single_stream, 1, 20);
  r.tasks = {task("faulty", "mode fail_run\nat_run 2\n")};
  const Ran ran = run(r);
  EXPECT_EQ(ran.status, 1);
  ASSERT_NE(ran.event("error"), nullptr);
  EXPECT_EQ(get_string(*ran.event("error"), "kind"), "failed");
}

TEST_F(ScenarioTest, NoImageTensorIsAUsageErrorWithItsShape) {
  FrameRequest r = request(Scenario::single_stream, 1, 5);
  write_engine(r.tasks[0].engine_dir, {{"input", DType::f32, {1, 7}}},
               {{"output", DType::f32, {1, 10}}});
  const Ran ran = run(r);
  EXPECT_EQ(ran.status, 1);
  ASSERT_NE(ran.event("error"), nullptr);
  EXPECT_EQ(get_string(*ran.event("error"), "kind"), "invalid");
  EXPECT_NE(get_string(*ran.event("error"), "message").find("1x7"), std::string::npos)
      << dump_json(*ran.event("error"));
}

TEST_F(ScenarioTest, ResultsAreWrittenAfterTheRun) {
  FrameRequest r = request(Scenario::single_stream, 2, 6);
  r.outputs = true;
  r.results_dir = dir();
  expect_all_accounted(run(r), 6);
  std::ifstream lines(dir() / "results.jsonl");
  int64_t n = 0;
  for (std::string line; std::getline(lines, line); ++n) {
    const auto j = parse_json(line, "results");
    ASSERT_TRUE(j);
    EXPECT_EQ(get_array(*j, "labels").size(), 5u);
  }
  EXPECT_EQ(n, 12);
}

TEST_F(ScenarioTest, MachineCountersCarryTheNamesOfTheGate) {
  FrameRequest r = request(Scenario::single_stream, 1, 5);
  r.cpus = {0};
  const Ran ran = run(r);
  expect_all_accounted(ran, 5);
  ASSERT_NE(ran.event("stream_end"), nullptr);
  const Json& end = *ran.event("stream_end");
  EXPECT_EQ(get_int(get_object(end, "counts"), "done"), 5);
  const Json& machine = get_object(end, "machine");
  EXPECT_GE(get_int(machine, "involuntary_switches", -1), 0);
  EXPECT_GE(get_int(machine, "major_faults", -1), 0);
  EXPECT_TRUE(machine.contains("pinned"));
}

}  // namespace
}  // namespace assay::frames
