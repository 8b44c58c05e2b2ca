// SPDX-License-Identifier: Apache-2.0
// Tuning logs of TVM: AutoTVM (autotvm/record.py, version 0.2) and AutoScheduler
// (measure_record.cc, versions v0.1 to v0.6).
#include <set>

#include "base/files.h"
#include "base/text.h"
#include "diff/read/items.h"
#include "diff/read/read.h"
#include "diff/read/tuning.h"

namespace assay::diff {
namespace {

constexpr const char* kFix = "check the file: only a tuner writes it";
// MeasureErrorNo of both tuners.
constexpr const char* kErrors[] = {"NO_ERROR",       "INSTANTIATION_ERROR", "COMPILE_HOST",
                                   "COMPILE_DEVICE", "RUNTIME_DEVICE",      "WRONG_ANSWER",
                                   "BUILD_TIMEOUT",  "RUN_TIMEOUT",         "UNKNOWN_ERROR"};

class Reader {
 public:
  explicit Reader(std::string_view where) : where_(where), tasks_(where, engine_) {}

  Status line(int64_t number, const Json& j) {
    const std::string at = fmt::format("line {}", number + 1);
    const bool auto_tvm = j.is_object() && j.contains("input");
    if (!auto_tvm && !(j.is_object() && j.contains("i")))
      return wrong(where_, at, shown(j), "a record with \"input\" or \"i\"", kFix);
    (auto_tvm ? auto_tvm_ : auto_scheduler_) = true;
    if (auto_tvm_ && auto_scheduler_)
      return wrong(where_, at, "a record of the other tuner", "records of one tuner",
                   "keep the logs of AutoTVM and AutoScheduler apart");
    Candidate c;
    c.number = number;
    return auto_tvm ? autotvm(j, at, std::move(c)) : autoscheduler(j, at, std::move(c));
  }

  Result<EngineMap> finish() {
    if (engine_.decisions.empty())
      return wrong(where_, "the file", "no records", "the log of a tuner", kFix);
    tasks_.finish();
    engine_.compiler = "TVM";
    engine_.source = auto_tvm_ ? "AutoTVM log" : "AutoScheduler log";
    if (versions_.size() == 1) engine_.version = *versions_.begin();
    if (versions_.size() > 1) engine_.notes.emplace_back("records of several versions of TVM");
    if (targets_.size() > 1) engine_.notes.emplace_back("records of several targets");
    engine_.notes.emplace_back("a tuning log tells candidates, not the layers of the engine");
    return std::move(engine_);
  }

 private:
  Status autotvm(const Json& j, const std::string& at, Candidate c) {
    const double version = get_double(j, "version");
    if (version != 0.2)
      return wrong(where_, at + ".version", j.contains("version") ? shown(j["version"]) : "absent",
                   "0.2", "write the log with TVM 0.7 or later");
    const Json& input = get_array(j, "input");
    if (input.size() != 4 || !input[1].is_string() || !input[2].is_array())
      return wrong(where_, at + ".input", shown(j["input"]), "[target, task, arguments, {}]", kFix);
    const Json& config = get_object(j, "config");
    if (!config.contains("entity") || !config["entity"].is_array())
      return wrong(where_, at + ".config", "no \"entity\"", "the values of a configuration", kFix);
    c.text = config_text(config);
    if (const std::string v = get_string(j, "tvm_version"); !v.empty()) versions(v);
    target(input[0]);
    const std::string shapes = shapes_text(input[2]);
    const auto& name = input[1].get_ref<const std::string&>();
    ASSAY_TRY(const size_t task,
              tasks_.task(dump_json(input), name + (shapes.empty() ? "" : " ") + shapes, at));
    return result(get_array(j, "result"), at + ".result", task, std::move(c));
  }

  // As str(ConfigEntity) of TVM, which the builder sends as the candidate's text.
  static std::string config_text(const Json& config) {
    std::string out = "[";
    for (const Json& e : config["entity"]) {
      if (!e.is_array() || e.size() != 3) continue;
      out += fmt::format("{}({}, {})", out.size() > 1 ? ", " : "", python_text(e[0]),
                         python_text(e[2]));
    }
    const std::string hash = get_string(config, "code_hash", "None");
    return fmt::format("{}],{},{}", out, hash, get_int(config, "index", -1));
  }

  Status autoscheduler(const Json& j, const std::string& at, Candidate c) {
    if (!get_string(j, "v").starts_with("v0."))
      return wrong(where_, at + ".v", j.contains("v") ? shown(j["v"]) : "absent", "v0.6",
                   "write the log with TVM 0.14 to 0.19");
    const Json& i = get_array(j, "i");
    if (i.size() != 2 || !i[0].is_array() || i[0].size() < 2 || !i[0][0].is_string() ||
        !i[1].is_array() || i[1].size() != 2)
      return wrong(where_, at + ".i", shown(j["i"]), "[[workload key, target, ...], [[], steps]]",
                   kFix);
    const std::string key = i[0][0].get_ref<const std::string&>();
    target(i[0][1]);
    // The steps are long: their hash tells them apart, the line finds them.
    c.text = "steps " + sha256_hex(dump_json(i[1][1])).substr(0, 16);
    ASSAY_TRY(const size_t task,
              tasks_.task(key + "\n" + dump_json(i[0][1]), workload_name(key), at));
    return result(get_array(j, "r"), at + ".r", task, std::move(c));
  }

  // "1x3x8x8 16x3x3x3 1b2c3d4e" of the key ["hash", [1, 3, 8, 8], [16, 3, 3, 3]].
  static std::string workload_name(const std::string& key) {
    std::string out;
    if (const auto parsed = parse_bounded(key, "key"); parsed && parsed->is_array())
      for (size_t k = 1; k < parsed->size(); ++k) {
        const Json& part = (*parsed)[k];
        std::string text;
        for (const Json& extent : part)
          text += (text.empty() ? "" : "x") + one_line(dump_json(extent), 40);
        out += text + " ";
      }
    return out + short_hash(key);
  }

  Status result(const Json& r, const std::string& at, size_t task, Candidate c) {
    if (r.size() != 4 || !r[1].is_number_integer())
      return wrong(where_, at, r.empty() ? "absent" : shown(r), "[times, error number, cost, time]",
                   kFix);
    const int64_t error = r[1].get<int64_t>();
    c.ok = error == 0;
    if (!c.ok)
      c.error = fmt::format("error {}{}", error,
                            error > 0 && error < static_cast<int64_t>(std::size(kErrors))
                                ? std::string(": ") + kErrors[error]
                                : "");
    return tasks_.add(task, std::move(c), r[0], at);
  }

  void versions(const std::string& v) {
    if (versions_.size() < 8) versions_.insert(one_line(v, 60));
  }
  void target(const Json& t) {
    if (targets_.size() < 8) targets_.insert(dump_json(t));
  }

  std::string_view where_;
  EngineMap engine_;
  Tasks tasks_;
  bool auto_tvm_ = false, auto_scheduler_ = false;
  std::set<std::string> versions_, targets_;
};

}  // namespace

Result<EngineMap> parse_tvm_log(std::string_view text, std::string_view where) {
  Reader r(where);
  ASSAY_CHECK(walk_json_lines(text, where,
                              [&](int64_t number, const Json& j) { return r.line(number, j); }));
  return r.finish();
}

}  // namespace assay::diff
