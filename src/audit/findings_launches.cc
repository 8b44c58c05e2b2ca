// SPDX-License-Identifier: Apache-2.0
// Launches that cannot be what they say: the series of another launch again, or the latency of
// another build's engine. No single series shows this, so that the gate cannot.
#include <algorithm>
#include <cmath>
#include <map>
#include <unordered_set>

#include "audit/derive_internal.h"
#include "base/words.h"
#include "stats/special.h"

namespace assay::audit {
namespace {

// Two measurements that agree in every sample by chance: at most (share of the commonest value)^n.
// With 50 distinct values that is below any use.
constexpr size_t kDistinctOfCopy = 50;
constexpr const char* kSeriesCopied = "series-copied";
constexpr double kForeignAlpha = 0.001;  // two-sided, Bonferroni over the launches of a recipe
constexpr double kAtHome = 0.05;         // p above which a launch lies with a build's launches
constexpr size_t kFewestLaunches = 4;    // of a build: three others to hold one against

uint64_t hash_of(const std::vector<int64_t>& samples) {
  uint64_t h = 14695981039346656037ull;  // FNV-1a over the values; equality is tested on them all
  for (const int64_t v : samples) h = (h ^ static_cast<uint64_t>(v)) * 1099511628211ull;
  return h;
}

bool many_values(const std::vector<int64_t>& samples) {
  std::unordered_set<int64_t> seen;
  for (const int64_t v : samples) {
    seen.insert(v);
    if (seen.size() >= kDistinctOfCopy) return true;
  }
  return false;
}

struct Where {
  const RecipeEvidence* recipe;
  const BuildEvidence* build;
  const LaunchEvidence* launch;
  std::string text() const {
    return fmt::format("{}: build {} launch {}", recipe->label, build->build_index,
                       launch->launch_index);
  }
};

// Two-sided p of one more value `x` beside `values` (normal with unknown sd). `skip`: one of them
// that is x itself.
double beside(double x, const std::vector<double>& values, size_t skip) {
  double n = 0, mean = 0, square = 0;
  for (size_t i = 0; i < values.size(); ++i)
    if (i != skip) n += 1, mean += values[i];
  mean /= n;
  for (size_t i = 0; i < values.size(); ++i)
    if (i != skip) square += (values[i] - mean) * (values[i] - mean);
  const double error = std::sqrt(square / (n - 1) * (1 + 1 / n));
  if (!(error > 1e-13)) return std::abs(x - mean) < 1e-12 ? 1 : 0;
  return stats::t_tail((x - mean) / error, n - 1);
}

double mean_of(const std::vector<double>& v, size_t skip) {
  double sum = 0;
  for (size_t i = 0; i < v.size(); ++i) sum += i == skip ? 0 : v[i];
  return sum / static_cast<double>(v.size() - (skip < v.size()));
}

}  // namespace

void findings_of_copies(const std::vector<RecipeEvidence>& recipes, std::vector<FindingRow>& out) {
  std::map<uint64_t, std::vector<Where>> seen;  // those that are no copy
  for (const RecipeEvidence& r : recipes) {
    for (const BuildEvidence& b : r.builds) {
      for (const LaunchEvidence& l : b.launches) {
        // A scripted clock tells every launch the same, and is no measurement.
        if (l.clock != "monotonic" || l.samples.size() < kDistinctOfCopy) continue;
        auto& like = seen[hash_of(l.samples)];
        const auto first = std::find_if(like.begin(), like.end(), [&](const Where& w) {
          return w.launch->samples == l.samples;
        });
        const Where here{&r, &b, &l};
        if (first == like.end()) {
          like.push_back(here);
        } else if (many_values(l.samples)) {
          out.push_back({"error", kSeriesCopied, r.recipe_id, b.build_id, l.launch_id,
                         fmt::format("{}: its {} samples are those of {}, each and in order",
                                     here.text(), l.samples.size(), first->text()),
                         "two launches cannot measure the same series: one of them was not "
                         "measured; look for a cache or a replay, and measure again"});
        }
      }
    }
  }
}

void withdraw_equality_of_copies(const std::vector<FindingRow>& findings,
                                 std::vector<VerdictRow>& verdicts) {
  for (VerdictRow& v : verdicts) {
    if ((v.subject != "latency" && v.subject != "tail") || v.verdict != word(Verdict::same))
      continue;
    if (std::none_of(findings.begin(), findings.end(), [&](const FindingRow& f) {
          return f.code == kSeriesCopied && f.recipe_id == v.recipe_id;
        }))
      continue;
    v.verdict = word(Verdict::inconclusive);
    v.statement += "; not claimed, since a launch has the samples of another";
    v.threshold["needs"] = "launches that were each measured";
  }
}

void findings_of_swaps(const RecipeEvidence& recipe, const std::vector<JudgedBuild>& judged,
                       const Json& plan, std::vector<FindingRow>& out) {
  // Rule 1: when kernels are chosen at load, every launch may be like any build.
  if (recipe.decides_at != "build") return;
  struct Logs {
    const JudgedBuild* build;
    std::vector<const JudgedLaunch*> launches;
    std::vector<double> values;
  };
  std::vector<Logs> builds;
  double tested = 0;
  for (const JudgedBuild& b : judged) {
    Logs logs{&b, {}, {}};
    for (const JudgedLaunch& l : b.launches) {
      if (l.launch->outcome != "ok" || l.launch->clock != "monotonic" || l.median <= 0) continue;
      logs.launches.push_back(&l);
      logs.values.push_back(std::log(static_cast<double>(l.median)));
    }
    if (logs.values.size() < kFewestLaunches) continue;
    tested += static_cast<double>(logs.values.size());
    builds.push_back(std::move(logs));
  }
  if (builds.size() < 2) return;
  const double margin = std::log1p(latency_limits(plan).margin);
  constexpr auto kNone = static_cast<size_t>(-1);
  for (const Logs& own : builds) {
    for (size_t i = 0; i < own.values.size(); ++i) {
      const double x = own.values[i];
      const double p = std::min(1.0, beside(x, own.values, i) * tested);
      const double away = x - mean_of(own.values, i);
      if (p >= kForeignAlpha || std::abs(away) <= margin) continue;
      const Logs* nearest = nullptr;
      double most = kAtHome;
      for (const Logs& other : builds) {
        if (&other == &own) continue;
        const double home = beside(x, other.values, kNone);
        if (home >= most) most = home, nearest = &other;
      }
      if (!nearest) continue;
      out.push_back(
          {"warning", "launch-like-another-build", recipe.recipe_id, own.build->build->build_id,
           own.launches[i]->launch->launch_id,
           fmt::format("{}: build {} launch {} lies {:+.2f} % from the other launches of its build "
                       "(p {:.2g}) and with those of build {} (p {:.2g})",
                       recipe.label, own.build->build->build_index,
                       own.launches[i]->launch->launch_index, std::expm1(away) * 100, p,
                       nearest->build->build->build_index, most),
           "check that this launch loaded its own build's engine; the claims count it as it is"});
    }
  }
}

}  // namespace assay::audit
