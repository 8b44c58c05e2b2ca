// SPDX-License-Identifier: Apache-2.0
// For tests: logs as `assay response` leaves them in a run folder.
#pragma once

#include <string>
#include <vector>

#include "base/text.h"
#include "store/run_folder.h"
#include "stream/cell.h"
#include "stream/record_check.h"

namespace assay::report {

inline Json machine_json(const stats::MachineEvidence& m) {
  Json j = Json::object();
  const auto add = [&](const char* key, const auto& v) {
    if (v) j[key] = *v;
  };
  add("throttle_events", m.throttle_events);
  add("involuntary_switches", m.involuntary_switches);
  add("major_faults", m.major_faults);
  add("migrations", m.migrations);
  add("steal_ticks", m.steal_ticks);
  add("clock_drop", m.clock_drop);
  add("pinned", m.pinned);
  add("memory_locked", m.memory_locked);
  return j;
}

// One row of response_block with its frame_log rows. `outcome`: over that of the repetition.
inline Status add_block(store::RunFolder& run, const std::string& cell_id,
                        const stream::Repetition& r, const std::string& outcome = "") {
  const std::string block = random_id();
  ASSAY_CHECK(run.db().run("INSERT INTO response_block VALUES(?,?,?,0,'a',?,?,0,?,'{}')",
                           {block, cell_id, int64_t{r.index}, outcome.empty() ? r.outcome : outcome,
                            r.reason, r.wall_ns}));
  for (size_t i = 0; i < r.streams.size(); ++i) {
    const stream::StreamLog& s = r.streams[i];
    ASSAY_TRY(const std::string blob, run.put_blob(stream::encode_records(s.records)));
    ASSAY_CHECK(run.db().run(
        "INSERT INTO frame_log VALUES(?,?,?,0,?,?,?,?,?,?,?,NULL,?,'{}',NULL,NULL)",
        {random_id(), block, static_cast<int64_t>(i), s.name, s.task, int64_t{s.camera},
         s.deadline_ns, s.planned, static_cast<int64_t>(s.records.size()), blob,
         dump_json(machine_json(s.machine))}));
  }
  return {};
}

inline Result<store::RunFolder> make_response_run(const fs::path& folder,
                                                  const std::vector<stream::CellLog>& logs,
                                                  const std::string& plan_json) {
  ASSAY_TRY(auto run, store::RunFolder::open_for_writing(folder));
  ASSAY_CHECK(run.set_meta("kind", "response"));
  ASSAY_CHECK(run.set_meta("plan_json", plan_json));
  ASSAY_CHECK(run.db().run("INSERT INTO attempt VALUES('a','b','m','2026-01-01','[]','{}','0')"));
  for (size_t i = 0; i < logs.size(); ++i) {
    ASSAY_CHECK(run.db().run(
        "INSERT INTO response_cell VALUES(?,?,?)",
        {logs[i].cell.id, static_cast<int64_t>(i), dump_json(stream::to_json(logs[i].cell))}));
    for (const stream::Repetition& r : logs[i].repetitions)
      ASSAY_CHECK(add_block(run, logs[i].cell.id, r));
  }
  return run;
}

}  // namespace assay::report
