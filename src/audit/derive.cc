// SPDX-License-Identifier: Apache-2.0
#include "audit/derive.h"

#include <algorithm>
#include <map>
#include <set>

#include "audit/clock_strata.h"
#include "audit/derive_internal.h"
#include "base/text.h"

namespace assay::audit {
namespace {

using store::Value;

std::string finding_id(const FindingRow& f) {
  return content_id(f.code + "\n" + f.recipe_id + "\n" + f.build_id + "\n" + f.launch_id + "\n" +
                    f.text);
}

// The stored rows of a derivation against those that the evidence gives: the reports read the rows.
Status compare_stored(store::RunFolder& run, const std::string& id, const Derived& d,
                      std::vector<std::string>& problems) {
  auto& db = run.db();
  std::map<std::string, std::vector<std::string>> expected;  // table -> rows as text
  for (const ComparisonRow& c : d.comparisons) {
    expected["comparison"].push_back(dump_json(
        Json{c.comparison_id, c.recipe_id, c.scope, c.a, c.b, c.output, std::to_string(c.n),
             std::to_string(c.bitwise_different),
             c.top1_mismatch < 0 ? "" : std::to_string(c.top1_mismatch), dump_json(c.metrics)}));
    for (const auto& f : c.flips)
      expected["flip"].push_back(
          dump_json(Json{c.comparison_id, std::to_string(f.input), std::to_string(f.a_top1),
                         std::to_string(f.b_top1)}));
  }
  for (const VerdictRow& v : d.verdicts)
    expected["verdict"].push_back(
        dump_json(Json{v.verdict_id, v.recipe_id, v.subject, v.scope, v.verdict, v.statement,
                       dump_json(v.statistic), dump_json(v.threshold), dump_json(v.evidence)}));
  std::set<std::string> findings;  // equal ones are stored once
  for (const FindingRow& f : d.findings)
    findings.insert(dump_json(Json{finding_id(f), f.severity, f.code, f.recipe_id, f.build_id,
                                   f.launch_id, f.text, f.fix}));
  expected["finding"].assign(findings.begin(), findings.end());
  const std::map<std::string, std::string> columns = {
      {"comparison",
       "comparison_id, recipe_id, scope, a, b, output, CAST(n AS TEXT), "
       "CAST(bitwise_different AS TEXT), CAST(top1_mismatch AS TEXT), metrics_json"},
      {"flip", "comparison_id, CAST(input AS TEXT), CAST(a_top1 AS TEXT), CAST(b_top1 AS TEXT)"},
      {"verdict",
       "verdict_id, recipe_id, subject, scope, verdict, statement, statistic_json, "
       "threshold_json, evidence_json"},
      {"finding", "finding_id, severity, code, recipe_id, build_id, launch_id, text, fix"}};
  for (const auto& [table, list] : columns) {
    ASSAY_TRY(auto rows,
              db.query(fmt::format("SELECT {} FROM {} WHERE derivation_id=?", list, table), {id}));
    const auto width = static_cast<size_t>(std::count(list.begin(), list.end(), ',')) + 1;
    std::vector<std::string> stored;
    for (const store::Row& r : rows) {
      Json row = Json::array();
      // "CAST(n AS TEXT)" holds no comma, so commas count columns.
      for (size_t i = 0; i < width; ++i) row.push_back(r.text(i));
      stored.push_back(dump_json(row));
    }
    std::vector<std::string>& wanted = expected[table];
    std::sort(stored.begin(), stored.end());
    std::sort(wanted.begin(), wanted.end());
    if (stored != wanted)
      problems.push_back(
          fmt::format("the stored rows of {} are not those that the evidence gives", table));
  }
  return {};
}

}  // namespace

Result<Derived> derive(store::RunFolder& run, const Json& plan) {
  ASSAY_TRY(RunEvidence evidence, load_evidence(run));
  return derive(run, std::move(evidence), plan);
}

Result<Derived> derive(store::RunFolder& run, RunEvidence evidence, const Json& plan) {
  Derived out;
  for (const RecipeEvidence& recipe : evidence.recipes) {
    const RecipeEvidence* reference = nullptr;
    for (const RecipeEvidence& r : evidence.recipes)
      if (r.is_reference && r.model_id == recipe.model_id) reference = &r;
    const DataEvidence& data = evidence.data[recipe.model_id];
    ASSAY_TRY(RecipeComparisons c, compare_recipe(run, recipe, reference, data));
    verdicts_of_outputs(recipe, c, reference && reference != &recipe, out.verdicts);
    verdicts_of_labels(recipe, c, data, plan, out.verdicts);
    ASSAY_CHECK(verdicts_of_detections(run, recipe, reference == &recipe ? nullptr : reference, c,
                                       data, plan, out.verdicts));
    verdict_of_kernels(recipe, out.verdicts);
    const std::vector<JudgedBuild> judged = judge_launches(recipe, plan);
    verdict_of_latency(recipe, judged, plan, out.verdicts, out.findings);
    verdict_of_tail(recipe, judged, plan, out.verdicts);
    verdict_of_self(recipe, out.verdicts);
    findings_of(recipe, out.findings);
    findings_of_lock(recipe, out.findings);
    findings_of_clocks(recipe, judged, out.findings);
    findings_of_swaps(recipe, judged, plan, out.findings);
    findings_of_outputs(recipe, c, out.findings);
    findings_of_accuracy(recipe, c, data, plan, out.findings);
    for (ComparisonRow& row : c.rows) out.comparisons.push_back(std::move(row));
  }
  findings_of_copies(evidence.recipes, out.findings);
  withdraw_equality_of_copies(out.findings, out.verdicts);
  judge_family(out.verdicts, kAlpha);
  for (const RecipeEvidence& recipe : evidence.recipes) {
    qualify_replayed(recipe, out.verdicts);
    qualify_clocks(recipe, out.verdicts);
  }
  findings_of_all_orders(out.verdicts, out.findings);
  return out;
}

std::string result_sha256(const Derived& d) {
  Json all = Json::array();
  for (const ComparisonRow& c : d.comparisons) {
    Json flips = Json::array();
    for (const auto& f : c.flips)
      flips.push_back({f.input, f.a_top1, f.b_top1, f.a_margin, f.b_margin, f.probability_change});
    all.push_back({c.comparison_id, c.recipe_id, c.scope, c.a, c.b, c.output, c.n,
                   c.bitwise_different, c.top1_mismatch, c.metrics, flips});
  }
  for (const VerdictRow& v : d.verdicts)
    all.push_back({v.verdict_id, v.verdict, v.statement, v.statistic, v.threshold, v.evidence});
  for (const FindingRow& f : d.findings) all.push_back({f.severity, f.code, finding_id(f)});
  return sha256_hex(dump_json(all));
}

Status store_derived(store::RunFolder& run, const std::string& attempt_id, const Derived& d) {
  auto& db = run.db();
  ASSAY_TRY(auto transaction, store::Transaction::begin(db));
  const std::string id = random_id();
  ASSAY_CHECK(
      db.run("INSERT INTO derivation(derivation_id, attempt_id, time_utc, assay_version, "
             "result_sha256) VALUES(?,?,?,?,?)",
             {id, attempt_id, utc_now(), std::string(ASSAY_VERSION), result_sha256(d)}));
  for (const ComparisonRow& c : d.comparisons) {
    const Value top1 = c.top1_mismatch < 0 ? Value() : Value(c.top1_mismatch);
    ASSAY_CHECK(db.run("INSERT INTO comparison VALUES(?,?,?,?,?,?,?,?,?,?,?)",
                       {c.comparison_id, id, c.recipe_id, c.scope, c.a, c.b, c.output, c.n,
                        c.bitwise_different, top1, dump_json(c.metrics)}));
    for (const auto& f : c.flips) {
      ASSAY_CHECK(db.run("INSERT INTO flip VALUES(?,?,?,?,?,?,?,?)",
                         {id, c.comparison_id, f.input, f.a_top1, f.b_top1, f.a_margin, f.b_margin,
                          f.probability_change}));
    }
  }
  for (const VerdictRow& v : d.verdicts) {
    ASSAY_CHECK(db.run("INSERT INTO verdict VALUES(?,?,?,?,?,?,?,?,?,?)",
                       {v.verdict_id, id, v.recipe_id, v.subject, v.scope, v.verdict, v.statement,
                        dump_json(v.statistic), dump_json(v.threshold), dump_json(v.evidence)}));
  }
  for (const FindingRow& f : d.findings) {
    auto nullable = [](const std::string& s) { return s.empty() ? Value() : Value(s); };
    ASSAY_CHECK(db.run("INSERT OR IGNORE INTO finding VALUES(?,?,?,?,?,?,?,?,?)",
                       {finding_id(f), id, f.severity, f.code, f.recipe_id, nullable(f.build_id),
                        nullable(f.launch_id), f.text, f.fix}));
  }
  return transaction.commit();
}

Result<std::vector<std::string>> verify(store::RunFolder& run) {
  std::vector<std::string> problems;
  ASSAY_TRY(auto damaged, run.damaged_blobs());
  for (const std::string& sha : damaged)
    problems.push_back("blob " + sha + " is absent or does not have its hash");
  ASSAY_TRY(auto newest,
            run.db().first(
                "SELECT derivation_id, result_sha256 FROM derivation ORDER BY seq DESC LIMIT 1"));
  if (!newest) {
    problems.push_back("no verdicts have been derived yet");
    return problems;
  }
  if (!problems.empty()) return problems;  // deriving from damaged evidence proves nothing
  ASSAY_TRY(std::string plan_text, run.meta("plan_json"));
  ASSAY_TRY(Json plan, parse_json(plan_text, "plan_json"));
  auto derived = derive(run, plan);
  if (!derived) {
    problems.push_back("the evidence gives no results: " + one_line(derived.error().message));
    return problems;
  }
  const Derived& again = *derived;
  if (result_sha256(again) != newest->text(1))
    problems.push_back("deriving anew from the evidence gives other results than the stored ones");
  ASSAY_CHECK(compare_stored(run, newest->text(0), again, problems));
  return problems;
}

}  // namespace assay::audit
