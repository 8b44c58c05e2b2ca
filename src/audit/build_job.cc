// SPDX-License-Identifier: Apache-2.0
#include "audit/builder_launch.h"
#include "audit/job.h"
#include "audit/lock/build.h"
#include "audit/platform_evidence.h"
#include "base/text.h"

namespace assay::audit {
namespace {

using store::Value;

Status store_engine(const Context& ctx, const std::string& build_id, const Engine& engine) {
  auto& db = ctx.run.db();
  for (const EngineFile& f : engine.files) {
    ASSAY_CHECK(db.run("INSERT INTO engine_file VALUES(?,?,?,?,?)",
                       {build_id, f.path, f.role, f.bytes, f.sha256}));
  }
  for (size_t i = 0; i < engine.kernels.size(); ++i) {
    const Kernel& k = engine.kernels[i];
    ASSAY_CHECK(db.run("INSERT INTO kernel VALUES(?,?,?,?,?,?,?)",
                       {build_id, static_cast<int64_t>(i), k.layer, k.kernel, k.source_sha256,
                        k.precision, k.origin}));
  }
  return {};
}

Status store_candidates(const Context& ctx, const std::string& build_id, const EventLog& log) {
  int64_t number = 0;
  for (const Json& e : log.events) {
    if (get_string(e, "event") != "candidate") continue;
    ASSAY_CHECK(
        ctx.run.db().run("INSERT INTO candidate VALUES(?,?,?,?,?,?,?)",
                         {build_id, number++, get_string(e, "layer"), get_string(e, "candidate"),
                          int64_t{get_bool(e, "ok")}, dump_json(get_array(e, "time_ns")),
                          one_line(get_string(e, "error"))}));
  }
  return {};
}

// Blobs first (whole on disk), rows after, the job's end last, all rows in one transaction.
Status record(const Context& ctx, const Job& job, const PreparedRecipe& recipe,
              const LockedBuild& b, const fs::path& scratch) {
  auto& run = ctx.run;
  const BuilderResult& r = b.result;
  const worker::ChildResult& child = r.child;
  const EventLog& log = r.log;
  const JobOutcome& outcome = r.outcome;
  const Engine* const engine = r.engine ? &*r.engine : nullptr;
  ASSAY_TRY(std::string out_blob, run.put_blob_file(scratch / "stdout"));
  ASSAY_TRY(std::string err_blob, run.put_blob_file(scratch / "stderr"));
  ASSAY_TRY(std::string events_blob, run.put_blob(log.text));
  PlatformEvidence machine = r.platform;
  ASSAY_TRY(machine.record_blob, run.put_blob(dump_json(platform::to_json(machine.record))));
  Value manifest_blob;
  if (engine) {
    ASSAY_TRY(std::string blob, run.put_blob(engine->manifest_text));
    manifest_blob = blob;
    for (const EngineFile& f : engine->files) {
      ASSAY_TRY(std::string sha, run.put_blob_file(scratch / "engine" / f.path));
      if (sha != f.sha256)
        return internal_error("an engine file changed while it was stored: " + f.path);
    }
  }
  Json isolation = isolation_record(child);
  Json trials = Json::object();
  if (const Json* t = log.find("trials")) trials = *t;
  const Json* hello = log.find("hello");
  const std::string version = engine ? engine->version : hello ? get_string(*hello, "version") : "";
  ASSAY_TRY(auto transaction, store::Transaction::begin(run.db()));
  const std::string build_id = random_id();
  ASSAY_CHECK(run.db().run("INSERT INTO build VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
                           {build_id,
                            job.job_id,
                            recipe.recipe_id,
                            job.build_index,
                            ctx.attempt_id,
                            outcome.outcome,
                            outcome.reason,
                            child.wall_ns,
                            child.cpu_ns,
                            child.peak_memory_bytes,
                            child.memory_method,
                            engine ? engine->bytes : 0,
                            engine ? engine->engine_sha256 : "",
                            engine ? engine->artifact_sha256 : "",
                            engine ? kernel_map_sha256(engine->kernels) : "",
                            version,
                            manifest_blob,
                            out_blob,
                            err_blob,
                            events_blob,
                            dump_json(trials),
                            dump_json(isolation)}));
  // A replayed artifact was made by no child: nothing was watched.
  if (machine.end_ns > 0) ASSAY_CHECK(store_platform(run, "build", build_id, machine));
  if (engine) ASSAY_CHECK(store_engine(ctx, build_id, *engine));
  ASSAY_CHECK(store_candidates(ctx, build_id, log));
  if (!b.made_by.empty()) {
    ASSAY_CHECK(run.db().run("INSERT INTO locked_build VALUES(?,?)", {build_id, b.made_by}));
    ASSAY_CHECK(store_checks(run, build_id, "", b.checks));
  }
  ASSAY_CHECK(record_event(ctx, job.job_id,
                           outcome.outcome == "interrupted" ? "interrupted" : "done",
                           {{"outcome", outcome.outcome}}));
  return transaction.commit();
}

}  // namespace

Result<JobOutcome> run_build(const Context& ctx, const Job& job) {
  const PreparedRecipe& recipe = ctx.prepared.recipes[job.recipe];
  const PreparedModel& m = ctx.prepared.models[recipe.model];
  ASSAY_TRY(TempDir scratch, TempDir::create(ctx.run.scratch(), "build-"));
  BuilderLaunch l = base_builder_launch(ctx.plan, m, recipe);
  l.request["seed"] = job.seed;
  l.request["build_index"] = job.build_index;
  l.cancel = ctx.cancel;
  ASSAY_CHECK(record_event(ctx, job.job_id, "started"));
  LockedBuild b;
  if (recipe.lock) {
    ASSAY_TRY(b, build_from_lock(*recipe.lock, std::move(l), job.build_index >= ctx.plan.builds,
                                 FileRoots(recipe.installation), ctx.plan.allowed, scratch.path()));
  } else {
    ASSAY_TRY(b.result, launch_builder(l, scratch.path()));
  }
  ASSAY_CHECK(record(ctx, job, recipe, b, scratch.path()));
  return b.result.outcome;
}

}  // namespace assay::audit
