// SPDX-License-Identifier: Apache-2.0
#include "report/model.h"

#include <algorithm>

#include "report/loader.h"

namespace assay::report {

Result<Model> load_model(store::RunFolder& run) {
  Model model;
  ASSAY_CHECK(Loader(run, model).load());
  return model;
}

const VerdictRow* find_verdict(const Recipe& recipe, std::string_view subject,
                               std::string_view scope) {
  for (const VerdictRow& v : recipe.verdicts)
    if (v.subject == subject && (scope.empty() || v.scope == scope)) return &v;
  return nullptr;
}

Status Loader::load() {
  ASSAY_CHECK(run_facts());
  ASSAY_CHECK(subjects());
  ASSAY_CHECK(jobs());
  ASSAY_CHECK(builds());
  ASSAY_CHECK(launches());
  ASSAY_CHECK(series());
  samples();
  ASSAY_CHECK(derivation());
  return {};
}

Json Loader::json_column(const store::Row& row, size_t i, const std::string& where) {
  const std::string text = row.text(i);
  if (text.empty()) return Json::object();
  auto parsed = parse_json(text, where);
  if (parsed) return std::move(*parsed);
  model_.problems.push_back(parsed.error().message);
  return Json::object();
}

bool Loader::job_done(const std::string& job_id) const {
  auto it = job_state_.find(job_id);
  return it != job_state_.end() && it->second == "done";
}

Status Loader::run_facts() {
  const auto meta = [&](const char* key, std::string& out) -> Status {
    ASSAY_TRY(out, run_.meta(key));
    return {};
  };
  ASSAY_CHECK(meta("run_id", model_.run_id));
  ASSAY_CHECK(meta("seed", model_.seed));
  ASSAY_CHECK(meta("profile", model_.profile));
  ASSAY_CHECK(meta("assay_version", model_.assay_version));
  ASSAY_CHECK(meta("plan_json", model_.plan_json));
  ASSAY_CHECK(meta("plan_sha256", model_.plan_sha256));
  model_.folder = run_.folder().filename().string();
  ASSAY_TRY(auto rows, run_.db().query("SELECT attempt_id, boot_id, machine_id, started_utc, "
                                       "assay_version, argv_json, machine_json FROM attempt "
                                       "ORDER BY rowid"));
  for (const auto& r : rows) {
    Attempt a{next('a'), r.text(0), r.text(1), r.text(2), r.text(3), r.text(4), {}, {}};
    a.argv = json_column(r, 5, "attempt.argv_json");
    a.machine = json_column(r, 6, "attempt.machine_json");
    model_.attempts.push_back(std::move(a));
  }
  return {};
}

Status Loader::subjects() {
  ASSAY_TRY(auto rows, run_.db().query("SELECT model_id, name, sha256, bytes, info_json FROM model "
                                       "ORDER BY rowid"));
  for (const auto& r : rows) {
    ModelInfo m;
    m.ref = next('m');
    m.id = r.text(0);
    m.name = r.text(1);
    m.sha256 = r.text(2);
    m.bytes = r.integer(3);
    m.info = json_column(r, 4, "model.info_json");
    model_.models.push_back(std::move(m));
  }
  for (auto& m : model_.models) models_[m.id] = &m;
  ASSAY_TRY(rows,
            run_.db().query("SELECT dataset_id, model_id, name, sha256, n, sampling, clusters, "
                            "labelled, description FROM dataset ORDER BY rowid"));
  for (const auto& r : rows) {
    auto it = models_.find(r.text(1));
    if (it == models_.end()) continue;
    DataSet d;
    d.ref = next('d');
    d.id = r.text(0);
    d.model_id = r.text(1);
    d.name = r.text(2);
    d.sha256 = r.text(3);
    d.n = r.integer(4);
    d.sampling = r.text(5);
    d.clusters = r.integer(6);
    d.labelled = r.integer(7) != 0;
    d.description = r.text(8);
    it->second->datasets.push_back(std::move(d));
  }
  ASSAY_TRY(rows,
            run_.db().query(
                "SELECT recipe_id, model_id, dataset_id, label, compiler, precision, threads, "
                "lock_mode, decides_at, is_reference, options_json, regime_json FROM recipe "
                "ORDER BY rowid"));
  for (const auto& r : rows) {
    auto it = models_.find(r.text(1));
    if (it == models_.end()) continue;
    Recipe p;
    p.ref = next('r');
    p.id = r.text(0);
    p.model_id = r.text(1);
    p.dataset_id = r.text(2);
    p.label = r.text(3);
    p.compiler = r.text(4);
    p.precision = r.text(5);
    p.threads = r.integer(6);
    p.lock_mode = r.text(7);
    p.decides_at = r.text(8);
    p.is_reference = r.integer(9) != 0;
    p.options = json_column(r, 10, "recipe.options_json");
    p.regime = json_column(r, 11, "recipe.regime_json");
    it->second->recipes.push_back(std::move(p));
  }
  for (auto& m : model_.models)
    for (auto& p : m.recipes) recipes_[p.id] = &p;
  return {};
}

Status Loader::jobs() {
  ASSAY_TRY(auto rows, run_.db().query("SELECT job_id, state FROM job_event ORDER BY seq"));
  for (const auto& r : rows) job_state_[r.text(0)] = r.text(1);
  // A block that was rerun has its jobs twice: what was asked is counted by place, not by job.
  ASSAY_TRY(rows, run_.db().query("SELECT recipe_id, kind, COUNT(DISTINCT build_index || '/' || "
                                  "launch_index) FROM job GROUP BY recipe_id, kind"));
  for (const auto& r : rows) {
    auto it = recipes_.find(r.text(0));
    if (it == recipes_.end()) continue;
    (r.text(1) == "build" ? it->second->builds_asked : it->second->launches_asked) = r.integer(2);
  }
  ASSAY_TRY(rows, run_.db().query("SELECT job_id, recipe_id FROM job"));
  for (const auto& r : rows) {
    auto it = recipes_.find(r.text(1));
    auto state = job_state_.find(r.text(0));
    if (it == recipes_.end() || state == job_state_.end()) continue;
    it->second->superseded += state->second == "superseded";
    it->second->interrupted += state->second == "interrupted";
  }
  return {};
}

}  // namespace assay::report
