// SPDX-License-Identifier: Apache-2.0
#include "audit/lock/build.h"

#include "base/text.h"

namespace assay::audit {
namespace {

Result<BuilderResult> copy_engine(const LockFolder& lock, const BuilderLaunch& l,
                                  const fs::path& scratch) {
  ASSAY_CHECK(lock.lay_out(lock.lock().engine, scratch / "engine"));
  for (const char* name : {"stdout", "stderr"}) ASSAY_CHECK(write_file_atomic(scratch / name, ""));
  BuilderResult r;
  r.outcome = {"ok", ""};
  ASSAY_TRY(Engine engine, open_engine(scratch / "engine", l.model_inputs));
  r.engine = std::move(engine);
  return r;
}

LockCheck equal(std::string name, const std::string& expected, const std::string& found) {
  return {std::move(name), expected == found ? "same" : "differs", expected, found};
}

}  // namespace

Result<LockedBuild> build_from_lock(const LockFolder& lock, BuilderLaunch l, bool recorded,
                                    const FileRoots& roots, const Allowed& allowed,
                                    const fs::path& scratch) {
  const Lock& wanted = lock.lock();
  LockedBuild out;
  if (recorded || wanted.proof == Proof::replayed) {
    out.made_by = recorded ? "recorded" : "replayed";
    ASSAY_TRY(out.result, copy_engine(lock, l, scratch));
    const Engine& engine = *out.result.engine;
    out.checks = check_contract(wanted.contract, manifest_contract(engine.manifest), kManifestKinds,
                                allowed);
    out.checks.push_back(
        equal("kernel_map", wanted.kernel_map_sha256, kernel_map_sha256(engine.kernels)));
    out.checks.push_back(equal("artifact", wanted.artifact_sha256, engine.artifact_sha256));
    return out;
  }
  out.made_by = "rebuilt";
  ASSAY_CHECK(lock.lay_out(wanted.decisions, scratch / "decisions"));
  std::vector<std::string> files;
  for (const LockBlob& b : wanted.decisions) files.push_back(b.path);
  ASSAY_CHECK(ask_rebuild(l, scratch / "decisions", files));
  ASSAY_TRY(out.result, launch_builder(l, scratch));
  if (!out.result.engine) return out;
  const Engine& engine = *out.result.engine;
  out.checks =
      check_contract(wanted.contract, manifest_contract(engine.manifest), kManifestKinds, allowed);
  ASSAY_TRY(auto used, used_files(out.result.log, roots, "build"));
  for (LockCheck& c : check_used_files(wanted.files, used, "build", allowed))
    out.checks.push_back(std::move(c));
  out.checks.push_back(
      equal("kernel_map", wanted.kernel_map_sha256, kernel_map_sha256(engine.kernels)));
  // A builder hands its decisions on: what it did not read it cannot repeat.
  for (const LockBlob& d : wanted.decisions) {
    std::string found;
    for (const EngineFile& f : engine.files)
      if (f.path == d.path) found = f.sha256;
    out.checks.push_back(equal("decisions:" + d.path, d.sha256, found));
  }
  out.checks.push_back(
      equal("choices", dump_json(wanted.choices),
            dump_json(get_array(get_object(engine.manifest, "rebuild"), "choices"))));
  return out;
}

Result<std::vector<LockCheck>> check_launch(const Lock& lock, const WorkerResult& r,
                                            const FileRoots& roots, const Allowed& allowed) {
  if (r.outcome.outcome != "ok") return std::vector<LockCheck>();
  ASSAY_TRY(auto used, used_files(r.log, roots, "launch"));
  return check_used_files(lock.files, used, "launch", allowed);
}

Status store_checks(store::RunFolder& run, const std::string& build_id,
                    const std::string& launch_id, const std::vector<LockCheck>& checks) {
  auto insert = [&](const std::string& name, const std::string& state, const std::string& expected,
                    const std::string& found) {
    return run.db().run(
        "INSERT INTO lock_check(build_id, launch_id, name, state, expected, found) "
        "VALUES(?,?,?,?,?,?)",
        {build_id, launch_id, name, state, expected, found});
  };
  if (checks.empty()) return {};
  const std::string total = std::to_string(checks.size());
  ASSAY_CHECK(insert("items", "same", total, total));
  for (const LockCheck& c : checks)
    if (c.state != "same") ASSAY_CHECK(insert(c.name, c.state, c.expected, c.found));
  return {};
}

}  // namespace assay::audit
