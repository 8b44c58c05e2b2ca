// SPDX-License-Identifier: Apache-2.0
#include "audit/lock/verify.h"

#include <algorithm>

#include "audit/builder_launch.h"
#include "base/text.h"

namespace assay::audit {
namespace {

// Packages as the builder itself sees them.
Result<std::map<std::string, std::string>> packages_here(const Compiler& compiler,
                                                         const Installation& installation,
                                                         const fs::path& scratch) {
  BuilderLaunch l;
  l.argv = installation.builder_argv;
  l.env = compiler.env;
  l.env["PYTHONDONTWRITEBYTECODE"] = "1";
  l.request = {{"protocol", 1}, {"action", "hello"}, {"compiler", compiler.name}};
  l.timeout_s = 120;
  ASSAY_TRY(BuilderResult r, launch_builder(l, scratch));
  const Json* hello = r.log.find("hello");
  if (!hello)
    return fail(ExitCode::missing,
                fmt::format("the builder of {} does not answer: {}: {}", compiler.name,
                            r.outcome.outcome, r.outcome.reason),
                "run: " + compiler.install_command());
  std::map<std::string, std::string> out;
  for (const auto& [name, version] : get_object(*hello, "packages").items())
    if (version.is_string()) out["package." + name] = version.get<std::string>();
  return out;
}

}  // namespace

Result<std::vector<LockCheck>> check_before_building(const LockFolder& folder,
                                                     const Allowed& allowed,
                                                     const fs::path& scratch) {
  const Lock& lock = folder.lock();
  ASSAY_TRY(Compiler compiler, find_compiler(lock.compiler));
  ASSAY_TRY(Installation installation, find_installation(compiler, lock.device));
  std::vector<LockCheck> out =
      check_contract(lock.contract, machine_contract(), kMachineKinds, allowed);
  for (LockCheck& c : check_unknown_kinds(lock.contract, allowed)) out.push_back(std::move(c));
  ASSAY_TRY(auto packages, packages_here(compiler, installation, scratch));
  for (LockCheck& c : check_contract(lock.contract, packages, kPackageKinds, allowed))
    out.push_back(std::move(c));
  for (LockCheck& c : check_recorded_files(lock.files, FileRoots(installation), allowed))
    out.push_back(std::move(c));
  for (const std::string& name : allowed)
    if (!name.starts_with("file:") && !lock.contract.contains(name) &&
        std::none_of(out.begin(), out.end(), [&](const LockCheck& c) { return c.name == name; }))
      return bad_input(fmt::format("--allow {}: the lock has no such item", one_line(name)),
                       "`assay lock verify` without it lists the items that differ, by name");
  return out;
}

Result<Plan> verification_plan(const LockFolder& folder, const fs::path& to,
                               const VerifyOptions& options) {
  const Lock& lock = folder.lock();
  ASSAY_CHECK(folder.lay_out(lock.model, to / "model"));
  ASSAY_CHECK(folder.lay_out(lock.inputs, to / "inputs"));
  Request request;
  request.profile = "standard";
  request.builds = options.builds;
  request.launches = !options.latency ? 1 : options.launches > 0 ? options.launches : lock.launches;
  // Without a claim about latency a few inferences still show that the engine runs.
  request.samples = !options.latency ? 20 : options.samples > 0 ? options.samples : lock.samples;
  request.threads = lock.threads;
  request.seed = lock.seed;
  request.latency_margin = lock.margin;
  request.reference = false;
  request.allowed = options.allowed;
  request.options[lock.compiler] = lock.options;
  Request::Model m;
  m.model = (to / "model" / lock.model.front().path).string();
  m.name = lock.model_name;
  m.data = (to / "inputs").string();
  m.compilers = {lock.compiler};
  m.precisions = {lock.precision};
  m.devices = {lock.device};
  m.inputs = lock.outputs.front().n;
  m.locks.emplace_back("verified");
  m.lock_proof = word(lock.proof);
  request.models.push_back(std::move(m));
  ASSAY_TRY(Plan plan, make_plan(request));
  for (const auto& [name, shape] : lock.shapes.items()) {
    std::vector<int64_t> extents;
    for (const Json& e : shape) extents.push_back(e.is_number_integer() ? e.get<int64_t>() : -1);
    plan.models[0].shapes[name] = std::move(extents);
  }
  plan.models[0].recipes[0].lock = folder.folder();
  return plan;
}

}  // namespace assay::audit
