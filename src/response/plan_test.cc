// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "response/claims.h"
#include "response/made_plan.h"

namespace assay::response {
namespace {

TEST_F(PlanTest, DefaultsAreFilledIn) {
  const auto p = plan_with("fps = 25");
  ASSERT_TRUE(p) << p.error().message;
  EXPECT_EQ(p->name, "plan");
  EXPECT_EQ(p->frames, 500);
  EXPECT_EQ(p->repetitions, 5);
  EXPECT_EQ(p->scenario, stream::Scenario::constant_stream);
  EXPECT_EQ(period_ns(*p), 40'000'000);
  EXPECT_EQ(p->tasks[0].deadline_ns, 40'000'000);  // one period
  // A camera that nobody described has the tensor's size.
  EXPECT_EQ(p->source.kind, frames::SourceSpec::Kind::synthetic);
  EXPECT_EQ(p->source.width, 64);
  EXPECT_EQ(p->source.height, 48);
  EXPECT_TRUE(p->tasks[0].engines[0].is_absolute());
}

TEST_F(PlanTest, EveryKeyIsRead) {
  write("boxes.json", R"({"kind": "boxes", "classes": 2, "boxes_output": "b",
    "scores_output": "s", "labels_output": "l"})");
  const auto p = plan(R"(
[response]
name = "crossing"
scenario = "constant-stream"
fps = 20
offsets = "together"
cameras = [1, 2, 4]
modes = ["threads", "one-server"]
policies = ["queue", "drop-oldest"]
co_runners = ["none", "memory"]
caches = ["warm", "cold"]
priorities = ["other", "nice:-5"]
cpus = [[0], [0, 1]]
frames = 60
repetitions = 6
warm_up = 3
seed = 9
threads = 2
idle_every = 20
idle_gap = "120ms"
jitter = "1ms"
max_seconds = 30
memory_limit_bytes = 1000000000
equality_margin = 0.1
replay_fps = [25, 30.5]
[source]
kind = "folder"
path = "pictures"
scaled_decode = true
limit = 7
[[task]]
name = "find"
engines = ["engine"]
deadline = "45 ms"
next = "read"
max_crops = 3
detector = "boxes.json"
[task.pre]
fit = "stretch"
mean = [0, 0, 0]
std = [1, 1, 1]
[[task]]
name = "read"
engines = ["other"]
streams = false
)");
  ASSERT_TRUE(p) << p.error().message;
  EXPECT_EQ(p->name, "crossing");
  EXPECT_FALSE(p->staggered);
  EXPECT_EQ(p->cameras, (std::vector<int>{1, 2, 4}));
  EXPECT_EQ(p->cpu_sets, (std::vector<std::vector<int>>{{0}, {0, 1}}));
  EXPECT_EQ(p->policies.size(), 2u);
  EXPECT_EQ(p->idle_gap_ns, 120'000'000);
  EXPECT_EQ(p->jitter_ns, 1'000'000);
  EXPECT_EQ(p->replay_fps, (std::vector<double>{25, 30.5}));
  EXPECT_EQ(p->source.path, fs::canonical(folder() / "pictures"));
  EXPECT_EQ(p->source.limit, 7);
  EXPECT_EQ(p->data_name, "pictures");
  EXPECT_EQ(p->tasks[0].deadline_ns, 45'000'000);
  EXPECT_EQ(p->tasks[0].max_crops, 3);
  EXPECT_EQ(p->tasks[0].pre.fit, vision::Fit::stretch);
  EXPECT_TRUE(p->tasks[0].detector);
  EXPECT_EQ(p->tasks[1].deadline_ns, 0);  // never alone before a camera
  EXPECT_EQ(streaming_tasks(*p), (std::vector<size_t>{0}));
  const auto again = plan_from_toml(folder() / "plan.toml");
  ASSERT_TRUE(again);
  EXPECT_EQ(dump_json(to_json(*p)), dump_json(to_json(*again)));
}

TEST_F(PlanTest, DurationBecomesFramesOrALimit) {
  auto p = plan_with("fps = 30\nduration = \"2s\"");
  ASSERT_TRUE(p) << p.error().message;
  EXPECT_EQ(p->frames, 60);
  p = plan_with("scenario = \"SingleStream\"\nduration = \"2s\"");
  ASSERT_TRUE(p) << p.error().message;
  EXPECT_EQ(p->frames, 500);
  EXPECT_EQ(p->max_seconds, 2);
}

TEST_F(PlanTest, TimeStampsSayHowManyFrames) {
  write("stamps.txt", "# unit: ms\n0\n40\n81\n120\n");
  const auto p = plan_with("time_stamps = \"stamps.txt\"");
  ASSERT_TRUE(p) << p.error().message;
  EXPECT_EQ(p->frames, 4);
  EXPECT_EQ(period_ns(*p), 40'000'000);
  const auto stamps = read_time_stamps(p->time_stamps);
  ASSERT_TRUE(stamps);
  EXPECT_EQ(*stamps, (std::vector<int64_t>{0, 40'000'000, 81'000'000, 120'000'000}));
  // A duration is the camera's: stamps before its end, never more than there are.
  const auto part = plan_with("time_stamps = \"stamps.txt\"\nduration = \"41ms\"");
  ASSERT_TRUE(part) << part.error().message;
  EXPECT_EQ(part->frames, std::count_if(stamps->begin(), stamps->end(),
                                        [](int64_t t) { return t < 41'000'000; }));
  EXPECT_LT(part->frames, p->frames);
  const auto whole = plan_with("time_stamps = \"stamps.txt\"\nduration = \"1000s\"");
  ASSERT_TRUE(whole) << whole.error().message;
  EXPECT_EQ(whole->frames, p->frames);
}

TEST_F(PlanTest, FlagsOverrideTheFile) {
  write("plan.toml", "[response]\nfps = 25\n[[task]]\nname = \"a\"\nengines = [\"engine\"]\n");
  const auto p = plan_from_toml(folder() / "plan.toml", [](Plan& plan) -> Status {
    plan.fps = 50;
    return {};
  });
  ASSERT_TRUE(p);
  EXPECT_EQ(p->tasks[0].deadline_ns, 20'000'000);  // the period of what counts
}

TEST_F(PlanTest, ClaimsFollowTheNumbers) {
  auto p = plan_with("fps = 25\nframes = 20\nrepetitions = 2\ncameras = [1, 2]");
  ASSERT_TRUE(p);
  const auto possible = [&](const std::string& name) {
    for (const audit::Claim& c : plan_claims(*p))
      if (c.name.find(name) != std::string::npos) return c.supported && c.needs.empty();
    ADD_FAILURE() << name;
    return false;
  };
  EXPECT_FALSE(possible("p99 "));
  EXPECT_FALSE(possible("any 100 frames"));
  EXPECT_FALSE(possible("slowdown"));
  p->frames = 4000;
  p->repetitions = 5;
  EXPECT_TRUE(possible("p99 "));
  EXPECT_TRUE(possible("p99.9 "));
  EXPECT_TRUE(possible("any 100 frames"));
  EXPECT_TRUE(possible("slowdown"));
  EXPECT_FALSE(possible("1e-06"));
}

struct Bad {
  const char *text, *says;
};

TEST_F(PlanTest, BadPlansAreRefusedByName) {
  const Bad bad[] = {
      {"fps = 25\nfsp = 1", "unknown key \"fsp\""},
      {"fps = \"25\"", "fps is \"25\", expected a number"},
      {"fps = nan", "fps is"},
      {"fps = -1", "fps is -1"},
      {"", "ConstantStream needs a frame rate"},
      {"scenario = \"Burst\"\nfps = 1", "scenario \"Burst\" is unknown"},
      {"scenario = \"SingleStream\"\nfps = 25", "has no frame rate"},
      {"scenario = \"Offline\"\npolicies = [\"drop-oldest\"]", "a policy has no meaning"},
      {"scenario = \"MultiStream\"\ncameras = [2]", "MultiStream asks one process"},
      {"fps = 25\npolicies = [\"lifo\"]", "policy \"lifo\" is unknown"},
      {"fps = 25\npolicies = []", "policies is [], expected a list of texts, not empty"},
      {"fps = 25\npolicies = [\"queue\", \"queue\"]", "a policy stands twice"},
      {"fps = 25\nmodes = [\"fibers\"]", "mode \"fibers\" is unknown"},
      {"fps = 25\nco_runners = [\"disk\"]", "co-runner \"disk\" is unknown"},
      {"fps = 25\ncaches = [\"cold\"]", "no page cache to choose"},
      {"fps = 25\npriorities = [\"fifo:100\"]", "priority \"fifo:100\" is unknown"},
      {"fps = 25\ncameras = [0]", "cameras is 0"},
      {"fps = 25\ncameras = [65]", "cameras is 65"},
      {"fps = 25\ncameras = [2, 2]", "cameras: 2 stands twice"},
      {"fps = 25\ncpus = [[]]", "a CPU set is empty"},
      {"fps = 25\ncpus = [[0, 0]]", "names a CPU twice"},
      {"fps = 25\nframes = 0", "frames is 0"},
      {"fps = 25\nframes = 99999999999", "frames is 99999999999"},
      {"fps = 25\nframes = 5\nduration = \"1s\"", "both frames and a duration"},
      {"fps = 25\nduration = \"1 minute\"", "expected a time with its unit"},
      {"fps = 25\njitter = \"20ms\"", "jitter is 20.0 ms"},
      {"fps = 25\nidle_every = 5", "idle_every and idle_gap go together"},
      {"fps = 25\noffsets = \"random\"", "offsets is \"random\""},
      {"fps = 25\nequality_margin = 0.0", "the margin is 0"},
      {"fps = 25\nreplay_fps = [0]", "a replayed frame rate is 0"},
      {"time_stamps = \"absent.txt\"", "absent.txt"},
      {"fps = 1e-9\nframes = 1", "fps is 1e-09"},
      {"fps = 0.01\nframes = 1000000", "frames would take"},
      {"scenario = \"SingleStream\"\nidle_every = 1\nidle_gap = \"2000 s\"", "the idle gap is"},
      {"fps = 25\nrepetitions = 0", "repetitions is 0"},
      {"fps = 25\nthreads = 2.5", "threads is 2.5"},
      {"fps = 25\nseed = -1", "seed is -1"},
      {"fps = 25\nname = \"a/b\"", "no name of a plan"},
      {"fps = 25\nframes = 60000000\ncameras = [8]", "the records of 60000000 frames"},
  };
  for (const Bad& b : bad) {
    const auto p = plan_with(b.text);
    ASSERT_FALSE(p) << b.text;
    EXPECT_EQ(p.error().code, ExitCode::usage) << b.text;
    EXPECT_NE(p.error().message.find(b.says), std::string::npos)
        << b.text << " says: " << p.error().message;
    EXPECT_EQ(p.error().message.find('\n'), std::string::npos);
  }
}

TEST_F(PlanTest, BadTasksAndSourcesAreRefusedByName) {
  const std::string head = "[response]\nfps = 25\n";
  const std::string task = "[[task]]\nname = \"a\"\nengines = [\"engine\"]\n";
  const std::pair<std::string, const char*> bad[] = {
      {"", "0 tasks"},
      {"[[task]]\nengines = [\"engine\"]\n", "[[task]] 1: name is missing"},
      {"[[task]]\nname = \"a\"\n", "neither a model nor an engine"},
      {task + "model = \"m.onnx\"\n", "both a model and engines"},
      {"[[task]]\nname = \"a\"\nengines = [\"pictures\"]\n", "is not an engine folder"},
      {"[[task]]\nname = \"a\"\nmodel = \"nothing\"\n", "neither a file nor a known name"},
      {task + task, "two tasks are named \"a\""},
      {task + "next = \"b\"\n", "next is \"b\", which is no other task"},
      {task + "next = \"a\"\n", "which is no other task"},
      {task + "next = \"b\"\n[[task]]\nname = \"b\"\nengines = [\"other\"]\n", "only a detector"},
      {task + "streams = false\n", "no cascade reaches it"},
      {task + "deadline = 33\n", "deadline is 33, expected a text with its unit"},
      {task + "max_crops = 0\n", "max_crops is 0"},
      {task + "[task.pre]\nzoom = 2\n", "zoom"},
      {task + "[[task]]\nname = \"b\"\nengines = [\"engine\", \"other\"]\n[[task]]\nname = "
              "\"c\"\nengines = [\"engine\", \"other\", \"other\"]\n",
       "engines, another has"},
      {task + "[recipes]\ncompilers = [\"null\"]\n", "all tasks have engines"},
      {task + "[compiler.null]\nbase_nanos = 1\n", "no option \"base_nanos\""},
      {task + "[compiler.nothing]\na = 1\n", "unknown compiler"},
      {task + "[source]\nkind = \"radar\"\n", "radar"},
      {task + "[source]\nkind = \"folder\"\npath = \"absent\"\n", "is no folder of images"},
      {task + "[source]\nimages = \"absent\"\n", "neither a folder nor a name"},
      {task + "[source]\nkind = \"raw\"\npath = \"plan.toml\"\n", "width"},
      {task + "[source]\nkind = \"video\"\npath = \"absent.mp4\"\n", "is no file"},
      {task + "[source]\nkind = \"synthetic\"\nwidth = 63\nheight = 48\n", "even sides"},
      {task + "[source]\nkind = \"synthetic\"\ncache = \"cold\"\n", "unknown key \"cache\""},
      {task + "[sauce]\n", "unknown key \"sauce\""},
      {task + "task = [", "plan.toml:"},
  };
  for (const auto& [text, says] : bad) {
    const auto p = plan(head + text);
    ASSERT_FALSE(p) << text;
    EXPECT_EQ(p.error().code, ExitCode::usage) << text;
    EXPECT_NE(p.error().message.find(says), std::string::npos)
        << text << " says: " << p.error().message;
    EXPECT_NE(p.error().message.find("plan.toml"), std::string::npos) << p.error().message;
  }
}

TEST_F(PlanTest, TimesHaveUnits) {
  EXPECT_EQ(parse_time("1.5 s", "t").value(), 1'500'000'000);
  EXPECT_EQ(parse_time("0ms", "t").value(), 0);
  for (const char* text : {"", "5", "ms", "-1ms", "1e30s", "nan s", "5 m"})
    EXPECT_FALSE(parse_time(text, "t")) << text;
}

// Cameras that may be late together carry no more of a rate than one of them.
TEST_F(PlanTest, CleanFramesOfManyCamerasPromiseNoMore) {
  const auto promise = [&](const char* cameras) {
    const auto p = plan_with(fmt::format("fps = 30\nframes = 1000\ncameras = {}\n", cameras));
    if (!p) return p.error().message;
    for (const audit::Claim& c : plan_claims(*p))
      if (c.name.find("deadline missed in less than") == 0) return c.name;
    return std::string("none");
  };
  EXPECT_EQ(promise("[1]"), "deadline missed in less than 0.00074 of frames");
  EXPECT_EQ(promise("[4]"), promise("[1]"));
}

TEST_F(PlanTest, RecordsFitIntoMemory) {
  const auto p = plan_with("fps = 1000\nframes = 60000000\ncameras = [16]\n");
  ASSERT_FALSE(p);
  EXPECT_NE(p.error().message.find("expected at most"), std::string::npos) << p.error().message;
}

}  // namespace
}  // namespace assay::response
