// SPDX-License-Identifier: Apache-2.0
// MetaSchedule's JSON database (src/meta_schedule/database/json_database.cc of TVM): a line of
// database_tuning_record.json is [workload, [[instructions, decisions], seconds or null, target,
// arguments]]; a line of database_workload.json is [structural hash, module in base64].
#include "base/files.h"
#include "base/text.h"
#include "diff/read/items.h"
#include "diff/read/read.h"
#include "diff/read/tuning.h"

namespace assay::diff {
namespace {

constexpr const char* kFix = "check the file: only MetaSchedule writes it";

class Reader {
 public:
  explicit Reader(std::string_view where) : where_(where), tasks_(where, engine_) {}

  Status workload(int64_t number, const Json& j) {
    if (!j.is_array() || j.size() != 2 || !j[0].is_string())
      return wrong(where_, fmt::format("database_workload.json line {}", number + 1), shown(j),
                   "[structural hash, module]", kFix);
    hashes_.push_back(j[0].get<std::string>());
    return {};
  }

  Status record(int64_t number, const Json& j, bool checked) {
    const std::string at = fmt::format("line {}", number + 1);
    if (!j.is_array() || j.size() != 2 || !j[0].is_number_integer() || !j[1].is_array() ||
        j[1].size() < 2 || !j[1][0].is_array() || j[1][0].size() != 2 || !j[1][0][0].is_array())
      return wrong(where_, at, shown(j), "[workload, [trace, seconds, target, arguments]]", kFix);
    const int64_t index = j[0].get<int64_t>();
    if (index < 0 || (checked && index >= static_cast<int64_t>(hashes_.size())))
      return wrong(where_, at, fmt::format("workload {}", index),
                   checked ? fmt::format("one of the {} of database_workload.json", hashes_.size())
                           : "a number from 0",
                   "keep both files of the database together");
    const Json& record = j[1];
    const std::string target = record.size() > 2 ? dump_json(record[2]) : "";
    const std::string key = fmt::format(
        "{}\n{}", checked ? hashes_[static_cast<size_t>(index)] : std::to_string(index), target);
    const std::string shapes = record.size() > 3 ? shapes_text(record[3]) : "";
    const std::string name = block(record[0][0]) + (shapes.empty() ? "" : " ") + shapes;
    Candidate c;
    c.number = number;
    const Json& seconds = record[1];
    // A record without times was never measured.
    c.ok = !seconds.is_null() && !(seconds.is_array() && seconds.empty());
    if (!c.ok) c.error = "no time was measured";
    c.text = fmt::format("decisions {} trace {}", one_line(choices(record[0][1]), 300),
                         short_hash(dump_json(record[0])));
    ASSAY_TRY(const size_t task, tasks_.task(key, name, at));
    return tasks_.add(task, std::move(c), seconds, at + ": seconds");
  }

  Result<EngineMap> finish(bool checked) {
    if (engine_.decisions.empty())
      return wrong(where_, "the file", "no records", "the records of a tuner", kFix);
    tasks_.finish();
    engine_.compiler = "TVM";
    engine_.source = "MetaSchedule database";
    if (!checked)
      engine_.notes.emplace_back("no database_workload.json: tasks are told apart by number only");
    engine_.notes.emplace_back("a database tells candidates, not the layers of the engine");
    return std::move(engine_);
  }

 private:
  // The first computation that a trace schedules, the operand of its GetBlock (0.24 on: GetSBlock).
  // Only the first: which others a trace names depends on the candidate. "root" names nothing.
  static std::string block(const Json& instructions) {
    for (const Json& i : instructions) {
      if (!i.is_array() || i.size() != 4 || (i[0] != "GetBlock" && i[0] != "GetSBlock")) continue;
      if (i[2].is_array() && !i[2].empty() && i[2][0].is_string() && i[2][0] != "root")
        return one_line(i[2][0].get_ref<const std::string&>(), 200);
    }
    return "task";
  }

  // "[2,8] [4,4]": what was sampled, without the instruction each belongs to.
  static std::string choices(const Json& decisions) {
    std::string out;
    for (const Json& d : decisions)
      if (d.is_array() && d.size() == 2) out += (out.empty() ? "" : " ") + dump_json(d[1]);
    return out.empty() ? "none" : out;
  }

  std::string_view where_;
  EngineMap engine_;
  Tasks tasks_;
  std::vector<std::string> hashes_;
};

}  // namespace

Result<EngineMap> parse_metaschedule(std::string_view records,
                                     std::optional<std::string_view> workloads,
                                     std::string_view where) {
  Reader r(where);
  if (workloads) {
    ASSAY_CHECK(walk_json_lines(
        *workloads, where, [&](int64_t number, const Json& j) { return r.workload(number, j); }));
  }
  ASSAY_CHECK(walk_json_lines(records, where, [&](int64_t number, const Json& j) {
    return r.record(number, j, workloads.has_value());
  }));
  return r.finish(workloads.has_value());
}

}  // namespace assay::diff
