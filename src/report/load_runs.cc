// SPDX-License-Identifier: Apache-2.0
// Builds, launches and their samples.
#include <algorithm>
#include <bit>
#include <cstring>
#include <unordered_map>
#include <unordered_set>

#include "report/loader.h"

namespace assay::report {
namespace {

constexpr int kEcdfColumns = 480, kLeastEcdfColumns = 120;
// Vertices of all curves together, for the same reason as below.
constexpr int kAllEcdfColumns = 12'000;
constexpr int kOrderColumns = 120, kLeastOrderColumns = 12;
// Columns of all run-order plots together, so that a run of many launches stays a small page.
constexpr int kAllOrderColumns = 12'000;

template <class T>
void sort_by_index(std::vector<T>& rows) {
  std::stable_sort(rows.begin(), rows.end(),
                   [](const T& a, const T& b) { return a.index < b.index; });
}

// A job that was taken up again has several rows (in the order of their making): the newest speaks.
template <class T>
void only_newest_counts(std::vector<T>& rows) {
  std::unordered_set<std::string> seen;
  for (auto row = rows.rbegin(); row != rows.rend(); ++row)
    if (row->counts && !seen.insert(row->job_id).second) row->counts = false;
}

}  // namespace

// Runs of schema 1 have no locks.
Status Loader::locked_builds() {
  ASSAY_TRY(auto schema, run_.db().first("PRAGMA user_version"));
  if (schema->integer(0) < 2) return {};
  ASSAY_TRY(auto rows, run_.db().query("SELECT build_id, made_by FROM locked_build"));
  std::unordered_map<std::string, std::string> made;
  for (const auto& r : rows) made[r.text(0)] = r.text(1);
  for (auto& [id, recipe] : recipes_)
    for (Build& b : recipe->builds)
      if (auto it = made.find(b.id); it != made.end()) b.made_by = it->second;
  return {};
}

Status Loader::builds() {
  auto& db = run_.db();
  ASSAY_TRY(
      auto rows,
      db.query("SELECT recipe_id, build_id, job_id, build_index, outcome, reason, wall_ns, "
               "cpu_ns, peak_memory_bytes, memory_method, engine_bytes, engine_sha256, "
               "artifact_sha256, kernel_map_sha256, compiler_version, manifest_blob, "
               "stdout_blob, stderr_blob, events_blob, trials_json, isolation_json FROM build "
               "ORDER BY rowid"));
  for (const auto& r : rows) {
    auto it = recipes_.find(r.text(0));
    if (it == recipes_.end()) continue;
    Build b;
    b.ref = next('b');
    b.id = r.text(1);
    b.job_id = r.text(2);
    b.index = r.integer(3);
    b.outcome = r.text(4);
    b.reason = r.text(5);
    b.wall_ns = r.integer(6);
    b.cpu_ns = r.integer(7);
    b.peak_memory_bytes = r.integer(8);
    b.memory_method = r.text(9);
    b.engine_bytes = r.integer(10);
    b.engine_sha256 = r.text(11);
    b.artifact_sha256 = r.text(12);
    b.kernel_map_sha256 = r.text(13);
    b.compiler_version = r.text(14);
    b.manifest_blob = r.text(15);
    b.stdout_blob = r.text(16);
    b.stderr_blob = r.text(17);
    b.events_blob = r.text(18);
    b.trials = json_column(r, 19, "build.trials_json");
    b.isolation = json_column(r, 20, "build.isolation_json");
    b.counts = b.outcome != "interrupted";
    it->second->builds.push_back(std::move(b));
  }
  ASSAY_CHECK(locked_builds());
  for (auto& [id, recipe] : recipes_) {
    only_newest_counts(recipe->builds);
    sort_by_index(recipe->builds);
    for (auto& b : recipe->builds) {
      builds_[b.id] = &b;
      recipe->builds_ok += b.counts && b.outcome == "ok";
    }
  }
  ASSAY_TRY(rows, db.query("SELECT build_id, path, role, bytes, blob FROM engine_file "
                           "ORDER BY build_id, path"));
  for (const auto& r : rows)
    if (auto it = builds_.find(r.text(0)); it != builds_.end())
      it->second->files.push_back({r.text(1), r.text(2), r.text(4), r.integer(3)});
  ASSAY_TRY(rows, db.query("SELECT build_id, layer, kernel, source_sha256, precision, origin FROM "
                           "kernel ORDER BY build_id, ordinal"));
  for (const auto& r : rows)
    if (auto it = builds_.find(r.text(0)); it != builds_.end())
      it->second->kernels.push_back({r.text(1), r.text(2), r.text(3), r.text(4), r.text(5)});
  ASSAY_TRY(rows,
            db.query("SELECT build_id, COUNT(*), SUM(ok = 0) FROM candidate GROUP BY build_id"));
  for (const auto& r : rows) {
    if (auto it = builds_.find(r.text(0)); it != builds_.end()) {
      it->second->candidates = r.integer(1);
      it->second->candidates_failed = r.integer(2);
    }
  }
  return {};
}

Status Loader::launches() {
  auto& db = run_.db();
  ASSAY_TRY(auto rows,
            db.query("SELECT build_id, launch_id, job_id, launch_index, outcome, reason, wall_ns, "
                     "cpu_ns, load_ns, first_run_ns, peak_memory_bytes, memory_method, "
                     "kernel_map_sha256, kernels_agree, stdout_blob, stderr_blob, events_blob, "
                     "environment_json, isolation_json FROM launch ORDER BY rowid"));
  for (const auto& r : rows) {
    auto it = builds_.find(r.text(0));
    if (it == builds_.end()) continue;
    Launch l;
    l.ref = next('l');
    l.id = r.text(1);
    l.job_id = r.text(2);
    l.index = r.integer(3);
    l.outcome = r.text(4);
    l.reason = r.text(5);
    l.wall_ns = r.integer(6);
    l.cpu_ns = r.integer(7);
    l.load_ns = r.integer(8);
    l.first_run_ns = r.integer(9);
    l.peak_memory_bytes = r.integer(10);
    l.memory_method = r.text(11);
    l.kernel_map_sha256 = r.text(12);
    l.kernels_agree = r.text(13);
    l.stdout_blob = r.text(14);
    l.stderr_blob = r.text(15);
    l.events_blob = r.text(16);
    l.environment = json_column(r, 17, "launch.environment_json");
    l.isolation = json_column(r, 18, "launch.isolation_json");
    l.counts = it->second->counts && job_done(l.job_id);
    it->second->launches.push_back(std::move(l));
  }
  for (auto& [id, build] : builds_) {
    only_newest_counts(build->launches);
    sort_by_index(build->launches);
    for (auto& l : build->launches) {
      launches_[l.id] = &l;
      build_of_launch_[l.id] = build;
    }
  }
  for (auto& [id, recipe] : recipes_)
    for (auto& b : recipe->builds)
      for (auto& l : b.launches) recipe->launches_ok += l.counts && l.outcome == "ok";
  ASSAY_TRY(rows,
            db.query("SELECT launch_id, name, result, inputs, mismatches, max_abs, detail FROM "
                     "self_check ORDER BY launch_id, name"));
  for (const auto& r : rows) {
    auto it = launches_.find(r.text(0));
    if (it == launches_.end()) continue;
    SelfCheck c{r.text(1), r.text(2), r.text(6), r.integer(3), r.integer(4), {}};
    if (!r.null(5)) c.max_abs = r.real(5);
    it->second->checks.push_back(std::move(c));
  }
  ASSAY_TRY(rows,
            db.query("SELECT launch_id, output_id, role, name, dtype, shape_json, blob, n FROM "
                     "output ORDER BY rowid"));
  for (const auto& r : rows) {
    auto it = launches_.find(r.text(0));
    if (it == launches_.end()) continue;
    it->second->outputs.push_back({next('o'), r.text(1), r.text(2), r.text(3), r.text(4), r.text(5),
                                   r.text(6), r.integer(7)});
  }
  return {};
}

Status Loader::series() {
  ASSAY_TRY(auto rows, run_.db().query("SELECT launch_id, series_id, name, clock, n, samples_blob, "
                                       "slots_blob, censored, cost_json, sampler_json FROM series "
                                       "ORDER BY rowid"));
  for (const auto& r : rows) {
    auto it = launches_.find(r.text(0));
    if (it == launches_.end()) continue;
    Series s;
    s.ref = next('s');
    s.id = r.text(1);
    s.name = r.text(2);
    s.clock = r.text(3);
    s.n = r.integer(4);
    s.samples_blob = r.text(5);
    s.slots_blob = r.text(6);
    s.censored = r.integer(7);
    s.cost = json_column(r, 8, "series.cost_json");
    s.sampler = json_column(r, 9, "series.sampler_json");
    it->second->series.push_back(std::move(s));
  }
  return {};
}

bool Loader::read_samples(Series& series, std::vector<int64_t>& out) {
  static_assert(std::endian::native == std::endian::little);
  auto blob = run_.map_blob(series.samples_blob);
  if (!blob) {
    series.problem = "samples cannot be read: " + blob.error().message;
  } else if (series.n < 0 || blob->bytes().size() != static_cast<size_t>(series.n) * 8) {
    series.problem = fmt::format("samples are torn: {} bytes where {} samples of 8 bytes belong",
                                 blob->bytes().size(), series.n);
  }
  if (!series.problem.empty()) {
    model_.problems.push_back(fmt::format("series {}: {}", series.id, series.problem));
    return false;
  }
  out.resize(static_cast<size_t>(series.n));
  if (!out.empty()) std::memcpy(out.data(), blob->bytes().data(), blob->bytes().size());
  return !out.empty();
}

void Loader::samples() {
  int64_t series = 0;
  for (const auto& [id, launch] : launches_)
    for (const auto& s : launch->series) series += launch->counts && s.name == "latency";
  const auto columns = static_cast<int>(std::clamp<int64_t>(
      kAllOrderColumns / std::max<int64_t>(series, 1), kLeastOrderColumns, kOrderColumns));
  for (auto& m : model_.models)
    for (auto& recipe : m.recipes) samples_of(recipe, columns);
}

void Loader::samples_of(Recipe& recipe, int columns) {
  std::vector<std::vector<int64_t>> of_build(recipe.builds.size());
  std::vector<int64_t> samples;
  int64_t low = INT64_MAX, high = INT64_MIN;
  recipe.clock = "unknown";
  for (size_t i = 0; i < recipe.builds.size(); ++i) {
    for (Launch& l : recipe.builds[i].launches) {
      if (!l.counts) continue;
      for (Series& s : l.series) {
        if (s.name != "latency") continue;
        if (recipe.clock == "unknown") recipe.clock = s.clock;
        // A launch that was cut off could not say what its clock is.
        if (s.clock != "unknown" && recipe.clock != s.clock) recipe.clock = "mixed";
        if (!read_samples(s, samples)) continue;
        const auto [a, b] = std::minmax_element(samples.begin(), samples.end());
        s.min_ns = *a;
        s.max_ns = *b;
        s.order = run_order(samples, columns);
        if (l.outcome == "ok")
          of_build[i].insert(of_build[i].end(), samples.begin(), samples.end());
        low = std::min(low, s.min_ns);
        high = std::max(high, s.max_ns);
      }
    }
  }
  if (high < low) return;
  recipe.latency_ns = axis_range(static_cast<double>(low), static_cast<double>(high));
  const auto curve_columns = static_cast<int>(std::clamp<int64_t>(
      kAllEcdfColumns / static_cast<int64_t>(std::max<size_t>(builds_.size(), 1)),
      kLeastEcdfColumns, kEcdfColumns));
  for (size_t i = 0; i < recipe.builds.size(); ++i) {
    std::sort(of_build[i].begin(), of_build[i].end());
    recipe.builds[i].ecdf = ecdf(of_build[i], recipe.latency_ns, curve_columns);
    recipe.builds[i].ecdf_n = static_cast<int64_t>(of_build[i].size());
    model_.samples += recipe.builds[i].ecdf_n;
  }
}

}  // namespace assay::report
