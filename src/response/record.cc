// SPDX-License-Identifier: Apache-2.0
#include "response/record.h"

#include "audit/machine.h"
#include "base/text.h"
#include "stream/cell.h"

namespace assay::response {
namespace {

using store::Value;

constexpr const char* kBegun = "block_begun";
constexpr const char* kResumeFix =
    "run with the plan and machine it was started with, add --fresh to start anew, or name another "
    "folder with --out";

std::string environment_key(const Prepared& prepared) {
  std::string text = audit::machine_id() + "\n" + audit::cpu_name() + "\n" + ASSAY_VERSION + "\n";
  for (const Recipe& r : prepared.recipes)
    for (const Engine& e : r.engines)
      text += r.name.label + " " + e.sha256 + " " + e.packages_key + "\n";
  return sha256_hex(text);
}

std::string_view bytes_of(const std::vector<stream::FrameRecord>& records) {
  return {reinterpret_cast<const char*>(records.data()),
          records.size() * sizeof(stream::FrameRecord)};
}

// The stream of the process as its worker saw its machine; {} when the process never told.
Json machine_of(const audit::EventLog& log, size_t stream) {
  for (const Json& e : log.events)
    if (get_string(e, "event") == "stream_end" &&
        get_int(e, "stream", -1) == static_cast<int64_t>(stream))
      return get_object(e, "machine");
  return Json::object();
}

Json child_record(const ProcessEnd& p, const ProcessLayout& layout) {
  Json out{{"outcome", p.outcome.outcome},
           {"reason", p.outcome.reason},
           {"wall_ns", p.child.wall_ns},
           {"cpu_ns", p.child.cpu_ns},
           {"peak_memory_bytes", p.child.peak_memory_bytes},
           {"memory_method", p.child.memory_method},
           {"cpus", layout.cpus},
           {"isolation", audit::isolation_record(p.child)}};
  if (const Json* scaled = p.log.find("scaled_decode")) out["scaled_decode"] = *scaled;
  return out;
}

Status insert_block(store::RunFolder& run, const std::string& block_id, const BlockKey& key,
                    int position, const std::string& attempt_id, const std::string& outcome,
                    const std::string& reason, int64_t t0_ns, int64_t wall_ns, const Json& detail) {
  return run.db().run("INSERT INTO response_block VALUES(?,?,?,?,?,?,?,?,?,?)",
                      {block_id, key.cell_id, int64_t{key.repetition}, int64_t{position},
                       attempt_id, outcome, one_line(reason), t0_ns, wall_ns, dump_json(detail)});
}

}  // namespace

Status check_folder(const Plan& plan, store::RunFolder& run) {
  ASSAY_TRY(const std::string kind, run.meta("kind"));
  ASSAY_TRY(const std::string stored, run.meta("plan_json"));
  if (stored.empty() || (kind == "response" && stored == dump_json(to_json(plan)))) return {};
  return bad_input(fmt::format("run folder {} holds {}", run.folder().string(),
                               kind == "response" ? "a response run of another plan" : "an audit"),
                   kResumeFix);
}

Status open_evidence(const Plan& plan, const Prepared& prepared, store::RunFolder& run) {
  ASSAY_CHECK(check_folder(plan, run));
  const std::string plan_json = dump_json(to_json(plan));
  const std::string environment = environment_key(prepared);
  ASSAY_TRY(const std::string stored, run.meta("plan_json"));
  ASSAY_TRY(const std::string before, run.meta("environment_key"));
  if (!before.empty() && before != environment)
    return bad_input(fmt::format("run folder {} was made on another machine or with other engines",
                                 run.folder().string()),
                     kResumeFix);
  if (!stored.empty()) return {};
  ASSAY_TRY(auto t, store::Transaction::begin(run.db()));
  for (size_t i = 0; i < prepared.cells.size(); ++i)
    ASSAY_CHECK(run.db().run("INSERT INTO response_cell VALUES(?,?,?)",
                             {prepared.cells[i].id, static_cast<int64_t>(i),
                              dump_json(stream::to_json(prepared.cells[i]))}));
  for (const auto& [key, value] :
       std::map<std::string, std::string>{{"kind", "response"},
                                          {"run_id", random_id()},
                                          {"name", plan.name},
                                          {"seed", std::to_string(plan.seed)},
                                          {"assay_version", ASSAY_VERSION},
                                          {"created_utc", utc_now()},
                                          {"environment_key", environment},
                                          {"plan_sha256", sha256_hex(plan_json)},
                                          {"plan_json", plan_json}})
    ASSAY_CHECK(run.set_meta(key, value));
  return t.commit();
}

Result<std::string> store_attempt(store::RunFolder& run, const std::vector<std::string>& argv) {
  const std::string id = random_id();
  ASSAY_CHECK(
      run.db().run("INSERT INTO attempt VALUES(?,?,?,?,?,?,?)",
                   {id, audit::boot_id(), audit::machine_id(), utc_now(), dump_json(Json(argv)),
                    dump_json(audit::machine_record()), std::string(ASSAY_VERSION)}));
  return id;
}

Result<std::set<BlockKey>> done_blocks(store::RunFolder& run) {
  ASSAY_TRY(const auto rows, run.db().query("SELECT DISTINCT cell_id, repetition FROM "
                                            "response_block WHERE outcome<>'interrupted'"));
  std::set<BlockKey> out;
  for (const auto& r : rows) out.insert({r.text(0), static_cast<int>(r.integer(1))});
  return out;
}

Result<FailedBlocks> failed_blocks(store::RunFolder& run) {
  ASSAY_TRY(const auto rows,
            run.db().query("SELECT outcome, reason FROM response_block WHERE outcome NOT IN "
                           "('ok','interrupted') ORDER BY rowid"));
  FailedBlocks out;
  out.count = static_cast<int64_t>(rows.size());
  if (!rows.empty()) out.first = fmt::format("{}: {}", rows[0].text(0), rows[0].text(1));
  return out;
}

Status mark_begin(store::RunFolder& run, const BlockKey& key, int position,
                  const std::string& attempt_id) {
  return run.set_meta(kBegun, dump_json({{"cell_id", key.cell_id},
                                         {"repetition", key.repetition},
                                         {"position", position},
                                         {"attempt_id", attempt_id}}));
}

Status settle_cut(store::RunFolder& run) {
  ASSAY_TRY(const std::string begun, run.meta(kBegun));
  if (begun.empty()) return {};
  ASSAY_TRY(const Json j, parse_json(begun, kBegun));
  ASSAY_TRY(auto t, store::Transaction::begin(run.db()));
  ASSAY_CHECK(insert_block(run, random_id(),
                           {get_string(j, "cell_id"), static_cast<int>(get_int(j, "repetition"))},
                           static_cast<int>(get_int(j, "position")), get_string(j, "attempt_id"),
                           "interrupted", "the run ended while it ran", 0, 0, Json::object()));
  ASSAY_CHECK(run.set_meta(kBegun, ""));
  return t.commit();
}

Status store_block(store::RunFolder& run, const BlockKey& key, int position,
                   const std::string& attempt_id, const std::vector<ProcessLayout>& layouts,
                   const BlockEnd& end) {
  const std::string block_id = random_id();
  std::vector<std::vector<Value>> rows;
  for (size_t i = 0; i < end.processes.size(); ++i) {
    const ProcessEnd& p = end.processes[i];
    ASSAY_TRY(const std::string err, run.put_blob_file(p.stderr_file));
    ASSAY_TRY(const std::string events, run.put_blob(p.log.text));
    Value results;
    if (!p.results_file.empty()) {
      ASSAY_TRY(const std::string blob, run.put_blob_file(p.results_file));
      results = blob;
    }
    const Json child = child_record(p, layouts[i]);
    for (size_t s = 0; s < p.records.size(); ++s) {
      ASSAY_TRY(const std::string blob, run.put_blob(bytes_of(p.records[s])));
      const StreamPlace& place = layouts[i].streams[s];
      rows.push_back({random_id(), block_id, static_cast<int64_t>(i), static_cast<int64_t>(s),
                      place.name, place.task, int64_t{place.camera}, place.deadline_ns,
                      place.planned, static_cast<int64_t>(p.records[s].size()), blob, results,
                      dump_json(machine_of(p.log, s)), dump_json(child), err, events});
    }
  }
  Json detail{{"processes", end.processes.size()}};
  if (!end.co_runner.is_null()) detail["co_runner"] = end.co_runner;
  ASSAY_TRY(auto t, store::Transaction::begin(run.db()));
  ASSAY_CHECK(insert_block(run, block_id, key, position, attempt_id, end.outcome, end.reason,
                           end.t0_ns, end.wall_ns, detail));
  for (const auto& row : rows)
    ASSAY_CHECK(run.db().run("INSERT INTO frame_log VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)", row));
  ASSAY_CHECK(run.set_meta(kBegun, ""));
  return t.commit();
}

}  // namespace assay::response
