// SPDX-License-Identifier: Apache-2.0
#include "audit/job.h"

#include <cstring>

#include "base/text.h"

namespace assay::audit {

void EventLog::add(std::string_view line) {
  text.append(line);
  text += '\n';
  auto j = parse_json(line, "event");
  if (j && j->is_object() && !get_string(*j, "event").empty())
    events.push_back(std::move(*j));
  else
    ++garbage;
}

const Json* EventLog::find(std::string_view event) const {
  for (auto it = events.rbegin(); it != events.rend(); ++it)
    if (get_string(*it, "event") == event) return &*it;
  return nullptr;
}

JobOutcome judge(const worker::ChildResult& child, const EventLog& log) {
  using worker::Outcome;
  switch (child.outcome) {
    case Outcome::cancelled:
      return {"interrupted", "stopped by the user"};
    case Outcome::timed_out:
      return {"hung", fmt::format("did not end within {}; killed",
                                  format_ns(static_cast<double>(child.wall_ns)))};
    case Outcome::out_of_memory:
      return {"out_of_memory", fmt::format("passed the memory limit at {}; killed",
                                           format_bytes(child.peak_memory_bytes))};
    case Outcome::signalled:
      return {"crashed",
              fmt::format("killed by signal {} ({})", child.signal, strsignal(child.signal))};
    case Outcome::exited:
      break;
  }
  if (const Json* e = log.find("error")) {
    const std::string kind = get_string(*e, "kind");
    return {kind == "unsupported" ? "unsupported" : "failed",
            one_line(kind + ": " + get_string(*e, "message"))};
  }
  const bool done = log.find("done") != nullptr;
  if (child.exit_code != 0) {
    return {done ? "lied" : "failed", fmt::format("ended with exit code {}{}", child.exit_code,
                                                  done ? " after it had reported done"
                                                       : " and no error event; see its stderr")};
  }
  if (!done) return {"lied", "ended with exit code 0 but never reported done"};
  if (log.garbage > 0)
    return {"lied", fmt::format("wrote {} lines that are no events", log.garbage)};
  if (child.event_overflow) return {"lied", "wrote more events than allowed"};
  return {"ok", ""};
}

Json isolation_record(const worker::ChildResult& child) {
  Json out = child.isolation;
  out["leftovers"] = Json::array();
  for (const worker::Leftover& l : child.leftovers) out["leftovers"].push_back(l.name);
  out["log_cut"] = child.log_cut;
  return out;
}

Status record_event(const Context& ctx, const std::string& job_id, std::string_view state,
                    const Json& detail) {
  return ctx.run.db().run(
      "INSERT INTO job_event(job_id, attempt_id, state, time_utc, monotonic_ns, detail_json) "
      "VALUES(?,?,?,?,?,?)",
      {job_id, ctx.attempt_id, std::string(state), utc_now(), monotonic_ns(), dump_json(detail)});
}

}  // namespace assay::audit
