// SPDX-License-Identifier: Apache-2.0
// Pieces of derive(): comparisons, verdicts by subject, findings.
#pragma once

#include "audit/derive.h"
#include "audit/evidence.h"
#include "audit/judged.h"
#include "audit/latency_spread.h"

namespace assay::audit {

Json to_json(const stats::Proportion& p);
stats::Proportion proportion_of(const std::vector<uint8_t>& hit, const DataEvidence& data);

// Comparisons of one recipe plus, per output, which inputs differ in any pair (for the bounds of
// the verdicts).
struct RecipeComparisons {
  std::vector<ComparisonRow> rows;
  std::vector<uint8_t> any_flip;  // labels: inputs on which not all builds agree
  std::vector<int64_t> unlike,
      absent;                      // builds with other outputs than the first has; with none at all
  int64_t reference_expected = 0;  // outputs of builds that should have met the reference
  bool has_labels = false;
  struct NonFinite {
    std::string build_id, launch_id, output;
    int64_t build_index, inputs;
  };
  std::vector<NonFinite> non_finite;  // main outputs that hold NaN or infinity, of output launches
  struct BuildAccuracy {
    int64_t build;
    std::vector<uint8_t> top1, top5;
  };
  std::vector<BuildAccuracy>
      accuracy;  // against labels; without labels: agreement with the reference (top-1 only)
  std::vector<uint8_t> reference_top1;  // correctness of the reference, labelled only
};
Result<RecipeComparisons> compare_recipe(store::RunFolder& run, const RecipeEvidence& recipe,
                                         const RecipeEvidence* reference, const DataEvidence& data);

void verdicts_of_outputs(const RecipeEvidence& recipe, const RecipeComparisons& c,
                         bool has_reference, std::vector<VerdictRow>& out);
// Discordant inputs, as the sampling lets them be counted: McNemar over inputs when they are
// independent; over clusters by the sign of each cluster's net change (the same binomial), since
// the inputs of one cluster are one draw; nothing to infer from when they are fixed.
std::optional<double> discordance_p(const std::vector<uint8_t>& build,
                                    const std::vector<uint8_t>& reference,
                                    const DataEvidence& data);
void verdicts_of_labels(const RecipeEvidence& recipe, const RecipeComparisons& c,
                        const DataEvidence& data, const Json& plan, std::vector<VerdictRow>& out);
// Labels and detections: nothing was seen to change in `pairs` pairs; SAME when every build was
// compared (`whole`) and the bound that the sampling carries is within `margin`.
void judge_none_changed(VerdictRow& v, std::string_view what, const stats::Proportion& any,
                        int64_t pairs, bool whole, double margin);
// Boxes of every pair of builds and of every build and the reference; nothing without a detector.
Status verdicts_of_detections(store::RunFolder& run, const RecipeEvidence& recipe,
                              const RecipeEvidence* reference, const RecipeComparisons& c,
                              const DataEvidence& data, const Json& plan,
                              std::vector<VerdictRow>& out);
void verdict_of_kernels(const RecipeEvidence& recipe, std::vector<VerdictRow>& out);
// What the plan allows the latency verdicts to claim.
struct LatencyLimits {
  double margin = 0.01, tail_margin = 0.05;
  bool equivalence = false, pwcet = false;
};
LatencyLimits latency_limits(const Json& plan);
// Names the launches and series of `judged` as the evidence of a verdict.
void rest_on(VerdictRow& verdict, const std::vector<JudgedBuild>& judged);
void verdict_of_latency(const RecipeEvidence& recipe, const std::vector<JudgedBuild>& judged,
                        const Json& plan, std::vector<VerdictRow>& out,
                        std::vector<FindingRow>& findings);
// Tail quantiles over builds, one value a launch, and under profile certify the pWCET over builds.
void verdict_of_tail(const RecipeEvidence& recipe, const std::vector<JudgedBuild>& judged,
                     const Json& plan, std::vector<VerdictRow>& out);
// statistic_json["requirement"] of the latency verdict with every look, and a finding a build; null
// when the plan requires nothing.
Json judge_requirement(const RecipeEvidence& recipe, const std::vector<JudgedBuild>& judged,
                       const Json& plan, std::vector<FindingRow>& findings);
void findings_of_order(const RecipeEvidence& recipe, const LatencySpread& spread, bool scripted,
                       std::vector<FindingRow>& out);
// "below-physical-bound" and "latency-not-of-results": one finding a recipe with launches whose
// latency cannot be that of their work.
void findings_of_plausibility(const RecipeEvidence& recipe, const std::vector<JudgedBuild>& judged,
                              std::vector<FindingRow>& out);
// "faster-than-its-layers": on one thread, a median below half of the sum of its layers' times,
// where they were taken.
void findings_of_layer_times(const RecipeEvidence& recipe, const std::vector<JudgedBuild>& judged,
                             std::vector<FindingRow>& out);
// "better-than-the-model": a build scores higher on labelled data than the reference, by more than
// chance allows (McNemar, Bonferroni over builds; on a fixed set by more than the margin). And
// "accuracy-perfect": every one of 100 labels or more is met.
void findings_of_accuracy(const RecipeEvidence& recipe, const RecipeComparisons& c,
                          const DataEvidence& data, const Json& plan, std::vector<FindingRow>& out);
void verdict_of_self(const RecipeEvidence& recipe, std::vector<VerdictRow>& out);
void findings_of(const RecipeEvidence& recipe, std::vector<FindingRow>& out);
// "lock-broken", "lock-allowed", "lock-replayed": what of a locked recipe did not fit its lock.
void findings_of_lock(const RecipeEvidence& recipe, std::vector<FindingRow>& out);
// Copies of one artifact are never presented as rebuilt: says so in each statement over builds.
void qualify_replayed(const RecipeEvidence& recipe, std::vector<VerdictRow>& verdicts);
void findings_of_outputs(const RecipeEvidence& recipe, const RecipeComparisons& c,
                         std::vector<FindingRow>& out);
// "series-copied": a launch whose samples are, each and in order, those of another launch of the
// run (any recipe). Real clocks only, at least 50 distinct values.
void findings_of_copies(const std::vector<RecipeEvidence>& recipes, std::vector<FindingRow>& out);
// Copies are equal whatever the engines are: latency and tail of a recipe with one are not SAME.
void withdraw_equality_of_copies(const std::vector<FindingRow>& findings,
                                 std::vector<VerdictRow>& verdicts);
// "launch-like-another-build": a launch median that lies beyond the margin and beyond what the
// other launches of its build allow (t of one more value on logs, .001 over all launches of the
// recipe: the rate of false alarms when launches are normal), and with the launches of another
// build (p >= .05). Needs 4 launches a build; two swapped launches of one build hide each other.
void findings_of_swaps(const RecipeEvidence& recipe, const std::vector<JudgedBuild>& judged,
                       const Json& plan, std::vector<FindingRow>& out);

VerdictRow make_verdict(const RecipeEvidence& recipe, std::string subject, std::string scope);

// Marks a verdict as a primary claim of the audit, with the p-value of what it says (1: it claims
// nothing). judge_family() holds all of them against one alpha by Holm: a claim that does not
// survive becomes INCONCLUSIVE, and says so (statistics.md section 10).
void claim_with_p(VerdictRow& verdict, double p);
void judge_family(std::vector<VerdictRow>& verdicts, double alpha);
// Page's test over recipes (blocks) and builds in the order they were made: the paper's Table 12
// rises with build order in 9 of 10 networks.
void findings_of_all_orders(const std::vector<VerdictRow>& verdicts,
                            std::vector<FindingRow>& findings);

}  // namespace assay::audit
