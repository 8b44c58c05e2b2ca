// SPDX-License-Identifier: Apache-2.0
// The report for programs.
#include <algorithm>
#include <tuple>

#include "report/detections.h"
#include "report/platform/platform.h"
#include "report/report.h"
#include "report/summary.h"

namespace assay::report {
namespace {

template <class T>
Json optional(const std::optional<T>& v) {
  return v ? Json(*v) : Json(nullptr);
}

Json series_json(const Series& s) {
  Json j = {{"series_id", s.id},
            {"name", s.name},
            {"clock", s.clock},
            {"n", s.n},
            {"censored", s.censored}};
  j["min_ns"] = s.order.empty() ? Json(nullptr) : Json(s.min_ns);
  j["max_ns"] = s.order.empty() ? Json(nullptr) : Json(s.max_ns);
  j["samples_blob"] = s.samples_blob;
  j["slots_blob"] = s.slots_blob;
  j["cost"] = s.cost;
  j["sampler"] = s.sampler;
  j["problem"] = s.problem;
  return j;
}

Json launch_json(const Launch& l) {
  Json j = {{"launch_id", l.id},
            {"launch", l.index},
            {"counts", l.counts},
            {"outcome", l.outcome},
            {"reason", l.reason},
            {"wall_ns", l.wall_ns},
            {"cpu_ns", l.cpu_ns},
            {"load_ns", l.load_ns},
            {"first_run_ns", l.first_run_ns},
            {"peak_memory_bytes", l.peak_memory_bytes},
            {"memory_method", l.memory_method},
            {"kernel_map_sha256", l.kernel_map_sha256},
            {"kernels_agree", l.kernels_agree},
            {"stdout_blob", l.stdout_blob},
            {"stderr_blob", l.stderr_blob},
            {"events_blob", l.events_blob},
            {"environment", l.environment},
            {"isolation", l.isolation}};
  j["series"] = Json::array();
  for (const auto& s : l.series) j["series"].push_back(series_json(s));
  j["checks"] = Json::array();
  for (const auto& c : l.checks)
    j["checks"].push_back({{"name", c.name},
                           {"result", c.result},
                           {"inputs", c.inputs},
                           {"mismatches", c.mismatches},
                           {"max_abs", optional(c.max_abs)},
                           {"detail", c.detail}});
  j["outputs"] = Json::array();
  for (const auto& o : l.outputs)
    j["outputs"].push_back({{"output_id", o.id},
                            {"role", o.role},
                            {"name", o.name},
                            {"dtype", o.dtype},
                            {"shape", o.shape_json},
                            {"n", o.n},
                            {"blob", o.blob}});
  return j;
}

Json build_json(const Build& b) {
  Json j = {{"build_id", b.id},
            {"build", b.index},
            {"counts", b.counts},
            {"outcome", b.outcome},
            {"reason", b.reason},
            {"wall_ns", b.wall_ns},
            {"cpu_ns", b.cpu_ns},
            {"peak_memory_bytes", b.peak_memory_bytes},
            {"memory_method", b.memory_method},
            {"engine_bytes", b.engine_bytes},
            {"engine_sha256", b.engine_sha256},
            {"artifact_sha256", b.artifact_sha256},
            {"kernel_map_sha256", b.kernel_map_sha256},
            {"compiler_version", b.compiler_version},
            {"manifest_blob", b.manifest_blob},
            {"stdout_blob", b.stdout_blob},
            {"stderr_blob", b.stderr_blob},
            {"events_blob", b.events_blob},
            {"trials", b.trials},
            {"candidates", b.candidates},
            {"candidates_failed", b.candidates_failed},
            {"isolation", b.isolation}};
  if (!b.made_by.empty()) j["made_by"] = b.made_by;
  j["files"] = Json::array();
  for (const auto& f : b.files)
    j["files"].push_back(
        {{"path", f.path}, {"role", f.role}, {"bytes", f.bytes}, {"blob", f.blob}});
  j["kernels"] = Json::array();
  for (const auto& k : b.kernels)
    j["kernels"].push_back({{"layer", k.layer},
                            {"kernel", k.kernel},
                            {"source_sha256", k.source_sha256},
                            {"precision", k.precision},
                            {"origin", k.origin}});
  j["launches"] = Json::array();
  for (const auto& l : b.launches) j["launches"].push_back(launch_json(l));
  return j;
}

Json comparison_json(const Comparison& c) {
  Json j = {{"comparison_id", c.id},
            {"scope", c.scope},
            {"a", c.a},
            {"b", c.b},
            {"a_index", c.a_index},
            {"b_index", c.b_index},
            {"output", c.output},
            {"n", c.n},
            {"bitwise_different", c.bitwise_different},
            {"top1_mismatch", optional(c.top1_mismatch)},
            {"metrics", c.metrics}};
  j["flips"] = Json::array();
  for (const auto& f : c.flips)
    j["flips"].push_back({{"input", f.input},
                          {"a_top1", f.a_top1},
                          {"b_top1", f.b_top1},
                          {"a_margin", f.a_margin},
                          {"b_margin", f.b_margin},
                          {"probability_change", optional(f.probability_change)}});
  return j;
}

Json recipe_json(const Recipe& r) {
  Json j = {{"recipe_id", r.id},
            {"label", r.label},
            {"compiler", r.compiler},
            {"precision", r.precision},
            {"threads", r.threads},
            {"lock_mode", r.lock_mode},
            {"decides_at", r.decides_at},
            {"is_reference", r.is_reference},
            {"dataset_id", r.dataset_id},
            {"options", r.options},
            {"regime", r.regime},
            {"clock", r.clock},
            {"measured", !scripted(r)},
            {"builds_asked", r.builds_asked},
            {"builds_ok", r.builds_ok},
            {"launches_asked", r.launches_asked},
            {"launches_ok", r.launches_ok},
            {"superseded_jobs", r.superseded},
            {"interrupted_jobs", r.interrupted}};
  j["verdicts"] = Json::array();
  for (const auto& v : r.verdicts)
    j["verdicts"].push_back({{"verdict_id", v.id},
                             {"subject", v.subject},
                             {"scope", v.scope},
                             {"verdict", v.verdict},
                             {"statement", v.statement},
                             {"statistic", v.statistic},
                             {"threshold", v.threshold},
                             {"evidence", v.evidence}});
  if (const Json& machine = platform_of(r); !machine.empty()) j["platform"] = machine;
  if (Json boxes = detections_json(r); !boxes.empty()) j["detections"] = std::move(boxes);
  j["comparisons"] = Json::array();
  for (const auto& c : r.comparisons) j["comparisons"].push_back(comparison_json(c));
  j["builds"] = Json::array();
  for (const auto& b : r.builds) j["builds"].push_back(build_json(b));
  return j;
}

// Objects with their keys sorted, so that only content counts.
Json canonical(const Json& j) {
  if (j.is_array()) {
    Json out = Json::array();
    for (const auto& e : j) out.push_back(canonical(e));
    return out;
  }
  if (!j.is_object()) return j;
  std::vector<std::string> keys;
  for (const auto& [key, value] : j.items()) keys.push_back(key);
  std::sort(keys.begin(), keys.end());
  Json out = Json::object();
  for (const auto& key : keys) out[key] = canonical(j[key]);
  return out;
}

}  // namespace

Result<std::string> to_json(const Model& m) {
  Json j = {{"format", 1},
            {"run_id", m.run_id},
            {"seed", m.seed},
            {"profile", m.profile},
            {"assay_version", m.assay_version},
            {"plan_sha256", m.plan_sha256},
            {"samples", m.samples}};
  auto plan = parse_json(m.plan_json.empty() ? "null" : m.plan_json, "plan_json");
  j["plan"] = plan ? *plan : Json(nullptr);
  j["derivation"] = nullptr;
  if (m.derivation)
    j["derivation"] = {{"derivation_id", m.derivation->id},
                       {"time_utc", m.derivation->time_utc},
                       {"assay_version", m.derivation->assay_version},
                       {"result_sha256", m.derivation->result_sha256}};
  j["attempts"] = Json::array();
  for (const auto& a : m.attempts)
    j["attempts"].push_back({{"attempt_id", a.id},
                             {"boot_id", a.boot_id},
                             {"machine_id", a.machine_id},
                             {"started_utc", a.started_utc},
                             {"assay_version", a.assay_version},
                             {"argv", a.argv},
                             {"machine", a.machine}});
  const Tally t = tally(m);
  j["tally"] = {{"recipes", t.recipes},     {"same", t.same},
                {"different", t.different}, {"inconclusive", t.inconclusive},
                {"errors", t.errors},       {"warnings", t.warnings},
                {"notes", t.notes}};
  j["problems"] = m.problems;
  j["findings"] = Json::array();
  for (const auto& f : m.findings)
    j["findings"].push_back({{"finding_id", f.id},
                             {"severity", f.severity},
                             {"code", f.code},
                             {"recipe_id", f.recipe_id},
                             {"build_id", f.build_id},
                             {"launch_id", f.launch_id},
                             {"text", f.text},
                             {"fix", f.fix}});
  j["not_established"] = Json::array();
  for (const auto& o : not_established(m))
    j["not_established"].push_back({{"recipe", o.recipe},
                                    {"subject", o.subject},
                                    {"scope", o.scope},
                                    {"statement", o.statement},
                                    {"needs", o.needs}});
  j["models"] = Json::array();
  for (const auto& info : m.models) {
    Json model = {{"model_id", info.id},
                  {"name", info.name},
                  {"sha256", info.sha256},
                  {"bytes", info.bytes},
                  {"info", info.info}};
    model["data_sets"] = Json::array();
    for (const auto& d : info.datasets)
      model["data_sets"].push_back({{"dataset_id", d.id},
                                    {"name", d.name},
                                    {"sha256", d.sha256},
                                    {"n", d.n},
                                    {"sampling", d.sampling},
                                    {"clusters", d.clusters},
                                    {"labelled", d.labelled},
                                    {"description", d.description}});
    model["recipes"] = Json::array();
    for (const auto& r : info.recipes) model["recipes"].push_back(recipe_json(r));
    j["models"].push_back(std::move(model));
  }
  return dump_json(j, 1) + "\n";
}

Result<std::string> verdicts_json(const Model& m) {
  using Key = std::tuple<std::string, std::string, std::string, std::string, std::string>;
  std::vector<std::pair<Key, Json>> rows;
  for (const auto& info : m.models)
    for (const auto& r : info.recipes)
      for (const auto& v : r.verdicts) {
        Json row = {{"model", info.name},
                    {"model_sha256", info.sha256},
                    {"recipe", r.label},
                    {"options", canonical(r.options)},
                    {"subject", v.subject},
                    {"scope", v.scope},
                    {"verdict", v.verdict},
                    {"statement", v.statement},
                    {"statistic", canonical(v.statistic)},
                    {"threshold", canonical(v.threshold)}};
        Key key{info.name, r.label, v.subject, v.scope, dump_json(row)};
        rows.emplace_back(std::move(key), std::move(row));
      }
  std::sort(rows.begin(), rows.end(),
            [](const auto& a, const auto& b) { return a.first < b.first; });
  Json out = {{"format", 1}, {"verdicts", Json::array()}};
  for (auto& [key, row] : rows) out["verdicts"].push_back(std::move(row));
  return dump_json(out, 1) + "\n";
}

}  // namespace assay::report
