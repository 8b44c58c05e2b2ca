// SPDX-License-Identifier: Apache-2.0
// Comparisons, verdicts and findings of the newest derivation.
#include "report/loader.h"

namespace assay::report {

Status Loader::derivation() {
  ASSAY_TRY(auto row,
            run_.db().first("SELECT derivation_id, time_utc, assay_version, result_sha256 "
                            "FROM derivation ORDER BY seq DESC LIMIT 1"));
  if (!row) return {};
  model_.derivation = Derivation{row->text(0), row->text(1), row->text(2), row->text(3)};
  ASSAY_CHECK(comparisons());
  return verdicts();
}

Status Loader::comparisons() {
  const std::string& id = model_.derivation->id;
  ASSAY_TRY(auto rows, run_.db().query("SELECT recipe_id, comparison_id, scope, a, b, output, n, "
                                       "bitwise_different, top1_mismatch, metrics_json FROM "
                                       "comparison WHERE derivation_id = ? ORDER BY rowid",
                                       {id}));
  for (const auto& r : rows) {
    auto it = recipes_.find(r.text(0));
    if (it == recipes_.end()) continue;
    Comparison c;
    c.ref = next('c');
    c.id = r.text(1);
    c.scope = r.text(2);
    c.a = r.text(3);
    c.b = r.text(4);
    c.output = r.text(5);
    c.n = r.integer(6);
    c.bitwise_different = r.integer(7);
    if (!r.null(8)) c.top1_mismatch = r.integer(8);
    c.metrics = json_column(r, 9, "comparison.metrics_json");
    const auto index_of = [&](const std::string& launch) -> int64_t {
      auto l = launches_.find(launch);
      if (l == launches_.end()) return -1;
      return c.scope == "launches" ? l->second->index : build_of_launch_[launch]->index;
    };
    c.a_index = index_of(c.a);
    c.b_index = index_of(c.b);
    it->second->comparisons.push_back(std::move(c));
  }
  std::unordered_map<std::string, Comparison*> by_id;
  for (auto& [recipe_id, recipe] : recipes_)
    for (auto& c : recipe->comparisons) by_id[c.id] = &c;
  ASSAY_TRY(rows,
            run_.db().query("SELECT comparison_id, input, a_top1, b_top1, a_margin, b_margin, "
                            "probability_change FROM flip WHERE derivation_id = ? "
                            "ORDER BY comparison_id, input",
                            {id}));
  for (const auto& r : rows) {
    auto it = by_id.find(r.text(0));
    if (it == by_id.end()) continue;
    Flip f{r.integer(1), r.integer(2), r.integer(3), r.real(4), r.real(5), {}};
    if (!r.null(6)) f.probability_change = r.real(6);
    it->second->flips.push_back(f);
  }
  return {};
}

Status Loader::verdicts() {
  const std::string& id = model_.derivation->id;
  ASSAY_TRY(auto rows, run_.db().query("SELECT recipe_id, verdict_id, subject, scope, verdict, "
                                       "statement, statistic_json, threshold_json, evidence_json "
                                       "FROM verdict WHERE derivation_id = ? ORDER BY rowid",
                                       {id}));
  for (const auto& r : rows) {
    auto it = recipes_.find(r.text(0));
    if (it == recipes_.end()) continue;
    VerdictRow v{next('v'), r.text(1), r.text(2), r.text(3), r.text(4), r.text(5), {}, {}, {}};
    v.statistic = json_column(r, 6, "verdict.statistic_json");
    v.threshold = json_column(r, 7, "verdict.threshold_json");
    v.evidence = json_column(r, 8, "verdict.evidence_json");
    it->second->verdicts.push_back(std::move(v));
  }
  ASSAY_TRY(rows,
            run_.db().query(
                "SELECT finding_id, severity, code, recipe_id, build_id, launch_id, text, fix "
                "FROM finding WHERE derivation_id = ? ORDER BY CASE severity WHEN 'error' THEN "
                "0 WHEN 'warning' THEN 1 ELSE 2 END, rowid",
                {id}));
  for (const auto& r : rows)
    model_.findings.push_back({next('f'), r.text(0), r.text(1), r.text(2), r.text(3), r.text(4),
                               r.text(5), r.text(6), r.text(7)});
  return {};
}

}  // namespace assay::report
