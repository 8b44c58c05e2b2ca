// SPDX-License-Identifier: Apache-2.0
#include "response/layout.h"

#include <set>

#include "response/block.h"
#include "response/made_plan.h"
#include "stream/cell.h"

namespace assay::response {
namespace {

Plan two_tasks() {
  Plan p;
  p.name = "p";
  p.tasks.resize(3);
  p.tasks[0].name = "find";
  p.tasks[0].next = "read";
  p.tasks[1].name = "read";
  p.tasks[1].streams = false;
  p.tasks[2].name = "whole";
  p.fps = 10;
  p.frames = 30;
  p.cameras = {1, 4};
  p.modes = {"processes", "threads", "one-server"};
  return p;
}
Recipe recipe() { return {{"null fp32", "null fp32", 0}, std::vector<Engine>(3)}; }

TEST(Grid, EveryCombinationOnceWithItsOwnName) {
  Plan p = two_tasks();
  p.policies = {stream::Policy::queue, stream::Policy::skip_if_busy};
  p.co_runners = {"none", "cache"};
  p.cpu_sets = {{1}, {0, 1}};
  const std::vector<RecipeName> names = {
      {"a", "a", 0}, {"b build 0", "b", 0}, {"b build 1", "b", 1}};
  const auto cells = grid(p, names, {1, 0});
  EXPECT_EQ(cells.size(), 3u * 3 * 2 * 2 * 2 * 2);
  std::set<std::string> ids;
  for (const stream::Cell& c : cells) {
    ids.insert(c.id);
    EXPECT_EQ(c.streams, c.cameras * 2);
    EXPECT_EQ(c.period_ns, 100'000'000);
    const auto back = stream::cell_from_json(stream::to_json(c), "cell");
    EXPECT_TRUE(back) << back.error().message;
  }
  EXPECT_EQ(ids.size(), cells.size());
}

TEST(Grid, OversubscribedCountsInferenceThreads) {
  Plan p = two_tasks();
  p.cameras = {1};  // 2 streams
  const auto over = [&](int threads, size_t mode) {
    p.threads = threads;
    return grid(p, {{"a", "a", 0}}, {1, 0})[mode].oversubscribed;
  };
  EXPECT_FALSE(over(1, 0));  // 2 threads on 2 CPUs
  EXPECT_TRUE(over(2, 0));
  EXPECT_TRUE(over(2, 1));
  EXPECT_FALSE(over(2, 2));  // one server
  EXPECT_TRUE(over(3, 2));
}

TEST(Layout, ProcessesHaveOneStreamAndOneCpuEach) {
  const Plan p = two_tasks();
  const auto cells = grid(p, {recipe().name}, {1, 0});
  const auto processes = layout(p, recipe(), cells[1], 0, {});
  ASSERT_EQ(processes.size(), 8u);  // 4 cameras x 2 streaming tasks
  for (size_t i = 0; i < processes.size(); ++i) {
    const frames::FrameRequest& r = processes[i].request;
    ASSERT_EQ(r.streams.size(), 1u);
    EXPECT_EQ(r.workers, 1);
    EXPECT_EQ(processes[i].cpus, (std::vector<int>{i % 2 == 0 ? 1 : 0}));
    EXPECT_EQ(r.cpus, processes[i].cpus);
    EXPECT_EQ(r.streams[0].camera, static_cast<int>(i / 2));
    // The detector brings the task of its crops with it, the other task comes alone.
    EXPECT_EQ(r.tasks.size(), i % 2 == 0 ? 2u : 1u);
    EXPECT_EQ(r.tasks[0].next, i % 2 == 0 ? 1 : -1);
    EXPECT_EQ(r.streams[0].release.offset_ns, 25'000'000 * static_cast<int64_t>(i / 2));
  }
  EXPECT_EQ(processes[0].streams[0].name, "camera 0 / find");
  EXPECT_EQ(processes[7].streams[0].name, "camera 3 / whole");
}

TEST(Layout, ThreadsAndOneServerShareAProcess) {
  const Plan p = two_tasks();
  const auto cells = grid(p, {recipe().name}, {1, 0});
  const auto threads = layout(p, recipe(), cells[3], 0, {});
  ASSERT_EQ(threads.size(), 1u);
  EXPECT_EQ(threads[0].request.workers, 8);
  EXPECT_EQ(threads[0].request.tasks.size(), 3u);
  EXPECT_EQ(threads[0].cpus, (std::vector<int>{1, 0}));
  const auto server = layout(p, recipe(), cells[5], 0, {});
  ASSERT_EQ(server.size(), 1u);
  EXPECT_EQ(server[0].request.workers, 1);
  EXPECT_EQ(server[0].request.streams.size(), 8u);
  EXPECT_EQ(server[0].request.cpus, (std::vector<int>{1}));
}

TEST(Layout, CamerasSeeTheSameInAllConditions) {
  const Plan p = two_tasks();
  const auto cells = grid(p, {recipe().name}, {1, 0});
  const auto one = layout(p, recipe(), cells[0], 0, {});
  const auto four = layout(p, recipe(), cells[1], 0, {});
  const auto later = layout(p, recipe(), cells[1], 1, {});
  const auto seed = [](const ProcessLayout& l) { return l.request.streams[0].source.seed; };
  EXPECT_EQ(seed(one[0]), seed(four[0]));
  EXPECT_EQ(seed(one[0]), seed(four[1]));  // the other task of the same camera
  EXPECT_NE(seed(four[0]), seed(four[2]));
  EXPECT_EQ(seed(four[0]), seed(later[0]));
  const auto arrivals = [](const ProcessLayout& l) { return l.request.streams[0].release.seed; };
  EXPECT_EQ(arrivals(one[0]), arrivals(four[1]));
  EXPECT_NE(arrivals(four[0]), arrivals(later[0]));  // a repetition is another draw
}

TEST(Layout, RequestsAreWhatTheChildReads) {
  Plan p = two_tasks();
  p.source.kind = frames::SourceSpec::Kind::synthetic;
  p.source.width = p.source.height = 8;
  Recipe r = recipe();
  for (Engine& e : r.engines) e.folder = e.runner = "/tmp/engine";
  p.tasks[0].next.clear();  // only a detector may have one
  for (const stream::Cell& cell : grid(p, {r.name}, {1, 0}))
    for (const ProcessLayout& l : layout(p, r, cell, 0, {0, 5, 9})) {
      const auto back = frames::parse_frame_request(dump_json(frames::to_json(l.request)));
      ASSERT_TRUE(back) << back.error().message;
      EXPECT_EQ(back->streams[0].release.time_stamps, (std::vector<int64_t>{0, 5, 9}));
    }
}

TEST(Layout, PlannedSecondsKnowTheIdleGapsAndTheLimit) {
  Plan p = two_tasks();
  EXPECT_DOUBLE_EQ(planned_s(p, {}), 3);
  p.idle_every = 10;
  p.idle_gap_ns = 500'000'000;
  EXPECT_DOUBLE_EQ(planned_s(p, {}), 4.5);
  p.max_seconds = 2;
  EXPECT_DOUBLE_EQ(planned_s(p, {}), 2);
  p.scenario = stream::Scenario::single_stream;
  p.max_seconds = 0;
  EXPECT_DOUBLE_EQ(planned_s(p, {}), 0);
}

TEST(Judge, TheWorstOutcomeSpeaksForTheBlock) {
  EXPECT_TRUE(worse("crashed", "ok"));
  EXPECT_TRUE(worse("hung", "failed"));
  EXPECT_TRUE(worse("interrupted", "crashed"));
  EXPECT_FALSE(worse("ok", "ok"));
  worker::ChildResult killed;
  killed.outcome = worker::Outcome::cancelled;
  EXPECT_EQ(judge_process(killed, {}, true).outcome, "hung");
  EXPECT_EQ(judge_process(killed, {}, false).outcome, "interrupted");
  worker::ChildResult silent;
  EXPECT_EQ(judge_process(silent, {}, false).outcome, "lied");
}

}  // namespace
}  // namespace assay::response
