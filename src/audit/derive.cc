// SPDX-License-Identifier: Apache-2.0
#include "audit/derive.h"

#include "audit/derive_internal.h"
#include "base/text.h"

namespace assay::audit {
namespace {

using store::Value;

std::string finding_id(const FindingRow& f) {
  return content_id(f.code + "\n" + f.recipe_id + "\n" + f.build_id + "\n" + f.launch_id + "\n" +
                    f.text);
}

}  // namespace

Result<Derived> derive(store::RunFolder& run, const Json& plan) {
  ASSAY_TRY(RunEvidence evidence, load_evidence(run));
  Derived out;
  for (const RecipeEvidence& recipe : evidence.recipes) {
    const RecipeEvidence* reference = nullptr;
    for (const RecipeEvidence& r : evidence.recipes)
      if (r.is_reference && r.model_id == recipe.model_id) reference = &r;
    const DataEvidence& data = evidence.data[recipe.model_id];
    ASSAY_TRY(RecipeComparisons c, compare_recipe(run, recipe, reference, data));
    verdicts_of_outputs(recipe, c, reference && reference != &recipe, out.verdicts);
    verdicts_of_labels(recipe, c, data, plan, out.verdicts);
    verdict_of_kernels(recipe, out.verdicts);
    verdict_of_latency(recipe, plan, out.verdicts);
    verdict_of_self(recipe, out.verdicts);
    findings_of(recipe, out.findings);
    for (ComparisonRow& row : c.rows) out.comparisons.push_back(std::move(row));
  }
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
            run.db().first("SELECT result_sha256 FROM derivation ORDER BY seq DESC LIMIT 1"));
  if (!newest) {
    problems.push_back("no verdicts have been derived yet");
    return problems;
  }
  if (!problems.empty()) return problems;  // deriving from damaged evidence proves nothing
  ASSAY_TRY(std::string plan_text, run.meta("plan_json"));
  ASSAY_TRY(Json plan, parse_json(plan_text, "plan_json"));
  ASSAY_TRY(Derived again, derive(run, plan));
  if (result_sha256(again) != newest->text(0))
    problems.push_back("deriving anew from the evidence gives other results than the stored ones");
  return problems;
}

}  // namespace assay::audit
