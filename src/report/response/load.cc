// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <map>

#include "base/text.h"
#include "report/response/report.h"
#include "stream/cell.h"
#include "stream/record_check.h"

namespace assay::report {
namespace {

using store::Row;

constexpr int kMostRepetitions = 1'000'000;

tl::unexpected<Error> bad_row(const std::string& row, const std::string& why) {
  return bad_input(fmt::format("run folder: {}: {}", row, why),
                   "the evidence is damaged; `assay report RUN --verify` tells what else is");
}

// Members are named as those of stats::MachineEvidence; what is absent is unknown.
stats::MachineEvidence machine_from(const std::string& text, int64_t planned) {
  stats::MachineEvidence m;
  m.planned = planned;
  const auto parsed = parse_json(text, "machine_json");
  if (!parsed || !parsed->is_object()) return m;
  const auto count = [&](const char* name) -> std::optional<int64_t> {
    if (!parsed->contains(name) || !(*parsed)[name].is_number_integer()) return std::nullopt;
    const int64_t v = get_int(*parsed, name, -1);
    return v < 0 ? std::nullopt : std::optional(v);
  };
  const auto flag = [&](const char* name) -> std::optional<bool> {
    if (!parsed->contains(name) || !(*parsed)[name].is_boolean()) return std::nullopt;
    return (*parsed)[name].get<bool>();
  };
  m.throttle_events = count("throttle_events");
  m.involuntary_switches = count("involuntary_switches");
  m.major_faults = count("major_faults");
  m.migrations = count("migrations");
  m.steal_ticks = count("steal_ticks");
  if (parsed->contains("clock_drop") && (*parsed)["clock_drop"].is_number())
    m.clock_drop = std::clamp(get_double(*parsed, "clock_drop", 0), 0.0, 1.0);
  m.pinned = flag("pinned");
  m.memory_locked = flag("memory_locked");
  return m;
}

Result<stream::StreamLog> read_stream(store::RunFolder& run, const Row& row) {
  const std::string name = "frame_log " + one_line(row.text(0), 40);
  stream::StreamLog s;
  s.name = row.text(1);
  s.task = row.text(2);
  s.camera = static_cast<int>(row.integer(3));
  s.deadline_ns = row.integer(4);
  s.planned = row.integer(5);
  if (s.planned < 0 || s.planned > stream::kMostRecords || s.deadline_ns < 0)
    return bad_row(name, "a count or a deadline is not possible");
  ASSAY_TRY(const std::string bytes, run.read_blob(row.text(7)));
  ASSAY_TRY(s.records, stream::decode_records(bytes, name));
  if (std::ssize(s.records) != row.integer(6))
    return bad_row(
        name, fmt::format("says {} records, its blob has {}", row.integer(6), s.records.size()));
  ASSAY_CHECK(stream::check_records(s.records, name));
  s.machine = machine_from(row.text(8), s.planned);
  return s;
}

Result<stream::Repetition> read_block(store::RunFolder& run, const Row& block) {
  stream::Repetition r;
  r.index = static_cast<int>(block.integer(2));
  r.outcome = block.text(3);
  r.reason = block.text(4);
  r.wall_ns = block.integer(5);
  r.started = block.integer(6) != 0;
  if (r.index < 0 || r.index > kMostRepetitions)
    return bad_row("response_block " + one_line(block.text(0), 40),
                   "its repetition is not possible");
  ASSAY_TRY(const auto rows,
            run.db().query("SELECT frame_log_id, name, task, camera, deadline_ns, planned, n, "
                           "records_blob, machine_json FROM frame_log WHERE block_id = ? "
                           "ORDER BY process, stream",
                           {block.text(0)}));
  for (const Row& row : rows) {
    ASSAY_TRY(auto stream, read_stream(run, row));
    r.streams.push_back(std::move(stream));
  }
  return r;
}

}  // namespace

bool is_response_run(store::RunFolder& run) {
  const auto kind = run.meta("kind");
  return kind && *kind == "response";
}

Result<std::vector<stream::CellLog>> load_cell_logs(store::RunFolder& run) {
  ASSAY_TRY(const auto cells,
            run.db().query("SELECT cell_id, cell_json FROM response_cell ORDER BY ordinal"));
  std::vector<stream::CellLog> out;
  for (const Row& row : cells) {
    const std::string name = "response_cell " + one_line(row.text(0), 40);
    ASSAY_TRY(const Json json, parse_json(row.text(1), name));
    stream::CellLog log;
    ASSAY_TRY(log.cell, stream::cell_from_json(json, name));
    if (log.cell.id != row.text(0)) return bad_row(name, "its id is not that of its condition");
    ASSAY_TRY(
        const auto blocks,
        run.db().query("SELECT block_id, cell_id, repetition, outcome, reason, wall_ns, t0_ns FROM "
                       "response_block WHERE cell_id = ? AND outcome <> 'interrupted' "
                       "ORDER BY repetition, rowid",
                       {row.text(0)}));
    std::map<int64_t, const Row*> newest;
    for (const Row& block : blocks) newest[block.integer(2)] = &block;
    for (const auto& [repetition, block] : newest) {
      ASSAY_TRY(auto r, read_block(run, *block));
      log.repetitions.push_back(std::move(r));
    }
    out.push_back(std::move(log));
  }
  return out;
}

Result<stream::Results> load_response(store::RunFolder& run) {
  ASSAY_TRY(const std::string text, run.meta("plan_json"));
  ASSAY_TRY(const Json plan, parse_json(text, "plan_json"));
  stream::AnalyseOptions options;
  options.equality_margin = get_double(plan, "equality_margin", options.equality_margin);
  for (const Json& v : get_array(plan, "replay_fps"))
    if (v.is_number()) options.replay_fps.push_back(v.get<double>());
  options.seed = static_cast<uint64_t>(get_int(plan, "seed", 1));
  ASSAY_TRY(const auto logs, load_cell_logs(run));
  return stream::analyse(get_string(plan, "name"), logs, options);
}

}  // namespace assay::report
