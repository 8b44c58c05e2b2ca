// SPDX-License-Identifier: Apache-2.0
// assay-frames as assay starts it: in the sandbox, with its buffer on descriptor 4.
#include <thread>

#include "frames/test_run.h"
#include "worker/child.h"

namespace assay::frames {
namespace {

class ChildTest : public FramesTest {
 protected:
  worker::ChildResult child(const FrameRequest& r, FrameBuffer& buffer,
                            const std::atomic<bool>* cancel = nullptr) {
    for (const char* name : {"home", "results"}) fs::create_directory(dir() / name);
    worker::ChildSpec spec;
    spec.argv = {(executable_dir() / "assay-frames").string()};
    spec.stdin_text = dump_json(to_json(r));
    spec.scratch = dir() / "home";
    spec.writable = {dir() / "results"};
    spec.stdout_file = dir() / "out.txt";
    spec.stderr_file = dir() / "err.txt";
    spec.timeout_s = 60;
    spec.samples_fd = buffer.fd();
    spec.cancel = cancel;
    spec.on_event = [&](std::string_view line) {
      if (auto j = parse_json(line, "event")) events_.push_back(*j);
      if (get_string(events_.back(), "event") == "ready")
        buffer.go_at(measure::stamp_ns() + 2'000'000);
    };
    auto result = worker::run_child(spec);
    EXPECT_TRUE(result) << (result ? "" : result.error().message);
    return result ? std::move(*result) : worker::ChildResult{};
  }
  std::string names() const {
    std::string out;
    for (const Json& e : events_) out += get_string(e, "event") + " ";
    return out;
  }
  std::vector<Json> events_;
};

TEST_F(ChildTest, WholeRunInTheSandbox) {
  FrameRequest r = request(stream::Scenario::constant_stream, 2, 20, 2'000'000);
  r.lock_memory = true;
  r.outputs = true;
  r.results_dir = dir() / "results";
  fs::create_directory(dir() / "pictures");
  for (int i = 0; i < 4; ++i)
    write_text(dir() / fmt::format("pictures/{}.jpg", i), vision::test_jpeg(90 - i, 60));
  r.streams[1].source = {};
  r.streams[1].source.path = dir() / "pictures";
  auto buffer = FrameBuffer::create(2, 20);
  ASSERT_TRUE(buffer);
  const auto result = child(r, *buffer);
  EXPECT_EQ(result.exit_code, 0) << (events_.empty() ? "" : dump_json(events_.back()));
  EXPECT_EQ(names(), "hello opened environment ready stream_end stream_end done ");
  for (int64_t s = 0; s < 2; ++s) {
    EXPECT_EQ(buffer->records(s).size(), 20u);
    for (const auto& record : buffer->records(s)) EXPECT_EQ(record.own_allocations, 0);
  }
  EXPECT_TRUE(fs::exists(dir() / "results" / "results.jsonl"));
}

TEST_F(ChildTest, KilledChildLeavesItsRecords) {
  const FrameRequest r = request(stream::Scenario::single_stream, 1, 1 << 20);
  auto buffer = FrameBuffer::create(1, r.frames);
  ASSERT_TRUE(buffer);
  std::atomic<bool> cancel{false}, over{false};
  std::thread killer([&] {
    while (!over && buffer->records(0).size() < 10) std::this_thread::yield();
    cancel = true;
  });
  const auto result = child(r, *buffer, &cancel);
  over = true;
  killer.join();
  EXPECT_EQ(result.outcome, worker::Outcome::cancelled);
  const auto records = buffer->records(0);
  EXPECT_GE(records.size(), 10u);
  EXPECT_TRUE(stream::check_records(records, "records"));
}

TEST_F(ChildTest, CrashInARunLeavesTheFramesBeforeIt) {
  FrameRequest r = request(stream::Scenario::single_stream, 1, 50);
  r.tasks = {task("faulty", "mode crash_run\nat_run 20\n")};
  auto buffer = FrameBuffer::create(1, r.frames);
  ASSERT_TRUE(buffer);
  EXPECT_EQ(child(r, *buffer).outcome, worker::Outcome::signalled);
  EXPECT_EQ(buffer->records(0).size(), 16u);  // 3 of warm-up, and the one that crashed
}

TEST_F(ChildTest, BadRequestIsAnEvent) {
  FrameRequest r = request(stream::Scenario::single_stream, 1, 50);
  r.frames = 0;
  auto buffer = FrameBuffer::create(1, 1);
  ASSERT_TRUE(buffer);
  EXPECT_EQ(child(r, *buffer).exit_code, 1);
  ASSERT_EQ(names(), "error ");
  EXPECT_EQ(get_string(events_[0], "kind"), "invalid");
}

TEST_F(ChildTest, CorunnerEndsWithItsBuffer) {
  auto buffer = FrameBuffer::create(1, 1);
  ASSERT_TRUE(buffer);
  fs::create_directory(dir() / "home");
  worker::ChildSpec spec;
  spec.argv = {(executable_dir() / "assay-corunner").string(),
               "--kind",
               "cache",
               "--mib",
               "1",
               "--until",
               "buffer"};
  spec.env = {{"ASSAY_EVENT_FD", "3"}};
  spec.scratch = dir() / "home";
  spec.stdout_file = dir() / "out.txt";
  spec.stderr_file = dir() / "err.txt";
  spec.timeout_s = 60;
  spec.samples_fd = buffer->fd();
  spec.on_event = [&](std::string_view line) {
    if (auto j = parse_json(line, "event")) events_.push_back(*j);
  };
  std::atomic<bool> ended{false};
  std::thread stopper([&] {
    while (!buffer->ready() && !ended) std::this_thread::yield();
    buffer->stop();
  });
  const auto result = worker::run_child(spec);
  ended = true;
  stopper.join();
  ASSERT_TRUE(result);
  EXPECT_EQ(result->exit_code, 0);
  ASSERT_EQ(names(), "ready corunner ");
  EXPECT_GT(get_int(events_[1], "bytes"), 0);
}

TEST_F(ChildTest, BufferOfAnotherSizeIsRefused) {
  auto buffer = FrameBuffer::create(1, 10);
  ASSERT_TRUE(buffer);
  EXPECT_EQ(child(request(stream::Scenario::single_stream, 1, 50), *buffer).exit_code, 1);
  EXPECT_EQ(names(), "error ");
}

}  // namespace
}  // namespace assay::frames
