// SPDX-License-Identifier: Apache-2.0
// Lists of latencies as other tools write them, read into whole nanoseconds. Nothing is guessed: a
// list whose unit or column is not certain is an error that names the flag which says it. No input
// ends the process; every error says what, where (line, element or byte) and what to do.
//
// What is read, each as the tool itself writes it:
//   csv              one value a row, with or without a header; comma, semicolon, tab or blanks; a
//                    line that starts with "#" is a comment. The unit from the header
//                    ("latency_ms", "latency (ms)", "latencyMs"), from each value ("1.2 ms"), from
//                    a column "unit", "units" or "time_unit", or from ReadOptions::unit.
//   trtexec          --exportTimes: an array of objects with members in ms. "latencyMs" unless
//                    `column` names another duration ("computeMs", "h2dMs" or "inMs", "enqMs" ...).
//                    Older versions export the runs of the warm-up too. The tool keeps moments
//                    as 32-bit floats of ms and subtracts them: after 3 s durations step by 244 ns,
//                    after 100 s by 7.8 us (noted, and in tick_ns).
//   google_benchmark --benchmark_out_format=json: "real_time" (or column "cpu_time") of each row of
//                    run_type "iteration", one Series a benchmark. A row of more than one iteration
//                    is a mean. Aggregate rows and rows with an error are left out, with a note.
//   ort_perf         the result file of onnxruntime_perf_test: no header, rows
//                    "model,seconds,peak working set,CPU %,run", optionally followed (-s) by a
//                    blank line and "P50 Latency is 0.05sec" or "P50 Latency: 0.05 s" lines, which
//                    are left out. The tool appends: one Series each time the run number starts
//                    again at 0. The time is taken to be in seconds (std::chrono::duration<double>,
//                    six significant digits), as released versions write it; ReadOptions::unit
//                    overrides that.
//   hyperfine        --export-json: "times" of each result, in s, one Series a command.
//   int64            little-endian 64-bit values, ns (or ReadOptions::unit).
//   bench            `assay bench --export-times`: "latency_ns" (or column "latencyMs"), one Series
//                    a launch.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/files.h"
#include "base/result.h"

namespace assay::series {

enum class Format { automatic, csv, trtexec, google_benchmark, ort_perf, hyperfine, int64, bench };

// "auto", "csv", "trtexec", "google-benchmark", "ort-perf", "hyperfine", "int64", "bench".
std::string_view format_name(Format f);
std::optional<Format> parse_format(std::string_view name);

// The flags of the command line that the texts of errors name.
inline constexpr const char* kFormatFlag = "--input-format";
inline constexpr const char* kUnitFlag = "--unit";
inline constexpr const char* kColumnFlag = "--column";

// Larger values are refused: differences and sums of two samples must stay within int64_t.
inline constexpr int64_t kLargestNs = int64_t{1} << 62;
// Series in one file; more is taken for an error in the file.
inline constexpr size_t kMostSeries = 1 << 16;

struct Series {
  std::string
      name;  // file stem; "/" and the benchmark, command or launch where a file holds several
  std::vector<int64_t> samples;    // ns in [0, kLargestNs], in file order, never empty
  int64_t launch = -1;             // -1 when the file does not say
  std::string format;              // format_name()
  std::string unit;                // of the file: "ns", "us", "ms", "s"; "mixed" when values differ
  std::vector<std::string> notes;  // one line each: what was left out, rounded, or cannot be read
  bool averaged = false;  // the values are means over several inferences: they have no tail
  // Smallest step that the digits of the file can tell, ns: the finest last digit of all values, at
  // least 1; of trtexec also its step in time. Tools that write a fixed number of significant
  // digits show larger values coarser.
  double tick_ns = 1;
};

struct ReadOptions {
  Format format = Format::automatic;
  std::string unit;    // "", "ns", "us", "ms", "s": of values whose file does not say it
  std::string column;  // name or 1-based number; "": the only one that fits
  int64_t max_bytes = int64_t{1} << 34;
  int64_t max_samples = int64_t{1} << 28;  // of one series; 8 bytes each
};

// Reads a whole file, mapped into memory; beside the mapping about 8 bytes a value. `automatic`
// tells the formats apart by content; raw int64 only by the extension .i64 or .int64. Usage error
// for whatever cannot be read with certainty.
Result<std::vector<Series>> read_series(const fs::path& path, const ReadOptions& options);
// The same for bytes at hand; `where` names them in errors and gives the stem. The result holds at
// least one Series, each with at least one sample.
Result<std::vector<Series>> parse_series(std::string_view bytes, std::string_view where,
                                         const ReadOptions& options);

}  // namespace assay::series
