// SPDX-License-Identifier: Apache-2.0
// What the end of a child and its events say together.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>

#include "audit/job.h"

namespace assay::audit {
namespace {

using testing::HasSubstr;

EventLog log_of(std::initializer_list<const char*> lines) {
  EventLog log;
  for (const char* line : lines) log.add(line);
  return log;
}
worker::ChildResult exited(int code) {
  worker::ChildResult c;
  c.exit_code = code;
  return c;
}
const char* const kDone = R"({"event":"done"})";

TEST(Judge, GoodOnlyWhenExitCodeAndDoneAgree) {
  EXPECT_EQ(judge(exited(0), log_of({kDone})).outcome, "ok");
  EXPECT_EQ(judge(exited(0), log_of({})).outcome, "lied");
  EXPECT_EQ(judge(exited(3), log_of({kDone})).outcome, "lied");
  EXPECT_THAT(judge(exited(3), log_of({kDone})).reason, HasSubstr("exit code 3"));
  EXPECT_EQ(judge(exited(1), log_of({})).outcome, "failed");
}

TEST(Judge, GarbageAmongGoodEventsIsALie) {
  for (const char* line : {"", "text", "[1]", "7", R"({"event":7})", R"({"no":"event"})", "{"}) {
    const JobOutcome o = judge(exited(0), log_of({line, kDone}));
    EXPECT_EQ(o.outcome, "lied") << line;
    EXPECT_THAT(o.reason, HasSubstr("1 lines that are no events"));
  }
  worker::ChildResult c = exited(0);
  c.event_overflow = true;
  EXPECT_EQ(judge(c, log_of({kDone})).outcome, "lied");
}

TEST(Judge, ErrorEventsKeepTheirKind) {
  const auto o = judge(
      exited(1), log_of({R"({"event":"error","kind":"unsupported","message":"op A\nat b"})"}));
  EXPECT_EQ(o.outcome, "unsupported");
  EXPECT_THAT(o.reason, HasSubstr("op A"));
  EXPECT_EQ(o.reason.find('\n'), std::string::npos);
  for (const char* kind : {"invalid", "missing", "failed", "made-up", ""}) {
    const std::string line =
        std::string(R"({"event":"error","message":"m","kind":")") + kind + "\"}";
    EXPECT_EQ(judge(exited(1), log_of({line.c_str()})).outcome, "failed");
  }
}

// An error and a done contradict each other, whatever the exit code says.
TEST(Judge, ErrorAndDoneIsNeverOk) {
  const char* error = R"({"event":"error","kind":"failed","message":"m"})";
  EXPECT_NE(judge(exited(0), log_of({error, kDone})).outcome, "ok");
  EXPECT_NE(judge(exited(0), log_of({kDone, error})).outcome, "ok");
}

TEST(Judge, HowTheProcessEndedComesFirst) {
  worker::ChildResult c;
  c.outcome = worker::Outcome::timed_out;
  c.wall_ns = 2'000'000'000;
  EXPECT_EQ(judge(c, log_of({kDone})).outcome, "hung");
  c.outcome = worker::Outcome::signalled;
  c.signal = SIGSEGV;
  EXPECT_EQ(judge(c, log_of({kDone})).outcome, "crashed");
  EXPECT_THAT(judge(c, log_of({})).reason, HasSubstr("11"));
  c.outcome = worker::Outcome::out_of_memory;
  EXPECT_EQ(judge(c, log_of({kDone})).outcome, "out_of_memory");
  c.outcome = worker::Outcome::cancelled;
  EXPECT_EQ(judge(c, log_of({kDone})).outcome, "interrupted");
}

TEST(EventLog, KeepsTheTextAndFindsTheLast) {
  EventLog log =
      log_of({R"({"event":"trials","measured":1})", "junk", R"({"event":"trials","measured":2})"});
  EXPECT_EQ(log.events.size(), 2u);
  EXPECT_EQ(log.garbage, 1);
  EXPECT_EQ(get_int(*log.find("trials"), "measured"), 2);
  EXPECT_EQ(log.find("done"), nullptr);
  EXPECT_THAT(log.text, HasSubstr("junk\n"));
}

}  // namespace
}  // namespace assay::audit
