// SPDX-License-Identifier: Apache-2.0
#include <map>

#include "audit/derive_internal.h"
#include "base/text.h"

namespace assay::audit {
namespace {

constexpr size_t kNamed = 5;

std::string listed(const std::vector<const LockDeviation*>& items) {
  std::string out;
  for (size_t i = 0; i < items.size() && i < kNamed; ++i)
    out += fmt::format("{}{} {}", i ? "; " : "", one_line(items[i]->name, 160), items[i]->state);
  if (items.size() > kNamed) out += fmt::format("; and {} more", items.size() - kNamed);
  return out;
}

}  // namespace

void findings_of_lock(const RecipeEvidence& recipe, std::vector<FindingRow>& out) {
  if (recipe.lock_sha256.empty()) return;
  if (recipe.lock_proof == "replayed")
    out.push_back({"note", "lock-replayed", recipe.recipe_id, "", "",
                   recipe.label + ": its builds are copies of one artifact; that they are equal "
                                  "says nothing about rebuilding",
                   "record a lock of proof class recompiled where the compiler offers one"});
  for (const BuildEvidence& b : recipe.builds) {
    std::map<std::string, std::vector<const LockDeviation*>> broken, allowed;  // by launch
    for (const LockDeviation& d : b.deviations)
      (d.state == "allowed" ? allowed : broken)[d.launch_id].push_back(&d);
    for (const auto& [launch, items] : broken)
      out.push_back(
          {"error", "lock-broken", recipe.recipe_id, b.build_id, launch,
           fmt::format("{}: build {}{} does not fit its lock: {}", recipe.label, b.build_index,
                       launch.empty() ? "" : ", a launch of it,", listed(items)),
           "what was built is not what the lock records: do not ship it as such"});
    for (const auto& [launch, items] : allowed)
      out.push_back({"note", "lock-allowed", recipe.recipe_id, b.build_id, launch,
                     fmt::format("{}: build {} differs from its lock where the user allowed it: {}",
                                 recipe.label, b.build_index, listed(items)),
                     "record a new lock here when the difference is meant to stay"});
  }
}

void qualify_replayed(const RecipeEvidence& recipe, std::vector<VerdictRow>& verdicts) {
  if (recipe.lock_proof != "replayed") return;
  for (VerdictRow& v : verdicts)
    if (v.recipe_id == recipe.recipe_id && v.scope == "builds")
      v.statement +=
          " (replayed: the same artifact loaded again, which says nothing about "
          "rebuilding)";
}

}  // namespace assay::audit
