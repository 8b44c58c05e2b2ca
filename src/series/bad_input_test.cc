// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "series/series.h"

namespace assay::series {
namespace {

using testing::HasSubstr;

struct Case {
  std::string text;
  const char* message;  // part of it
  const char* fix = "";
  const char* unit = "";
  const char* column = "";
};

TEST(BadInput, IsNamedWithPlaceAndFix) {
  const std::string nul("1\0", 2);
  const std::string deep(100, '[');
  const Case cases[] = {
      // nothing there
      {"", "is empty"},
      {" \n\t\n", "only blanks"},
      {"# only a comment\n", "holds no values"},
      {"latency_ms\n", "holds no values"},
      {"\xEF\xBB\xBF", "only blanks"},
      {"[]", "a layout that is not known"},
      {"{\"benchmarks\": []}", "holds no values"},
      {"{\"results\": []}", "holds no values"},
      // units
      {"1.5\n2.5\n", "line 1: '1.5' has no unit", "--unit ms"},
      {"1.5 ms\n2.5\n", "line 2: '2.5' has no unit", "--unit ms"},
      {"latency\n1.5\n", "line 2: '1.5' has no unit", "--unit ms"},
      {"latency_ms\n1.5 us\n", "line 2: '1.5 us' is in us, but the column in ms"},
      {"latency_ms\n1.5\n", "column 'latency_ms' is in ms, but --unit says us", "leave out", "us"},
      {"1.5 ms\n", "is in ms, but the column in us", "", "us"},
      {"1.5\n", "--unit 'parsec' is no unit of time", "ns, us, ms or s", "parsec"},
      {"1.5 parsec\n", "line 1: 'parsec' behind a number is no unit", "--column 1"},
      {"5 min\n6 min\n", "line 1: 'min' behind a number is no unit", "--column 1", "ms"},
      {"5\n6 min\n", "line 2: '6 min' is not a number", "", "ms"},
      {"[{\"latencyMs\":1}]", "a trtexec file are in ms, but --unit says us", "leave out", "us"},
      {"{\"results\":[]}", "a hyperfine file are in s", "leave out", "us"},
      {"{\"benchmarks\":[]}", "each row says its unit", "leave out", "us"},
      {"latency,unit\n1.5,ms\n1.5,\n", "line 3: '' is no unit of time"},
      {"latency,unit\n1.5,ms\n1.5\n", "line 3: 1 columns, expected a value in column 2"},
      {"latency,unit\n1.5,ms\n1.5,us\n", "line 3: '1.5' is in us, but the column in ms", "", "ms"},
      // columns
      {"name,iterations,real_time,cpu_time,time_unit\n\"BM\",9,1,1,ns\n", "CSV of Google Benchmark",
       "json"},
      {"a_ms,b_us\n1,2\n", "2 columns could be the latency (a_ms, b_us)", "--column a_ms"},
      {"a,b\n1,2\n", "2 columns could be the latency (a, b)", "--column a", "ms"},
      {"1,2\n", "2 columns could be the latency (1, 2)", "--column 1", "ms"},
      {"1 2\n", "2 columns could be the latency", "--column 1", "ms"},
      {"a,b\nx,y\n", "line 2: no column holds a number", "", "ms"},
      {"a_ms,b_ms\n1,2\n", "no column 'c': the columns are a_ms, b_ms", "one of the names", "",
       "c"},
      {"a_ms,b_ms\n1,2\n", "no column '3'", "", "", "3"},
      {"a_ms,b_ms\n1,2\n", "no column '0'", "", "", "0"},
      {"1,2\n", "there is no header and 2 columns", "a number from 1 to 2", "ms", "a"},
      {"a,b_ms\n1,2\n3\n", "line 3: 1 columns, expected a value in column 2"},
      {"a,b_ms\n1,2\n3,\n", "line 3: the value is missing"},
      // values
      {"1\n-2\n", "line 2: '-2' is negative", "", "ms"},
      {"1\n-1e-30\n", "line 2: '-1e-30' is negative", "", "ms"},
      {"1\nnan\n", "line 2: 'nan' is not a number, expected a finite", "take out", "ms"},
      {"1\n-Inf\n", "line 2: '-Inf' is infinite", "take out", "ms"},
      {"nan\n1\n", "line 1: 'nan' is not a number, expected a finite", "", "ms"},
      {"1\nabc\n", "line 2: 'abc' is not a number", "", "ms"},
      {"1\n\n#\n1.2.3\n", "line 4: '1.2.3' is not a number", "", "ms"},
      {"1.2.3\n1\n", "line 1: '1.2.3' is not a number", "", "ms"},
      {"12x\n1\n", "line 1: '12x' is not a number", "", "ms"},
      {"0x10\n1\n", "line 1: '0x10' is not a number", "", "ms"},
      {"latency_ms\n1,5\n", "line 2: '1,5' is not a number", "write 1.5, not 1,5"},
      {"a;b_ms\n1;2,5\n", "line 2: '2,5' is not a number", "write 1.5, not 1,5", "ms"},
      {"a,b\n1,\n1,2\n", "2 columns could be the latency (a, b)", "--column a", "ms"},
      {"a;b_ms\n1;2\n1;2,5\n", "line 3: '2,5' is not a number", "write 1.5, not 1,5"},
      {"1\n4611686018428\n", "line 2: '4611686018428' is more than 2^62 ns", "--unit", "ms"},
      {"1e400\n", "more than 2^62 ns", "", "ns"},
      {"1\n\"2\n3\n", "line 2: a quote is opened and never closed", "", "ms"},
      // not text
      {nul, "binary", "--input-format int64"},
      {"\xFF\xFEh", "UTF-16"},
      // JSON
      {"[1.5, 2.5]", "array of bare numbers", "one value a line"},
      {"{\"a\": 1}", "a layout that is not known"},
      {"[{\"a\": 1}]", "a layout that is not known"},
      {"[{\"latencyMs\": 1.5}, {\"latencyMs\": 1.", "not JSON at byte 38, where the file ends",
       "write the file again"},
      {"[{\"latencyMs\": 1.5}, {\"latencyMs\" 1.5}]", "not JSON at byte 37 near"},
      {"[{\"latencyMs\": NaN}]", "not JSON at byte 16", "NaN"},
      {"[{\"latencyMs\": 1.5}] x", "not JSON at byte 22"},
      {"[{\"latencyMs\": 1.5}", "where the file ends: truncated?"},
      {deep, "nested deeper than 64"},
      {"[{\"latencyMs\": \"1.5\"}]", "[0].latencyMs: \"1.5\", expected a number"},
      {"[{\"latencyMs\": -1.5}]", "[0].latencyMs: '-1.5' is negative"},
      {"[{\"latencyMs\": 1e40}]", "[0].latencyMs: '1e40' is more than 2^62 ns"},
      {"{\"benchmarks\":[{\"name\":\"a\",\"run_type\":\"aggregate\"}]}", "only aggregate rows (1)",
       "aggregates_only=false"},
      {"{\"benchmarks\":[{\"name\":\"a\",\"iterations\":1,\"time_unit\":\"ns\"}]}",
       "benchmarks[0]: no \"real_time\""},
      {"{\"benchmarks\":[{\"name\":\"a\",\"iterations\":1,\"real_time\":1}]}",
       "benchmarks[0]: \"time_unit\" is ''"},
      {"{\"benchmarks\":[{\"name\":\"a\",\"real_time\":1,\"time_unit\":\"ns\"}]}",
       "benchmarks[0]: no \"iterations\""},
      {"{\"benchmarks\":[{\"name\":\"a\",\"iterations\":1,\"real_time\":-1,\"time_unit\":\"ns\"}]}",
       "benchmarks[0].real_time: '-1e0' is negative"},
      {"{\"benchmarks\":[5]}", "benchmarks[0]: a bare value"},
  };
  for (const Case& c : cases) {
    ReadOptions o;
    o.unit = c.unit;
    o.column = c.column;
    const auto r = parse_series(c.text, "f.x", o);
    ASSERT_FALSE(r) << c.text;
    EXPECT_EQ(r.error().code, ExitCode::usage) << r.error().message;
    EXPECT_THAT(r.error().message, testing::StartsWith("f.x: ")) << c.text;
    EXPECT_THAT(r.error().message, HasSubstr(c.message)) << c.text;
    EXPECT_THAT(r.error().fix, HasSubstr(c.fix)) << c.text;
    EXPECT_FALSE(r.error().fix.empty()) << r.error().message;
    EXPECT_EQ(r.error().message.find('\n'), std::string::npos) << r.error().message;
  }
}

TEST(BadInput, Int64) {
  ReadOptions o;
  o.format = Format::int64;
  const auto message = [&](std::string_view bytes) {
    const auto r = parse_series(bytes, "f", o);
    return r ? std::string("read") : r.error().message;
  };
  const auto raw = [](std::vector<int64_t> v) {
    return std::string(reinterpret_cast<const char*>(v.data()), v.size() * 8);
  };
  EXPECT_EQ(message(raw({1, 2, 3})), "read");
  EXPECT_EQ(message(raw({0, kLargestNs})), "read");
  EXPECT_THAT(message(raw({1, 2}).substr(0, 13)), HasSubstr("13 bytes, expected whole 64-bit"));
  EXPECT_THAT(message(raw({1, -2})), HasSubstr("element 1 (byte 8): '-2' is negative"));
  EXPECT_THAT(message(raw({INT64_MIN})), HasSubstr("'-9223372036854775808' is negative"));
  EXPECT_THAT(message(raw({INT64_MAX})), HasSubstr("more than 2^62 ns"));
  EXPECT_THAT(message(""), HasSubstr("is empty"));
  o.column = "2";
  EXPECT_THAT(message(raw({1})), HasSubstr("one column"));
}

TEST(BadInput, LimitsAreErrors) {
  ReadOptions o;
  o.unit = "ns";
  o.max_samples = 3;
  EXPECT_TRUE(parse_series("1\n2\n3\n", "f", o));
  EXPECT_THAT(parse_series("1\n2\n3\n4\n", "f", o).error().message,
              HasSubstr("line 4: more than 3 values"));
  o.max_bytes = 5;
  EXPECT_THAT(parse_series("1\n2\n3\n", "f", o).error().message, HasSubstr("at most 5"));
  o.max_bytes = -1;
  o.max_samples = -1;
  EXPECT_FALSE(parse_series("1\n", "f", o));
  o.max_bytes = 100;
  EXPECT_FALSE(parse_series("1\n", "f", o));
  o.format = Format::int64;
  EXPECT_FALSE(parse_series("12345678", "f", o));
}

TEST(BadInput, NamesAreOneLine) {
  const auto r = parse_series(
      "{\"results\":[{\"command\":\"a\\nb\\u001b[2J\",\"times\":[1]},"
      "{\"command\":\"c\",\"times\":[1]}]}",
      "f\n.json", {});
  ASSERT_TRUE(r);
  for (const Series& s : *r)
    for (char c : s.name) EXPECT_GE(static_cast<unsigned char>(c), 0x20);
}

}  // namespace
}  // namespace assay::series
