// SPDX-License-Identifier: Apache-2.0
#include "audit/audit.h"

#include <algorithm>
#include <map>
#include <set>

#include "audit/clock_states.h"
#include "audit/derive.h"
#include "audit/machine.h"
#include "audit/plausibility.h"
#include "base/text.h"

namespace assay::audit {
namespace {

using store::Value;

Status check_resumable(store::RunFolder& run, const std::string& plan_json,
                       const Prepared& prepared) {
  ASSAY_TRY(std::string stored, run.meta("plan_json"));
  const std::string fix =
      "run with the plan and machine it was started with, add --fresh to start anew, or name "
      "another folder with --out";
  if (!stored.empty() && stored != plan_json)
    return bad_input(
        fmt::format("run folder {} holds an audit of another plan", run.folder().string()), fix);
  ASSAY_TRY(std::string environment, run.meta("environment_key"));
  if (!environment.empty() && environment != prepared.environment_key) {
    return bad_input(fmt::format("run folder {} was made on another machine or with other packages",
                                 run.folder().string()),
                     fix);
  }
  if (!stored.empty()) {
    for (const PreparedRecipe& r : prepared.recipes) {
      ASSAY_TRY(auto row, run.db().first("SELECT 1 FROM recipe WHERE recipe_id=?", {r.recipe_id}));
      if (!row)
        return bad_input(
            fmt::format(
                "the model, its detector file or the data set changed since the audit in {} began",
                run.folder().string()),
            fix);
    }
  }
  return {};
}

Json indices(const std::vector<int64_t>& v, int64_t n) {
  Json out = Json::array();
  for (int64_t i = 0; i < n && i < static_cast<int64_t>(v.size()); ++i)
    out.push_back(v[static_cast<size_t>(i)]);
  return out;
}

// What derivation needs to make boxes of outputs: kept with the run, so that it can be done again.
Result<Json> detector_json(store::RunFolder& run, const PreparedModel& m) {
  Json out{{"spec", vision::to_json(*m.detector)}};
  // Sides of the first input of rank 4 or 3: CxHxW, or HxWxC when the last extent is that of
  // colours.
  for (const TensorSpec& t : m.info.inputs) {
    const size_t rank = t.shape.size();
    if (rank < 3) continue;
    const bool last = t.shape[rank - 1] <= 4;
    out["height"] = t.shape[last ? rank - 3 : rank - 2];
    out["width"] = t.shape[last ? rank - 2 : rank - 1];
    break;
  }
  if (m.data.boxes.empty()) return out;
  Json truth = Json::array();
  for (int64_t i = 0; i < m.n; ++i) {
    Json item = Json::array();
    for (const vision::Box& b : m.data.boxes[static_cast<size_t>(i)])
      item.push_back(Json::array({b.x0, b.y0, b.x1, b.y1, b.label}));
    truth.push_back(std::move(item));
  }
  ASSAY_TRY(out["truth"], run.put_blob(dump_json(truth)));
  return out;
}

Status store_plan(store::RunFolder& run, const Plan& plan, const Prepared& prepared,
                  const std::string& plan_json, const std::vector<Job>& jobs) {
  auto& db = run.db();
  ASSAY_TRY(std::string stored, run.meta("plan_json"));
  if (!stored.empty()) return {};
  ASSAY_TRY(auto t, store::Transaction::begin(db));
  for (size_t i = 0; i < prepared.models.size(); ++i) {
    const PreparedModel& m = prepared.models[i];
    Json info = model::to_json(m.info);
    if (m.detector) {
      ASSAY_TRY(info["detector"], detector_json(run, m));
    }
    ASSAY_CHECK(
        db.run("INSERT INTO model VALUES(?,?,?,?,?)",
               {m.model_id, plan.models[i].name, m.info.sha256, m.info.bytes, dump_json(info)}));
    const vision::Dataset& d = m.data;
    Json labels = indices(d.labels, m.n);
    ASSAY_CHECK(
        db.run("INSERT INTO dataset VALUES(?,?,?,?,?,?,?,?,?,?,?)",
               {m.dataset_id, m.model_id, d.name, d.sha256, m.n, std::string(word(d.sampling)),
                d.cluster_count(), int64_t{!d.labels.empty()}, d.description,
                dump_json(indices(d.clusters, m.n)), dump_json(labels)}));
  }
  for (const PreparedRecipe& r : prepared.recipes) {
    const PreparedModel& m = prepared.models[r.model];
    const auto batch =
        m.info.inputs.empty() || m.info.inputs[0].shape.empty() ? 1 : m.info.inputs[0].shape[0];
    Json regime{{"inputs", "resident"},
                {"loop", "closed"},
                {"sync", "return"},
                {"device", r.plan.device},
                {"batch", batch},
                {"page_cache", "warm"},
                {"threads", std::to_string(plan.threads)},
                {"cpu", plan.threads == 1 ? "last" : "all"},
                {"dvfs", r.plan.dvfs},
                {"kernels", r.compiler.kernels}};
    ASSAY_CHECK(db.run("INSERT INTO recipe VALUES(?,?,?,?,?,?,?,?,?,?,?,?)",
                       {r.recipe_id, m.model_id, m.dataset_id, r.plan.label(), r.plan.compiler,
                        r.plan.precision, plan.threads, r.plan.lock_mode, r.compiler.decides_at,
                        int64_t{r.is_reference}, dump_json(r.plan.options), dump_json(regime)}));
    if (r.lock) {
      ASSAY_TRY(std::string blob, run.put_blob(r.lock->text()));
      ASSAY_CHECK(db.run("INSERT INTO lock VALUES(?,?,?,?,?)",
                         {r.recipe_id, r.lock->sha256(), blob,
                          std::string(word(r.lock->lock().proof)), r.signature}));
    }
  }
  for (const Job& j : jobs) {
    ASSAY_CHECK(db.run("INSERT INTO job VALUES(?,?,?,?,?,?,?,?)",
                       {j.job_id, std::string(j.kind == JobKind::build ? "build" : "launch"),
                        prepared.recipes[j.recipe].recipe_id, j.build_index, j.launch_index,
                        j.block, j.position, static_cast<int64_t>(j.seed)}));
  }
  for (const auto& [key, value] :
       std::map<std::string, std::string>{{"run_id", random_id()},
                                          {"seed", std::to_string(plan.seed)},
                                          {"profile", plan.profile.name},
                                          {"assay_version", ASSAY_VERSION},
                                          {"created_utc", utc_now()},
                                          {"plan_sha256", sha256_hex(plan_json)},
                                          {"environment_key", prepared.environment_key},
                                          {"plan_json", plan_json}})
    ASSAY_CHECK(run.set_meta(key, value));
  return t.commit();
}

Status store_attempt(store::RunFolder& run, const std::string& attempt_id,
                     const std::vector<std::string>& argv) {
  return run.db().run("INSERT INTO attempt VALUES(?,?,?,?,?,?,?)",
                      {attempt_id, boot_id(), machine_id(), utc_now(), dump_json(Json(argv)),
                       dump_json(machine_record()), std::string(ASSAY_VERSION)});
}

Result<std::map<std::string, std::string>> job_states(store::RunFolder& run) {
  ASSAY_TRY(auto rows, run.db().query("SELECT job_id, state FROM job_event e WHERE seq=(SELECT "
                                      "max(seq) FROM job_event x WHERE x.job_id=e.job_id)"));
  std::map<std::string, std::string> out;
  for (const auto& r : rows) out[r.text(0)] = r.text(1);
  return out;
}

// After a crash: what had started is `interrupted`; a launch block that is not whole is kept,
// marked superseded, and run again as a whole (rule 10), since its launches would else be compared
// across the gap.
Status settle_states(const Context& ctx, const std::vector<Job>& jobs,
                     std::map<std::string, std::string>& states) {
  ASSAY_TRY(auto t, store::Transaction::begin(ctx.run.db()));
  for (auto& [id, state] : states) {
    if (state != "started") continue;
    ASSAY_CHECK(record_event(ctx, id, "interrupted", {{"reason", "the audit ended while it ran"}}));
    state = "interrupted";
  }
  std::map<int64_t, std::pair<int64_t, int64_t>> blocks;  // block -> done, total
  for (const Job& j : jobs) {
    if (j.kind != JobKind::launch) continue;
    auto& [done, total] = blocks[j.block];
    ++total;
    done += states[j.job_id] == "done";
  }
  for (const Job& j : jobs) {
    if (j.kind != JobKind::launch || states[j.job_id] != "done") continue;
    const auto [done, total] = blocks[j.block];
    if (done == total) continue;
    ASSAY_CHECK(
        record_event(ctx, j.job_id, "superseded", {{"reason", "its block was interrupted"}}));
    states[j.job_id] = "superseded";
  }
  return t.commit();
}

// The peaks of this attempt beside those that the evidence has.
void add_peaks(RunEvidence& evidence, const RunPeaks& peaks) {
  for (RecipeEvidence& r : evidence.recipes) {
    std::vector<platform::Peaks> all = peaks.all();
    if (r.peaks) all.push_back(*r.peaks);
    r.peaks = highest_peaks(all, r.device, r.threads);
  }
}

// A latency below what the peaks allow may show that they were measured too low.
Status store_peaks(store::RunFolder& run, const std::string& attempt_id, RunPeaks& peaks,
                   RunEvidence& evidence) {
  if (peaks.all().empty()) return {};
  add_peaks(evidence, peaks);
  bool below = false;
  for (const RecipeEvidence& r : evidence.recipes)
    for (const BuildEvidence& b : r.builds)
      for (const LaunchEvidence& l : b.launches)
        for (const std::string& reason : implausibilities(r, b, l))
          below = below || reason.starts_with("below");
  if (below) {
    ASSAY_CHECK(peaks.again(run.scratch()));
    add_peaks(evidence, peaks);
  }
  return peaks.store(run, attempt_id);
}

Result<std::string> ok_build(store::RunFolder& run, const std::string& recipe_id,
                             int64_t build_index) {
  ASSAY_TRY(auto row, run.db().first("SELECT build_id FROM build WHERE recipe_id=? AND "
                                     "build_index=? AND outcome='ok' ORDER BY rowid DESC LIMIT 1",
                                     {recipe_id, build_index}));
  return row ? row->text(0) : std::string();
}

std::vector<Job> schedule_of(const Plan& plan, const Prepared& prepared) {
  std::vector<std::string> ids;
  std::vector<int64_t> builds;
  for (const auto& r : prepared.recipes) {
    ids.push_back(r.recipe_id);
    builds.push_back(r.builds(plan));
  }
  std::vector<Job> jobs = make_schedule(ids, builds, plan.launches, plan.seed);
  order_copies(prepared, jobs);
  return jobs;
}

double job_estimate_s(const Plan& plan, const Prepared& prepared, const Job& job) {
  const PreparedRecipe& r = prepared.recipes[job.recipe];
  if (job.kind == JobKind::launch) {
    // Parameters stand in for the work of an inference: 5 M of them take about 15 ms on one small
    // core.
    const double run_s =
        1e-5 + 3e-9 * static_cast<double>(prepared.models[r.model].info.parameters);
    const int64_t inputs = job.launch_index == 0 ? prepared.models[r.model].n : 32;
    return 0.5 + run_s * static_cast<double>(plan.samples + plan.warmup_runs + inputs + 60) +
           static_cast<double>(plan.warmup_ms) / 1e3;
  }
  if (engine_source(prepared, job.recipe)) return 0.1;
  if (r.lock) return job.build_index < plan.builds ? r.compiler.build_s : 0.1;
  return r.compiler.build_s +
         r.compiler.trial_s * static_cast<double>(get_int(r.plan.options, "trials"));
}

class Estimator {
 public:
  Estimator(const Plan& plan, const Prepared& prepared) : plan_(plan), prepared_(prepared) {}
  void took(const Job& j, double seconds) {
    auto& [sum, n] = seen_[key(j)];
    sum += seconds;
    ++n;
  }
  double expect(const Job& j) const {
    auto it = seen_.find(key(j));
    return it != seen_.end() ? it->second.first / it->second.second
                             : job_estimate_s(plan_, prepared_, j);
  }

 private:
  static std::tuple<JobKind, size_t, bool> key(const Job& j) {
    return {j.kind, j.recipe, j.kind == JobKind::launch && j.launch_index == 0};
  }
  const Plan& plan_;
  const Prepared& prepared_;
  std::map<std::tuple<JobKind, size_t, bool>, std::pair<double, int>> seen_;
};

std::string job_text(const Plan& plan, const Prepared& prepared, const Job& j) {
  const PreparedRecipe& r = prepared.recipes[j.recipe];
  const std::string what = j.kind == JobKind::build
                               ? fmt::format("build {}/{}", j.build_index + 1, r.builds(plan))
                               : fmt::format("launch {}/{} of build {}", j.launch_index + 1,
                                             plan.launches, j.build_index + 1);
  return fmt::format("{} {} ({})", what, r.plan.label(), plan.models[r.model].name);
}

}  // namespace

double estimate_s(const Plan& plan, const Prepared& prepared) {
  double s = 0;
  for (const Job& j : schedule_of(plan, prepared)) s += job_estimate_s(plan, prepared, j);
  return s;
}

Result<AuditResult> run_audit(const Plan& plan, const Prepared& prepared, store::RunFolder& run,
                              const AuditOptions& options) {
  const int64_t begin = monotonic_ns();
  const std::string plan_json = dump_json(to_json(plan));
  ASSAY_CHECK(check_resumable(run, plan_json, prepared));
  std::vector<Job> jobs = schedule_of(plan, prepared);
  ASSAY_CHECK(store_plan(run, plan, prepared, plan_json, jobs));
  const auto cpus = allowed_cpus();
  Context ctx{plan,
              prepared,
              run,
              random_id(),
              options.cancel,
              cpus.empty() ? 0 : cpus.back(),
              cpus.empty() ? 0 : cpus.front()};
  ctx.layer_times = options.layer_times;
  ASSAY_CHECK(store_attempt(run, ctx.attempt_id, options.argv));
  std::set<std::string> devices;
  for (const PreparedRecipe& r : prepared.recipes) devices.insert(r.plan.device);
  RunPeaks peaks({options.peaks.wanted && options.launches && plan.samples > 0, options.peaks.file},
                 cpus, plan.threads, devices);
  ASSAY_TRY(auto states, job_states(run));
  ASSAY_CHECK(settle_states(ctx, jobs, states));

  AuditResult result;
  result.recipes = static_cast<int64_t>(prepared.recipes.size());
  Estimator estimator(plan, prepared);
  Clocks clocks(prepared, plan.gpu_mhz);
  if (!options.launches)
    std::erase_if(jobs, [](const Job& j) { return j.kind == JobKind::launch; });
  auto cancelled = [&] { return options.cancel && options.cancel->load(); };
  auto report = [&](size_t at, std::string now, std::string note) {
    if (!options.on_progress) return;
    double left = 0;
    for (size_t i = at; i < jobs.size(); ++i)
      if (states[jobs[i].job_id] != "done") left += estimator.expect(jobs[i]);
    options.on_progress({at, jobs.size(), static_cast<double>(monotonic_ns() - begin) / 1e9, left,
                         std::move(now), std::move(note)});
  };
  for (size_t i = 0; i < jobs.size() && !cancelled(); ++i) {
    const Job& job = jobs[i];
    if (states[job.job_id] == "done") {
      ++result.jobs_resumed;
      continue;
    }
    const std::string text = job_text(plan, prepared, job);
    report(i, text, "");
    const int64_t start = monotonic_ns();
    JobOutcome outcome;
    const auto source = engine_source(prepared, job.recipe);
    if (job.kind == JobKind::build && source) {
      ASSAY_TRY(outcome, take_build(ctx, job, prepared.recipes[*source].recipe_id));
    } else if (job.kind == JobKind::build) {
      ASSAY_CHECK(clocks.enter(ctx, job, prepared.recipes[job.recipe].plan));
      ASSAY_TRY(outcome, run_build(ctx, job));
    } else {
      ASSAY_TRY(std::string build_id,
                ok_build(run, prepared.recipes[job.recipe].recipe_id, job.build_index));
      if (build_id.empty()) {
        ASSAY_CHECK(record_event(ctx, job.job_id, "done",
                                 {{"outcome", "not_run"}, {"reason", "its build gave no engine"}}));
        states[job.job_id] = "done";
        continue;
      }
      ASSAY_CHECK(peaks.get(run.scratch()));
      ASSAY_CHECK(clocks.enter(ctx, job, prepared.recipes[job.recipe].plan));
      ASSAY_TRY(outcome, run_launch(ctx, job, build_id));
    }
    ASSAY_CHECK(clocks.leave());
    const double seconds = static_cast<double>(monotonic_ns() - start) / 1e9;
    result.children_s += seconds;
    if (outcome.outcome == "interrupted") break;
    states[job.job_id] = "done";
    ++result.jobs_run;
    estimator.took(job, seconds);
    if (outcome.outcome != "ok")
      report(i + 1, text, fmt::format("{}: {}: {}", text, outcome.outcome, outcome.reason));
  }
  result.interrupted = cancelled();
  if (!result.interrupted) {
    report(jobs.size(), "comparing", "");
    ASSAY_TRY(RunEvidence evidence, load_evidence(run));
    ASSAY_CHECK(store_peaks(run, ctx.attempt_id, peaks, evidence));
    ASSAY_TRY(Derived derived, derive(run, std::move(evidence), to_json(plan)));
    ASSAY_CHECK(store_derived(run, ctx.attempt_id, derived));
  }
  // Usable: an engine, and where launches were asked for, one that ended well.
  ASSAY_TRY(auto usable,
            run.db().first(
                "SELECT count(DISTINCT b.recipe_id) FROM build b WHERE b.outcome='ok' AND (?=0 OR "
                "EXISTS(SELECT 1 FROM launch l WHERE l.build_id=b.build_id AND l.outcome='ok'))",
                {int64_t{options.launches}}));
  result.usable_recipes = usable->integer(0);
  result.wall_s = static_cast<double>(monotonic_ns() - begin) / 1e9;
  return result;
}

}  // namespace assay::audit
