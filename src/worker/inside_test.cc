// SPDX-License-Identifier: Apache-2.0
// Tensors, times of layers and loaded files of a launch, through assay-worker, with runners that
// tell the truth (null) and with those that do not (faulty).
#include "worker/inside.h"

#include <gtest/gtest.h>

#include <fstream>
#include <numeric>

#include "worker/child.h"

namespace assay::worker {
namespace {

class InsideTest : public testing::Test {
 protected:
  static constexpr int n_items = 6;

  void SetUp() override {
    auto dir = TempDir::create(fs::temp_directory_path(), "assay-inside-test");
    ASSERT_TRUE(dir) << dir.error().message;
    dir_ = std::make_unique<TempDir>(std::move(*dir));
    for (const char* name : {"engine", "data", "outputs", "tensors", "home"})
      fs::create_directory(root() / name);
    std::vector<float> items(n_items * 12);
    for (size_t i = 0; i < items.size(); ++i) items[i] = static_cast<float>(i % 37) / 8 - 2;
    write("data/input.bin",
          std::string(reinterpret_cast<const char*>(items.data()), items.size() * sizeof(float)));
    const Json input = {
        {"name", "input"}, {"dtype", "float32"}, {"shape", {1, 3, 2, 2}}, {"file", "input.bin"}};
    write("data/dataset.json", dump_json({{"format", 1},
                                          {"name", "t"},
                                          {"n", n_items},
                                          {"sampling", "fixed"},
                                          {"inputs", {input}}}));
    engine("ok");
  }
  fs::path root() const { return dir_->path(); }
  void write(const char* name, const std::string& text) {
    std::ofstream(root() / name, std::ios::binary) << text;
  }
  // Two layers, `output` and `second`, and a scripted clock.
  void engine(const std::string& mode) {
    write("engine/engine.txt",
          "assay-null 1\nseed 7\nclock scripted\nbase_ns 9000\njitter_ns 0\ntail_ns 0\nmode " +
              mode + "\ninput 1 4 1 3 2 2 input\noutput 1 2 1 10 output\noutput 1 2 1 4 second\n");
    const Json in = {{"name", "input"}, {"dtype", "float32"}, {"shape", {1, 3, 2, 2}}};
    const Json a = {{"name", "output"}, {"dtype", "float32"}, {"shape", {1, 10}}};
    const Json b = {{"name", "second"}, {"dtype", "float32"}, {"shape", {1, 4}}};
    write("engine/manifest.json",
          dump_json({{"format", 1}, {"inputs", {in}}, {"outputs", {a, b}}}));
  }

  ChildResult launch(const Json& more, const std::string& runner = "null") {
    const std::string library = "lib/libassay_runner_" + runner + ".so";
    Json request = {{"protocol", 1},
                    {"action", "launch"},
                    {"runner", (executable_dir().parent_path() / library).string()},
                    {"engine_dir", (root() / "engine").string()},
                    {"precision", "fp32"},
                    {"cpu", -1},
                    {"dataset", (root() / "data").string()},
                    {"outputs", {{"count", n_items}, {"dir", (root() / "outputs").string()}}},
                    {"latency", nullptr}};
    request.update(more);
    ChildSpec spec;
    spec.argv = {(executable_dir() / "assay-worker").string()};
    spec.stdin_text = dump_json(request);
    spec.scratch = root() / "home";
    spec.writable = {root() / "outputs", root() / "tensors"};
    spec.stdout_file = root() / "out.txt";
    spec.stderr_file = root() / "err.txt";
    spec.timeout_s = 60;
    events_.clear();
    longest_ = 0;
    spec.on_event = [this](std::string_view line) {
      longest_ = std::max(longest_, line.size());
      if (auto j = parse_json(line, "event")) events_.push_back(*j);
    };
    auto result = run_child(spec);
    EXPECT_TRUE(result) << (result ? "" : result.error().message);
    return result ? std::move(*result) : ChildResult{};
  }
  Json tensors(std::vector<std::string> names, int64_t items) {
    return {
        {"tensors", {{"names", names}, {"items", items}, {"dir", (root() / "tensors").string()}}}};
  }
  std::vector<Json> all(const std::string& name) const {
    std::vector<Json> found;
    for (const Json& e : events_)
      if (get_string(e, "event") == name) found.push_back(e);
    return found;
  }
  std::string text(const fs::path& path) const {
    auto read = read_file(root() / path);
    return read ? *read : "unreadable";
  }

  std::unique_ptr<TempDir> dir_;
  std::vector<Json> events_;
  size_t longest_ = 0;
};

TEST_F(InsideTest, EveryLayerIsReadAndEqualsTheOutputs) {
  EXPECT_EQ(launch(tensors({"*"}, 4)).exit_code, 0);
  const auto read = all("tensor");
  ASSERT_EQ(read.size(), 2u);
  EXPECT_EQ(get_string(read[0], "name"), "output");
  EXPECT_EQ(read[0]["shape"], Json({1, 10}));
  EXPECT_EQ(get_int(read[0], "n"), 4);
  EXPECT_FALSE(read[0].contains("error"));
  // The layers of null are its outputs: the bytes of the first four items must be theirs.
  EXPECT_EQ(text(fs::path("tensors") / get_string(read[0], "file")),
            text("outputs/main.0.bin").substr(0, 4 * 10 * 4));
  EXPECT_EQ(text(fs::path("tensors") / get_string(read[1], "file")),
            text("outputs/main.1.bin").substr(0, 4 * 4 * 4));
  EXPECT_EQ(all("done").size(), 1u);
}

TEST_F(InsideTest, WhatCannotBeReadIsToldAndTheRestIsRead) {
  EXPECT_EQ(launch(tensors({"nowhere", "second", "second"}, 1)).exit_code, 0);
  const auto read = all("tensor");
  ASSERT_EQ(read.size(), 2u);  // asked twice, read once
  EXPECT_NE(get_string(read[0], "error"), "");
  EXPECT_FALSE(read[0].contains("file"));
  EXPECT_EQ(get_string(read[1], "name"), "second");
  EXPECT_EQ(text(fs::path("tensors") / get_string(read[1], "file")).size(), 16u);
}

TEST_F(InsideTest, AnImpossibleDescriptionIsNoTensor) {
  engine("torn_tensors");
  EXPECT_EQ(launch(tensors({"output"}, 1), "faulty").exit_code, 0);
  ASSERT_EQ(all("tensor").size(), 1u);
  EXPECT_NE(get_string(all("tensor")[0], "error").find("rank"), std::string::npos);
}

TEST_F(InsideTest, ItemsBeyondTheDataSetAreRefused) {
  EXPECT_EQ(launch(tensors({"*"}, n_items + 1)).exit_code, 1);
  EXPECT_EQ(all("tensor").size(), 0u);
  ASSERT_EQ(all("error").size(), 1u);
  EXPECT_EQ(get_string(all("error")[0], "kind"), "invalid");
}

TEST_F(InsideTest, LayersSplitTheWhole) {
  EXPECT_EQ(launch({{"layer_times", {{"runs", 7}}}}).exit_code, 0);
  const auto times = all("layer_time");
  ASSERT_EQ(times.size(), 3u);
  EXPECT_EQ(get_int(times[0], "ordinal"), -1);
  EXPECT_EQ(times[0]["time_ns"], Json(std::vector<int>(7, 9000)));
  EXPECT_EQ(get_string(times[1], "layer"), "output");
  EXPECT_EQ(times[1]["time_ns"], Json(std::vector<int>(7, 3000)));
  EXPECT_EQ(get_string(times[2], "layer"), "second");
  EXPECT_EQ(times[2]["time_ns"], Json(std::vector<int>(7, 6000)));
}

TEST_F(InsideTest, OneRunIsOneTime) {
  EXPECT_EQ(launch({{"layer_times", {{"runs", 1}}}}).exit_code, 0);
  for (const Json& time : all("layer_time")) EXPECT_EQ(time["time_ns"].size(), 1u);
}

TEST_F(InsideTest, ARunnerThatCannotTimeLayersSaysSo) {
  engine("no_layer_times");
  EXPECT_EQ(launch({{"layer_times", {{"runs", 7}}}}, "faulty").exit_code, 0);
  ASSERT_EQ(all("layer_time").size(), 1u);
  EXPECT_EQ(all("layer_time")[0]["time_ns"], Json::array());
  EXPECT_NE(get_string(all("layer_time")[0], "error"), "");
}

TEST_F(InsideTest, TimesThatCannotBeAreAnError) {
  for (const char* mode : {"negative_layer_times", "extra_layer_times"}) {
    engine(mode);
    EXPECT_EQ(launch({{"layer_times", {{"runs", 7}}}}, "faulty").exit_code, 1) << mode;
    EXPECT_EQ(all("layer_time").size(), 0u) << mode;
    ASSERT_EQ(all("error").size(), 1u) << mode;
    EXPECT_EQ(get_string(all("error")[0], "kind"), "failed") << mode;
  }
}

TEST_F(InsideTest, LoadedFilesAreThoseOfTheProcess) {
  EXPECT_EQ(launch({{"loaded", true}}).exit_code, 0);
  std::vector<std::string> paths;
  for (const Json& event : all("loaded"))
    for (const Json& file : get_array(event, "files")) {
      EXPECT_EQ(get_string(file, "how"), "mapped");
      paths.push_back(get_string(file, "path"));
      EXPECT_TRUE(fs::path(paths.back()).is_absolute());
    }
  const auto has = [&](const std::string& name) {
    for (const std::string& path : paths)
      if (fs::path(path).filename() == name) return true;
    return false;
  };
  EXPECT_TRUE(has("assay-worker"));
  EXPECT_TRUE(has("libassay_runner_null.so"));
  EXPECT_FALSE(has("engine.txt"));
  EXPECT_LT(longest_, size_t{1} << 19);
}

TEST_F(InsideTest, NothingIsToldThatWasNotAskedFor) {
  EXPECT_EQ(launch(Json::object()).exit_code, 0);
  for (const char* name : {"tensor", "layer_time", "loaded"})
    EXPECT_TRUE(all(name).empty()) << name;
}

TEST_F(InsideTest, BadRequestsAreRefused) {
  const Json bad[] = {tensors({}, 1),
                      tensors({"*"}, 0),
                      {{"tensors", 1}},
                      {{"tensors", {{"names", {"*"}}, {"items", 1}, {"dir", "tensors"}}}},
                      {{"tensors", {{"names", {7}}, {"items", 1}, {"dir", "/tmp"}}}},
                      {{"layer_times", {{"runs", 0}}}},
                      {{"layer_times", {{"runs", 1 << 20}}}},
                      {{"layer_times", Json::object()}},
                      {{"layer_times", true}}};
  for (const Json& more : bad) {
    EXPECT_EQ(launch(more).exit_code, 1) << dump_json(more);
    ASSERT_EQ(all("error").size(), 1u);
    EXPECT_EQ(get_string(all("error")[0], "kind"), "invalid") << dump_json(more);
  }
}

TEST(MappedFiles, TakesRegularFilesOnceAndLeavesOutTheRest) {
  auto dir = TempDir::create(fs::temp_directory_path(), "assay maps");
  ASSERT_TRUE(dir);
  const std::string file = (dir->path() / "with two  blanks.so").string();
  std::ofstream(file) << "x";
  const std::string head = "7f00-7f01 r-xp 00000000 08:01 123 ";
  const std::string maps = head + "   " + file + "\n" + head + file + "\n" + head + "[vdso]\n" +
                           head + "/memfd:x (deleted)\n" + head + dir->path().string() + "\n" +
                           "7f00-7f01 rw-p 00000000 00:00 0 \n" + head +
                           "/nowhere/lib.so\ngarbage\n";
  EXPECT_EQ(mapped_files(maps), std::vector<std::string>{file});
}

}  // namespace
}  // namespace assay::worker
