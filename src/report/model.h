// SPDX-License-Identifier: Apache-2.0
// What a report says, read from the evidence of one run. The newest derivation counts; superseded
// and interrupted jobs are counted but give no figures. `ref` names a row inside the report
// ("s12"): numbers link to it, and the evidence appendix resolves it to table, row id and blob.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "report/curve.h"
#include "stats/intervals.h"
#include "store/run_folder.h"

namespace assay::report {

struct Attempt {
  std::string ref, id, boot_id, machine_id, started_utc, assay_version;
  Json argv, machine;
};

struct DataSet {
  std::string ref, id, model_id, name, sha256, sampling, description;
  int64_t n = 0, clusters = 0;
  bool labelled = false;
};

struct EngineFile {
  std::string path, role, blob;
  int64_t bytes = 0;
};

struct Kernel {
  std::string layer, kernel, source_sha256, precision, origin;
};

struct SelfCheck {
  std::string name, result, detail;
  int64_t inputs = 0, mismatches = 0;
  std::optional<double> max_abs;
};

struct Output {
  std::string ref, id, role, name, dtype, shape_json, blob;
  int64_t n = 0;
};

// Samples of one launch. `order` holds min and max per pixel column in run order; `problem` says
// why the samples could not be read ("" when they could).
struct Series {
  std::string ref, id, name, clock, samples_blob, slots_blob, problem;
  int64_t n = 0, censored = 0, min_ns = 0, max_ns = 0;
  Json cost, sampler;
  std::vector<MinMax> order;
};

struct Launch {
  std::string ref, id, job_id, outcome, reason, memory_method, kernel_map_sha256, kernels_agree;
  std::string stdout_blob, stderr_blob, events_blob;
  int64_t index = 0, wall_ns = 0, cpu_ns = 0, load_ns = 0, first_run_ns = 0, peak_memory_bytes = 0;
  bool counts = true;  // false: superseded or interrupted
  Json environment, isolation;
  std::vector<Series> series;
  std::vector<SelfCheck> checks;
  std::vector<Output> outputs;
};

struct Build {
  std::string ref, id, job_id, outcome, reason, memory_method, engine_sha256, artifact_sha256,
      kernel_map_sha256, compiler_version;
  std::string made_by;  // of a locked recipe: recorded | rebuilt | replayed
  std::string manifest_blob, stdout_blob, stderr_blob, events_blob;
  int64_t index = 0, wall_ns = 0, cpu_ns = 0, peak_memory_bytes = 0, engine_bytes = 0;
  int64_t candidates = 0, candidates_failed = 0;
  bool counts = true;
  Json trials, isolation;
  std::vector<EngineFile> files;
  std::vector<Kernel> kernels;
  std::vector<Launch> launches;
  std::vector<Point> ecdf;  // over all latency samples of the launches that count
  int64_t ecdf_n = 0;
};

struct Flip {
  int64_t input = 0, a_top1 = 0, b_top1 = 0;
  double a_margin = 0, b_margin = 0;
  std::optional<double> probability_change;
};

struct Comparison {
  std::string ref, id, scope, a, b, output;
  // Builds (scope builds, reference) or launches (scope launches) of a and b; -1: not in this run.
  int64_t a_index = -1, b_index = -1;
  int64_t n = 0, bitwise_different = 0;
  std::optional<int64_t> top1_mismatch;
  Json metrics;
  std::vector<Flip> flips;
};

struct VerdictRow {
  std::string ref, id, subject, scope, verdict, statement;
  Json statistic, threshold, evidence;
};

struct Finding {
  std::string ref, id, severity, code, recipe_id, build_id, launch_id, text, fix;
};

struct Recipe {
  std::string ref, id, model_id, dataset_id, label, compiler, precision, lock_mode, decides_at;
  int64_t threads = 0;
  bool is_reference = false;
  Json options, regime;
  int64_t builds_asked = 0, builds_ok = 0, launches_asked = 0, launches_ok = 0;
  int64_t superseded = 0, interrupted = 0;  // jobs that count in no figure
  std::vector<Build> builds;
  std::vector<Comparison> comparisons;
  std::vector<VerdictRow> verdicts;
  AxisRange latency_ns;  // of all samples; what the curves were cut to
  std::string clock;     // "monotonic", "scripted", "mixed", "unknown"
};

struct ModelInfo {
  std::string ref, id, name, sha256;
  int64_t bytes = 0;
  Json info;
  std::vector<DataSet> datasets;
  std::vector<Recipe> recipes;
};

struct Derivation {
  std::string id, time_utc, assay_version, result_sha256;
};

struct Model {
  std::string run_id, seed, profile, assay_version, plan_json, plan_sha256, folder;
  std::optional<Derivation> derivation;
  std::vector<Attempt> attempts;
  std::vector<ModelInfo> models;
  std::vector<Finding> findings;
  std::vector<std::string> problems;  // evidence that could not be read, one line each
  int64_t samples = 0;                // timed samples behind the figures
};

// Reads everything above. Errors: the database cannot be read or is no run. Blobs that are missing
// or torn are `problems`, not errors: the rest of the evidence still stands.
Result<Model> load_model(store::RunFolder& run);

// The verdict of `subject` and `scope` ("" = any), or nullptr.
const VerdictRow* find_verdict(const Recipe& recipe, std::string_view subject,
                               std::string_view scope = "");

}  // namespace assay::report
