// SPDX-License-Identifier: Apache-2.0
#include "audit/lock/swap.h"

#include <map>

#include "audit/builder_launch.h"
#include "audit/lock/verify.h"
#include "base/text.h"

namespace assay::audit {
namespace {

std::map<std::string, std::string> choices_of(const Lock& l) {
  std::map<std::string, std::string> out;
  for (const Json& c : l.choices) out[get_string(c, "layer")] = get_string(c, "choice");
  return out;
}

std::vector<std::string> paths(const std::vector<LockBlob>& blobs) {
  std::vector<std::string> out;
  for (const LockBlob& b : blobs) out.push_back(b.path);
  return out;
}

Status check_alike(const LockFolder& a, const LockFolder& b) {
  for (const LockFolder* l : {&a, &b})
    if (l->lock().proof != Proof::recompiled || l->lock().decisions.empty())
      return bad_input(fmt::format("lock {} has no decisions to swap", l->folder().string()),
                       "record locks of a compiler that searches");
  const Lock &x = a.lock(), &y = b.lock();
  if (x.model.front().sha256 != y.model.front().sha256 || x.compiler != y.compiler ||
      x.precision != y.precision || x.device != y.device || x.shapes != y.shapes)
    return bad_input("the locks are of different models, compilers, precisions or shapes",
                     "swap decisions between locks of one recipe");
  return {};
}

}  // namespace

std::vector<std::string> differing_choices(const Lock& a, const Lock& b) {
  const auto x = choices_of(a), y = choices_of(b);
  std::vector<std::string> out;
  for (const auto& [layer, choice] : x)
    if (auto it = y.find(layer); it == y.end() || it->second != choice) out.push_back(layer);
  for (const auto& [layer, choice] : y)
    if (!x.contains(layer)) out.push_back(layer);
  return out;
}

Result<Engine> rebuild_swapped(const LockFolder& a, const LockFolder& b,
                               const std::vector<std::string>& layers, const fs::path& scratch,
                               const std::atomic<bool>* cancel) {
  ASSAY_CHECK(check_alike(a, b));
  ASSAY_TRY(Plan plan, verification_plan(a, scratch / "locked", {}));
  ASSAY_TRY(Prepared prepared, prepare(plan, scratch / "data", true));
  BuilderLaunch l = base_builder_launch(plan, prepared.models[0], prepared.recipes[0]);
  ASSAY_CHECK(a.lay_out(a.lock().decisions, scratch / "decisions"));
  ASSAY_CHECK(b.lay_out(b.lock().decisions, scratch / "other"));
  ASSAY_CHECK(ask_rebuild(l, scratch / "decisions", paths(a.lock().decisions)));
  std::error_code ec;
  l.request["decisions"]["override"] = {{"dir", fs::canonical(scratch / "other", ec).string()},
                                        {"files", paths(b.lock().decisions)},
                                        {"layers", layers}};
  l.request["seed"] = a.lock().seed;
  l.cancel = cancel;
  ASSAY_TRY(BuilderResult r, launch_builder(l, scratch));
  if (r.outcome.outcome == "interrupted") return fail(ExitCode::interrupted, "interrupted");
  if (!r.engine)
    return fail(ExitCode::verdict,
                fmt::format("rebuilding with swapped decisions {}: {}", r.outcome.outcome,
                            r.outcome.reason),
                "name a layer that `assay lock show` lists under what was decided");
  return std::move(*r.engine);
}

}  // namespace assay::audit
