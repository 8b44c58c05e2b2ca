// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "audit/job.h"
#include "audit/lock/build.h"
#include "audit/platform_evidence.h"
#include "audit/worker_launch.h"
#include "base/text.h"

namespace assay::audit {
namespace {

using store::Value;

constexpr int64_t kFewInputs = 32;  // outputs of launches that are only compared with launch 0

constexpr int64_t kLayerRuns = 5;

WorkerLaunch make_launch(const Context& ctx, const Job& job, const fs::path& engine_dir) {
  const PreparedRecipe& recipe = ctx.prepared.recipes[job.recipe];
  const PreparedModel& m = ctx.prepared.models[recipe.model];
  const bool all = job.launch_index == 0 || recipe.compiler.decides_at != "build";
  WorkerLaunch l = recipe_launch(ctx.plan, recipe, m.data, engine_dir);
  l.loaded = recipe.lock != nullptr;
  l.build_index = job.build_index;
  l.launch_index = job.launch_index;
  l.outputs = all ? m.n : std::min(m.n, kFewInputs);
  l.checks = {"repeat", "early_return", "after", "batch_rows"};
  if (job.launch_index == 0) l.checks.push_back("reload");
  if (ctx.layer_times && job.build_index == 0 && job.launch_index == 1) l.layer_runs = kLayerRuns;
  l.samples = ctx.plan.samples;
  l.slots = std::min(ctx.plan.slots, m.n);
  l.seed = job.seed;
  l.cancel = ctx.cancel;
  return l;
}

std::string int64_blob(const std::vector<int64_t>& v) {
  return {reinterpret_cast<const char*>(v.data()), v.size() * sizeof(int64_t)};
}

struct Blobs {
  std::string out, err, events, samples, slots, record;
  std::vector<std::string> outputs;
};

Result<Blobs> put_blobs(const Context& ctx, const WorkerResult& r, const fs::path& scratch) {
  Blobs b;
  ASSAY_TRY(b.out, ctx.run.put_blob_file(scratch / "stdout"));
  ASSAY_TRY(b.err, ctx.run.put_blob_file(scratch / "stderr"));
  ASSAY_TRY(b.events, ctx.run.put_blob(r.log.text));
  ASSAY_TRY(b.samples, ctx.run.put_blob(int64_blob(r.samples)));
  ASSAY_TRY(b.slots, ctx.run.put_blob(int64_blob(r.slots)));
  if (r.platform) {
    ASSAY_TRY(b.record, ctx.run.put_blob(dump_json(platform::to_json(r.platform->record))));
  }
  for (const WorkerOutput& o : r.outputs) {
    ASSAY_TRY(std::string blob, ctx.run.put_blob_file(o.file));
    b.outputs.push_back(std::move(blob));
  }
  return b;
}

Status store_children(const Context& ctx, const std::string& launch_id, const WorkerResult& r,
                      const Blobs& blobs) {
  auto& db = ctx.run.db();
  for (size_t i = 0; i < r.outputs.size(); ++i) {
    const WorkerOutput& o = r.outputs[i];
    ASSAY_CHECK(
        db.run("INSERT INTO output VALUES(?,?,?,?,?,?,?,?)",
               {random_id(), launch_id, o.role, o.spec.name, std::string(dtype_name(o.spec.dtype)),
                dump_json(Json(o.spec.shape)), o.n, blobs.outputs[i]}));
  }
  for (const Json& e : r.log.events) {
    if (get_string(e, "event") != "check") continue;
    Value max_abs;
    if (e.contains("max_abs") && e["max_abs"].is_number()) max_abs = get_double(e, "max_abs");
    ASSAY_CHECK(db.run(
        "INSERT OR REPLACE INTO self_check VALUES(?,?,?,?,?,?,?)",
        {launch_id, get_string(e, "name"), get_string(e, "result", "not_run"), get_int(e, "inputs"),
         get_int(e, "mismatches"), max_abs, one_line(get_string(e, "detail"))}));
  }
  if (r.platform) {
    PlatformEvidence machine = *r.platform;
    machine.record_blob = blobs.record;
    ASSAY_CHECK(store_platform(ctx.run, "launch", launch_id, machine));
  }
  const Json* series = r.log.find("series");
  if (r.samples.empty() && !series) return {};
  // Without the worker's word the series was cut off: what was written is kept, the sample in
  // flight is censored.
  const Json* sampler = r.log.find("sampler");
  return db.run("INSERT INTO series VALUES(?,?,?,?,?,?,?,?,?,?)",
                {random_id(), launch_id, std::string("latency"),
                 series ? get_string(*series, "clock", "monotonic") : std::string("unknown"),
                 static_cast<int64_t>(r.samples.size()), blobs.samples, blobs.slots,
                 int64_t{series ? 0 : 1}, dump_json(series ? *series : Json::object()),
                 dump_json(sampler ? *sampler : Json::object())});
}

Status record(const Context& ctx, const Job& job, const std::string& build_id,
              const WorkerResult& r, const std::string& agree, const fs::path& scratch) {
  const PreparedRecipe& recipe = ctx.prepared.recipes[job.recipe];
  std::vector<LockCheck> checks;
  if (recipe.lock) {
    ASSAY_TRY(checks, check_launch(recipe.lock->lock(), r, FileRoots(recipe.installation),
                                   ctx.plan.allowed));
  }
  auto& run = ctx.run;
  ASSAY_TRY(Blobs blobs, put_blobs(ctx, r, scratch));
  Json isolation = isolation_record(r.child);
  auto event_int = [&](const char* event, const char* key) {
    const Json* e = r.log.find(event);
    return e ? get_int(*e, key) : int64_t{0};
  };
  const Json* environment = r.log.find("environment");
  ASSAY_TRY(auto transaction, store::Transaction::begin(run.db()));
  const std::string launch_id = random_id();
  ASSAY_CHECK(run.db().run("INSERT INTO launch VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
                           {launch_id,
                            job.job_id,
                            build_id,
                            job.launch_index,
                            ctx.attempt_id,
                            r.outcome.outcome,
                            r.outcome.reason,
                            r.child.wall_ns,
                            r.child.cpu_ns,
                            event_int("opened", "load_ns"),
                            event_int("first_run", "ns"),
                            r.child.peak_memory_bytes,
                            r.child.memory_method,
                            r.kernels.empty() ? std::string() : kernel_map_sha256(r.kernels),
                            agree,
                            blobs.out,
                            blobs.err,
                            blobs.events,
                            dump_json(environment ? *environment : Json::object()),
                            dump_json(isolation)}));
  ASSAY_CHECK(store_children(ctx, launch_id, r, blobs));
  ASSAY_CHECK(store_checks(run, build_id, launch_id, checks));
  ASSAY_CHECK(record_event(ctx, job.job_id,
                           r.outcome.outcome == "interrupted" ? "interrupted" : "done",
                           {{"outcome", r.outcome.outcome}}));
  return transaction.commit();
}

}  // namespace

Result<JobOutcome> run_launch(const Context& ctx, const Job& job, const std::string& build_id) {
  ASSAY_TRY(TempDir scratch, TempDir::create(ctx.run.scratch(), "launch-"));
  ASSAY_CHECK(materialise(ctx.run, build_id, scratch.path() / "engine"));
  ASSAY_CHECK(record_event(ctx, job.job_id, "started"));
  ASSAY_TRY(WorkerResult r,
            launch_worker(make_launch(ctx, job, scratch.path() / "engine"), scratch.path()));
  ASSAY_TRY(std::vector<Kernel> stored, stored_kernels(ctx.run, build_id));
  const std::string agree = r.kernels.empty() || stored.empty() ? "unknown"
                            : same_kernels(r.kernels, stored)   ? "yes"
                                                                : "no";
  ASSAY_CHECK(record(ctx, job, build_id, r, agree, scratch.path()));
  return r.outcome;
}

}  // namespace assay::audit
