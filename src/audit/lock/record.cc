// SPDX-License-Identifier: Apache-2.0
#include "audit/lock/record.h"

#include <algorithm>

#include "audit/builder_launch.h"
#include "audit/lock/check.h"
#include "audit/lock/folder.h"
#include "audit/lock/remeasure.h"
#include "audit/lock/used_files.h"
#include "audit/machine.h"
#include "audit/worker_launch.h"
#include "base/text.h"
#include "vision/writer.h"

namespace assay::audit {
namespace {

class Recorder {
 public:
  Recorder(const Plan& plan, const Prepared& prepared, size_t recipe, const RecordOptions& options)
      : plan_(plan),
        recipe_(prepared.recipes[recipe]),
        model_(prepared.models[recipe_.model]),
        options_(options),
        roots_(recipe_.installation) {}

  Result<Lock> run();

 private:
  void say(const std::string& text) const {
    if (options_.on_progress) options_.on_progress(text);
  }
  // Builds, or rebuilds when `l` asks so; an outcome other than ok is an error with its reason.
  Result<BuilderResult> build(BuilderLaunch l, const fs::path& scratch, std::string_view what);
  Result<BuilderResult> rebuild(const BuilderResult& tuned, const fs::path& tuned_scratch,
                                const fs::path& scratch, const fs::path& decisions);
  Result<Json> select(const BuilderResult& tuned, const fs::path& scratch,
                      const fs::path& decisions, const std::vector<std::string>& files);
  Status add_model(LockWriter& writer);
  Status add_inputs(LockWriter& writer, const fs::path& scratch);
  Status add_engine(LockWriter& writer, const BuilderResult& r, const fs::path& scratch);
  Status add_launches(const fs::path& scratch, const fs::path& engine);

  const Plan& plan_;
  const PreparedRecipe& recipe_;
  const PreparedModel& model_;
  const RecordOptions& options_;
  FileRoots roots_;
  std::optional<vision::Dataset> data_;
  Lock lock_;
};

Status failed(std::string_view what, const JobOutcome& outcome, const fs::path& scratch) {
  if (outcome.outcome == "interrupted") return fail(ExitCode::interrupted, "interrupted");
  std::string last;
  if (auto text = read_file(scratch / "stderr", 64 << 20)) {
    const std::string all = text->substr(text->size() > 2000 ? text->size() - 2000 : 0);
    const size_t end = all.find_last_not_of(" \n");
    const size_t begin = end == std::string::npos ? end : all.find_last_of('\n', end);
    if (end != std::string::npos)
      last = all.substr(begin == std::string::npos ? 0 : begin + 1, end + 1);
  }
  return fail(ExitCode::verdict,
              fmt::format("{} {}: {}{}", what, outcome.outcome, outcome.reason,
                          last.empty() ? "" : fmt::format(" (stderr ends: {})", one_line(last))),
              "mend the build first; `assay build` keeps its logs");
}

std::vector<std::string> decision_files(const Engine& engine) {
  std::vector<std::string> out;
  for (const Json& d : get_array(get_object(engine.manifest, "rebuild"), "decisions"))
    if (d.is_string()) out.push_back(d.get<std::string>());
  return out;
}

Result<BuilderResult> Recorder::build(BuilderLaunch l, const fs::path& scratch,
                                      std::string_view what) {
  ASSAY_CHECK(make_dirs(scratch));
  l.request["seed"] = plan_.seed;
  l.cancel = options_.cancel;
  l.on_event = [&](const Json& e) {
    if (get_string(e, "event") == "progress")
      say(fmt::format("{}: {}/{} {} {}", what, get_int(e, "done"), get_int(e, "total"),
                      get_string(e, "unit"), one_line(get_string(e, "text"), 60)));
  };
  say(std::string(what));
  ASSAY_TRY(BuilderResult r, launch_builder(l, scratch));
  if (r.outcome.outcome != "ok" || !r.engine) ASSAY_CHECK(failed(what, r.outcome, scratch));
  return r;
}

Result<BuilderResult> Recorder::rebuild(const BuilderResult& tuned, const fs::path& tuned_scratch,
                                        const fs::path& scratch, const fs::path& decisions) {
  const std::vector<std::string> files = decision_files(*tuned.engine);
  ASSAY_CHECK(make_dirs(decisions));
  for (const std::string& f : files) {
    ASSAY_TRY(fs::path from, path_inside(tuned_scratch / "engine", f));
    std::error_code ec;
    ASSAY_CHECK(make_dirs((decisions / f).parent_path()));
    fs::copy_file(from, decisions / f, ec);
    if (ec) return bad_input("cannot copy " + f + ": " + ec.message(), "check disk space");
  }
  BuilderLaunch l = base_builder_launch(plan_, model_, recipe_);
  ASSAY_CHECK(ask_rebuild(l, decisions, files));
  if (options_.stable_selection) {
    ASSAY_TRY(l.request["decisions"]["choices"], select(tuned, scratch, decisions, files));
  }
  return build(std::move(l), scratch, "rebuild from the decisions");
}

Result<Json> Recorder::select(const BuilderResult& tuned, const fs::path& scratch,
                              const fs::path& decisions, const std::vector<std::string>& files) {
  const std::vector<RecordedCandidate> recorded = recorded_candidates(tuned.log);
  if (recorded.empty())
    return bad_input(fmt::format("the build of {} recorded no candidates that could be measured "
                                 "again",
                                 recipe_.compiler.name),
                     "leave out --select: this compiler does not search, or the model has nothing "
                     "to search for");
  BuilderLaunch l = base_builder_launch(plan_, model_, recipe_);
  l.cancel = options_.cancel;
  SelectOptions o;
  o.margin = options_.selection_margin;
  o.seed = plan_.seed;
  const auto progress = [&](const SelectProgress& p) {
    say(fmt::format("measure near-ties again: session {} of at most {}, {} candidates of {} tasks",
                    p.session, p.sessions, p.candidates, p.open_tasks));
  };
  ASSAY_TRY(Selected s,
            select_stable(recorded, o, measure_sessions(std::move(l), decisions, files, scratch),
                          progress));
  lock_.selection = std::move(s.json);
  return choices_json(s.choices);
}

Status Recorder::add_model(LockWriter& writer) {
  const fs::path folder = model_.info.path.parent_path();
  ASSAY_TRY(LockBlob file,
            writer.add_file(model_.info.path.filename().string(), "model", model_.info.path));
  lock_.model.push_back(std::move(file));
  for (const fs::path& f : model_.info.external_files) {
    const fs::path relative = f.is_absolute() ? f.lexically_relative(folder) : f;
    ASSAY_TRY(LockBlob external,
              writer.add_file(relative.string(), "external_data", folder / relative));
    lock_.model.push_back(std::move(external));
  }
  return {};
}

// Only the inputs that are run; labels are no part of a lock.
Status Recorder::add_inputs(LockWriter& writer, const fs::path& scratch) {
  const vision::Dataset& from = model_.data;
  const int64_t n = std::min(options_.inputs, model_.n);
  std::vector<TensorSpec> specs;
  for (const auto& input : from.inputs) specs.push_back(input.spec);
  ASSAY_TRY(auto to, vision::DatasetWriter::create(scratch / "inputs", specs));
  for (size_t i = 0; i < from.inputs.size(); ++i) {
    ASSAY_TRY(MappedFile file, MappedFile::open(from.inputs[i].file));
    const auto item = static_cast<size_t>(specs[i].bytes());
    for (int64_t k = 0; k < n; ++k)
      ASSAY_CHECK(to.append(i, file.bytes().subspan(static_cast<size_t>(k) * item, item)));
  }
  vision::Dataset about;
  about.name = from.name;
  about.description = from.description;
  about.n = n;
  about.sampling = from.sampling == Sampling::clustered ? Sampling::fixed : from.sampling;
  ASSAY_TRY(data_, to.finish(about, "the first inputs of " + from.name));
  std::error_code ec;
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(scratch / "inputs", ec))
    files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  for (const fs::path& f : files) {
    ASSAY_TRY(LockBlob blob, writer.add_file(f.filename().string(), "inputs", f));
    lock_.inputs.push_back(std::move(blob));
  }
  return {};
}

Status Recorder::add_engine(LockWriter& writer, const BuilderResult& r, const fs::path& scratch) {
  const Engine& e = *r.engine;
  ASSAY_TRY(LockBlob manifest, writer.add_text("manifest.json", "manifest", e.manifest_text));
  lock_.engine.push_back(std::move(manifest));
  for (const EngineFile& f : e.files) {
    ASSAY_TRY(LockBlob blob, writer.add_file(f.path, f.role, scratch / "engine" / f.path));
    lock_.engine.push_back(std::move(blob));
  }
  if (lock_.proof == Proof::recompiled)
    for (const std::string& name : decision_files(e))
      for (const LockBlob& b : lock_.engine)
        if (b.path == name) lock_.decisions.push_back(b);
  lock_.kernels = e.kernels;
  lock_.kernel_map_sha256 = kernel_map_sha256(e.kernels);
  lock_.artifact_sha256 = e.artifact_sha256;
  lock_.version = e.version;
  lock_.choices = get_array(get_object(e.manifest, "rebuild"), "choices");
  lock_.contract = machine_contract();
  lock_.contract.merge(manifest_contract(e.manifest));
  return {};
}

Status Recorder::add_launches(const fs::path& scratch, const fs::path& engine) {
  for (int64_t i = 0; i < options_.launches; ++i) {
    say(fmt::format("launch {}/{}", i + 1, options_.launches));
    const fs::path folder = scratch / fmt::format("launch-{}", i);
    ASSAY_CHECK(make_dirs(folder));
    WorkerLaunch l = recipe_launch(plan_, recipe_, *data_, engine);
    l.outputs = i == 0 ? data_->n : 0;
    l.loaded = i == 0;
    l.samples = options_.samples;
    l.launch_index = i;
    l.seed = plan_.seed + static_cast<uint64_t>(i);
    l.cancel = options_.cancel;
    ASSAY_TRY(WorkerResult r, launch_worker(l, folder));
    if (r.outcome.outcome != "ok") ASSAY_CHECK(failed("launch", r.outcome, folder));
    if (!r.samples.empty()) {
      std::nth_element(r.samples.begin(), r.samples.begin() + (r.samples.size() - 1) / 2,
                       r.samples.end());
      lock_.p50_ns.push_back(r.samples[(r.samples.size() - 1) / 2]);
    }
    if (i > 0) continue;
    for (const WorkerOutput& o : r.outputs) {
      if (o.role != "main") continue;
      ASSAY_TRY(std::string sha, sha256_file(o.file));
      lock_.outputs.push_back({o.spec, std::move(sha), o.n});
    }
    ASSAY_TRY(auto files, used_files(r.log, roots_, "launch"));
    lock_.files.insert(lock_.files.end(), files.begin(), files.end());
  }
  return {};
}

Result<Lock> Recorder::run() {
  const auto& proofs = recipe_.compiler.lock_proofs;
  if (std::find(proofs.begin(), proofs.end(), word(options_.proof)) == proofs.end())
    return bad_input(fmt::format("compiler {} offers no lock of proof class {}",
                                 recipe_.compiler.name, word(options_.proof)),
                     proofs.empty() ? "it has no [lock] in its compiler.toml"
                                    : fmt::format("use {}", fmt::join(proofs, " or ")));
  if (options_.stable_selection && options_.proof != Proof::recompiled)
    return bad_input("stable selection needs a lock of proof class recompiled",
                     "leave out --select or --proof");
  ASSAY_TRY(LockWriter writer, LockWriter::create(options_.out));
  const fs::path parent =
      options_.out.has_parent_path() ? options_.out.parent_path() : fs::path(".");
  ASSAY_TRY(TempDir temporary, TempDir::create(parent, ".assay-record-"));
  std::error_code ec;
  const fs::path scratch = fs::canonical(temporary.path(), ec);
  lock_.created_utc = utc_now();
  lock_.assay_version = ASSAY_VERSION;
  lock_.proof = options_.proof;
  lock_.model_name = plan_.models[recipe_.model].name;
  lock_.compiler = recipe_.plan.compiler;
  lock_.precision = recipe_.plan.precision;
  lock_.threads = plan_.threads;
  lock_.seed = plan_.seed;
  lock_.options = recipe_.plan.options;
  for (const TensorSpec& s : model_.info.inputs) lock_.shapes[s.name] = s.shape;
  lock_.margin = options_.margin;
  lock_.launches = options_.launches;
  lock_.samples = options_.samples;
  lock_.atol = options_.atol;
  lock_.rtol = options_.rtol;
  lock_.not_covered = recipe_.compiler.lock_not_covered;

  const fs::path first = scratch / "build";
  ASSAY_TRY(BuilderResult made, build(base_builder_launch(plan_, model_, recipe_), first, "build"));
  fs::path engine = first;
  if (options_.proof == Proof::recompiled) {
    for (const std::string& f : decision_files(*made.engine)) {
      ASSAY_TRY(LockBlob blob, writer.add_file(f, "tuner", first / "engine" / f));
      lock_.evidence.push_back(std::move(blob));
    }
    engine = scratch / "rebuild";
    ASSAY_TRY(made, rebuild(made, first, engine, scratch / "decisions"));
    ASSAY_TRY(lock_.files, used_files(made.log, roots_, "build"));
  }
  ASSAY_CHECK(add_model(writer));
  ASSAY_CHECK(add_inputs(writer, scratch));
  ASSAY_CHECK(add_engine(writer, made, engine));
  ASSAY_CHECK(add_launches(scratch, engine / "engine"));
  ASSAY_CHECK(writer.finish(lock_, options_.key));
  return std::move(lock_);
}

}  // namespace

Result<Lock> record_lock(const Plan& plan, const Prepared& prepared, size_t recipe,
                         const RecordOptions& options) {
  return Recorder(plan, prepared, recipe, options).run();
}

}  // namespace assay::audit
