// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "series/series.h"

namespace assay::series {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;

struct Case {
  const char* text;
  const char* unit;
  const char* column;
};

Result<std::vector<Series>> parse(const Case& c) {
  ReadOptions o;
  o.unit = c.unit;
  o.column = c.column;
  return parse_series(c.text, "dir/times.csv", o);
}

// Every spelling of the list 1.5 ms, 0.25 ms, 12 ms.
TEST(Csv, ReadsEverySpellingOfOneList) {
  const Case cases[] = {
      {"1.5\n0.25\n12\n", "ms", ""},
      {"1.5\n0.25\n12", "ms", ""},
      {"\n\n1.5\n\n0.25\n12\n\n", "ms", ""},
      {"1.5\r\n0.25\r\n12\r\n", "ms", ""},
      {"\xEF\xBB\xBFlatency_ms\r\n1.5\r\n0.25\r\n12\r\n", "", ""},
      {"latency_us\n1500\n250\n12000\n", "", ""},
      {"latency (ms)\n1.5\n0.25\n12\n", "", ""},
      {"latencyMs\n1.5\n.25\n12.\n", "", ""},
      {"time_s\n0.0015\n2.5e-4\n1.2E-2\n", "", ""},
      {"latency\n1500000\n250000\n12000000\n", "ns", ""},
      {"# made by a tool, \"quoted\nlatency_ms\n1.5\n# half\n0.25\n12\n", "", ""},
      {"\"latency, in all (ms)\"\n\"1.5\"\n0.25\n12\n", "", ""},
      {"1.5 ms\n250 us\n0.012 s\n", "", ""},
      {"1.5ms\n250us\n12000000ns\n", "", ""},
      {"1.5 ms\n0.25\n12\n", "ms", ""},
      {"run,latency_ms\n0,1.5\n1,0.25\n2,12\n", "", ""},
      {"run;latency_ms\n0;1.5\n1;0.25\n2;12\n", "", ""},
      {"run\tlatency (ms)\n0\t1.5\n1\t0.25\n2\t12\n", "", ""},
      {"run  latency_ms\n0 1.5\n1   0.25\n2 \t 12\n", "", ""},
      {"engine,latency\nfoo,1.5\nbar,0.25\n\"a,\nb\",12\n", "ms", ""},
      {"latency,unit\n1.5,ms\n250,us\n12,ms\n", "", ""},
      {"unit,latency\nms,1.5\nus,250\ns,0.012\n", "", "latency"},
      {"foo,1.5\nbar,0.25\nbaz,12\n", "ms", ""},
      {"foo,1.5 ms\nbar,0.25 ms\nbaz,12 ms\n", "", ""},
      {"1,1.5\n2,0.25\n3,12\n", "ms", "2"},
      {"a_ms,b_ms\n7,1.5\n7,0.25\n7,12\n", "", "b_ms"},
      {"a_ms,b_ms\n7,1.5\n7,0.25\n7,12\n", "", "2"},
      {"1.5,\n0.25,\n12,\n", "ms", ""},
      {"\"1.5\",\"x \"\"y\"\"\"\n0.25,\n12,z\n", "ms", ""},
  };
  for (const Case& c : cases) {
    const auto r = parse(c);
    ASSERT_TRUE(r) << c.text << "\n" << r.error().message;
    ASSERT_EQ(r->size(), 1u);
    EXPECT_THAT((*r)[0].samples, ElementsAre(1'500'000, 250'000, 12'000'000)) << c.text;
    EXPECT_EQ((*r)[0].name, "times");
    EXPECT_EQ((*r)[0].format, "csv");
    EXPECT_EQ((*r)[0].launch, -1);
    EXPECT_FALSE((*r)[0].averaged);
  }
}

TEST(Csv, ANumberInTheFirstRowIsData) {
  const auto r = parse({"2,1\n7,1.5\n", "ms", "2"});
  ASSERT_TRUE(r);
  EXPECT_THAT((*r)[0].samples, ElementsAre(1'000'000, 1'500'000));
}

TEST(Csv, SaysWhatItDid) {
  const auto r = parse({"run,latency_ms\n0,0\n1,0.2500001\n2,12\n", "", ""});
  ASSERT_TRUE(r);
  const Series& s = (*r)[0];
  EXPECT_EQ(s.unit, "ms");
  EXPECT_THAT(s.samples, ElementsAre(0, 250'000, 12'000'000));
  EXPECT_THAT(s.notes, Contains(HasSubstr("values of 0 ns: 1")));
  EXPECT_THAT(s.notes, Contains("values rounded to whole ns: 1"));
  EXPECT_THAT(s.notes, Contains("column 2 of 2 was read: latency_ms"));
  EXPECT_EQ(s.tick_ns, 1);

  const auto mixed = parse({"1.5 ms\n250 us\n", "", ""});
  ASSERT_TRUE(mixed);
  EXPECT_EQ((*mixed)[0].unit, "mixed");
  EXPECT_THAT((*mixed)[0].notes, Contains(HasSubstr("units differ between values (us, ms)")));

  const auto one = parse({"3 s", "", ""});
  ASSERT_TRUE(one);
  EXPECT_THAT((*one)[0].notes, Contains(HasSubstr("one value")));
  const auto constant = parse({"3 s\n3 s\n3000 ms\n", "", ""});
  ASSERT_TRUE(constant);
  EXPECT_THAT((*constant)[0].notes, Contains("all 3 values are equal"));
}

TEST(Csv, TickIsTheFinestDigit) {
  const struct {
    Case file;
    double tick;
  } cases[] = {{{"1.50\n2.25\n", "ms", ""}, 1e4}, {{"1.5\n2.25\n3\n", "ms", ""}, 1e4},
               {{"15\n20\n", "us", ""}, 1e3},     {{"15\n20\n", "ns", ""}, 1},
               {{"0.123\n", "ns", ""}, 1},        {{"1e3\n2e3\n", "us", ""}, 1e6},
               {{"3\n4\n", "s", ""}, 1e9}};
  for (const auto& c : cases) {
    const auto r = parse(c.file);
    ASSERT_TRUE(r);
    EXPECT_EQ((*r)[0].tick_ns, c.tick) << c.file.text;
  }
}

TEST(Csv, ReadsAFile) {
  const auto dir = TempDir::create(fs::temp_directory_path(), "assay-series-");
  ASSERT_TRUE(dir);
  const fs::path path = dir->path() / "a.b.csv";
  std::ofstream(path) << "latency_us\n10\n20\n";
  const auto r = read_series(path, {});
  ASSERT_TRUE(r) << r.error().message;
  EXPECT_EQ((*r)[0].name, "a.b");
  EXPECT_THAT((*r)[0].samples, ElementsAre(10'000, 20'000));

  // Raw values are known by their extension alone.
  const int64_t raw[] = {5, 0, int64_t{1} << 40};
  for (const char* name : {"x.i64", "x.bin"})
    std::ofstream(dir->path() / name, std::ios::binary)
        .write(reinterpret_cast<const char*>(raw), sizeof raw);
  const auto i64 = read_series(dir->path() / "x.i64", {});
  ASSERT_TRUE(i64) << i64.error().message;
  EXPECT_THAT((*i64)[0].samples, ElementsAre(5, 0, int64_t{1} << 40));
  EXPECT_EQ((*i64)[0].format, "int64");
  EXPECT_FALSE(read_series(dir->path() / "x.bin", {}));
  ReadOptions o;
  o.format = Format::int64;
  o.unit = "us";
  const auto us = read_series(dir->path() / "x.bin", o);
  ASSERT_TRUE(us);
  EXPECT_EQ((*us)[0].samples[0], 5000);

  o = {};
  o.max_bytes = 4;
  EXPECT_THAT(read_series(path, o).error().message, HasSubstr("17 bytes, expected at most 4"));
  EXPECT_EQ(read_series(dir->path() / "none.csv", {}).error().code, ExitCode::usage);
  EXPECT_EQ(read_series(dir->path(), {}).error().code, ExitCode::usage);
  EXPECT_THAT(read_series("/dev/zero", {}).error().fix, HasSubstr("to a file"));
}

TEST(Format, NamesRoundTrip) {
  for (int i = 0; i <= static_cast<int>(Format::bench); ++i) {
    const auto f = static_cast<Format>(i);
    EXPECT_EQ(parse_format(format_name(f)), f);
  }
  EXPECT_EQ(parse_format("yaml"), std::nullopt);
}

}  // namespace
}  // namespace assay::series
