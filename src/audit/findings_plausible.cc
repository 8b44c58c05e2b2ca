// SPDX-License-Identifier: Apache-2.0
// Results that are too good: latencies below what the work takes, accuracy above the model's own.
#include <algorithm>

#include "audit/derive_internal.h"
#include "base/text.h"

namespace assay::audit {
namespace {

struct Kind {
  const char *phrase, *code, *fix;
};
constexpr Kind kKinds[] = {
    {"below the physical bound:", "below-physical-bound",
     "no machine with these peaks does this work in that time: look for a run that returns before "
     "it is done, an engine that computes something else, or a wrong number of threads or inputs"},
    {"early return:", "latency-not-of-results",
     "wait for the device before the time is taken (cudaStreamSynchronize, cudaEventSynchronize)"},
    {"outputs change in the timed loop:", "latency-not-of-results",
     "the timed runs gave other results than the untimed: their latency is not that of the "
     "engine"}};

}  // namespace

void findings_of_plausibility(const RecipeEvidence& recipe, const std::vector<JudgedBuild>& judged,
                              std::vector<FindingRow>& out) {
  for (const Kind& kind : kKinds) {
    std::string first;
    int64_t hit = 0, all = 0;
    for (const JudgedBuild& b : judged) {
      for (const JudgedLaunch& l : b.launches) {
        ++all;
        const auto& reasons = l.gate.reasons;
        const auto at = std::find_if(reasons.begin(), reasons.end(), [&](const std::string& r) {
          return r.starts_with(kind.phrase);
        });
        if (at == reasons.end()) continue;
        if (hit++ == 0)
          first = fmt::format("build {} launch {}: {}", b.build->build_index,
                              l.launch->launch_index, *at);
      }
    }
    if (hit == 0) continue;
    out.push_back({"error", kind.code, recipe.recipe_id, "", "",
                   fmt::format("{}: the latency of {} of {} launches is {}: {}", recipe.label, hit,
                               all, word(Trust::rejected), first),
                   kind.fix});
  }
}

void findings_of_layer_times(const RecipeEvidence& recipe, const std::vector<JudgedBuild>& judged,
                             std::vector<FindingRow>& out) {
  constexpr double kShare = 0.5;
  if (recipe.threads != 1) return;  // layers may run side by side
  for (const JudgedBuild& b : judged) {
    for (const JudgedLaunch& l : b.launches) {
      const double sum = l.launch->layer_sum_ns;
      if (l.launch->clock != "monotonic" || !(static_cast<double>(l.median) < kShare * sum))
        continue;
      out.push_back({"note", "faster-than-its-layers", recipe.recipe_id, b.build->build_id,
                     l.launch->launch_id,
                     fmt::format("{}: build {} launch {}: its median is {}, its layers one after "
                                 "the other take {}: taking their times is dear, or run returns "
                                 "before the work is done",
                                 recipe.label, b.build->build_index, l.launch->launch_index,
                                 format_ns(static_cast<double>(l.median)), format_ns(sum)),
                     "wait for the device before the time is taken; if the times of layers are "
                     "inflated by taking them, compare with an external timer"});
    }
  }
}

void findings_of_accuracy(const RecipeEvidence& recipe, const RecipeComparisons& c,
                          const DataEvidence& data, const Json& plan,
                          std::vector<FindingRow>& out) {
  if (data.labels.empty()) return;
  constexpr int64_t kPerfectFrom = 100;
  const auto builds = static_cast<double>(c.accuracy.size());
  for (const auto& b : c.accuracy) {
    const auto n = static_cast<int64_t>(b.top1.size());
    const auto correct = static_cast<int64_t>(std::count(b.top1.begin(), b.top1.end(), 1));
    if (n >= kPerfectFrom && correct == n)
      out.push_back(
          {"note", "accuracy-perfect", recipe.recipe_id, "", "",
           fmt::format("{}: build {} meets every one of {} labels", recipe.label, b.build, n),
           "a data set that is met whole cannot tell engines apart; see that its labels "
           "were not made by this model"});
    if (recipe.is_reference || c.reference_top1.size() != b.top1.size()) continue;
    const auto reference =
        static_cast<int64_t>(std::count(c.reference_top1.begin(), c.reference_top1.end(), 1));
    if (correct <= reference) continue;
    const auto p = discordance_p(b.top1, c.reference_top1, data);
    const double margin = get_double(plan, "accuracy_margin", 0.01);
    if (p ? *p * builds >= kAlpha
          : static_cast<double>(correct - reference) <= margin * static_cast<double>(n))
      continue;
    out.push_back(
        {"warning", "better-than-the-model", recipe.recipe_id, "", "",
         fmt::format("{}: build {} is better than the unoptimised model: top-1 correct on {} of "
                     "{} inputs, the reference on {} ({})",
                     recipe.label, b.build, correct, n, reference,
                     p ? fmt::format("McNemar p {:.2g}", *p)
                       : fmt::format("more than the margin of {:.3g} on a fixed set", margin)),
         "optimisation adds no knowledge: labels may have leaked into calibration, or the two were "
         "fed with inputs preprocessed otherwise"});
  }
}

}  // namespace assay::audit
