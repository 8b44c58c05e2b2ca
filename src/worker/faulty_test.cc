// SPDX-License-Identifier: Apache-2.0
// Every fault that a builder's or worker's process can show, through run_child, as the audit starts
// them.
#include <gtest/gtest.h>
#include <signal.h>

#include <cstring>
#include <fstream>
#include <vector>

#include "worker/child.h"

namespace assay::worker {
namespace {

#ifndef ASSAY_COMPILERS_DIR
#error "the build gives the folder of the compilers"
#endif

class FaultyTest : public testing::Test {
 protected:
  void SetUp() override {
    auto dir = TempDir::create(fs::temp_directory_path(), "assay-faulty-test");
    ASSERT_TRUE(dir) << dir.error().message;
    dir_ = std::make_unique<TempDir>(std::move(*dir));
    for (const char* name : {"engine", "build", "launch", "outputs", "data"})
      fs::create_directory(dir_->path() / name);
    std::ofstream(dir_->path() / "model.onnx") << "a model that null never reads";
    std::vector<float> items(20 * 12);
    for (size_t i = 0; i < items.size(); ++i) items[i] = static_cast<float>(i % 37) / 8 - 2;
    std::ofstream(dir_->path() / "data" / "input.bin", std::ios::binary)
        .write(reinterpret_cast<const char*>(items.data()),
               static_cast<std::streamsize>(items.size() * sizeof(float)));
    const Json input = {
        {"name", "input"}, {"dtype", "float32"}, {"shape", {1, 3, 2, 2}}, {"file", "input.bin"}};
    std::ofstream(dir_->path() / "data" / "dataset.json") << dump_json(
        {{"format", 1}, {"name", "t"}, {"n", 20}, {"sampling", "fixed"}, {"inputs", {input}}});
  }

  ChildResult child(std::vector<std::string> argv, const Json& request, const char* scratch,
                    int samples_fd = -1) {
    ChildSpec spec;
    spec.argv = std::move(argv);
    spec.stdin_text = dump_json(request);
    spec.scratch = dir_->path() / scratch;
    spec.writable = {dir_->path()};  // engine and outputs lie beside the scratch folders
    spec.stdout_file = dir_->path() / "out.txt";
    spec.stderr_file = dir_->path() / "err.txt";
    spec.log_limit_bytes = 1 << 16;
    spec.timeout_s = timeout_s_;
    spec.memory_limit_bytes = memory_limit_;
    spec.samples_fd = samples_fd;
    lines_.clear();
    events_.clear();
    spec.on_event = [this](std::string_view line) {
      lines_.emplace_back(line);
      if (auto j = parse_json(line, "event")) events_.push_back(*j);
    };
    auto result = run_child(spec);
    EXPECT_TRUE(result) << (result ? "" : result.error().message);
    return result ? std::move(*result) : ChildResult{};
  }

  ChildResult build(const std::string& mode, int64_t seed = 7, const std::string& action = "build",
                    const Json& decisions = nullptr) {
    const std::string root = dir_->path().string();
    Json options = {
        {"mode", mode}, {"at_run", 50}, {"amount_mib", amount_mib_}, {"clock", "scripted"}};
    return child({"/usr/bin/python3", std::string(ASSAY_COMPILERS_DIR) + "/faulty/build"},
                 {{"protocol", 1},
                  {"action", action},
                  {"decisions", decisions},
                  {"compiler", "faulty"},
                  {"model", root + "/model.onnx"},
                  {"engine_dir", root + "/engine"},
                  {"precision", "fp32"},
                  {"threads", 1},
                  {"cpus", Json::array()},
                  {"seed", seed},
                  {"build_index", action == "rebuild" ? 1 : 0},
                  {"shapes", {{"input", {1, 3, 2, 2}}}},
                  {"options", options},
                  {"scratch", root + "/build"}},
                 "build");
  }

  ChildResult launch(int64_t samples = 300, int launch_index = 0) {
    const std::string root = dir_->path().string();
    auto buffer = SampleBuffer::create(samples);
    EXPECT_TRUE(buffer);
    const ChildResult result = child(
        {(executable_dir() / "assay-worker").string()},
        {{"protocol", 1},
         {"action", "launch"},
         {"launch_index", launch_index},
         {"runner", (executable_dir().parent_path() / "lib/libassay_runner_faulty.so").string()},
         {"library", ""},
         {"engine_dir", root + "/engine"},
         {"device", "cpu"},
         {"precision", "fp32"},
         {"threads", 1},
         {"cpu", 0},
         {"options", {{"mode", "ok"}}},
         {"dataset", root + "/data"},
         {"outputs", {{"count", 20}, {"dir", root + "/outputs"}}},
         {"checks", {"repeat", "early_return", "reload", "after", "batch_rows"}},
         {"latency",
          {{"samples", samples},
           {"warmup_runs", 5},
           {"warmup_ms", 0},
           {"slots", 4},
           {"seed", 42}}}},
        "launch", buffer->fd());
    samples_ = buffer->samples();
    return result;
  }

  int count(const std::string& name) const {
    int n = 0;
    for (const Json& e : events_) n += get_string(e, "event") == name;
    return n;
  }
  std::string check(const std::string& name) const {
    for (const Json& e : events_)
      if (get_string(e, "event") == "check" && get_string(e, "name") == name)
        return get_string(e, "result");
    return "absent";
  }
  std::string error_kind() const {
    for (const Json& e : events_)
      if (get_string(e, "event") == "error") return get_string(e, "kind");
    return "";
  }
  std::string outputs() const {
    auto text = read_file(dir_->path() / "outputs" / "main.0.bin");
    return text ? *text : "unreadable";
  }
  void build_well(const std::string& mode, int64_t seed = 7) {
    const ChildResult r = build(mode, seed);
    ASSERT_EQ(r.exit_code, 0) << (lines_.empty() ? "" : lines_.back());
    ASSERT_EQ(count("done"), 1);
  }

  // Makes the engine again from the decisions of the one that stands.
  void rebuild_well(const std::string& mode, int64_t seed) {
    fs::remove_all(dir_->path() / "decisions");
    fs::rename(dir_->path() / "engine", dir_->path() / "decisions");
    fs::create_directory(dir_->path() / "engine");
    const Json decisions = {{"dir", (dir_->path() / "decisions").string()},
                            {"files", {"decisions.json"}}};
    const ChildResult r = build(mode, seed, "rebuild", decisions);
    ASSERT_EQ(r.exit_code, 0) << (lines_.empty() ? "" : lines_.back());
    ASSERT_EQ(count("done"), 1);
    ASSERT_EQ(count("loaded"), 1);
  }

  std::unique_ptr<TempDir> dir_;
  std::vector<std::string> lines_;
  std::vector<Json> events_;
  std::vector<int64_t> samples_;
  double timeout_s_ = 60;
  int64_t memory_limit_ = 0, amount_mib_ = 1;
};

TEST_F(FaultyTest, OkPassesEverything) {
  build_well("ok");
  const ChildResult r = launch();
  EXPECT_EQ(r.exit_code, 0);
  EXPECT_EQ(count("done"), 1);
  EXPECT_EQ(samples_.size(), 300u);
  for (const char* name : {"repeat", "early_return", "reload", "after"})
    EXPECT_EQ(check(name), "pass") << name;
  EXPECT_EQ(check("batch_rows"), "not_run");
  EXPECT_EQ(outputs().size(), 20u * 10 * 4);
  const std::vector<int64_t> first = samples_;
  launch();
  EXPECT_EQ(samples_, first) << "scripted times must repeat";
  launch(300, 1);
  EXPECT_NE(samples_, first) << "another launch has other jitter";
}

TEST_F(FaultyTest, CrashBuild) {
  const ChildResult r = build("crash_build");
  EXPECT_EQ(r.outcome, Outcome::signalled);
  EXPECT_EQ(r.signal, SIGSEGV);
}

TEST_F(FaultyTest, HangBuild) {
  timeout_s_ = 1.0;
  EXPECT_EQ(build("hang_build").outcome, Outcome::timed_out);
}

TEST_F(FaultyTest, GarbageEventsReachTheReader) {
  build("garbage_events");
  int bad = 0;
  for (const std::string& line : lines_) bad += !parse_json(line, "event");
  EXPECT_GE(bad, 2);
  EXPECT_EQ(count("done"), 1);
}

TEST_F(FaultyTest, TruncatedEvents) {
  const ChildResult r = build("truncated_events");
  EXPECT_EQ(r.exit_code, 0);
  EXPECT_EQ(count("done"), 0);
  ASSERT_FALSE(lines_.empty());
  EXPECT_FALSE(parse_json(lines_.back(), "event"));
}

TEST_F(FaultyTest, NoArtifact) {
  const ChildResult r = build("no_artifact");
  EXPECT_EQ(r.exit_code, 0);
  EXPECT_EQ(count("done"), 1);
  EXPECT_TRUE(fs::is_empty(dir_->path() / "engine"));
}

TEST_F(FaultyTest, BadHash) {
  build_well("bad_hash");
  auto manifest = read_file(dir_->path() / "engine" / "manifest.json");
  ASSERT_TRUE(manifest);
  EXPECT_NE(manifest->find(std::string(64, '0')), std::string::npos);
}

TEST_F(FaultyTest, DaemonIsNamed) {
  const ChildResult r = build("daemon");
  EXPECT_EQ(r.exit_code, 0);
  ASSERT_EQ(r.leftovers.size(), 1u);
  EXPECT_EQ(r.leftovers[0].name.substr(0, 6), "python");
}

TEST_F(FaultyTest, HugeLog) {
  amount_mib_ = 8;
  const ChildResult r = build("huge_log");
  EXPECT_TRUE(r.log_cut);
  EXPECT_EQ(r.exit_code, 0);
}

TEST_F(FaultyTest, EatMemory) {
  amount_mib_ = 2048;
  memory_limit_ = int64_t{200} << 20;
  EXPECT_EQ(build("eat_memory").outcome, Outcome::out_of_memory);
}

TEST_F(FaultyTest, ExitAfterDone) {
  const ChildResult r = build("exit_after_done");
  EXPECT_EQ(count("done"), 1);
  EXPECT_EQ(r.exit_code, 3);
}

TEST_F(FaultyTest, WrongShape) {
  build_well("wrong_shape");
  const ChildResult r = launch();
  EXPECT_EQ(r.exit_code, 1);
  EXPECT_EQ(error_kind(), "invalid");
}

TEST_F(FaultyTest, CrashLoad) {
  build_well("crash_load");
  EXPECT_EQ(launch().signal, SIGSEGV);
}

TEST_F(FaultyTest, CrashRunKeepsTheSamples) {
  build_well("crash_run");  // run 50: 1 first, 20 outputs, 8 repeated, 4 slots, 5 warm-up, then the
                            // 12th sample
  EXPECT_EQ(launch().signal, SIGSEGV);
  EXPECT_EQ(samples_.size(), 11u);
}

TEST_F(FaultyTest, HangRunKeepsTheSamples) {
  build_well("hang_run");
  timeout_s_ = 1.5;
  EXPECT_EQ(launch().outcome, Outcome::timed_out);
  EXPECT_EQ(samples_.size(), 11u);
}

TEST_F(FaultyTest, EarlyReturn) {
  build_well("early_return");
  launch();
  EXPECT_EQ(check("early_return"), "fail");
}

TEST_F(FaultyTest, OutputsAt1000) {
  build_well("outputs_at_1000");
  launch(1000);
  EXPECT_EQ(check("after"), "fail");
  EXPECT_EQ(check("repeat"), "pass");
  launch(300);
  EXPECT_EQ(check("after"), "pass") << "fewer than 1000 runs cannot show it";
}

TEST_F(FaultyTest, OutputsByBuild) {
  build_well("outputs_by_build", 1);
  launch();
  const std::string first = outputs();
  fs::remove_all(dir_->path() / "engine");
  fs::create_directory(dir_->path() / "engine");
  build_well("outputs_by_build", 2);
  launch();
  EXPECT_NE(outputs(), first);
}

TEST_F(FaultyTest, OutputsByLaunch) {
  build_well("outputs_by_launch");
  launch(300, 0);
  const std::string first = outputs();
  EXPECT_EQ(check("reload"), "pass") << "it changes from launch to launch, not within one";
  launch(300, 1);
  EXPECT_NE(outputs(), first);
}

TEST_F(FaultyTest, SwapKernels) {
  build_well("swap_kernels");
  Json built;
  for (const Json& e : events_)
    if (get_string(e, "event") == "kernel") built = e;
  launch();
  for (const Json& e : events_)
    if (get_string(e, "event") == "kernel") {
      EXPECT_NE(get_string(e, "kernel"), get_string(built, "kernel"));
      EXPECT_NE(get_string(e, "source_sha256"), get_string(built, "source_sha256"));
    }
  EXPECT_EQ(count("kernel"), 1);
}

TEST_F(FaultyTest, NanOutputsAreWrittenAsTheyAre) {
  build_well("nan_outputs");
  EXPECT_EQ(launch().exit_code, 0);
  const std::string bytes = outputs();
  float first = 0;
  std::memcpy(&first, bytes.data(), sizeof first);
  EXPECT_NE(first, first);
}

TEST_F(FaultyTest, RebuildsAreEqualButForTheFault) {
  for (const std::string mode : {"ok", "rebuild_other_output", "rebuild_other_kernel"}) {
    build_well(mode);
    launch();
    const std::string first = outputs();
    const std::vector<int64_t> times = samples_;
    std::string hash;
    for (const Json& e : events_)
      if (get_string(e, "event") == "kernel") hash = get_string(e, "source_sha256");
    rebuild_well(mode, 99);
    launch();
    EXPECT_EQ(outputs() == first, mode != "rebuild_other_output") << mode;
    EXPECT_EQ(samples_, times) << mode << ": the script's seed is a decision";
    for (const Json& e : events_)
      if (get_string(e, "event") == "kernel") {
        EXPECT_EQ(get_string(e, "source_sha256") == hash, mode != "rebuild_other_kernel") << mode;
      }
    EXPECT_EQ(count("kernel"), 1);
    fs::remove_all(dir_->path() / "engine");
    fs::create_directory(dir_->path() / "engine");
  }
}

TEST_F(FaultyTest, RebuildSlow) {
  build_well("rebuild_slow");
  launch();
  const std::vector<int64_t> times = samples_;
  rebuild_well("rebuild_slow", 7);
  launch();
  ASSERT_EQ(samples_.size(), times.size());
  for (size_t i = 0; i < times.size(); ++i) EXPECT_EQ(samples_[i], times[i] + 20000);
}

TEST_F(FaultyTest, DataSetOfAnotherShape) {
  build_well("ok");
  const Json input = {
      {"name", "input"}, {"dtype", "float32"}, {"shape", {1, 3, 4}}, {"file", "input.bin"}};
  std::ofstream(dir_->path() / "data" / "dataset.json")
      << dump_json({{"format", 1}, {"name", "t"}, {"n", 20}, {"inputs", {input}}});
  EXPECT_EQ(launch().exit_code, 1);
  EXPECT_EQ(error_kind(), "invalid");
}

}  // namespace
}  // namespace assay::worker
