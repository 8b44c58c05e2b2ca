// SPDX-License-Identifier: Apache-2.0
// --benchmark_out_format=json of Google Benchmark: {"context": ..., "benchmarks": [one row a
// repetition or aggregate]}.
#include <algorithm>
#include <map>

#include "base/text.h"
#include "series/walk_json.h"

namespace assay::series {
namespace {

constexpr int64_t kManyIterations = int64_t{1} << 62;
constexpr const char* kSuffixes[] = {"_mean", "_median", "_stddev", "_cv", "_BigO", "_RMS"};

class Reader : public JsonWalker {
 public:
  Reader(std::string_view where, const ReadOptions& options)
      : JsonWalker(where, options),
        wanted_(options.column.empty() ? "real_time" : options.column) {}
  Result<std::vector<Series>> finish();

 private:
  struct Row {
    std::string name, run_name, run_type, unit;
    std::optional<Decimal> time;
    int64_t iterations = 0;
    bool failed = false;
  };
  // One benchmark.
  struct Group {
    Collector collector;
    int64_t least = kManyIterations, most = 0;
  };

  bool in_rows() const { return depth() >= 2 && !in_array(1) && key(1) == "benchmarks"; }
  bool in_row() const { return depth() == 3 && in_rows() && in_array(2) && !in_array(3); }
  bool on_value(const JsonValue& v) override;
  bool on_open(bool array) override {
    if (depth() == 3 && in_rows()) {
      if (array) return wrong("an array", "an object", "check the file");
      row_ = {};
    }
    return true;
  }
  bool on_close(bool) override { return !in_row() || end_row(); }
  bool end_row();
  bool is_aggregate() const;

  std::string wanted_;
  Row row_;
  std::vector<Group> groups_;
  std::vector<std::string> names_;
  std::map<std::string, size_t> by_name_;
  int64_t aggregates_ = 0, failed_ = 0;
};

bool Reader::on_value(const JsonValue& v) {
  if (!in_row())
    return !(depth() == 2 && in_rows() && in_array(2)) ||
           wrong("a bare value", "an object", "check the file");
  const std::string& k = key(3);
  const bool text = v.kind == JsonValue::Kind::text;
  if (k == wanted_) {
    if (v.kind != JsonValue::Kind::number)
      return wrong("no number", "a time", "a missing measurement is no latency: take it out");
    row_.time = v.number;
  } else if (k == "name" && text) {
    row_.name = v.text;
  } else if (k == "run_name" && text) {
    row_.run_name = v.text;
  } else if (k == "run_type" && text) {
    row_.run_type = v.text;
  } else if (k == "time_unit" && text) {
    row_.unit = v.text;
  } else if (k == "iterations" && v.kind == JsonValue::Kind::number) {
    bool inexact = false;
    row_.iterations =
        v.number.negative ? 0 : scaled(v.number, 0, inexact).value_or(kManyIterations);
  } else if (k == "error_occurred" || k == "skipped") {
    row_.failed = v.kind != JsonValue::Kind::boolean || v.boolean;
  }
  return true;
}

bool Reader::is_aggregate() const {
  if (!row_.run_type.empty()) return row_.run_type != "iteration";
  // Before version 1.5 only the name tells.
  return std::any_of(std::begin(kSuffixes), std::end(kSuffixes),
                     [&](const char* s) { return row_.name.ends_with(s); });
}

bool Reader::end_row() {
  const auto at = [&] { return path(2); };
  if (is_aggregate()) return ++aggregates_, true;
  if (row_.failed) return ++failed_, true;
  const auto unit = parse_unit(row_.unit);
  if (!row_.time)
    return stop(bad_input(fmt::format("{}: {}: no \"{}\"", where_, at(), one_line(wanted_, 60)),
                          fmt::format("{} real_time or cpu_time", kColumnFlag)));
  if (!unit)
    return stop(bad_input(fmt::format("{}: {}: \"time_unit\" is '{}', expected ns, us, ms or s",
                                      where_, at(), one_line(row_.unit, 60)),
                          "check the file"));
  if (row_.iterations < 1)
    return stop(bad_input(fmt::format("{}: {}: no \"iterations\" of 1 or more", where_, at()),
                          "without it a mean cannot be told from a single time"));
  const std::string name = row_.run_name.empty() ? row_.name : row_.run_name;
  const auto [found, fresh] = by_name_.try_emplace(name, groups_.size());
  if (fresh) {
    if (groups_.size() >= kMostSeries)
      return stop(
          bad_input(fmt::format("{}: {}: more than {} benchmarks", where_, at(), kMostSeries),
                    "split the file"));
    groups_.push_back({Collector(Format::google_benchmark, stem_of(where_), options_)});
    names_.push_back(name);
  }
  Group& g = groups_[found->second];
  g.least = std::min(g.least, row_.iterations);
  g.most = std::max(g.most, row_.iterations);
  const Refusal r = g.collector.add(*row_.time, *unit);
  return r == Refusal::none || stop(refused(r, where_, at() + "." + wanted_,
                                            fmt::format("{}{}e{}", row_.time->negative ? "-" : "",
                                                        row_.time->mantissa, row_.time->exponent),
                                            options_));
}

Result<std::vector<Series>> Reader::finish() {
  if (groups_.empty() && aggregates_ + failed_ > 0)
    return bad_input(
        fmt::format("{}: holds only aggregate rows ({}) and rows with an error ({}), expected "
                    "repetitions",
                    where_, aggregates_, failed_),
        "run it with --benchmark_repetitions=30 --benchmark_report_aggregates_only=false");
  std::vector<Collector> all;
  for (Group& g : groups_) {
    Collector& c = g.collector;
    if (g.most > 1) {
      c.series().averaged = true;
      c.note(fmt::format(
          "values are averages over {} iterations: no tail can be read from them",
          g.least == g.most ? std::to_string(g.most) : fmt::format("{} to {}", g.least, g.most)));
    }
    // Of the whole file, said once.
    if (all.empty() && aggregates_ > 0)
      c.note(fmt::format("aggregate rows left out: {}", aggregates_));
    if (all.empty() && failed_ > 0) c.note(fmt::format("rows with an error left out: {}", failed_));
    if (wanted_ != "real_time") c.note("column read: " + wanted_);
    all.push_back(std::move(c));
  }
  return finish_all(std::move(all), where_, names_);
}

}  // namespace

Result<std::vector<Series>> parse_google_benchmark(std::string_view bytes, std::string_view where,
                                                   const ReadOptions& options) {
  const std::string& c = options.column;
  if (!c.empty() && c != "real_time" && c != "cpu_time")
    return bad_input(
        fmt::format("{}: no column '{}', expected real_time or cpu_time", where, one_line(c, 60)),
        fmt::format("{} real_time", kColumnFlag));
  if (!options.unit.empty())
    return bad_input(
        fmt::format("{}: each row says its unit, but {} says {}", where, kUnitFlag, options.unit),
        fmt::format("leave out {}", kUnitFlag));
  Reader r(where, options);
  ASSAY_CHECK(r.walk(bytes));
  return r.finish();
}

}  // namespace assay::series
