// SPDX-License-Identifier: Apache-2.0
// Arrays with one object a sample: trtexec --exportTimes and `assay bench --export-times`. And
// which tool a JSON file is of.
#include <algorithm>
#include <cmath>
#include <map>

#include "base/text.h"
#include "series/walk_json.h"

namespace assay::series {
namespace {

constexpr Unit kNs{"ns", 0}, kMs{"ms", 6};
constexpr const char* kKnown =
    "trtexec --exportTimes, Google Benchmark, hyperfine or assay bench --export-times";

// A duration of trtexec, not a point in time ("startComputeMs").
bool is_duration(std::string_view key) {
  return key.ends_with("Ms") && !key.starts_with("start") &&
         !(key.starts_with("end") && !key.starts_with("endToEnd"));
}

// Looks no further than the first element or the first telling key.
class Sniffer : public JsonWalker {
 public:
  using JsonWalker::JsonWalker;
  Format found = Format::automatic;
  bool numbers = false;  // an array of bare numbers

 private:
  bool on_open(bool array) override {
    // The key of an opened member stands one level up.
    if (depth() == 2 && !in_array(1) && array) {
      const std::string& k = key(1);
      if (k == "benchmarks") found = Format::google_benchmark;
      if (k == "results") found = Format::hyperfine;
    }
    return found == Format::automatic;
  }
  bool on_value(const JsonValue& v) override {
    if (depth() == 1 && in_array(1) && v.kind == JsonValue::Kind::number) numbers = true;
    if (depth() == 2 && in_array(1) && !in_array(2)) {
      const std::string& k = key(2);
      if (k == "latency_ns" || k == "launch") found = Format::bench;
      if (is_duration(k)) timed_ = true;
    }
    return found == Format::automatic && !numbers;
  }
  bool on_close(bool) override {
    if (depth() != 2 || !in_array(1)) return true;
    if (timed_) found = Format::trtexec;
    return false;
  }
  bool timed_ = false;
};

// A point in time on trtexec's axis.
bool is_moment(std::string_view key) { return key.ends_with("Ms") && !is_duration(key); }

// One object a sample.
class Rows : public JsonWalker {
 public:
  using JsonWalker::JsonWalker;

 protected:
  bool member() const { return depth() == 2 && in_array(1) && !in_array(2); }
  bool on_open(bool array) override {
    if (depth() == 1 ? !array : depth() == 2 && array)
      return wrong(array ? "an array" : "an object", "an array of objects, one a sample",
                   fmt::format("files that are read: {}", kKnown));
    return true;
  }
  bool outside(const JsonValue&) {
    return depth() >= 2 ||
           wrong("a bare value", "an object", fmt::format("files that are read: {}", kKnown));
  }
};

class Times : public Rows {
 public:
  Times(std::string_view where, const ReadOptions& options)
      : Rows(where, options),
        wanted_(options.column.empty() ? "latencyMs" : options.column),
        collector(Format::trtexec, stem_of(where), options) {}

 private:
  bool on_value(const JsonValue& v) override {
    if (!member()) return outside(v);
    if (key(2) != wanted_) {
      if (v.kind == JsonValue::Kind::number && is_moment(key(2))) {
        bool inexact = false;
        latest_ = std::max(latest_, scaled(v.number, kMs.power, inexact).value_or(0));
      }
      if (collector.size() == 0 && is_duration(key(2)) && names_.size() < 400)
        names_ += (names_.empty() ? "" : ", ") + one_line(key(2), 40);
      return true;
    }
    if (seen_) return wrong("a second time in one object", "it once", "check the file");
    seen_ = true;
    return add(collector, v, kMs);
  }
  bool on_close(bool) override {
    if (depth() != 2) return true;
    if (!seen_)
      return stop(
          bad_input(fmt::format("{}: {}: no \"{}\"{}", where_, path(1), one_line(wanted_, 60),
                                names_.empty() ? "" : ", but " + names_),
                    fmt::format("choose a duration in ms: {} computeMs", kColumnFlag)));
    seen_ = false;
    return true;
  }
  std::string wanted_, names_;
  bool seen_ = false;
  int64_t latest_ = 0;  // ns

 public:
  Collector collector;
  // trtexec keeps moments as float ms since its start (InferenceTrace), and durations are their
  // differences: one step of a float of 24 bits at the latest moment, in ns.
  double float_step() const {
    return latest_ <= 0 ? 0 : std::ldexp(1e6, std::ilogb(static_cast<double>(latest_) / 1e6) - 23);
  }
};

class Bench : public Rows {
 public:
  Bench(std::string_view where, const ReadOptions& options)
      : Rows(where, options),
        wanted_(options.column.empty() ? "latency_ns" : options.column),
        exact_(wanted_ == "latency_ns") {}
  std::vector<Collector> collectors;
  std::vector<std::string> parts;

 private:
  bool on_value(const JsonValue& v) override {
    if (!member()) return outside(v);
    const bool launch = key(2) == "launch", wanted = key(2) == wanted_;
    if (launch) {
      bool inexact = false;
      const auto n = v.kind == JsonValue::Kind::number && !v.number.negative
                         ? scaled(v.number, 0, inexact)
                         : std::nullopt;
      if (!n || inexact) return wrong("no launch number", "0, 1, 2, ...", "check the file");
      launch_ = *n;
    } else if (wanted) {
      if (v.kind != JsonValue::Kind::number)
        return wrong("no number", "a latency", "check the file");
      number_ = v.number;
    } else if (key(2) == "latencyMs" && v.kind == JsonValue::Kind::number) {
      milliseconds_ = v.number;
    }
    return true;
  }
  bool on_close(bool) override {
    if (depth() != 2) return true;
    // Without the exact ns the milliseconds do, unless they were asked for by name.
    const bool exact = exact_ && number_;
    const auto& d = number_ ? number_ : milliseconds_;
    if (!d || launch_ < 0)
      return stop(bad_input(fmt::format("{}: {}: no \"{}\"", where_, path(1),
                                        launch_ < 0 ? "launch" : wanted_.c_str()),
                            "expected the file of assay bench --export-times"));
    const auto [at, fresh] = by_launch_.try_emplace(launch_, collectors.size());
    if (fresh) {
      if (collectors.size() >= kMostSeries)
        return stop(
            bad_input(fmt::format("{}: {}: more than {} launches", where_, path(1), kMostSeries),
                      "split the file"));
      collectors.emplace_back(Format::bench, stem_of(where_), options_);
      collectors.back().series().launch = launch_;
      parts.push_back(fmt::format("launch {}", launch_));
    }
    const Refusal r = collectors[at->second].add(*d, exact ? kNs : kMs);
    if (r != Refusal::none)
      return stop(refused(r, where_, path(1),
                          fmt::format("{}{}", d->negative ? "-" : "", d->mantissa), options_));
    launch_ = -1;
    number_.reset();
    milliseconds_.reset();
    return true;
  }
  std::string wanted_;
  bool exact_;
  std::map<int64_t, size_t> by_launch_;
  std::optional<Decimal> number_, milliseconds_;
  int64_t launch_ = -1;
};

}  // namespace

Result<Format> json_layout(std::string_view bytes, std::string_view where) {
  const ReadOptions none;
  Sniffer s(where, none);
  ASSAY_CHECK(s.walk(bytes));
  if (s.found != Format::automatic) return s.found;
  return bad_input(
      fmt::format("{}: {}, expected the file of {}", where,
                  s.numbers ? "a JSON array of bare numbers" : "JSON of a layout that is not known",
                  kKnown),
      s.numbers ? "write one value a line (CSV)" : "write CSV, one value a line");
}

Result<std::vector<Series>> parse_times_json(std::string_view bytes, std::string_view where,
                                             const ReadOptions& options) {
  ASSAY_CHECK(unit_is_fixed(options, kMs, Format::trtexec, where));
  if (!options.column.empty() && !is_duration(options.column))
    return bad_input(
        fmt::format("{}: {} '{}' is no duration in ms, expected latencyMs, computeMs ...", where,
                    kColumnFlag, one_line(options.column, 60)),
        fmt::format("{} latencyMs", kColumnFlag));
  Times t(where, options);
  ASSAY_CHECK(t.walk(bytes));
  if (!options.column.empty() && options.column != "latencyMs")
    t.collector.note("column read: " + one_line(options.column, 60));
  const double step = t.float_step();
  if (step >= 10)
    t.collector.note(fmt::format(
        "durations are differences of 32-bit times: they are told apart by {:.0f} ns at "
        "the end of this run",
        step));
  std::vector<Collector> all;
  all.push_back(std::move(t.collector));
  ASSAY_TRY(auto out, finish_all(std::move(all), where, {}));
  out[0].tick_ns = std::max(out[0].tick_ns, step);
  return out;
}

Result<std::vector<Series>> parse_bench_json(std::string_view bytes, std::string_view where,
                                             const ReadOptions& options) {
  const std::string& c = options.column;
  if (!c.empty() && c != "latency_ns" && c != "latencyMs")
    return bad_input(
        fmt::format("{}: no column '{}', expected latency_ns or latencyMs", where, one_line(c, 60)),
        fmt::format("leave out {}", kColumnFlag));
  ASSAY_CHECK(unit_is_fixed(options, c == "latencyMs" ? kMs : kNs, Format::bench, where));
  Bench b(where, options);
  ASSAY_CHECK(b.walk(bytes));
  return finish_all(std::move(b.collectors), where, b.parts);
}

}  // namespace assay::series
