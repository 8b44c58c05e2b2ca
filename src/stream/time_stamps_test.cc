// SPDX-License-Identifier: Apache-2.0
#include "stream/time_stamps.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

namespace assay::stream {
namespace {

using Times = std::vector<int64_t>;

Times read(std::string_view text, std::string unit = "") {
  TimeStampOptions o;
  o.unit = std::move(unit);
  const auto got = parse_time_stamps(text, "t.txt", o);
  if (got) return *got;
  ADD_FAILURE() << got.error().message;
  return {-1};
}
std::string refusal(std::string_view text, std::string unit = "") {
  TimeStampOptions o;
  o.unit = std::move(unit);
  const auto got = parse_time_stamps(text, "t.txt", o);
  if (got) return "read";
  EXPECT_EQ(got.error().code, ExitCode::usage);
  EXPECT_TRUE(got.error().message.starts_with("t.txt: "));
  EXPECT_FALSE(got.error().fix.empty());
  return got.error().message;
}

TEST(TimeStamps, Lines) {
  EXPECT_EQ(read("# unit: ms\n10\n43.3\n\n# taken in the rain\n76.25\n"),
            (Times{0, 33'300'000, 66'250'000}));
  EXPECT_EQ(read("5\r\n7\r\n", "ns"), (Times{0, 2}));
  EXPECT_EQ(read("\xEF\xBB\xBF"
                 "5\n7",
                 "us"),
            (Times{0, 2000}));
  EXPECT_EQ(read("1.5e-3\n2E-3\n+0.0025\n", "s"), (Times{0, 500'000, 1'000'000}));
}

TEST(TimeStamps, CsvAndItsHeader) {
  EXPECT_EQ(read("time_ms,frame\n0,0\n40,1\n"), (Times{0, 40'000'000}));
  EXPECT_EQ(read("t (s);x\n0;a\n1;b\n"), (Times{0, 1'000'000'000}));
  EXPECT_EQ(read("\"stamp [us]\"\tx\n1\t2\n3\t4\n"), (Times{0, 2000}));
  EXPECT_EQ(read("ns\n1\n9\n"), (Times{0, 8}));
  EXPECT_EQ(read("frames\n1\n9\n", "ns"), (Times{0, 8}));  // no unit in "frames"
  EXPECT_EQ(read("time_ms\n1\n9\n", "ms"), (Times{0, 8'000'000}));
}

TEST(TimeStamps, SecondsSince1970KeepTheirNanoseconds) {
  EXPECT_EQ(read("1700000000.123456789\n1700000000.123456790\n", "s"), (Times{0, 1}));
  EXPECT_EQ(read("[1700000000.123456789, 1700000000.156790123]", "s"), (Times{0, 33'333'334}));
  EXPECT_EQ(read("1700000000123456789\n1700000000123456799\n", "ns"), (Times{0, 10}));
}

TEST(TimeStamps, Json) {
  EXPECT_EQ(read(" [0, 33.5,\n 67e0]\n", "ms"), (Times{0, 33'500'000, 67'000'000}));
}

TEST(TimeStamps, WhatIsRefused) {
  EXPECT_EQ(refusal("1\n2\n"), "t.txt: no unit is stated");
  EXPECT_EQ(refusal("[1,2]"), "t.txt: no unit is stated");
  EXPECT_EQ(refusal("1\n2\n", "minutes"), "t.txt: unit minutes");
  EXPECT_EQ(refusal("# unit: h\n2\n"), "t.txt: line 1: unit h");
  EXPECT_EQ(refusal("# unit: ms\n1\n", "s"), "t.txt: line 1: unit ms, but s was stated before");
  EXPECT_EQ(refusal("# unit: s\ntime_ms\n1\n"), "t.txt: line 2: unit ms, but s was stated before");
  EXPECT_EQ(refusal("1\n# unit: s\n", "s"), "t.txt: line 2: a unit after the first stamp");
  EXPECT_EQ(refusal("", "s"), "t.txt: no time stamp in it");
  EXPECT_EQ(refusal("[]", "s"), "t.txt: no time stamp in it");
  EXPECT_EQ(refusal("time_s\n"), "t.txt: no time stamp in it");
  EXPECT_EQ(refusal("1\n1\n", "s"), "t.txt: line 2: 1 is not after the one before it");
  EXPECT_EQ(refusal("2\n1\n", "s"), "t.txt: line 2: 1 is not after the one before it");
  EXPECT_EQ(refusal("-1\n1\n", "s"), "t.txt: line 1: -1 is negative");
  EXPECT_EQ(refusal("1\nx\n", "s"), "t.txt: line 2: x is no number");
  EXPECT_EQ(refusal("a\nb\n1\n", "s"), "t.txt: line 2: b is no number");
  for (const char* word : {"nan", "inf", "0x10", "1e", "1e+", ".", "1 2", "1.2.3", "--1"})
    EXPECT_EQ(refusal(std::string("0\n") + word + "\n", "s"),
              std::string("t.txt: line 2: ") + word + " is no number");
  EXPECT_EQ(refusal("0\n1e9\n", "s"), "t.txt: line 2: 1e9 is too large");
  EXPECT_EQ(refusal("0\n1e99999999999\n", "s"), "t.txt: line 2: 1e99999999999 is too large");
  EXPECT_EQ(refusal("9223372036854775808\n", "ns"),
            "t.txt: line 1: 9223372036854775808 is too large");
  EXPECT_EQ(refusal("9223372036854775807\n", "ns"), "read");
  EXPECT_EQ(refusal("99999999999999999999\n", "ns"),
            "t.txt: line 1: 99999999999999999999 is too large");
  for (const char* text : {"[1", "[1,]", "[,1]", "[1 2]", "[01]", "[+1]", "[.5]", "[5.]", "[\"1\"]",
                           "[[1]]", "[null]", "[1]]", "[1,2]x", "["})
    EXPECT_NE(refusal(text, "s"), "read") << text;
}

RC_GTEST_PROP(TimeStamps, WhatWasWrittenIsReadBack, ()) {
  Times want = {0};
  for (const int64_t gap :
       *rc::gen::container<std::vector<int64_t>>(rc::gen::inRange<int64_t>(1, 5'000'000'000)))
    want.push_back(want.back() + gap);
  const int64_t start = *rc::gen::inRange<int64_t>(0, 2'000'000'000'000'000'000);
  std::string ns, s = "time_s,frame\n";
  for (const int64_t t : want) {
    ns += fmt::format("{}\n", start + t);
    s += fmt::format("{}.{:09},x\n", (start + t) / 1'000'000'000, (start + t) % 1'000'000'000);
  }
  RC_ASSERT(read(ns, "ns") == want);
  RC_ASSERT(read(s) == want);
}

}  // namespace
}  // namespace assay::stream
