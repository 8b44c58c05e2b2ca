// SPDX-License-Identifier: Apache-2.0
// --export-json of hyperfine: {"results": [{"command", "times": [s, ...], "exit_codes": [...]}]}.
#include "base/text.h"
#include "series/walk_json.h"

namespace assay::series {
namespace {

constexpr Unit kS{"s", 9};

class Reader : public JsonWalker {
 public:
  using JsonWalker::JsonWalker;
  std::vector<Collector> collectors;
  std::vector<std::string> commands;

 private:
  bool in_results() const { return depth() >= 2 && !in_array(1) && key(1) == "results"; }
  bool in_result() const { return depth() == 3 && in_results() && in_array(2) && !in_array(3); }
  bool in_list(const char* name) const {
    return depth() == 4 && in_results() && in_array(2) && !in_array(3) && in_array(4) &&
           key(3) == name;
  }

  bool on_open(bool array) override {
    if (depth() == 3 && in_results()) {
      if (array) return wrong("an array", "an object", "check the file");
      if (collectors.size() >= kMostSeries)
        return stop(
            bad_input(fmt::format("{}: {}: more than {} commands", where_, path(2), kMostSeries),
                      "split the file"));
      collectors.emplace_back(Format::hyperfine, stem_of(where_), options_);
      commands.emplace_back();
      runs_ = failed_ = 0;
    }
    return true;
  }
  bool on_value(const JsonValue& v) override {
    if (depth() == 2 && in_results() && in_array(2))
      return wrong("a bare value", "an object", "check the file");
    if (in_result() && key(3) == "command" && v.kind == JsonValue::Kind::text)
      commands.back() = v.text;
    if (in_list("times")) return add(collectors.back(), v, kS);
    if (in_list("exit_codes")) {
      // null: ended by a signal.
      ++runs_;
      failed_ += !(v.kind == JsonValue::Kind::number && v.number.zero());
    }
    return true;
  }
  bool on_close(bool) override {
    if (!in_result()) return true;
    if (collectors.back().size() == 0)
      return stop(
          bad_input(fmt::format("{}: {}: no \"times\", expected a list of runs", where_, path(2)),
                    "export with hyperfine --export-json"));
    if (failed_ > 0)
      collectors.back().note(
          fmt::format("runs that ended with a non-zero exit code: {} of {}", failed_, runs_));
    return true;
  }
  int64_t runs_ = 0, failed_ = 0;
};

}  // namespace

Result<std::vector<Series>> parse_hyperfine(std::string_view bytes, std::string_view where,
                                            const ReadOptions& options) {
  ASSAY_CHECK(unit_is_fixed(options, kS, Format::hyperfine, where));
  if (!options.column.empty() && options.column != "times")
    return bad_input(
        fmt::format("{}: no column '{}', expected times", where, one_line(options.column, 60)),
        fmt::format("leave out {}", kColumnFlag));
  Reader r(where, options);
  ASSAY_CHECK(r.walk(bytes));
  return finish_all(std::move(r.collectors), where, r.commands);
}

}  // namespace assay::series
