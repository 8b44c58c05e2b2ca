// SPDX-License-Identifier: Apache-2.0
// One build or one launch: spawn the child, listen, judge what it handed over, record all of it in
// one transaction.
#pragma once

#include <atomic>
#include <string>

#include "audit/engine.h"
#include "audit/prepare.h"
#include "audit/schedule.h"
#include "store/run_folder.h"
#include "worker/child.h"

namespace assay::audit {

struct Context {
  const Plan& plan;
  const Prepared& prepared;
  store::RunFolder& run;
  std::string attempt_id;
  const std::atomic<bool>* cancel = nullptr;
  int measure_cpu = 0;       // the last allowed one
  int other_cpu = 0;         // where samplers run; equal to measure_cpu on one CPU
  bool layer_times = false;  // as AuditOptions
};

// How a job ended, as stored in build.outcome and launch.outcome.
struct JobOutcome {
  std::string
      outcome;  // ok | unsupported | failed | crashed | hung | out_of_memory | lied | interrupted
  std::string reason;  // one line, "" when ok
};

// An Error means that assay could not record (disk full, run folder gone) or could not start
// children at all.
Result<JobOutcome> run_build(const Context& ctx, const Job& job);
// `build_id` of an ok build. Outputs on all inputs in launch 0 (and in every launch of compilers
// that decide at load or first run), on the first 32 in the others.
Result<JobOutcome> run_launch(const Context& ctx, const Job& job, const std::string& build_id);

// isolation_json of a build or launch: what isolation it had, the processes it left behind, whether
// its log was cut.
Json isolation_record(const worker::ChildResult& child);

Status record_event(const Context& ctx, const std::string& job_id, std::string_view state,
                    const Json& detail = Json::object());

// Events a child sent, kept as text (evidence) and parsed. Lines that are no JSON object are
// counted, not fatal: the child is then told a liar.
struct EventLog {
  std::string text;
  std::vector<Json> events;
  int64_t garbage = 0;
  void add(std::string_view line);
  const Json* find(std::string_view event) const;  // last of that name
};

// What the process's end and its events say together, before anything it handed over is looked at.
JobOutcome judge(const worker::ChildResult& child, const EventLog& log);

}  // namespace assay::audit
