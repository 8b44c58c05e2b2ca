// SPDX-License-Identifier: Apache-2.0
// Rows and blobs of store/schema/003.sql as logs. A run folder may come from anywhere: what cannot
// be is a usage error that names its row.
#include <algorithm>
#include <climits>
#include <cmath>
#include <map>
#include <set>

#include "base/text.h"
#include "report/response/report.h"
#include "stream/cell.h"
#include "stream/record_check.h"
#include "stream/result_json.h"

namespace assay::report {
namespace {

using store::Row;

constexpr int64_t kMostRepetitions = 1'000'000;
constexpr const char* kOutcomes[] = {"ok", "failed", "crashed", "hung", "out_of_memory", "lied"};

std::string row_name(const char* table, const std::string& id) {
  return fmt::format("{} {}", table, one_line(id, 40));
}

tl::unexpected<Error> bad_row(const std::string& row, const std::string& why) {
  return bad_input(fmt::format("{}: {}", row, why),
                   "the evidence was changed; `assay report RUN --verify` tells what else is");
}

// One member of machine_json; absent or null: unknown.
class MachineReader {
 public:
  explicit MachineReader(const Json& j) : j_(j) {}
  void count(const char* key, std::optional<int64_t>& out) {
    const Json* v = find(key);
    if (v == nullptr) return;
    if (!v->is_number_integer() || get_int(j_, key, -1) < 0)
      fault_ = fmt::format("{} is no count", key);
    else
      out = get_int(j_, key);
  }
  void flag(const char* key, std::optional<bool>& out) {
    const Json* v = find(key);
    if (v == nullptr) return;
    if (!v->is_boolean())
      fault_ = fmt::format("{} is neither true nor false", key);
    else
      out = v->get<bool>();
  }
  void share(const char* key, std::optional<double>& out) {
    const Json* v = find(key);
    if (v == nullptr) return;
    const double share = v->is_number() ? v->get<double>() : -1;
    if (!(share >= 0 && share <= 1))
      fault_ = fmt::format("{} is no share", key);
    else
      out = share;
  }
  const std::string& fault() const { return fault_; }

 private:
  const Json* find(const char* key) const {
    const auto it = j_.find(key);
    return it == j_.end() || it->is_null() ? nullptr : &*it;
  }
  const Json& j_;
  std::string fault_;
};

// Members are named as those of stats::MachineEvidence; others are not read. `planned` stays 0:
// frames that did not come are counted by the accounting, and warm-up is none of the series.
Result<stats::MachineEvidence> machine_from(const std::string& text, const std::string& row) {
  ASSAY_TRY(const Json j, parse_json(text, row + ": machine_json"));
  if (!j.is_object()) return bad_row(row, "machine_json is no object");
  stats::MachineEvidence m;
  MachineReader read(j);
  read.count("throttle_events", m.throttle_events);
  read.count("involuntary_switches", m.involuntary_switches);
  read.count("major_faults", m.major_faults);
  read.count("migrations", m.migrations);
  read.count("steal_ticks", m.steal_ticks);
  read.share("clock_drop", m.clock_drop);
  read.flag("pinned", m.pinned);
  read.flag("memory_locked", m.memory_locked);
  std::optional<bool> scripted;
  read.flag("scripted", scripted);
  m.scripted = scripted.value_or(false);
  if (!read.fault().empty()) return bad_row(row, "machine_json: " + read.fault());
  return m;
}

Result<stream::StreamLog> read_stream(store::RunFolder& run, const Row& row) {
  const std::string name = row_name("frame_log", row.text(0));
  const int64_t camera = row.integer(3), deadline = row.integer(4), planned = row.integer(5);
  if (camera < 0 || camera > INT_MAX) return bad_row(name, fmt::format("camera is {}", camera));
  if (deadline < 0) return bad_row(name, fmt::format("deadline_ns is {}", deadline));
  if (planned < 0 || planned > stream::kMostRecords)
    return bad_row(name, fmt::format("planned is {}", planned));
  stream::StreamLog s;
  s.name = row.text(1);
  s.task = row.text(2);
  s.camera = static_cast<int>(camera);
  s.deadline_ns = deadline;
  s.planned = planned;
  const auto bytes = run.read_blob(row.text(7));
  if (!bytes) return bad_row(name, "its records cannot be read: " + bytes.error().message);
  ASSAY_TRY(s.records, stream::decode_records(*bytes, name));
  if (std::ssize(s.records) != row.integer(6))
    return bad_row(
        name, fmt::format("says {} records, its blob holds {}", row.integer(6), s.records.size()));
  ASSAY_CHECK(stream::check_records(s.records, name));
  ASSAY_TRY(s.machine, machine_from(row.text(8), name));
  return s;
}

Result<stream::Repetition> read_block(store::RunFolder& run, const Row& block) {
  const std::string name = row_name("response_block", block.text(0));
  const int64_t index = block.integer(1), wall = block.integer(4);
  stream::Repetition r;
  r.outcome = block.text(2);
  r.reason = block.text(3);
  if (index < 0 || index > kMostRepetitions)
    return bad_row(name, fmt::format("repetition is {}", index));
  if (wall < 0) return bad_row(name, fmt::format("wall_ns is {}", wall));
  if (std::find(std::begin(kOutcomes), std::end(kOutcomes), r.outcome) == std::end(kOutcomes))
    return bad_row(name, fmt::format("outcome \"{}\" is no word", one_line(r.outcome, 40)));
  r.index = static_cast<int>(index);
  r.wall_ns = wall;
  r.started = block.integer(5) != 0;
  ASSAY_TRY(
      const auto rows,
      run.db().query("SELECT frame_log_id, name, task, camera, deadline_ns, planned, n, "
                     "records_blob, machine_json, process, stream, child_json FROM frame_log WHERE "
                     "block_id = ? ORDER BY process, stream",
                     {block.text(0)}));
  std::set<std::pair<int64_t, int64_t>> seen;
  for (const Row& row : rows) {
    if (!seen.emplace(row.integer(9), row.integer(10)).second)
      return bad_row(
          row_name("frame_log", row.text(0)),
          fmt::format("stream {} of process {} is there twice", row.integer(10), row.integer(9)));
    ASSAY_TRY(auto stream, read_stream(run, row));
    r.streams.push_back(std::move(stream));
    const auto child = parse_json(row.text(11), "child_json");
    if (child && !r.scaled)
      r.scaled = stream::scaled_from_json(get_object(*child, "scaled_decode"));
  }
  return r;
}

Result<stream::CellLog> read_cell(store::RunFolder& run, const Row& row) {
  const std::string name = row_name("response_cell", row.text(0));
  stream::CellLog log;
  ASSAY_TRY(const Json json, parse_json(row.text(1), name));
  ASSAY_TRY(log.cell, stream::cell_from_json(json, name));
  if (log.cell.id != row.text(0)) return bad_row(name, "its id is not that of its condition");
  ASSAY_TRY(const auto blocks,
            run.db().query("SELECT block_id, repetition, outcome, reason, wall_ns, t0_ns FROM "
                           "response_block WHERE cell_id = ? AND outcome <> 'interrupted' "
                           "ORDER BY repetition, rowid",
                           {row.text(0)}));
  std::map<int64_t, const Row*> newest;
  for (const Row& block : blocks) newest[block.integer(1)] = &block;
  for (const auto& [repetition, block] : newest) {
    ASSAY_TRY(auto r, read_block(run, *block));
    log.repetitions.push_back(std::move(r));
  }
  return log;
}

Result<stream::AnalyseOptions> options_from(const Json& plan) {
  const auto wrong = [](const char* what) { return bad_row("meta plan_json", what); };
  if (!plan.is_object()) return wrong("is no object");
  stream::AnalyseOptions o;
  o.equality_margin = get_double(plan, "equality_margin", o.equality_margin);
  if (!(o.equality_margin > 0 && o.equality_margin <= 1))
    return wrong("equality_margin is not in (0, 1]");
  for (const Json& v : get_array(plan, "replay_fps")) {
    const double fps = v.is_number() ? v.get<double>() : 0;
    if (!(fps > 0 && std::isfinite(fps))) return wrong("replay_fps holds what is no rate");
    o.replay_fps.push_back(fps);
  }
  const auto seed = plan.find("seed");
  if (seed == plan.end()) return o;
  if (!seed->is_number_unsigned() && get_int(plan, "seed", -1) < 0)
    return wrong("seed is no whole number");
  o.seed = seed->is_number_unsigned() ? seed->get<uint64_t>()
                                      : static_cast<uint64_t>(get_int(plan, "seed"));
  return o;
}

}  // namespace

bool is_response_run(store::RunFolder& run) {
  const auto kind = run.meta("kind");
  return kind && *kind == "response";
}

Result<std::vector<stream::CellLog>> load_cell_logs(store::RunFolder& run) {
  if (!is_response_run(run))
    return bad_input(fmt::format("{} holds no response run", run.folder().string()),
                     "name a folder that `assay response` wrote");
  ASSAY_TRY(const auto cells,
            run.db().query("SELECT cell_id, cell_json FROM response_cell ORDER BY ordinal"));
  std::vector<stream::CellLog> out;
  for (const Row& row : cells) {
    ASSAY_TRY(auto log, read_cell(run, row));
    out.push_back(std::move(log));
  }
  return out;
}

Result<stream::Results> load_response(store::RunFolder& run) {
  ASSAY_TRY(const auto logs, load_cell_logs(run));
  ASSAY_TRY(const std::string text, run.meta("plan_json"));
  ASSAY_TRY(const Json plan, parse_json(text, "meta plan_json"));
  ASSAY_TRY(const auto options, options_from(plan));
  return stream::analyse(get_string(plan, "name"), logs, options);
}

}  // namespace assay::report
