// SPDX-License-Identifier: Apache-2.0
// What each tool writes, in small: texts made here after the tools' documentation and sources.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "series/series.h"

namespace assay::series {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

Result<std::vector<Series>> parse(std::string_view text, const std::string& column = "",
                                  Format format = Format::automatic) {
  ReadOptions o;
  o.column = column;
  o.format = format;
  return parse_series(text, "runs/out.json", o);
}

// Members as exportJSONTrace() of trtexec's sources names them; later versions have no endToEndMs.
constexpr const char* kTrtexec8 = R"([
  { "startEnqMs" : 0.1, "endEnqMs" : 0.2, "startH2dMs" : 0.1, "endH2dMs" : 0.15,
    "startComputeMs" : 0.2, "endComputeMs" : 1.45, "startD2hMs" : 1.45, "endD2hMs" : 1.5,
    "h2dMs" : 0.05, "computeMs" : 1.25, "d2hMs" : 0.05, "latencyMs" : 1.35, "endToEndMs" : 1.4 }
, { "startEnqMs" : 2.1, "endEnqMs" : 2.2, "startH2dMs" : 2.1, "endH2dMs" : 2.15,
    "startComputeMs" : 2.2, "endComputeMs" : 3.46, "startD2hMs" : 3.46, "endD2hMs" : 3.5,
    "h2dMs" : 0.05, "computeMs" : 1.26, "d2hMs" : 0.04, "latencyMs" : 1.35012, "endToEndMs" : 1.4 }
]
)";

TEST(Trtexec, LatencyUnlessAnotherColumnIsChosen) {
  auto r = parse(kTrtexec8);
  ASSERT_TRUE(r) << r.error().message;
  ASSERT_EQ(r->size(), 1u);
  EXPECT_THAT((*r)[0].samples, ElementsAre(1'350'000, 1'350'120));
  EXPECT_EQ((*r)[0].name, "out");
  EXPECT_EQ((*r)[0].format, "trtexec");
  EXPECT_EQ((*r)[0].unit, "ms");
  EXPECT_EQ((*r)[0].tick_ns, 10);
  EXPECT_THAT((*r)[0].notes, IsEmpty());
  r = parse(kTrtexec8, "computeMs");
  ASSERT_TRUE(r);
  EXPECT_THAT((*r)[0].samples, ElementsAre(1'250'000, 1'260'000));
  EXPECT_THAT((*r)[0].notes, ElementsAre("column read: computeMs"));
  r = parse(kTrtexec8, "endToEndMs");
  ASSERT_TRUE(r);
  EXPECT_THAT(parse(kTrtexec8, "startComputeMs").error().message, HasSubstr("no duration"));
  EXPECT_THAT(parse(kTrtexec8, "enqMs").error().message,
              HasSubstr("[0]: no \"enqMs\", but h2dMs, computeMs, d2hMs, latencyMs, endToEndMs"));
}

// Moments are floats of ms: 2^11 <= 3000 < 2^12 steps by 2^(11 - 23) ms.
TEST(Trtexec, SaysHowCoarseItsClockIs) {
  const auto r = parse(R"([{"startEnqMs": 1, "latencyMs": 1.25},
                          {"startEnqMs": 3000, "endEnqMs": 2999, "latencyMs": 1.2475}])");
  ASSERT_TRUE(r) << r.error().message;
  EXPECT_NEAR((*r)[0].tick_ns, 244.140625, 1e-6);
  EXPECT_THAT((*r)[0].notes, Contains(HasSubstr("told apart by 244 ns at the end")));
}

TEST(Trtexec, RowsMustAllHaveIt) {
  EXPECT_THAT(parse(R"([{"latencyMs":1},{"computeMs":1}])").error().message,
              HasSubstr("[1]: no \"latencyMs\""));
  EXPECT_THAT(parse(R"([{"latencyMs":1},{"latencyMs":null}])").error().message,
              HasSubstr("[1].latencyMs: null, expected a number"));
  EXPECT_THAT(parse(R"([{"latencyMs":1,"latencyMs":2}])").error().message,
              HasSubstr("second time"));
  EXPECT_THAT(parse(R"([{"latencyMs":1},7])").error().message, HasSubstr("[1]: a bare value"));
  EXPECT_THAT(parse(R"([{"latencyMs":1},[7]])").error().message, HasSubstr("an array"));
}

constexpr const char* kGoogle = R"({
  "context": {"date": "2026-01-01", "caches": [{"type": "Data", "level": 1}], "load_avg": [0.1]},
  "benchmarks": [
    {"name": "BM_a/repeats:2", "run_name": "BM_a/repeats:2", "run_type": "iteration",
     "repetitions": 2, "repetition_index": 0, "threads": 1, "iterations": 1000,
     "real_time": 1.2500000000000000e+01, "cpu_time": 1.2000000000000000e+01, "time_unit": "us"},
    {"name": "BM_a/repeats:2", "run_name": "BM_a/repeats:2", "run_type": "iteration",
     "repetitions": 2, "repetition_index": 1, "threads": 1, "iterations": 1000,
     "real_time": 1.3000000000000000e+01, "cpu_time": 1.2100000000000000e+01, "time_unit": "us"},
    {"name": "BM_a/repeats:2_mean", "run_name": "BM_a/repeats:2", "run_type": "aggregate",
     "aggregate_name": "mean", "iterations": 2, "real_time": 1.275e+01, "cpu_time": 1.2e+01,
     "time_unit": "us"},
    {"name": "BM_a_RMS", "run_name": "BM_a", "run_type": "aggregate", "rms": 1e-2},
    {"name": "BM_bad", "run_name": "BM_bad", "run_type": "iteration", "error_occurred": true,
     "error_message": "x", "iterations": 0, "real_time": 0, "cpu_time": 0, "time_unit": "ns"},
    {"name": "BM_b", "run_type": "iteration", "iterations": 1, "real_time": 2, "cpu_time": 1,
     "time_unit": "ms", "label": "x"}
  ]
})";

TEST(GoogleBenchmark, OneSeriesABenchmark) {
  auto r = parse(kGoogle);
  ASSERT_TRUE(r) << r.error().message;
  ASSERT_EQ(r->size(), 2u);
  const Series &a = (*r)[0], &b = (*r)[1];
  EXPECT_EQ(a.name, "out/BM_a/repeats:2");
  EXPECT_THAT(a.samples, ElementsAre(12'500, 13'000));
  EXPECT_TRUE(a.averaged);
  EXPECT_THAT(a.notes,
              Contains("values are averages over 1000 iterations: no tail can be read from them"));
  EXPECT_THAT(a.notes, Contains("aggregate rows left out: 2"));
  EXPECT_THAT(a.notes, Contains("rows with an error left out: 1"));
  EXPECT_EQ(a.unit, "us");
  EXPECT_EQ(b.name, "out/BM_b");
  EXPECT_THAT(b.samples, ElementsAre(2'000'000));
  EXPECT_FALSE(b.averaged);
  r = parse(kGoogle, "cpu_time");
  ASSERT_TRUE(r);
  EXPECT_THAT((*r)[0].samples, ElementsAre(12'000, 12'100));
}

TEST(GoogleBenchmark, UnitsOfRowsAreConverted) {
  const auto r = parse(R"({"benchmarks":[
    {"name":"B","run_type":"iteration","iterations":1,"real_time":1.5,"time_unit":"ms"},
    {"name":"B","run_type":"iteration","iterations":3,"real_time":900,"time_unit":"us"},
    {"name":"B_mean","iterations":3,"real_time":900,"time_unit":"us"}]})");
  ASSERT_TRUE(r) << r.error().message;
  EXPECT_EQ((*r)[0].name, "out");
  EXPECT_THAT((*r)[0].samples, ElementsAre(1'500'000, 900'000));
  EXPECT_EQ((*r)[0].unit, "mixed");
  EXPECT_TRUE((*r)[0].averaged);
  EXPECT_THAT((*r)[0].notes, Contains(HasSubstr("averages over 1 to 3 iterations")));
  EXPECT_THAT((*r)[0].notes, Contains("aggregate rows left out: 1"));
}

// std::ostream's six digits, seconds; the tool appends to the file.
constexpr const char* kOrt =
    "mobilenet,0.0559777,104857600,98,0\n"
    "mobilenet,0.056,104857600,98,1\n"
    "mobilenet,9.51e-05,104857600,98,2\n"
    "\n"
    "Min Latency is 9.51e-05sec\n"
    "P50 Latency is 0.0559777 sec\n"
    "P999 Latency: 0.056 s\n";

TEST(OrtPerf, RowsAndSummary) {
  auto r = parse(kOrt);
  ASSERT_TRUE(r) << r.error().message;
  ASSERT_EQ(r->size(), 1u);
  EXPECT_THAT((*r)[0].samples, ElementsAre(55'977'700, 56'000'000, 95'100));
  EXPECT_EQ((*r)[0].format, "ort-perf");
  EXPECT_EQ((*r)[0].unit, "s");
  EXPECT_EQ((*r)[0].launch, -1);
  EXPECT_EQ((*r)[0].name, "out");
  EXPECT_EQ((*r)[0].tick_ns, 100);
  EXPECT_THAT((*r)[0].notes, ElementsAre("summary lines left out: 3"));

  r = parse(std::string(kOrt) + "a,b,0.001,1,2,0\na,b,0.002,1,2,2\n");
  ASSERT_TRUE(r) << r.error().message;
  ASSERT_EQ(r->size(), 2u);
  EXPECT_EQ((*r)[0].name, "out/mobilenet launch 0");
  EXPECT_EQ((*r)[1].name, "out/a,b launch 1");
  EXPECT_EQ((*r)[1].launch, 1);
  EXPECT_THAT((*r)[1].samples, ElementsAre(1'000'000, 2'000'000));
  EXPECT_THAT((*r)[1].notes, Contains(HasSubstr("run numbers are missing")));

  // An older build wrote ns.
  ReadOptions o;
  o.unit = "ns";
  r = parse_series("m,55977,1,2,0\n", "x", o);
  ASSERT_TRUE(r);
  EXPECT_THAT((*r)[0].samples, ElementsAre(55'977));

  EXPECT_THAT(parse("\nMin Latency is 0.1sec\n").error().message, HasSubstr("only the summary"));
  EXPECT_THAT(parse("m,0.1,1,2,0\nm,-0.1,1,2,1\n").error().message,
              HasSubstr("line 2: '-0.1' is negative"));
  EXPECT_THAT(parse("m,0.1,1,2,0\nm,0.1,1\n").error().message,
              HasSubstr("line 2: 'm,0.1,1' is no row"));
}

TEST(Hyperfine, OneSeriesACommand) {
  auto r = parse(R"({"results": [
    {"command": "sleep 0.1", "mean": 0.1, "stddev": null, "median": 0.1, "user": 0, "system": 0,
     "min": 0.1, "max": 0.1, "times": [0.10250001, 0.1031], "memory_usage_byte": [1, 2],
     "exit_codes": [0, 0]},
    {"command": "false", "times": [0.5, 1], "exit_codes": [1, null], "parameters": {"times": "9"}}
  ]})");
  ASSERT_TRUE(r) << r.error().message;
  ASSERT_EQ(r->size(), 2u);
  EXPECT_EQ((*r)[0].name, "out/sleep 0.1");
  EXPECT_THAT((*r)[0].samples, ElementsAre(102'500'010, 103'100'000));
  EXPECT_EQ((*r)[0].unit, "s");
  EXPECT_THAT((*r)[0].notes, IsEmpty());
  EXPECT_THAT((*r)[1].samples, ElementsAre(500'000'000, 1'000'000'000));
  EXPECT_THAT((*r)[1].notes, ElementsAre("runs that ended with a non-zero exit code: 2 of 2"));
  EXPECT_THAT(parse(R"({"results":[{"command":"x","mean":0.1}]})").error().message,
              HasSubstr("results[0]: no \"times\""));
  EXPECT_THAT(parse(R"({"results":[{"command":"x","times":[1,-2]}]})").error().message,
              HasSubstr("results[0].times[1]: '-2' is negative"));
}

// As assay bench --export-times writes it (cli/cmd_bench.cc).
TEST(Bench, OneSeriesALaunch) {
  const char* text = R"([
 {"launch": 0, "latencyMs": 1.2345670000000001, "latency_ns": 1234567},
 {"launch": 0, "latencyMs": 1.0, "latency_ns": 1000000},
 {"launch": 1, "latencyMs": 2.0, "latency_ns": 2000001},
 {"launch": 0, "latencyMs": 3.0, "latency_ns": 3000000}
])";
  auto r = parse(text);
  ASSERT_TRUE(r) << r.error().message;
  ASSERT_EQ(r->size(), 2u);
  EXPECT_EQ((*r)[0].launch, 0);
  EXPECT_EQ((*r)[0].name, "out/launch 0");
  EXPECT_EQ((*r)[0].format, "bench");
  EXPECT_THAT((*r)[0].samples, ElementsAre(1'234'567, 1'000'000, 3'000'000));
  EXPECT_EQ((*r)[1].launch, 1);
  EXPECT_THAT((*r)[1].samples, ElementsAre(2'000'001));
  r = parse(text, "latencyMs");
  ASSERT_TRUE(r);
  EXPECT_THAT((*r)[1].samples, ElementsAre(2'000'000));
  EXPECT_THAT(parse(R"([{"launch":0}])").error().message, HasSubstr("[0]: no \"latency_ns\""));
  EXPECT_THAT(parse(R"([{"latency_ns":5}])").error().message, HasSubstr("[0]: no \"launch\""));
  EXPECT_THAT(parse(R"([{"launch":-1,"latency_ns":5}])").error().message,
              HasSubstr("launch number"));
  EXPECT_THAT(parse(R"([{"launch":0,"latency_ns":-5}])").error().message,
              HasSubstr("[0]: '-5' is negative"));
}

TEST(Formats, ForcedFormatIsKept) {
  // A file of assay bench read for its milliseconds alone.
  const auto r = parse(R"([{"launch":0,"latencyMs":1.5,"latency_ns":9}])", "", Format::trtexec);
  ASSERT_TRUE(r) << r.error().message;
  EXPECT_THAT((*r)[0].samples, ElementsAre(1'500'000));
  for (Format f : {Format::trtexec, Format::google_benchmark, Format::ort_perf, Format::hyperfine,
                   Format::bench, Format::int64, Format::csv})
    EXPECT_FALSE(parse("{\"a\": [1, {\"b\": 2}]}", "", f)) << format_name(f);
}

}  // namespace
}  // namespace assay::series
