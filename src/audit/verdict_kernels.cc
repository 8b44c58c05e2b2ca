// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <map>
#include <set>

#include "audit/derive_internal.h"
#include "base/words.h"

namespace assay::audit {
namespace {

constexpr size_t kMaxLayersListed = 200;

// Layers present in both maps are matched by name and occurrence; the rest differ by being absent.
Json differing_layers(const std::vector<Kernel>& a, const std::vector<Kernel>& b, int64_t& count) {
  using Key = std::pair<std::string, int>;
  auto keyed = [](const std::vector<Kernel>& kernels) {
    std::map<Key, const Kernel*> out;
    std::map<std::string, int> seen;
    for (const Kernel& k : kernels) out[{k.layer, seen[k.layer]++}] = &k;
    return out;
  };
  const auto ka = keyed(a), kb = keyed(b);
  std::set<Key> keys;
  for (const auto& [key, kernel] : ka) keys.insert(key);
  for (const auto& [key, kernel] : kb) keys.insert(key);
  Json layers = Json::array();
  for (const Key& key : keys) {
    const auto ia = ka.find(key), ib = kb.find(key);
    const Kernel none, &x = ia == ka.end() ? none : *ia->second,
                       &y = ib == kb.end() ? none : *ib->second;
    if (x.kernel == y.kernel && x.source_sha256 == y.source_sha256 && x.precision == y.precision)
      continue;
    ++count;
    if (layers.size() < kMaxLayersListed) {
      layers.push_back({{"layer", key.first},
                        {"a_kernel", ia == ka.end() ? "(absent)" : x.kernel},
                        {"b_kernel", ib == kb.end() ? "(absent)" : y.kernel},
                        {"a_source", x.source_sha256},
                        {"b_source", y.source_sha256}});
    }
  }
  return layers;
}

}  // namespace

void verdict_of_kernels(const RecipeEvidence& recipe, std::vector<VerdictRow>& out) {
  VerdictRow v = make_verdict(recipe, "kernels", "builds");
  std::vector<const BuildEvidence*> ok;
  for (const BuildEvidence& b : recipe.builds)
    if (b.outcome == "ok") ok.push_back(&b);
  std::set<std::string> maps, artifacts;
  for (const BuildEvidence* b : ok) {
    maps.insert(b->kernel_map);
    artifacts.insert(b->artifact_sha256);
  }
  Json pairs = Json::array();
  int64_t most = 0, layers_total = 0;
  for (size_t i = 0; i < ok.size(); ++i) {
    layers_total = std::max<int64_t>(layers_total, static_cast<int64_t>(ok[i]->kernels.size()));
    for (size_t j = i + 1; j < ok.size(); ++j) {
      int64_t count = 0;
      Json layers = differing_layers(ok[i]->kernels, ok[j]->kernels, count);
      most = std::max(most, count);
      pairs.push_back({{"a", ok[i]->build_index},
                       {"b", ok[j]->build_index},
                       {"differ", count},
                       {"layers", layers}});
    }
  }
  v.statistic = {{"builds", ok.size()},
                 {"distinct_maps", maps.size()},
                 {"distinct_artifacts", artifacts.size()},
                 {"source", recipe.kernels_told},
                 {"pairs", pairs}};
  v.threshold = {{"distinct_maps", 1}};
  const bool told =
      std::any_of(ok.begin(), ok.end(), [](const BuildEvidence* b) { return !b->kernels.empty(); });
  // Announced is not told: every kernel of every build must carry the hash of its source.
  const bool sources_told = std::all_of(ok.begin(), ok.end(), [](const BuildEvidence* b) {
    return std::all_of(b->kernels.begin(), b->kernels.end(),
                       [](const Kernel& k) { return !k.source_sha256.empty(); });
  });
  if (ok.size() < 2 || !told) {
    v.verdict = word(Verdict::inconclusive);
    v.statement = ok.size() < 2 ? "fewer than two builds to compare"
                                : "the compiler does not tell its kernels";
  } else if (maps.size() > 1) {
    v.verdict = word(Verdict::different);
    v.statement = fmt::format("{} different kernel maps in {} builds; up to {} of {} layers differ",
                              maps.size(), ok.size(), most, layers_total);
  } else if (artifacts.size() == 1) {
    v.verdict = word(Verdict::same);
    v.statement = fmt::format("equal kernel maps ({} layers) and byte-equal artifacts in {} builds",
                              layers_total, ok.size());
  } else if (recipe.kernels_told == "source" && sources_told) {
    v.verdict = word(Verdict::same);
    v.statement = fmt::format(
        "equal kernels down to their source ({} layers) in {} builds; the artifacts differ in "
        "other bytes",
        layers_total, ok.size());
  } else {
    // Equal names over unequal artifacts prove nothing about what the names stand for.
    v.verdict = word(Verdict::inconclusive);
    v.statement = fmt::format(
        "kernel names are equal ({} layers), but the artifacts of {} builds differ and the "
        "compiler tells no sources",
        layers_total, ok.size());
  }
  // The map is told again in every launch: what the build recorded is not what runs when they
  // disagree (rule 1).
  int64_t swapped = 0, unknown = 0;
  for (const BuildEvidence* b : ok) {
    for (const LaunchEvidence& l : b->launches) {
      swapped += l.kernels_agree == "no";
      unknown += l.kernels_agree == "unknown";
    }
  }
  v.statistic["launches_with_other_kernels"] = swapped;
  if (swapped > 0) {
    v.verdict = word(Verdict::different);
    v.statement = fmt::format("{} launches run other kernels than their build recorded; {}",
                              swapped, v.statement);
  } else if (recipe.decides_at != "build" && unknown > 0 && v.verdict == word(Verdict::same)) {
    v.verdict = word(Verdict::inconclusive);
    v.statement += fmt::format("; kernels are chosen at {} and not every launch reported them",
                               recipe.decides_at);
  }
  out.push_back(std::move(v));

  VerdictRow e = make_verdict(recipe, "engine_bytes", "builds");
  e.statistic = {{"builds", ok.size()}, {"distinct_artifacts", artifacts.size()}};
  e.threshold = {{"distinct_artifacts", 1}};
  e.verdict = word(ok.size() < 2           ? Verdict::inconclusive
                   : artifacts.size() == 1 ? Verdict::same
                                           : Verdict::different);
  e.statement = ok.size() < 2
                    ? "fewer than two builds to compare"
                    : fmt::format("{} different artifact{} in {} builds", artifacts.size(),
                                  artifacts.size() == 1 ? "" : "s", ok.size());
  out.push_back(std::move(e));
}

}  // namespace assay::audit
