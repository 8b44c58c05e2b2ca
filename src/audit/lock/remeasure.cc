// SPDX-License-Identifier: Apache-2.0
#include "audit/lock/remeasure.h"

#include "base/text.h"

namespace assay::audit {
namespace {

// Builders may send fractions of a ns; the statistics take whole ones, at least 1.
std::vector<int64_t> times_of(const Json& event) {
  std::vector<int64_t> out;
  for (const Json& t : get_array(event, "time_ns"))
    if (t.is_number() && t.get<double>() > 0 && t.get<double>() < 1e18)
      out.push_back(std::max<int64_t>(1, std::llround(t.get<double>())));
  return out;
}

RecordedCandidate recorded(const Json& j) {
  return {{get_string(j, "layer"), get_int(j, "number")},
          times_of(j),
          get_bool(j, "ok"),
          get_string(j, "candidate"),
          get_string(j, "source_sha256")};
}

}  // namespace

std::vector<RecordedCandidate> recorded_candidates(const EventLog& log) {
  std::vector<RecordedCandidate> out;
  for (const Json& e : log.events)
    if (get_string(e, "event") == "candidate" && get_int(e, "number", -1) >= 0)
      out.push_back(recorded(e));
  return out;
}

Json to_json(const std::vector<RecordedCandidate>& candidates) {
  Json out = Json::array();
  for (const RecordedCandidate& c : candidates)
    out.push_back({{"layer", c.name.layer},
                   {"number", c.name.number},
                   {"candidate", c.text},
                   {"ok", c.ok},
                   {"time_ns", c.times_ns},
                   {"source_sha256", c.source_sha256}});
  return out;
}

std::vector<RecordedCandidate> recorded_from_json(const Json& j) {
  std::vector<RecordedCandidate> out;
  if (j.is_array())
    for (const Json& c : j)
      if (get_int(c, "number", -1) >= 0) out.push_back(recorded(c));
  return out;
}

Json choices_json(const std::vector<CandidateName>& choices) {
  Json out = Json::array();
  for (const CandidateName& c : choices) out.push_back({{"layer", c.layer}, {"number", c.number}});
  return out;
}

MeasureSession measure_sessions(BuilderLaunch base, const fs::path& decisions,
                                std::vector<std::string> files, const fs::path& scratch) {
  int64_t session = 0;
  return [=, base = std::move(base), files = std::move(files)](
             const std::vector<CandidateName>& candidates, int64_t rounds,
             uint64_t seed) mutable -> Result<std::vector<MeasuredCandidate>> {
    const fs::path folder = scratch / fmt::format("measure-{}", session++);
    ASSAY_CHECK(make_dirs(folder));
    BuilderLaunch l = base;
    ASSAY_CHECK(ask_rebuild(l, decisions, files));
    l.request["action"] = "measure";
    l.request["candidates"] = choices_json(candidates);
    l.request["rounds"] = rounds;
    l.request["seed"] = seed >> 11;  // below 2^53, as every seed of the protocol
    ASSAY_TRY(BuilderResult r, launch_builder(l, folder));
    if (r.outcome.outcome == "interrupted") return fail(ExitCode::interrupted, "interrupted");
    if (r.outcome.outcome != "ok")
      return fail(ExitCode::verdict,
                  fmt::format("measuring {}: {}", r.outcome.outcome, r.outcome.reason));
    std::vector<MeasuredCandidate> out;
    for (const Json& e : r.log.events) {
      if (get_string(e, "event") != "candidate") continue;
      out.push_back({{get_string(e, "layer"), get_int(e, "number", -1)},
                     times_of(e),
                     get_string(e, "source_sha256"),
                     get_bool(e, "ok"),
                     get_string(e, "error")});
    }
    return out;
  };
}

}  // namespace assay::audit
