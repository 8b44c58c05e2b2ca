-- Evidence of one run, version 1. Append-only: rows are never changed; later rows win where the text says so.
-- Keys are 128-bit hex texts. Times: _ns are monotonic nanoseconds of the machine, *_utc are ISO 8601.
-- `blob` columns hold the SHA-256 of a file in blobs/ab/cdef...; NULL means there is none.
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;  -- run_id, seed, profile, assay_version, plan_json, plan_sha256

-- One row per process that worked on the run. machine_json: CPU, kernel, memory, governor, packages (report: "machine").
CREATE TABLE attempt (
  attempt_id TEXT PRIMARY KEY, boot_id TEXT NOT NULL, machine_id TEXT NOT NULL, started_utc TEXT NOT NULL,
  argv_json TEXT NOT NULL, machine_json TEXT NOT NULL, assay_version TEXT NOT NULL) STRICT;

CREATE TABLE model (
  model_id TEXT PRIMARY KEY, name TEXT NOT NULL, sha256 TEXT NOT NULL, bytes INTEGER NOT NULL,
  info_json TEXT NOT NULL) STRICT;  -- inputs, outputs, opset, nodes, parameters, operators

CREATE TABLE dataset (
  dataset_id TEXT PRIMARY KEY, model_id TEXT NOT NULL REFERENCES model, name TEXT NOT NULL, sha256 TEXT NOT NULL,
  n INTEGER NOT NULL, sampling TEXT NOT NULL, clusters INTEGER NOT NULL, labelled INTEGER NOT NULL,
  description TEXT NOT NULL, clusters_json TEXT NOT NULL, labels_json TEXT NOT NULL) STRICT;

CREATE TABLE recipe (
  recipe_id TEXT PRIMARY KEY, model_id TEXT NOT NULL REFERENCES model, dataset_id TEXT NOT NULL REFERENCES dataset,
  label TEXT NOT NULL,           -- "openvino fp32"
  compiler TEXT NOT NULL, precision TEXT NOT NULL, threads INTEGER NOT NULL, lock_mode TEXT NOT NULL,
  decides_at TEXT NOT NULL, is_reference INTEGER NOT NULL, options_json TEXT NOT NULL, regime_json TEXT NOT NULL) STRICT;

-- kind: build | launch. block: the randomised block; position: place in the randomised order of the whole run.
CREATE TABLE job (
  job_id TEXT PRIMARY KEY, kind TEXT NOT NULL, recipe_id TEXT NOT NULL REFERENCES recipe, build_index INTEGER NOT NULL,
  launch_index INTEGER NOT NULL, block INTEGER NOT NULL, position INTEGER NOT NULL, seed INTEGER NOT NULL) STRICT;

-- state: started | done | failed | interrupted | superseded. The newest row of a job is its state.
CREATE TABLE job_event (
  seq INTEGER PRIMARY KEY AUTOINCREMENT, job_id TEXT NOT NULL REFERENCES job, attempt_id TEXT NOT NULL REFERENCES attempt,
  state TEXT NOT NULL, time_utc TEXT NOT NULL, monotonic_ns INTEGER NOT NULL, detail_json TEXT NOT NULL) STRICT;

-- outcome: ok | unsupported | failed | crashed | hung | out_of_memory | lied | interrupted
CREATE TABLE build (
  build_id TEXT PRIMARY KEY, job_id TEXT NOT NULL REFERENCES job, recipe_id TEXT NOT NULL REFERENCES recipe,
  build_index INTEGER NOT NULL, attempt_id TEXT NOT NULL REFERENCES attempt, outcome TEXT NOT NULL, reason TEXT NOT NULL,
  wall_ns INTEGER NOT NULL, cpu_ns INTEGER NOT NULL, peak_memory_bytes INTEGER NOT NULL, memory_method TEXT NOT NULL,
  engine_bytes INTEGER NOT NULL, engine_sha256 TEXT NOT NULL,   -- over the sorted (path, sha256) of its files; "" when none
  artifact_sha256 TEXT NOT NULL, kernel_map_sha256 TEXT NOT NULL, compiler_version TEXT NOT NULL,
  manifest_blob TEXT, stdout_blob TEXT, stderr_blob TEXT, events_blob TEXT,
  trials_json TEXT NOT NULL, isolation_json TEXT NOT NULL) STRICT;
CREATE TABLE engine_file (
  build_id TEXT NOT NULL REFERENCES build, path TEXT NOT NULL, role TEXT NOT NULL, bytes INTEGER NOT NULL, blob TEXT NOT NULL,
  PRIMARY KEY (build_id, path)) STRICT;
CREATE TABLE kernel (
  build_id TEXT NOT NULL REFERENCES build, ordinal INTEGER NOT NULL, layer TEXT NOT NULL, kernel TEXT NOT NULL,
  source_sha256 TEXT NOT NULL, precision TEXT NOT NULL, origin TEXT NOT NULL, PRIMARY KEY (build_id, ordinal)) STRICT;
CREATE TABLE candidate (
  build_id TEXT NOT NULL REFERENCES build, number INTEGER NOT NULL, layer TEXT NOT NULL, candidate TEXT NOT NULL,
  ok INTEGER NOT NULL, times_json TEXT NOT NULL, error TEXT NOT NULL, PRIMARY KEY (build_id, number)) STRICT;

-- outcome as for build. kernel_map_sha256: the map reported in this launch, over layer and kernel (and source where told).
CREATE TABLE launch (
  launch_id TEXT PRIMARY KEY, job_id TEXT NOT NULL REFERENCES job, build_id TEXT NOT NULL REFERENCES build,
  launch_index INTEGER NOT NULL, attempt_id TEXT NOT NULL REFERENCES attempt, outcome TEXT NOT NULL, reason TEXT NOT NULL,
  wall_ns INTEGER NOT NULL, cpu_ns INTEGER NOT NULL, load_ns INTEGER NOT NULL, first_run_ns INTEGER NOT NULL,
  peak_memory_bytes INTEGER NOT NULL, memory_method TEXT NOT NULL, kernel_map_sha256 TEXT NOT NULL, kernels_agree TEXT NOT NULL, -- yes | no | unknown
  stdout_blob TEXT, stderr_blob TEXT, events_blob TEXT, environment_json TEXT NOT NULL, isolation_json TEXT NOT NULL) STRICT;
-- samples_blob: int64 LE ns in run order, after warm-up; slots_blob: int64 LE slot of each sample. censored: samples cut off.
CREATE TABLE series (
  series_id TEXT PRIMARY KEY, launch_id TEXT NOT NULL REFERENCES launch, name TEXT NOT NULL, clock TEXT NOT NULL,
  n INTEGER NOT NULL, samples_blob TEXT NOT NULL, slots_blob TEXT NOT NULL, censored INTEGER NOT NULL,
  cost_json TEXT NOT NULL, sampler_json TEXT NOT NULL) STRICT;
CREATE TABLE output (
  output_id TEXT PRIMARY KEY, launch_id TEXT NOT NULL REFERENCES launch, role TEXT NOT NULL, name TEXT NOT NULL,
  dtype TEXT NOT NULL, shape_json TEXT NOT NULL, n INTEGER NOT NULL, blob TEXT NOT NULL) STRICT;
CREATE TABLE self_check (
  launch_id TEXT NOT NULL REFERENCES launch, name TEXT NOT NULL, result TEXT NOT NULL, inputs INTEGER NOT NULL,
  mismatches INTEGER NOT NULL, max_abs REAL, detail TEXT NOT NULL, PRIMARY KEY (launch_id, name)) STRICT;

-- Everything below is derived from the rows and blobs above; each derivation is whole, the newest one counts.
CREATE TABLE derivation (
  seq INTEGER PRIMARY KEY AUTOINCREMENT, derivation_id TEXT UNIQUE NOT NULL, attempt_id TEXT NOT NULL REFERENCES attempt,
  time_utc TEXT NOT NULL, assay_version TEXT NOT NULL, result_sha256 TEXT NOT NULL) STRICT; -- over the canonical rows below
-- scope: builds | reference | launches. a, b: launch ids. metrics_json: docs/evidence-format.md.
CREATE TABLE comparison (
  comparison_id TEXT NOT NULL, derivation_id TEXT NOT NULL REFERENCES derivation(derivation_id), recipe_id TEXT NOT NULL,
  scope TEXT NOT NULL, a TEXT NOT NULL, b TEXT NOT NULL, output TEXT NOT NULL, n INTEGER NOT NULL, bitwise_different INTEGER NOT NULL,
  top1_mismatch INTEGER, metrics_json TEXT NOT NULL, PRIMARY KEY (derivation_id, comparison_id)) STRICT;
-- One row per input whose top-1 differs; margins = top-1 minus top-2 of the raw output.
CREATE TABLE flip (
  derivation_id TEXT NOT NULL, comparison_id TEXT NOT NULL, input INTEGER NOT NULL, a_top1 INTEGER NOT NULL, b_top1 INTEGER NOT NULL,
  a_margin REAL NOT NULL, b_margin REAL NOT NULL, probability_change REAL, PRIMARY KEY (derivation_id, comparison_id, input)) STRICT;
-- subject: outputs | labels | accuracy | kernels | latency | self | engine_bytes. statement: one sentence for people.
CREATE TABLE verdict (
  verdict_id TEXT NOT NULL, derivation_id TEXT NOT NULL REFERENCES derivation(derivation_id), recipe_id TEXT NOT NULL,
  subject TEXT NOT NULL, scope TEXT NOT NULL, verdict TEXT NOT NULL, statement TEXT NOT NULL, statistic_json TEXT NOT NULL,
  threshold_json TEXT NOT NULL, evidence_json TEXT NOT NULL, PRIMARY KEY (derivation_id, verdict_id)) STRICT;
-- Things to name that no verdict carries: crashes, lies, swapped kernels, left daemons, isolation that was not had.
CREATE TABLE finding (
  finding_id TEXT NOT NULL, derivation_id TEXT NOT NULL REFERENCES derivation(derivation_id), severity TEXT NOT NULL, -- error | warning | note
  code TEXT NOT NULL, recipe_id TEXT NOT NULL, build_id TEXT, launch_id TEXT, text TEXT NOT NULL, fix TEXT NOT NULL,
  PRIMARY KEY (derivation_id, finding_id)) STRICT;

CREATE INDEX job_event_job ON job_event(job_id, seq);
CREATE INDEX build_recipe ON build(recipe_id, build_index);
CREATE INDEX launch_build ON launch(build_id, launch_index);
CREATE INDEX output_launch ON output(launch_id);
CREATE INDEX series_launch ON series(launch_id);
