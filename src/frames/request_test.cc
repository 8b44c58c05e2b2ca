// SPDX-License-Identifier: Apache-2.0
#include <linux/capability.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <functional>

#include "frames/corunner.h"
#include "frames/pipeline.h"
#include "frames/priority.h"
#include "frames/test_run.h"

namespace assay::frames {
namespace {

using Json = assay::Json;

class RequestTest : public FramesTest {};

TEST_F(RequestTest, PrintedAndReadAgainIsTheSame) {
  FrameRequest r = request(stream::Scenario::constant_stream, 3, 100, 33'000'000);
  r.cpus = {0, 1};
  r.priority = "fifo:50";
  r.tasks[0].options = {{"a", "b"}};
  const Json first = to_json(r);
  const auto read = parse_frame_request(dump_json(first));
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(to_json(*read), first);
}

TEST_F(RequestTest, EachFaultNamesItsMember) {
  const Json good = to_json(request(stream::Scenario::single_stream, 2, 10));
  const std::vector<std::pair<std::string, std::function<void(Json&)>>> faults = {
      {"frames", [](Json& j) { j["frames"] = 0; }},
      {"frames", [](Json& j) { j["frames"] = 9223372036854775808ull; }},
      {"frames", [](Json& j) { j.erase("frames"); }},
      {"protocol", [](Json& j) { j["protocol"] = 2; }},
      {"action", [](Json& j) { j["action"] = "launch"; }},
      {"tasks", [](Json& j) { j["tasks"] = Json::array(); }},
      {"streams", [](Json& j) { j["streams"] = 3; }},
      {"workers", [](Json& j) { j["workers"] = 3; }},
      {"policy", [](Json& j) { j["policy"] = "lifo"; }},
      {"scenario", [](Json& j) { j["scenario"] = "Burst"; }},
      {"release", [](Json& j) { j["scenario"] = "Offline"; }},
      {"cpus",
       [](Json& j) {
         j["cpus"] = {0, -1};
       }},
      {"cpus", [](Json& j) { j["cpus"] = {0.5}; }},
      {"priority", [](Json& j) { j["priority"] = "fifo:0"; }},
      {"results_dir", [](Json& j) { j["outputs"] = true; }},
      {"results_dir", [](Json& j) { j["results_dir"] = "relative"; }},
      {"no_such_member", [](Json& j) { j["no_such_member"] = 1; }},
      {"runner", [](Json& j) { j["tasks"][0]["runner"] = "x.so"; }},
      {"threads", [](Json& j) { j["tasks"][0]["threads"] = 0; }},
      {"next", [](Json& j) { j["tasks"][0]["next"] = 0; }},
      {"task", [](Json& j) { j["streams"][1]["task"] = 1; }},
      {"source", [](Json& j) { j["streams"][1].erase("source"); }},
      {"kind", [](Json& j) { j["streams"][0]["source"]["kind"] = "webcam"; }},
      {"width", [](Json& j) { j["streams"][0]["source"]["width"] = 0; }},
      {"even", [](Json& j) { j["streams"][0]["source"]["width"] = 33; }},
      {"max_seconds", [](Json& j) { j["max_seconds"] = -1; }},
      {"lock_memory", [](Json& j) { j["lock_memory"] = "yes"; }},
  };
  for (const auto& [word, spoil] : faults) {
    Json j = good;
    spoil(j);
    const auto read = parse_frame_request(dump_json(j));
    ASSERT_FALSE(read) << word;
    EXPECT_EQ(read.error().code, ExitCode::usage);
    EXPECT_NE(read.error().message.find(word), std::string::npos) << read.error().message;
  }
  for (const char* text : {"", "[]", "{", "null", "{\"protocol\":1}"})
    EXPECT_FALSE(parse_frame_request(text)) << text;
}

TEST(Priority, Words) {
  EXPECT_TRUE(parse_priority("other"));
  EXPECT_EQ(parse_priority("nice:-5")->value, -5);
  EXPECT_EQ(parse_priority("fifo:99")->kind, Priority::Kind::fifo);
  for (const char* bad :
       {"", "nice", "nice:", "nice:20", "nice:-21", "fifo:100", "fifo:5x", "rr:1"})
    EXPECT_FALSE(parse_priority(bad)) << bad;
}

TEST(Priority, RefusalSaysWhatWouldAllowIt) {
  // A thread without capabilities, under limits that allow nothing.
  std::thread([] {
    const rlimit none{0, 0};
    setrlimit(RLIMIT_RTPRIO, &none);
    setrlimit(RLIMIT_NICE, &none);
    __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
    __user_cap_data_struct nothing[2] = {};
    ASSERT_EQ(syscall(SYS_capset, &header, nothing), 0);
    for (const char* text : {"fifo:50", "nice:-5"}) {
      const Status applied = apply_priority(*parse_priority(text));
      ASSERT_FALSE(applied) << text;
      EXPECT_EQ(applied.error().code, ExitCode::missing);
      EXPECT_NE(applied.error().fix.find("CAP_SYS_NICE"), std::string::npos);
    }
    EXPECT_TRUE(apply_priority(*parse_priority("nice:5")));
    EXPECT_TRUE(apply_priority(*parse_priority("other")));
  }).join();
}

TEST(Corunner, ArgumentsAndWork) {
  EXPECT_FALSE(corunner_from_args({}));
  EXPECT_FALSE(corunner_from_args({"--kind", "disk"}));
  EXPECT_FALSE(corunner_from_args({"--kind", "memory", "--mib"}));
  EXPECT_FALSE(corunner_from_args({"--kind", "memory", "--cpu", "x"}));
  EXPECT_FALSE(corunner_from_args({"--speed", "1"}));
  EXPECT_FALSE(corunner_from_args({"--kind", "memory", "--until", "dawn"}));
  for (const char* kind : {"memory", "cache"}) {
    const auto spec = corunner_from_args({"--kind", kind, "--mib", "2"});
    ASSERT_TRUE(spec);
    EXPECT_EQ(buffer_bytes(*spec), 2 << 20);
    std::atomic<bool> stop{false};
    CorunnerResult result;
    std::thread work([&] { result = run_corunner(*spec, stop); });
    stop = true;
    work.join();
    EXPECT_GE(result.bytes, 0);
    EXPECT_GT(result.wall_ns, 0);
  }
}

TEST(Crop, StaysInsideAndOnEvenPixels) {
  std::vector<uint8_t> bytes(64 * 48 * 3 / 2);
  SourceSpec spec;
  spec.width = 64;
  spec.height = 48;
  const vision::FrameView frame = raw_view(spec, bytes.data());
  const auto part = crop(frame, {5.5F, 7.2F, 20.1F, 30.F, 1, 0});
  ASSERT_TRUE(part);
  EXPECT_EQ(part->width, 18);   // 4 .. 22
  EXPECT_EQ(part->height, 24);  // 6 .. 30
  EXPECT_EQ(part->planes[0] - frame.planes[0], 6 * 64 + 4);
  EXPECT_EQ(part->planes[1] - frame.planes[1], 3 * 64 + 4);
  const auto all = crop(frame, {-100, -100, 1e9F, 1e9F, 1, 0});
  ASSERT_TRUE(all);
  EXPECT_EQ(all->width, 64);
  EXPECT_EQ(all->height, 48);
  EXPECT_FALSE(crop(frame, {64, 10, 80, 20, 1, 0}));
  EXPECT_FALSE(crop(frame, {10, 10, 10, 20, 1, 0}));
  EXPECT_FALSE(crop(frame, {NAN, 10, 20, 20, 1, 0}));
}

}  // namespace
}  // namespace assay::frames
