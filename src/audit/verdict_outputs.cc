// SPDX-License-Identifier: Apache-2.0
// Verdicts about what engines compute: outputs, labels, accuracy, self-contradiction.
#include <algorithm>
#include <cmath>
#include <map>
#include <optional>
#include <set>

#include "audit/derive_internal.h"
#include "base/text.h"
#include "base/words.h"
#include "stats/special.h"

namespace assay::audit {
namespace {

// p of "the share of hits is at most `margin`": the chance of so few hits if it were just that.
// 1 where the data set's sampling allows no inference.
double at_most_p(const stats::Proportion& p, double margin) {
  return p.unit == "none" || p.units < 1 ? 1 : stats::binomial_cdf(p.unit_count, p.units, margin);
}
// p of "the share of hits is more than `margin`".
double more_than_p(const stats::Proportion& p, double margin) {
  return p.unit == "none" || p.units < 1
             ? 1
             : 1 - stats::binomial_cdf(p.unit_count - 1, p.units, margin);
}

std::string bound_text(const stats::Proportion& p) {
  if (p.unit == "none" || !p.upper)
    return "exact for these inputs only; the data set is fixed, so no bound on others";
  if (p.unit == "cluster")
    return fmt::format("at most {:.3g} of clusters show one (95 %, {} clusters)", *p.upper,
                       p.units);
  return fmt::format("at most {:.3g} of inputs (95 %)", *p.upper);
}

VerdictRow outputs_verdict(const RecipeEvidence& recipe, const RecipeComparisons& c,
                           const char* scope, const char* what) {
  VerdictRow v = make_verdict(recipe, "outputs", scope);
  int64_t pairs = 0, different = 0, n = 0, worst_count = -1;
  double max_abs = 0;
  Json worst, comparisons = Json::array();
  for (const ComparisonRow& row : c.rows) {
    if (row.scope != scope) continue;
    ++pairs;
    n = std::max(n, row.n);
    different +=
        row.bitwise_different > 0 || get_int(row.metrics["distance"], "non_finite_differs") > 0;
    max_abs = std::max(max_abs, get_double(row.metrics["distance"], "max_abs"));
    if (row.bitwise_different > worst_count) {
      worst_count = row.bitwise_different;
      worst = row.metrics["bitwise"];
    }
    comparisons.push_back(row.comparison_id);
  }
  v.statistic = {
      {"pairs", pairs}, {"pairs_different", different}, {"max_abs", max_abs}, {"worst", worst}};
  v.threshold = {{"bitwise_different", 0}};
  v.evidence["comparisons"] = comparisons;
  if (pairs == 0) {
    v.verdict = word(Verdict::inconclusive);
    v.statement = fmt::format("no pair of {} could be compared", what);
  } else if (different > 0) {
    v.verdict = word(Verdict::different);
    v.statement =
        fmt::format("{} of {} pairs of {} differ; at worst {} of {} inputs, by at most {:.3g}",
                    different, pairs, what, worst_count, n, max_abs);
  } else {
    v.verdict = word(Verdict::same);
    v.statement =
        fmt::format("all {} pairs of {} are equal in every bit on {} inputs", pairs, what, n);
  }
  const std::string_view in = scope;
  if (in == "builds" && !c.unlike.empty()) {
    v.verdict = word(Verdict::different);
    v.statement =
        fmt::format("{} builds give outputs of other names, types or shapes than the first; ",
                    c.unlike.size()) +
        v.statement;
  } else if (v.verdict == word(Verdict::same) &&
             ((in == "builds" && !c.absent.empty()) ||
              (in == "reference" && pairs < c.reference_expected))) {
    v.verdict = word(Verdict::inconclusive);
    v.statement += "; not every build or output could be compared";
  }
  // Rule 1: when kernels are chosen at load, a launch is a new draw and the two levels are one.
  if (recipe.decides_at != "build" && pairs > 0)
    v.statement += fmt::format("; kernels are chosen at {}: build and launch cannot be told apart",
                               recipe.decides_at);
  return v;
}

}  // namespace

std::optional<double> discordance_p(const std::vector<uint8_t>& build,
                                    const std::vector<uint8_t>& reference,
                                    const DataEvidence& data) {
  if (data.design == stats::Design::fixed) return std::nullopt;
  std::map<int64_t, int64_t> net;  // unit -> correct here minus correct in the reference
  for (size_t i = 0; i < build.size(); ++i) {
    const bool clustered = data.design == stats::Design::clustered && i < data.clusters.size();
    net[clustered ? data.clusters[i] : static_cast<int64_t>(i)] +=
        int{build[i]} - int{reference[i]};
  }
  int64_t better = 0, worse = 0;
  for (const auto& [unit, change] : net) {
    better += change > 0;
    worse += change < 0;
  }
  return stats::mcnemar_p(better, worse);
}

VerdictRow make_verdict(const RecipeEvidence& recipe, std::string subject, std::string scope) {
  VerdictRow v;
  v.recipe_id = recipe.recipe_id;
  v.verdict_id = content_id(recipe.recipe_id + " " + subject + " " + scope);
  v.subject = std::move(subject);
  v.scope = std::move(scope);
  v.evidence = {{"launches", Json::array()},
                {"builds", Json::array()},
                {"comparisons", Json::array()},
                {"series", Json::array()}};
  for (const BuildEvidence& b : recipe.builds) v.evidence["builds"].push_back(b.build_id);
  return v;
}

void verdicts_of_outputs(const RecipeEvidence& recipe, const RecipeComparisons& c,
                         bool has_reference, std::vector<VerdictRow>& out) {
  out.push_back(outputs_verdict(recipe, c, "builds", "builds"));
  out.push_back(outputs_verdict(recipe, c, "launches", "launches of one build"));
  if (has_reference) out.push_back(outputs_verdict(recipe, c, "reference", "build and reference"));
}

void judge_none_changed(VerdictRow& v, std::string_view what, const stats::Proportion& any,
                        int64_t pairs, bool whole, double margin) {
  const bool carried = whole && (any.unit == "none" || (any.upper && *any.upper <= margin));
  v.verdict = word(carried ? Verdict::same : Verdict::inconclusive);
  v.statement =
      fmt::format("{} on {} inputs over {} pairs: {}", what, any.n, pairs, bound_text(any));
  if (!whole)
    v.statement += "; not every build could be compared";
  else if (!carried)
    v.statement += fmt::format("; to claim SAME the bound must be {:.3g} or less", margin);
  // A flip that was seen is a fact; that there are few among other inputs is a claim.
  // One that these inputs could not carry even without a flip was never planned (claims.h).
  if (any.unit != "none" && stats::binomial_cdf(0, any.units, margin) < kAlpha)
    claim_with_p(v, at_most_p(any, margin));
}

void verdicts_of_labels(const RecipeEvidence& recipe, const RecipeComparisons& c,
                        const DataEvidence& data, const Json& plan, std::vector<VerdictRow>& out) {
  if (!c.has_labels) return;
  const double margin = get_double(plan, "label_margin", 0.01);
  VerdictRow v = make_verdict(recipe, "labels", "builds");
  const stats::Proportion any = proportion_of(c.any_flip, data);
  int64_t pairs = 0, flips = 0, worst_count = -1;
  double max_margin = 0;
  Json worst;
  for (const ComparisonRow& row : c.rows) {
    if (row.scope != "builds" || row.top1_mismatch < 0) continue;
    ++pairs;
    flips += row.top1_mismatch;
    if (row.top1_mismatch > worst_count) {
      worst_count = row.top1_mismatch;
      worst = row.metrics["labels"]["top1"];
    }
    for (const auto& f : row.flips) max_margin = std::max({max_margin, f.a_margin, f.b_margin});
    v.evidence["comparisons"].push_back(row.comparison_id);
  }
  v.statistic = {{"pairs", pairs},
                 {"worst", worst},
                 {"flips", flips},
                 {"any", to_json(any)},
                 {"max_margin_flipped", max_margin}};
  v.threshold = {{"flips", 0}, {"upper_bound", margin}};
  if (pairs == 0) {
    v.verdict = word(Verdict::inconclusive);
    v.statement = "fewer than two builds gave labels";
  } else if (any.count > 0) {
    v.verdict = word(Verdict::different);
    v.statement = fmt::format(
        "the top-1 label changes with the build on {} of {} inputs (largest margin of a flipped "
        "input {:.3g})",
        any.count, any.n, max_margin);
  } else {
    judge_none_changed(v, "no label changed", any, pairs,
                       c.absent.empty() && c.unlike.empty() && any.n > 0, margin);
  }
  out.push_back(std::move(v));

  const bool labelled = !data.labels.empty();
  if (recipe.is_reference && !labelled) return;
  VerdictRow a = make_verdict(recipe, "accuracy", "reference");
  const double allowed = get_double(plan, "accuracy_margin", 0.01);
  a.threshold = {{"margin", allowed}, {"alpha", kAlpha}};
  Json builds = Json::array();
  bool different = false, all_carried = !c.accuracy.empty() &&
                                        c.accuracy.size() == recipe.builds.size() &&
                                        (!c.reference_top1.empty() || !labelled);
  std::string text;
  // Of "a build differs" (Bonferroni over the builds) and of "no build differs" (each must hold).
  double p_different = 1, p_same = c.accuracy.empty() ? 1 : 0;
  const auto builds_n = static_cast<double>(c.accuracy.size());
  for (const auto& b : c.accuracy) {
    const stats::Proportion top1 = proportion_of(b.top1, data), top5 = proportion_of(b.top5, data);
    Json p;
    std::vector<uint8_t> discordant(b.top1.size(), 0);
    if (labelled && c.reference_top1.size() == b.top1.size()) {
      int64_t difference = 0;
      for (size_t i = 0; i < b.top1.size(); ++i) {
        difference += int{b.top1[i]} - int{c.reference_top1[i]};
        discordant[i] = b.top1[i] != c.reference_top1[i];
      }
      if (const auto found = discordance_p(b.top1, c.reference_top1, data)) {
        p = *found;
        // Bonferroni: one wrong build among K is looked for.
        p_different = std::min(p_different, *found * builds_n);
        different = different || *found * builds_n < kAlpha;
      } else {  // fixed: the difference on these inputs is exact
        different = different || std::abs(static_cast<double>(difference)) >
                                     allowed * static_cast<double>(b.top1.size());
      }
    } else if (!labelled) {
      for (size_t i = 0; i < b.top1.size(); ++i) discordant[i] = !b.top1[i];
    }
    // |accuracy difference| can be no larger than the share of discordant inputs, so a bound on
    // that bounds it too.
    const stats::Proportion d = proportion_of(discordant, data);
    const double share = d.upper   ? *d.upper
                         : d.n > 0 ? static_cast<double>(d.count) / static_cast<double>(d.n)
                                   : 1;
    all_carried = all_carried && share <= allowed;
    p_same = std::max(p_same, at_most_p(d, allowed));
    // Unlabelled: disagreement with the reference beyond the margin. A cluster's bound is about
    // clusters, so it shows none.
    if (!labelled && d.n > 0 && d.unit != "cluster") {
      const double p_more = more_than_p(d, allowed) * builds_n;
      p_different = std::min(p_different, p_more);
      different = different ||
                  (d.lower ? p_more < kAlpha
                           : static_cast<double>(d.count) > allowed * static_cast<double>(d.n));
    }
    builds.push_back({{"build", b.build},
                      {"top1", to_json(top1)},
                      {"top5", to_json(top5)},
                      {"mcnemar_p", p},
                      {"discordant", to_json(d)}});
    text += fmt::format("{}{} of {}", text.empty() ? "" : ", ", top1.count, top1.n);
  }
  a.statistic = {{"labelled", labelled}, {"builds", builds}};
  if (!c.reference_top1.empty())
    a.statistic["reference"] = {{"top1", to_json(proportion_of(c.reference_top1, data))}};
  a.verdict = word(recipe.is_reference && labelled ? Verdict::same
                   : different                     ? Verdict::different
                   : all_carried                   ? Verdict::same
                                                   : Verdict::inconclusive);
  if (c.accuracy.empty()) {
    a.statement = "no build could be scored";
    a.verdict = word(Verdict::inconclusive);
  } else if (recipe.is_reference && labelled) {
    a.statement = fmt::format("the reference itself: top-1 correct on {}", text);
  } else {
    a.statement =
        fmt::format("{} on {}; judged against the reference at a margin of {:.3g}",
                    labelled ? "top-1 correct" : "top-1 agrees with the reference", text, allowed);
    // Counts of a fixed set are facts; of sampled inputs they carry a claim.
    if (data.design != stats::Design::fixed)
      claim_with_p(a, a.verdict == word(Verdict::different) ? p_different
                      : a.verdict == word(Verdict::same)    ? p_same
                                                            : 1);
  }
  out.push_back(std::move(a));
}

void verdict_of_self(const RecipeEvidence& recipe, std::vector<VerdictRow>& out) {
  VerdictRow v = make_verdict(recipe, "self", "launches");
  std::map<std::string, std::map<std::string, int64_t>> counts;
  int64_t launches = 0, failed = 0, passed = 0, broken = 0;
  std::set<std::string> names;
  for (const BuildEvidence& b : recipe.builds) {
    for (const LaunchEvidence& l : b.launches) {
      ++launches;
      broken += l.outcome != "ok";
      v.evidence["launches"].push_back(l.launch_id);
      for (const Check& c : l.checks) {
        auto& slot = counts[c.name];
        for (const char* r : {"pass", "fail", "not_run"}) slot.try_emplace(r, 0);
        ++slot[c.result];
        passed += c.result == "pass";
        if (c.result == "fail") {
          ++failed;
          names.insert(c.name);
        }
      }
    }
  }
  Json checks = Json::object();
  for (const auto& [name, by_result] : counts)
    for (const auto& [result, count] : by_result) checks[name][result] = count;
  v.statistic = {{"launches", launches}, {"checks", checks}};
  v.threshold = {{"fail", 0}};
  v.verdict = word(failed > 0                  ? Verdict::different
                   : passed > 0 && broken == 0 ? Verdict::same
                                               : Verdict::inconclusive);
  v.statement = failed > 0   ? fmt::format("the engine contradicts itself: {} failed in {} checks",
                                           fmt::join(names, ", "), failed)
                : passed > 0 ? fmt::format("{} checks passed in {} launches: same input, same bits",
                                           passed, launches)
                             : "no check ran";
  if (broken > 0) v.statement += fmt::format("; {} launches did not end well", broken);
  out.push_back(std::move(v));
}

}  // namespace assay::audit
