// SPDX-License-Identifier: Apache-2.0
#include "audit/lock/select_internal.h"
#include "base/text.h"
#include "stats/json.h"

namespace assay::audit {
namespace {

Json text_or_null(const std::string& s) { return s.empty() ? Json(nullptr) : Json(s); }

Json recorded_json(const SelectTask& t, size_t i) {
  const stats::NearTie& tie = t.near.candidates[i];
  return {{"number", t.recorded[i]->name.number},
          {"text", one_line(t.recorded[i]->text)},
          {"recorded_ns", stats::number(tie.time_ns)},
          {"recorded_lower_ns", stats::number(tie.lower_ns)},
          {"recorded_upper_ns", stats::number(tie.upper_ns)}};
}

Json kept_json(const SelectTask& t, size_t k) {
  Json j = recorded_json(t, t.near.kept[k]);
  j["source_sha256"] = text_or_null(t.hashes[k]);
  if (t.result.candidates.empty()) {
    j["outcome"] = t.reasons[k].empty() ? "kept" : "dropped";
  } else {
    const stats::SelectionCandidate& c = t.result.candidates[k];
    j.update(stats::to_json(c));
    j["against"] = t.recorded[t.near.kept[c.against]]->name.number;
  }
  if (t.merged[k]) j["outcome"] = std::string(stats::tie_word(stats::TieOutcome::merged));
  j["reason"] = text_or_null(t.reasons[k]);
  Json times = Json::array();
  for (const stats::SessionTimes& s : t.sessions)
    if (!s[k].empty()) times.push_back(s[k]);
  j["times_ns"] = std::move(times);
  return j;
}

Json task_json(const SelectTask& t) {
  Json candidates = Json::array();
  for (size_t k = 0; k < t.near.kept.size(); ++k) candidates.push_back(kept_json(t, k));
  int64_t slower = 0, unusable = 0;
  for (size_t i = 0; i < t.recorded.size(); ++i) {
    const stats::NearTie& tie = t.near.candidates[i];
    slower += tie.outcome == stats::TieOutcome::slower;
    unusable += tie.outcome == stats::TieOutcome::unusable;
    if (tie.outcome != stats::TieOutcome::cut && tie.outcome != stats::TieOutcome::merged) continue;
    Json j = recorded_json(t, i);
    j["outcome"] = std::string(stats::tie_word(tie.outcome));
    if (tie.outcome == stats::TieOutcome::merged)
      j["reason"] =
          fmt::format("the same as candidate {}", t.recorded[tie.merged_into]->name.number);
    candidates.push_back(std::move(j));
  }
  Json looks = Json::array();
  for (const stats::SelectionLook& l : t.result.looks) looks.push_back(stats::to_json(l));
  Json chosen = nullptr;
  if (t.chosen)
    chosen = {{"number", t.chosen->name.number}, {"source_sha256", text_or_null(t.chosen_sha256)}};
  return {
      {"layer", one_line(t.layer)},
      {"status", std::string(stats::selection_word(t.status))},
      {"chosen", std::move(chosen)},
      {"rule", t.rule},
      {"fastest_recorded",
       t.near.kept.empty() ? Json(nullptr) : Json(t.recorded[t.near.kept.front()]->name.number)},
      {"recorded", t.recorded.size()},
      {"near", t.near.kept.size()},
      {"cut", t.near.cut},
      {"slower", slower},
      {"unusable", unusable},
      {"spread", stats::number(t.near.spread)},
      {"sessions", t.sessions.size()},
      {"looks", std::move(looks)},
      {"candidates", std::move(candidates)}};
}

}  // namespace

Json select_json(const std::vector<SelectTask>& tasks, const std::vector<SelectSession>& sessions,
                 const SelectOptions& options, const SelectCounts& counts) {
  Json told = Json::array(), of_tasks = Json::array();
  for (const SelectSession& s : sessions)
    told.push_back({{"seed", s.seed},
                    {"candidates", s.candidates},
                    {"attempts", s.attempts},
                    {"error", text_or_null(s.error)}});
  for (const SelectTask& t : tasks) of_tasks.push_back(task_json(t));
  return {{"method", "stable"},
          {"margin", stats::number(options.margin)},
          {"alpha", stats::number(options.alpha)},
          {"floor", stats::number(options.floor)},
          {"rounds", options.rounds},
          {"sessions_most", options.sessions},
          {"candidates_most", options.candidates},
          {"seed", options.seed},
          {"counts",
           {{"tasks", counts.tasks},
            {"lone", counts.lone},
            {"decided", counts.decided},
            {"equivalent", counts.equivalent},
            {"undecided", counts.undecided},
            {"unchosen", counts.unchosen},
            {"changed", counts.changed},
            {"sessions", counts.sessions},
            {"failed_sessions", counts.failed_sessions}}},
          {"sessions", std::move(told)},
          {"tasks", std::move(of_tasks)}};
}

}  // namespace assay::audit
