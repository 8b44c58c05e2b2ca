// SPDX-License-Identifier: Apache-2.0
// Requests over engines of the null and faulty runners, and a run of them inside the test.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>
#include <memory>
#include <thread>

#include "base/files.h"
#include "base/json.h"
#include "frames/buffer.h"
#include "frames/request.h"
#include "frames/server.h"
#include "measure/clock.h"
#include "stream/record_check.h"
#include "vision/test_encode.h"

namespace assay::frames {

inline void write_text(const fs::path& path, std::string_view text) {
  std::ofstream(path, std::ios::binary)
      .write(text.data(), static_cast<std::streamsize>(text.size()));
}

// An engine of the null runner on the real clock; `faults` are lines for the faulty one.
inline void write_engine(const fs::path& dir, const std::vector<TensorSpec>& inputs,
                         const std::vector<TensorSpec>& outputs, const std::string& faults = "") {
  fs::create_directories(dir);
  std::string text = "assay-null 1\nseed 1\nclock real\nkernel_sha256 0\n";
  Json manifest = {{"format", 1}};
  for (const auto& [kind, specs] : {std::pair{"input", &inputs}, std::pair{"output", &outputs}}) {
    Json list = Json::array();
    for (const TensorSpec& spec : *specs) {
      text += fmt::format("{} {} {}", kind, static_cast<int>(spec.dtype), spec.shape.size());
      for (const int64_t extent : spec.shape) text += fmt::format(" {}", extent);
      text += " " + spec.name + "\n";
      list.push_back(to_json(spec));
    }
    manifest[std::string(kind) + "s"] = list;
  }
  write_text(dir / "engine.txt", text + faults);
  write_text(dir / "manifest.json", dump_json(manifest));
}

struct Ran {
  int status = -1;
  std::vector<std::vector<stream::FrameRecord>> records;  // by stream
  std::vector<Json> events;

  const Json* event(const std::string& name) const {
    for (const Json& e : events)
      if (get_string(e, "event") == name) return &e;
    return nullptr;
  }
  int64_t count(size_t stream, stream::Fate fate) const {
    int64_t n = 0;
    for (const auto& r : records[stream]) n += r.fate == static_cast<int64_t>(fate);
    return n;
  }
};

class FramesTest : public testing::Test {
 protected:
  void SetUp() override {
    auto dir = TempDir::create(fs::temp_directory_path(), "assay-frames-test");
    ASSERT_TRUE(dir) << dir.error().message;
    dir_ = std::make_unique<TempDir>(std::move(*dir));
  }
  fs::path dir() const { return dir_->path(); }
  static fs::path runner(const std::string& name) {
    return executable_dir().parent_path() / ("lib/libassay_runner_" + name + ".so");
  }

  // A task of 10 classes over 32 x 32 pictures.
  TaskSpec task(const std::string& runner_name = "null", const std::string& faults = "") {
    TaskSpec t;
    t.name = fmt::format("task{}", ++tasks_);
    t.runner = runner(runner_name);
    t.engine_dir = dir() / t.name;
    t.pre.resize_shorter = 0;
    write_engine(t.engine_dir, {{"input", DType::f32, {1, 3, 32, 32}}},
                 {{"output", DType::f32, {1, 10}}}, faults);
    return t;
  }
  static SourceSpec synthetic() {
    SourceSpec s;
    s.kind = SourceSpec::Kind::synthetic;
    s.width = 64;
    s.height = 48;
    return s;
  }
  FrameRequest request(stream::Scenario scenario, int streams, int64_t frames,
                       int64_t period_ns = 0) {
    FrameRequest r;
    r.tasks = {task()};
    r.scenario = scenario;
    r.frames = frames;
    r.warmup_frames = 3;
    r.lock_memory = false;
    for (int s = 0; s < streams; ++s) {
      StreamSpec stream;
      stream.name = fmt::format("camera {}", s);
      stream.camera = s;
      stream.source = synthetic();
      stream.release.scenario = scenario;
      stream.release.period_ns = period_ns;
      stream.release.seed = static_cast<uint64_t>(s + 1);
      r.streams.push_back(stream);
    }
    return r;
  }

  // Through the text of the request, as the child gets it. `during` is called after the start.
  Ran run(const FrameRequest& wanted, const std::function<void(FrameBuffer&)>& during = nullptr) {
    Ran ran;
    auto request = parse_frame_request(dump_json(to_json(wanted)));
    EXPECT_TRUE(request) << request.error().message;
    auto parent = FrameBuffer::create(static_cast<int64_t>(wanted.streams.size()), wanted.frames);
    EXPECT_TRUE(parent);
    if (!request || !parent) return ran;
    auto child = FrameBuffer::attach(parent->fd(), parent->streams(), parent->capacity());
    EXPECT_TRUE(child);
    const fs::path log = dir() / "events.jsonl";
    const int fd = open(log.c_str(), O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600);
    std::atomic<bool> ended{false};
    std::thread server([&] {
      worker::EventWriter events(fd);
      ran.status = run_frames(*request, *child, events);
      ended = true;
    });
    while (!parent->ready() && !ended) std::this_thread::yield();
    parent->go_at(measure::stamp_ns() + 2'000'000);
    if (during) during(*parent);
    server.join();
    close(fd);
    std::ifstream lines(log);
    for (std::string line; std::getline(lines, line);)
      if (auto event = parse_json(line, "event")) ran.events.push_back(*event);
    for (int64_t s = 0; s < parent->streams(); ++s) {
      ran.records.push_back(parent->records(s));
      const Status good = stream::check_records(ran.records.back(), "records");
      EXPECT_TRUE(good) << good.error().message;
    }
    return ran;
  }

  static void expect_all_accounted(const Ran& ran, int64_t frames) {
    ASSERT_EQ(ran.status, 0) << (ran.event("error") ? dump_json(*ran.event("error")) : "");
    for (const auto& records : ran.records) EXPECT_EQ(static_cast<int64_t>(records.size()), frames);
  }

 private:
  std::unique_ptr<TempDir> dir_;
  int tasks_ = 0;
};

}  // namespace assay::frames
