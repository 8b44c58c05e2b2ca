// SPDX-License-Identifier: Apache-2.0
#include "audit/job.h"
#include "audit/machine.h"
#include "base/text.h"

namespace assay::audit {
namespace {

using store::Value;

Json tensor_list(const std::vector<TensorSpec>& specs) {
  Json out = Json::array();
  for (const TensorSpec& s : specs) out.push_back(to_json(s));
  return out;
}

Json make_request(const Context& ctx, const Job& job, const PreparedRecipe& recipe,
                  const fs::path& scratch) {
  const PreparedModel& m = ctx.prepared.models[recipe.model];
  Json shapes = Json::object();
  for (const TensorSpec& s : m.info.inputs) shapes[s.name] = s.shape;
  Json outputs = Json::array();
  for (size_t i = 0; i < m.info.outputs.size(); ++i)
    if (m.info.output_shape_known[i]) outputs.push_back(to_json(m.info.outputs[i]));
  return {{"protocol", 1},
          {"action", "build"},
          {"compiler", recipe.plan.compiler},
          {"model", m.info.path.string()},
          {"engine_dir", (scratch / "engine").string()},
          {"precision", recipe.plan.precision},
          {"threads", ctx.plan.threads},
          {"cpus", ctx.plan.threads == 1 ? Json::array({ctx.measure_cpu}) : Json(allowed_cpus())},
          {"seed", job.seed},
          {"build_index", job.build_index},
          {"shapes", shapes},
          {"inputs", tensor_list(m.info.inputs)},
          {"outputs", outputs},
          {"options", recipe.plan.options},
          {"scratch", (scratch / "home").string()}};
}

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

// An engine of another compiler, precision or thread count than was asked for is a lie, however
// well it is formed.
Status check_request(const Engine& engine, const PreparedRecipe& recipe, const Plan& plan) {
  const Json& m = engine.manifest;
  if (get_string(m, "compiler") != recipe.plan.compiler)
    return bad_input("its manifest names another compiler");
  if (get_string(m, "precision") != recipe.plan.precision)
    return bad_input("its manifest names another precision");
  if (get_int(m, "threads", -1) != plan.threads)
    return bad_input("its manifest names another number of threads");
  return {};
}

// Blobs first (whole on disk), rows after, the job's end last, all rows in one transaction.
Status record(const Context& ctx, const Job& job, const PreparedRecipe& recipe,
              const worker::ChildResult& child, const EventLog& log, const JobOutcome& outcome,
              const Engine* engine, const fs::path& scratch) {
  auto& run = ctx.run;
  ASSAY_TRY(std::string out_blob, run.put_blob_file(scratch / "stdout"));
  ASSAY_TRY(std::string err_blob, run.put_blob_file(scratch / "stderr"));
  ASSAY_TRY(std::string events_blob, run.put_blob(log.text));
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
  if (engine) ASSAY_CHECK(store_engine(ctx, build_id, *engine));
  ASSAY_CHECK(store_candidates(ctx, build_id, log));
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
  ASSAY_CHECK(make_dirs(scratch.path() / "home"));
  ASSAY_CHECK(make_dirs(scratch.path() / "engine"));
  EventLog log;
  worker::ChildSpec spec;
  spec.argv = recipe.installation.builder_argv;
  spec.env = recipe.compiler.env;
  spec.env["PYTHONDONTWRITEBYTECODE"] = "1";  // builders never write beside their source
  spec.stdin_text = dump_json(make_request(ctx, job, recipe, scratch.path()));
  spec.scratch = scratch.path() / "home";
  spec.stdout_file = scratch.path() / "stdout";
  spec.stderr_file = scratch.path() / "stderr";
  spec.writable = {scratch.path() / "engine"};
  spec.timeout_s = ctx.plan.build_timeout_s;
  spec.memory_limit_bytes =
      ctx.plan.memory_limit_bytes > 0 ? ctx.plan.memory_limit_bytes : default_memory_limit_bytes();
  // A tuner that measures candidates gets the CPUs that the launches will get; compiling may use
  // the machine.
  if (recipe.compiler.search && ctx.plan.threads == 1) spec.cpus = {ctx.measure_cpu};
  spec.on_event = [&](std::string_view line) { log.add(line); };
  spec.cancel = ctx.cancel;
  ASSAY_CHECK(record_event(ctx, job.job_id, "started"));
  ASSAY_TRY(worker::ChildResult child, worker::run_child(spec));
  JobOutcome outcome = judge(child, log);
  if (outcome.outcome == "ok") {
    auto engine = open_engine(scratch.path() / "engine", m.info.inputs);
    if (engine) {
      Status as_asked = check_request(*engine, recipe, ctx.plan);
      if (!as_asked) engine = tl::unexpected<Error>(std::move(as_asked).error());
    }
    if (engine) {
      ASSAY_CHECK(record(ctx, job, recipe, child, log, outcome, &*engine, scratch.path()));
      return outcome;
    }
    outcome = {"lied", "reported done, but " + one_line(engine.error().message)};
  }
  ASSAY_CHECK(record(ctx, job, recipe, child, log, outcome, nullptr, scratch.path()));
  return outcome;
}

}  // namespace assay::audit
