// SPDX-License-Identifier: Apache-2.0
#include "audit/evidence.h"

#include <algorithm>
#include <cstring>

#include "audit/platform_evidence.h"
#include "audit/plausibility.h"

namespace assay::audit {
namespace {

using store::Row;
using store::RunFolder;

Result<Json> json_column(const Row& row, size_t i, std::string_view where) {
  return parse_json(row.text(i), where);
}

std::vector<int64_t> int_list(const Json& array) {
  std::vector<int64_t> out;
  for (const Json& j : array)
    if (j.is_number_integer()) out.push_back(j.get<int64_t>());
  return out;
}

Result<std::vector<int64_t>> read_samples(RunFolder& run, const std::string& blob) {
  ASSAY_TRY(std::string bytes, run.read_blob(blob));
  std::vector<int64_t> out(bytes.size() / sizeof(int64_t));
  std::memcpy(out.data(), bytes.data(), out.size() * sizeof(int64_t));
  return out;
}

Status load_outputs(RunFolder& run, LaunchEvidence& launch) {
  ASSAY_TRY(auto rows, run.db().query("SELECT name, dtype, shape_json, n, blob FROM output WHERE "
                                      "launch_id=? AND role='main' ORDER BY rowid",
                                      {launch.launch_id}));
  for (const Row& r : rows) {
    OutputBlob o;
    o.name = r.text(0);
    ASSAY_TRY(o.dtype, dtype_from_name(r.text(1)));
    ASSAY_TRY(Json shape, json_column(r, 2, "output.shape_json"));
    o.shape = int_list(shape);
    o.n = r.integer(3);
    o.blob = r.text(4);
    launch.outputs.push_back(std::move(o));
  }
  return {};
}

Status load_launch(RunFolder& run, LaunchEvidence& launch) {
  ASSAY_CHECK(load_outputs(run, launch));
  ASSAY_TRY(
      auto checks,
      run.db().query(
          "SELECT name, result, detail, mismatches FROM self_check WHERE launch_id=? ORDER BY name",
          {launch.launch_id}));
  for (const Row& r : checks)
    launch.checks.push_back({r.text(0), r.text(1), r.text(2), r.integer(3)});
  ASSAY_TRY(auto series,
            run.db().first("SELECT series_id, clock, samples_blob, censored, sampler_json FROM "
                           "series WHERE launch_id=? AND name='latency'",
                           {launch.launch_id}));
  if (!series) return {};
  launch.series_id = series->text(0);
  launch.clock = series->text(1);
  launch.censored = series->integer(3);
  ASSAY_TRY(launch.samples, read_samples(run, series->text(2)));
  ASSAY_TRY(launch.sampler, json_column(*series, 4, "series.sampler_json"));
  return {};
}

// Launches that count: newest event `done`. One that was interrupted or superseded stays evidence
// but speaks no more.
Result<std::vector<LaunchEvidence>> load_launches(RunFolder& run, const std::string& build_id) {
  ASSAY_TRY(auto rows,
            run.db().query(
                "SELECT l.launch_id, l.launch_index, l.outcome, l.reason, "
                "l.kernels_agree, l.environment_json, l.isolation_json, l.wall_ns, l.events_blob "
                "FROM launch l "
                "WHERE l.build_id=? AND (SELECT state FROM job_event e WHERE "
                "e.job_id=l.job_id ORDER BY seq DESC LIMIT 1)='done' "
                "AND l.rowid=(SELECT max(rowid) FROM launch x WHERE x.job_id=l.job_id) "
                "ORDER BY l.launch_index",
                {build_id}));
  std::vector<LaunchEvidence> out;
  for (const Row& r : rows) {
    LaunchEvidence l;
    l.launch_id = r.text(0);
    l.launch_index = r.integer(1);
    l.outcome = r.text(2);
    l.reason = r.text(3);
    l.kernels_agree = r.text(4);
    ASSAY_TRY(l.environment, json_column(r, 5, "launch.environment_json"));
    ASSAY_TRY(l.isolation, json_column(r, 6, "launch.isolation_json"));
    l.wall_ns = r.integer(7);
    ASSAY_CHECK(load_launch(run, l));
    if (l.launch_index == 1 && !r.text(8).empty()) {  // where the audit takes them
      ASSAY_TRY(const std::string events, run.read_blob(r.text(8)));
      l.layer_sum_ns = layer_sum_of_events(events);
    }
    out.push_back(std::move(l));
  }
  return out;
}

Result<std::vector<BuildEvidence>> load_builds(RunFolder& run, const std::string& recipe_id) {
  ASSAY_TRY(
      auto rows,
      run.db().query(
          "SELECT build_id, build_index, outcome, reason, artifact_sha256, kernel_map_sha256, "
          "isolation_json, wall_ns FROM build b WHERE recipe_id=? AND outcome<>'interrupted' "
          "AND rowid=(SELECT max(rowid) FROM build x WHERE x.job_id=b.job_id AND "
          "x.outcome<>'interrupted') ORDER BY build_index",
          {recipe_id}));
  std::vector<BuildEvidence> out;
  for (const Row& r : rows) {
    BuildEvidence b;
    b.build_id = r.text(0);
    b.build_index = r.integer(1);
    b.outcome = r.text(2);
    b.reason = r.text(3);
    b.artifact_sha256 = r.text(4);
    b.kernel_map = r.text(5);
    ASSAY_TRY(b.isolation, json_column(r, 6, "build.isolation_json"));
    b.wall_ns = r.integer(7);
    ASSAY_TRY(b.kernels, stored_kernels(run, b.build_id));
    ASSAY_TRY(b.launches, load_launches(run, b.build_id));
    out.push_back(std::move(b));
  }
  return out;
}

Status load_lock(RunFolder& run, RecipeEvidence& recipe) {
  ASSAY_TRY(auto lock, run.db().first("SELECT lock_sha256, proof FROM lock WHERE recipe_id=?",
                                      {recipe.recipe_id}));
  if (!lock) return {};
  recipe.lock_sha256 = lock->text(0);
  recipe.lock_proof = lock->text(1);
  for (BuildEvidence& b : recipe.builds) {
    ASSAY_TRY(auto made,
              run.db().first("SELECT made_by FROM locked_build WHERE build_id=?", {b.build_id}));
    if (made) b.made_by = made->text(0);
    ASSAY_TRY(auto rows,
              run.db().query("SELECT launch_id, name, state, expected, found FROM "
                             "lock_check WHERE build_id=? AND state<>'same' ORDER BY seq",
                             {b.build_id}));
    for (const Row& r : rows)
      b.deviations.push_back({r.text(0), r.text(1), r.text(2), r.text(3), r.text(4)});
  }
  return {};
}

Result<std::optional<DetectorEvidence>> load_detector(RunFolder& run, const std::string& model) {
  ASSAY_TRY(auto row, run.db().first("SELECT info_json FROM model WHERE model_id=?", {model}));
  if (!row) return std::nullopt;
  ASSAY_TRY(const Json info, json_column(*row, 0, "model.info_json"));
  if (!info.contains("detector")) return std::nullopt;
  const Json& j = get_object(info, "detector");
  DetectorEvidence out;
  ASSAY_TRY(out.spec,
            vision::detector_from_json(get_object(j, "spec"), "model.info_json detector"));
  out.width = get_int(j, "width");
  out.height = get_int(j, "height");
  const std::string blob = get_string(j, "truth");
  if (blob.empty()) return out;
  ASSAY_TRY(const std::string text, run.read_blob(blob));
  ASSAY_TRY(const Json truth, parse_json(text, "blob of true boxes"));
  if (!truth.is_array()) return bad_input("blob of true boxes: no list");
  for (const Json& item : truth) {
    auto& boxes = out.truth.emplace_back();
    for (const Json& b : item) {
      if (!b.is_array() || b.size() != 5 ||
          !std::all_of(b.begin(), b.end(), [](const Json& v) { return v.is_number(); }))
        return bad_input("blob of true boxes: a box is not [x0, y0, x1, y1, label]");
      boxes.push_back({b[0].get<float>(), b[1].get<float>(), b[2].get<float>(), b[3].get<float>(),
                       1, b[4].get<int32_t>()});
    }
  }
  return out;
}

Status load_records(RunFolder& run, RecipeEvidence& recipe) {
  for (BuildEvidence& b : recipe.builds) {
    ASSAY_TRY(b.platform, load_platform(run, b.build_id));
    for (LaunchEvidence& l : b.launches) {
      ASSAY_TRY(l.platform, load_platform(run, l.launch_id));
    }
  }
  return {};
}

Result<std::vector<platform::Peaks>> load_peaks(RunFolder& run) {
  ASSAY_TRY(auto rows, run.db().query("SELECT peaks_json FROM peak ORDER BY rowid"));
  std::vector<platform::Peaks> out;
  for (const Row& r : rows) {
    ASSAY_TRY(const Json j, json_column(r, 0, "peak.peaks_json"));
    ASSAY_TRY(platform::Peaks p, platform::peaks_from_json(j));
    out.push_back(std::move(p));
  }
  return out;
}

Result<model::Cost> load_cost(RunFolder& run, const std::string& model) {
  ASSAY_TRY(auto row, run.db().first("SELECT info_json FROM model WHERE model_id=?", {model}));
  if (!row) return model::cost_from_json({});
  ASSAY_TRY(const Json info, json_column(*row, 0, "model.info_json"));
  return model::cost_from_json(get_object(info, "cost"));
}

// Of plans with clock states: the newest event `clocks` of the attempt that made the launch.
Status load_clocks(RunFolder& run, RecipeEvidence& recipe) {
  for (BuildEvidence& b : recipe.builds) {
    for (LaunchEvidence& l : b.launches) {
      ASSAY_TRY(auto row,
                run.db().first("SELECT detail_json FROM job_event e JOIN launch l ON "
                               "e.job_id=l.job_id AND e.attempt_id=l.attempt_id WHERE "
                               "l.launch_id=? AND e.state='clocks' ORDER BY seq DESC LIMIT 1",
                               {l.launch_id}));
      if (!row) continue;
      ASSAY_TRY(l.clocks, json_column(*row, 0, "job_event.detail_json"));
    }
  }
  return {};
}

}  // namespace

int64_t OutputBlob::item() const {
  int64_t n = 1;
  for (int64_t e : shape)
    if (e < 0 || __builtin_mul_overflow(n, e, &n)) return -1;
  return n;
}

const LaunchEvidence* BuildEvidence::output_launch() const {
  for (const LaunchEvidence& l : launches)
    if (l.launch_index == 0 && l.outcome == "ok" && !l.outputs.empty()) return &l;
  return nullptr;
}

Result<RunEvidence> load_evidence(RunFolder& run) {
  RunEvidence out;
  ASSAY_TRY(auto schema, run.db().first("PRAGMA user_version"));
  ASSAY_TRY(
      auto data,
      run.db().query("SELECT model_id, n, sampling, clusters_json, labels_json FROM dataset"));
  for (const Row& r : data) {
    DataEvidence d;
    d.n = r.integer(1);
    d.design = r.text(2) == "independent" ? stats::Design::independent
               : r.text(2) == "clustered" ? stats::Design::clustered
                                          : stats::Design::fixed;
    ASSAY_TRY(Json clusters, json_column(r, 3, "dataset.clusters_json"));
    ASSAY_TRY(Json labels, json_column(r, 4, "dataset.labels_json"));
    d.clusters = int_list(clusters);
    d.labels = int_list(labels);
    ASSAY_TRY(d.detector, load_detector(run, r.text(0)));
    out.data[r.text(0)] = std::move(d);
  }
  ASSAY_TRY(auto recipes,
            run.db().query("SELECT recipe_id, label, compiler, model_id, decides_at, "
                           "is_reference, regime_json, precision, threads FROM recipe ORDER BY "
                           "rowid"));
  std::vector<platform::Peaks> peaks;
  if (schema->integer(0) >= 4) {
    ASSAY_TRY(peaks, load_peaks(run));
  }
  for (const Row& r : recipes) {
    RecipeEvidence e;
    e.recipe_id = r.text(0);
    e.label = r.text(1);
    e.compiler = r.text(2);
    e.model_id = r.text(3);
    e.decides_at = r.text(4);
    e.is_reference = r.integer(5) != 0;
    ASSAY_TRY(Json regime, json_column(r, 6, "recipe.regime_json"));
    e.kernels_told = get_string(regime, "kernels", "name");
    e.dvfs = get_string(regime, "dvfs", "default");
    e.precision = r.text(7);
    e.threads = r.integer(8);
    e.device = get_string(regime, "device", "cpu");
    ASSAY_TRY(e.cost, load_cost(run, e.model_id));
    e.peaks = highest_peaks(peaks, e.device, e.threads);
    ASSAY_TRY(e.builds, load_builds(run, e.recipe_id));
    if (schema->integer(0) >= 2) ASSAY_CHECK(load_lock(run, e));
    ASSAY_CHECK(load_clocks(run, e));
    if (schema->integer(0) >= 4) ASSAY_CHECK(load_records(run, e));
    out.recipes.push_back(std::move(e));
  }
  return out;
}

}  // namespace assay::audit
