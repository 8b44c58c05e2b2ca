// SPDX-License-Identifier: Apache-2.0
#include "stream/record_check.h"

#include <gtest/gtest.h>

#include <functional>

#include "vision/frame.h"

namespace assay::stream {
namespace {

FrameRecord done(int64_t frame) {
  FrameRecord r;
  r.frame = frame;
  r.release_ns = 1000 + frame * 100;
  int64_t t = r.release_ns;
  for (int64_t* stage : {&r.start_ns, &r.read_ns, &r.decode_ns, &r.pre_ns, &r.infer_ns, &r.post_ns})
    *stage = t += 5;
  r.done_ns = t + 30;
  r.second_pre = r.second_infer = r.second_post = 10;
  r.fate = static_cast<int64_t>(Fate::done);
  return r;
}
FrameRecord lost(int64_t frame, Fate fate) {
  FrameRecord r;
  r.frame = frame;
  r.release_ns = 1000;
  r.fate = static_cast<int64_t>(fate);
  return r;
}
FrameRecord failed(int64_t frame) {
  FrameRecord r = done(frame);
  r.fate = static_cast<int64_t>(Fate::failed);
  r.fault = static_cast<int64_t>(vision::FrameFault::damaged);
  r.decode_ns = r.pre_ns = r.infer_ns = r.post_ns = 0;
  return r;
}

TEST(Records, AreTakenAsTheServerWritesThem) {
  FrameRecord stopped = lost(4, Fate::pending);
  stopped.fault = static_cast<int64_t>(vision::FrameFault::stopped);
  const FrameRecord all[] = {done(1),
                             done(0),
                             failed(2),
                             lost(3, Fate::dropped),
                             stopped,
                             lost(5, Fate::skipped),
                             lost(6, Fate::pending)};
  const auto status = check_records(all, "here");
  EXPECT_TRUE(status) << status.error().message;
  EXPECT_TRUE(check_records({}, "here"));
  const auto back = decode_records(encode_records(all), "here");
  ASSERT_TRUE(back);
  EXPECT_EQ(encode_records(*back), encode_records(all));
  EXPECT_EQ(back->at(0).frame, 1);
}

TEST(Records, BytesAreWholeRecords) {
  EXPECT_TRUE(decode_records("", "here")->empty());
  EXPECT_FALSE(decode_records(std::string(191, '\0'), "here"));
  EXPECT_FALSE(decode_records(std::string(193, '\0'), "here"));
  // Words are little endian: the first is the frame number.
  std::string bytes(192, '\0');
  bytes[1] = 2;
  EXPECT_EQ(decode_records(bytes, "here")->at(0).frame, 512);
}

TEST(Records, WhatCannotBeIsRefused) {
  const auto refused = [](FrameRecord r, const std::function<void(FrameRecord&)>& change,
                          const char* named) {
    change(r);
    const FrameRecord two[] = {done(0), r};
    const auto status = check_records(two, "here");
    ASSERT_FALSE(status) << named;
    EXPECT_EQ(status.error().code, ExitCode::usage);
    EXPECT_TRUE(status.error().message.starts_with("here: record 1: ")) << status.error().message;
    EXPECT_NE(status.error().message.find(named), std::string::npos) << status.error().message;
  };
  refused(
      done(1), [](auto& r) { r.start_ns = r.release_ns - 1; }, "start_ns");
  refused(
      done(1), [](auto& r) { r.read_ns = r.start_ns - 1; }, "read_ns");
  refused(
      done(1), [](auto& r) { r.decode_ns = 0; }, "decode_ns");
  refused(
      done(1), [](auto& r) { r.pre_ns = r.decode_ns - 1; }, "pre_ns");
  refused(
      done(1), [](auto& r) { r.infer_ns = INT64_MAX; }, "post_ns");
  refused(
      done(1), [](auto& r) { r.post_ns = INT64_MIN; }, "post_ns");
  refused(
      done(1), [](auto& r) { r.done_ns = r.post_ns - 1; }, "done_ns");
  refused(
      done(1), [](auto& r) { r.second_infer = 11; }, "second task");
  refused(
      done(1), [](auto& r) { r.second_pre = r.second_post = INT64_MAX; }, "second task");
  refused(
      done(1), [](auto& r) { r.fate = 5; }, "fate");
  refused(
      done(1), [](auto& r) { r.fate = -1; }, "fate");
  refused(
      done(1), [](auto& r) { r.fault = 10; }, "fault");
  refused(
      done(1), [](auto& r) { r.fault = 5; }, "fault");
  refused(
      done(1), [](auto& r) { r.flags = 4; }, "flags");
  refused(
      done(1), [](auto& r) { r.frame = -1; }, "frame");
  refused(
      done(1), [](auto& r) { r.frame = 0; }, "twice");
  refused(
      done(1), [](auto& r) { r.crops = -1; }, "crops");
  refused(
      done(1), [](auto& r) { r.cpu = -2; }, "cpu");
  refused(
      failed(1), [](auto& r) { r.fault = 0; }, "fault");
  refused(
      failed(1), [](auto& r) { r.read_ns = 1; }, "read_ns");
  refused(
      lost(1, Fate::dropped), [](auto& r) { r.done_ns = 2000; }, "done_ns");
  refused(
      lost(1, Fate::skipped), [](auto& r) { r.fault = 8; }, "fault");
  refused(
      lost(1, Fate::pending), [](auto& r) { r.fault = 5; }, "fault");
}

TEST(Records, WhatComesBeforeTheFirstFaultIsSound) {
  FrameRecord wrong = done(2), far = done(3);
  wrong.read_ns = 0;
  far.done_ns = INT64_MAX;
  EXPECT_EQ(sound_records({}), 0);
  EXPECT_EQ(sound_records(std::vector{done(0), done(1)}), 2);
  EXPECT_EQ(sound_records(std::vector{done(0), done(1), wrong, done(4)}), 2);
  EXPECT_EQ(sound_records(std::vector{done(0), far}), 1);
  EXPECT_EQ(sound_records(std::vector{done(0), done(1), done(0)}), 2);
  EXPECT_TRUE(check_records(std::vector{done(0), done(1)}, "here"));
  EXPECT_FALSE(check_records(std::vector{far}, "here"));
}

}  // namespace
}  // namespace assay::stream
