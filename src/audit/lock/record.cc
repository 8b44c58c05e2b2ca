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

// What a search left: the files that hold its decisions, and the candidates it measured.
struct Tuned {
  fs::path folder;
  std::vector<std::string> files;
  std::vector<RecordedCandidate> candidates;
};
constexpr const char* kCandidates = "candidates.json";

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
  Result<Tuned> tuned_by(const BuilderResult& built, const fs::path& scratch,
                         const fs::path& decisions);
  Result<Tuned> tuned_of(const LockFolder& lock, const fs::path& decisions);
  Status add_tuning(LockWriter& writer, const Tuned& tuned);
  Result<BuilderResult> rebuild(const Tuned& tuned, const fs::path& scratch);
  Result<Json> select(const Tuned& tuned, const fs::path& scratch);
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

Result<Tuned> Recorder::tuned_by(const BuilderResult& built, const fs::path& scratch,
                                 const fs::path& decisions) {
  Tuned t{decisions, decision_files(*built.engine), recorded_candidates(built.log)};
  ASSAY_CHECK(make_dirs(decisions));
  for (const std::string& f : t.files) {
    ASSAY_TRY(fs::path from, path_inside(scratch / "engine", f));
    std::error_code ec;
    ASSAY_CHECK(make_dirs((decisions / f).parent_path()));
    fs::copy_file(from, decisions / f, ec);
    if (ec) return bad_input("cannot copy " + f + ": " + ec.message(), "check disk space");
  }
  return t;
}

Result<Tuned> Recorder::tuned_of(const LockFolder& lock, const fs::path& decisions) {
  Tuned t{decisions, {}, {}};
  std::vector<LockBlob> files;
  for (const LockBlob& b : lock.lock().evidence) {
    if (b.role == "tuner") {
      t.files.push_back(b.path);
      files.push_back(b);
    } else if (b.role == "candidates") {
      ASSAY_TRY(const std::string text, lock.read(b));
      ASSAY_TRY(const Json j, parse_json(text, b.path));
      t.candidates = recorded_from_json(j);
    }
  }
  if (files.empty())
    return bad_input(fmt::format("lock {} keeps no tuning", lock.folder().string()),
                     "record a lock of a compiler that searches");
  ASSAY_CHECK(lock.lay_out(files, decisions));
  return t;
}

Status Recorder::add_tuning(LockWriter& writer, const Tuned& tuned) {
  for (const std::string& f : tuned.files) {
    ASSAY_TRY(LockBlob blob, writer.add_file(f, "tuner", tuned.folder / f));
    lock_.evidence.push_back(std::move(blob));
  }
  if (tuned.candidates.empty()) return {};
  ASSAY_TRY(LockBlob blob, writer.add_text(kCandidates, "candidates",
                                           dump_json(to_json(tuned.candidates), 1) + "\n"));
  lock_.evidence.push_back(std::move(blob));
  return {};
}

Result<BuilderResult> Recorder::rebuild(const Tuned& tuned, const fs::path& scratch) {
  BuilderLaunch l = base_builder_launch(plan_, model_, recipe_);
  ASSAY_CHECK(ask_rebuild(l, tuned.folder, tuned.files));
  if (options_.stable_selection) {
    ASSAY_TRY(l.request["decisions"]["choices"], select(tuned, scratch));
  }
  return build(std::move(l), scratch, "rebuild from the decisions");
}

Result<Json> Recorder::select(const Tuned& tuned, const fs::path& scratch) {
  if (tuned.candidates.empty())
    return bad_input(
        fmt::format("the build of {} recorded no candidates that could be measured again",
                    recipe_.compiler.name),
        "leave out --select: this compiler does not search, or the model has nothing to search "
        "for");
  BuilderLaunch l = base_builder_launch(plan_, model_, recipe_);
  l.cancel = options_.cancel;
  SelectOptions o;
  o.margin = options_.selection_margin;
  o.seed = plan_.seed;
  const auto progress = [&](const SelectProgress& p) {
    say(fmt::format("measure near-ties again: session {} of at most {}, {} candidates of {} tasks",
                    p.session, p.sessions, p.candidates, p.open_tasks));
  };
  ASSAY_TRY(
      Selected s,
      select_stable(tuned.candidates, o,
                    measure_sessions(std::move(l), tuned.folder, tuned.files, scratch), progress));
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
  lock_.device = recipe_.plan.device;
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

  const fs::path first = scratch / "build", decisions = scratch / "decisions";
  BuilderResult made;
  fs::path engine = first;
  if (!options_.from) {
    ASSAY_TRY(made, build(base_builder_launch(plan_, model_, recipe_), first, "build"));
  }
  if (options_.proof == Proof::recompiled) {
    ASSAY_TRY(const Tuned tuned, options_.from ? tuned_of(*options_.from, decisions)
                                               : tuned_by(made, first, decisions));
    ASSAY_CHECK(add_tuning(writer, tuned));
    engine = scratch / "rebuild";
    ASSAY_CHECK(make_dirs(engine));
    ASSAY_TRY(made, rebuild(tuned, engine));
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
