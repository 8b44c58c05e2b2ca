// SPDX-License-Identifier: Apache-2.0
// The result file of onnxruntime_perf_test, as PerformanceResult::DumpToFile of its sources writes
// it: appended to, no header, one row an inference.
#include <charconv>

#include "base/text.h"
#include "series/collect.h"
#include "series/lines.h"

namespace assay::series {
namespace {

struct Row {
  std::string_view model;
  Value time;
  std::string_view time_text;
  int64_t run = 0;
};

bool whole_number(std::string_view text, int64_t& out) {
  const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), out);
  return ec == std::errc() && end == text.data() + text.size() && !text.empty();
}

// Split from the right: a model's name may hold commas.
bool parse_row(std::string_view line, Row& row) {
  std::string_view fields[4];
  for (int i = 3; i >= 0; --i) {
    const size_t comma = line.rfind(',');
    if (comma == std::string_view::npos) return false;
    fields[i] = trimmed(line.substr(comma + 1));
    line = line.substr(0, comma);
  }
  row.model = trimmed(line);
  row.time_text = fields[0];
  row.time = scan_value(fields[0]);
  int64_t unused = 0;
  return row.time.kind != NumberKind::none && row.time.tail.empty() &&
         whole_number(fields[1], unused) && whole_number(fields[2], unused) &&
         whole_number(fields[3], row.run) && row.run >= 0;
}

// "P50 Latency is 0.05sec", and in later versions "P50 Latency: 0.05 s".
bool is_summary(std::string_view line) {
  const size_t at = line.find(" Latency");
  if (at == std::string_view::npos || line.find(',') != std::string_view::npos) return false;
  const std::string_view rest = line.substr(at + 8);
  return (rest.starts_with(" is ") && rest.ends_with("sec")) ||
         (rest.starts_with(": ") && rest.ends_with(" s"));
}

}  // namespace

bool looks_like_ort_perf(std::string_view bytes) {
  Lines lines(bytes, true);
  Row row;
  // A header or a number in front means an ordinary CSV.
  return lines.next() &&
         (is_summary(lines.text()) || (parse_row(lines.text(), row) && row.run == 0 &&
                                       scan_value(row.model).kind == NumberKind::none));
}

Result<std::vector<Series>> parse_ort_perf(std::string_view bytes, std::string_view where,
                                           const ReadOptions& options) {
  if (!options.column.empty())
    return bad_input(fmt::format("{}: an ort-perf file has one column of latencies, but {} says {}",
                                 where, kColumnFlag, one_line(options.column, 60)),
                     fmt::format("leave out {}, or read it as {} csv", kColumnFlag, kFormatFlag));
  const Unit unit = options.unit.empty() ? Unit{"s", 9} : *parse_unit(options.unit);
  std::vector<Collector> all;
  std::vector<std::string> parts;
  int64_t summaries = 0, expected = 0;
  bool gap = false;
  const auto end_launch = [&] {
    if (gap) all.back().note("run numbers are missing or out of order: rows were taken out");
    gap = false;
  };
  Lines lines(bytes, true);
  while (lines.next()) {
    const auto place = [&] { return fmt::format("line {}", lines.line()); };
    if (is_summary(lines.text())) {
      ++summaries;
      continue;
    }
    Row row;
    if (!parse_row(lines.text(), row))
      return bad_input(fmt::format("{}: {}: '{}' is no row of onnxruntime_perf_test, expected "
                                   "model,seconds,memory,cpu,run",
                                   where, place(), one_line(lines.text(), 60)),
                       fmt::format("read it as {} csv if another tool wrote it", kFormatFlag));
    if (row.time.kind != NumberKind::finite)
      return not_finite(row.time.kind, where, place(), row.time_text);
    if (all.empty() || row.run == 0) {
      if (!all.empty()) end_launch();
      if (all.size() >= kMostSeries)
        return bad_input(fmt::format("{}: {}: more than {} launches", where, place(), kMostSeries),
                         "split the file");
      all.emplace_back(Format::ort_perf, stem_of(where), options);
      all.back().series().launch = static_cast<int64_t>(all.size()) - 1;
      parts.push_back(fmt::format("{} launch {}", row.model, all.size() - 1));
      expected = 0;
    }
    gap = gap || row.run != expected;
    expected = row.run + 1;
    const Refusal r = all.back().add(row.time.number, unit);
    if (r != Refusal::none) return refused(r, where, place(), row.time_text, options);
  }
  if (all.empty() && summaries > 0)
    return bad_input(
        fmt::format("{}: holds only the summary of a run ({} lines), expected its rows", where,
                    summaries),
        "percentiles alone carry no interval; give onnxruntime_perf_test a result file");
  if (!all.empty()) {
    end_launch();
    if (summaries > 0) all.front().note(fmt::format("summary lines left out: {}", summaries));
    if (all.size() == 1) all.front().series().launch = -1;
  }
  return finish_all(std::move(all), where, parts);
}

}  // namespace assay::series
