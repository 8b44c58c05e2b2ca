// SPDX-License-Identifier: Apache-2.0
// Latency over builds. The unit is the launch (a process), never the single inference: its median
// is one number a launch.
#include <algorithm>
#include <cmath>

#include "audit/build_pairs.h"
#include "audit/clock_strata.h"
#include "audit/derive_internal.h"
#include "audit/judged.h"
#include "audit/latency_spread.h"
#include "audit/platform_evidence.h"
#include "audit/plausibility.h"
#include "base/text.h"
#include "base/words.h"
#include "stats/json.h"
#include "stats/special.h"

namespace assay::audit {
namespace {

// The quantile of a build: over its launches, one value each, as all claims are. The geometric mean
// with Student's interval on logs; samples of several launches are never pooled.
Json build_quantile(const JudgedBuild& b, size_t quantile) {
  const std::vector<double> values = b.values(quantile);
  int64_t needed = 0;
  for (const JudgedLaunch& l : b.launches) needed = std::max(needed, l.lacks(quantile));
  Json j{{"estimate", nullptr},       {"lower", nullptr},   {"upper", nullptr},
         {"confidence", kConfidence}, {"n", values.size()}, {"n_needed", needed},
         {"unit", "launch"}};
  const auto n = static_cast<double>(values.size());
  double mean = 0, squares = 0;
  for (const double v : values) {
    if (!(v > 0)) return j;
    mean += std::log(v) / n;
  }
  for (const double v : values) squares += (std::log(v) - mean) * (std::log(v) - mean);
  if (needed > 0 || values.size() < 2) return j;
  const double half = stats::t_critical(1 - kConfidence, n - 1) * std::sqrt(squares / (n - 1) / n);
  j["estimate"] = std::exp(mean);
  j["lower"] = std::exp(mean - half);
  j["upper"] = std::exp(mean + half);
  return j;
}

Json build_json(const JudgedBuild& b) {
  Json out{{"build", b.build->build_index}, {"launches", Json::array()}};
  for (const JudgedLaunch& l : b.launches) out["launches"].push_back(launch_json(l));
  for (size_t i = 0; i < std::size(kQuantiles); ++i) out[kQuantiles[i].name] = build_quantile(b, i);
  return out;
}

// Over builds that carry the quantile.
Json over_builds(const Json& builds) {
  Json out = Json::object();
  for (const auto& q : kQuantiles) {
    double lo = INFINITY, hi = 0;
    for (const Json& b : builds) {
      if (!b[q.name]["estimate"].is_number()) continue;
      lo = std::min(lo, get_double(b[q.name], "estimate"));
      hi = std::max(hi, get_double(b[q.name], "estimate"));
    }
    if (hi >= lo) out[q.name] = {{"min", lo}, {"max", hi}};
  }
  return out;
}

struct Judgement {
  Verdict verdict = Verdict::inconclusive;
  std::string statement, needs;
  double p = 1;  // of the claim; 1 when none is made
};

Judgement judge_pairs(const PairClaims& pairs, const LatencyLimits& limits, size_t builds,
                      const stats::AaResult& floor, const std::optional<Hindrance>& hindrance) {
  Judgement out;
  const std::string spread =
      fmt::format("medians of builds differ {} over {} builds", widest_text(pairs), builds);
  if (builds < 2) {
    out.statement = builds == 0 ? "no latency was measured" : "only one build was measured";
  } else if (pairs.different > 0) {
    out.verdict = Verdict::different;
    out.p = pairs.p_different;
    out.statement = fmt::format("{}; {} of {} pairs of builds differ, by estimates above {:.3g} %",
                                spread, pairs.different, pairs.count, limits.margin * 100);
  } else if (pairs.equivalent < pairs.count) {
    out.statement =
        limits.equivalence
            ? fmt::format("{}; neither a difference nor equivalence within {:.3g} % is shown",
                          spread, limits.margin * 100)
            : fmt::format(
                  "{}; no pair differs for certain, and the quick profile claims no "
                  "equivalence (use --profile standard)",
                  spread);
    out.needs = limits.equivalence ? "more launches a build, or a quieter machine (assay doctor)"
                                   : "more launches a build (--profile standard has 10)";
  } else if (hindrance) {
    out.statement = fmt::format("{}; equivalence is not claimed: {}", spread, hindrance->reason);
    out.needs = hindrance->needs;
  } else if (floor.half_width && !floor.margin_allowed) {
    out.statement = fmt::format(
        "{}; the margin of {:.3g} % is below what launches of one build allow ({:.3g} %)", spread,
        limits.margin * 100, floor.floor * 100);
    out.needs = "more launches a build, a quieter machine, or a margin fixed wider beforehand";
  } else {
    out.verdict = Verdict::same;
    out.p = pairs.p_equivalent;
    out.statement =
        fmt::format("{}; every pair is equivalent within {:.3g} %", spread, limits.margin * 100);
  }
  return out;
}

Json place_builds(const RecipeEvidence& recipe, const std::vector<JudgedBuild>& judged,
                  bool scripted) {
  std::vector<PlacedBuild> builds;
  for (const JudgedBuild& b : judged) builds.push_back({b.build, b.medians()});
  return roofline_json(recipe, builds, scripted);
}

}  // namespace

LatencyLimits latency_limits(const Json& plan) {
  LatencyLimits out;
  out.margin = get_double(plan, "latency_margin", 0.01);
  out.tail_margin = get_double(plan, "tail_margin", 0.05);
  const auto profile = find_profile(get_string(plan, "profile"));
  out.equivalence = profile ? profile->equivalence : false;
  out.pwcet = profile ? profile->pwcet : false;
  return out;
}

void rest_on(VerdictRow& verdict, const std::vector<JudgedBuild>& judged) {
  for (const JudgedBuild& b : judged) {
    for (const JudgedLaunch& l : b.launches) {
      verdict.evidence["launches"].push_back(l.launch->launch_id);
      verdict.evidence["series"].push_back(l.launch->series_id);
    }
  }
}

void verdict_of_latency(const RecipeEvidence& recipe, const std::vector<JudgedBuild>& judged,
                        const Json& plan, std::vector<VerdictRow>& out,
                        std::vector<FindingRow>& findings) {
  VerdictRow v = make_verdict(recipe, "latency", "builds");
  const LatencyLimits limits = latency_limits(plan);
  std::vector<BuildValues> values;
  Json builds = Json::array();
  rest_on(v, judged);
  // Clocks that were to be fixed and could not be: launches at unlike clocks are never pooled.
  const ClockStrata strata = clock_strata(recipe, judged);
  const std::vector<JudgedBuild>& compared = strata.compared ? *strata.compared : judged;
  for (const JudgedBuild& b : compared) {
    auto medians = b.medians();
    if (medians.empty()) continue;
    values.push_back({b.build->build_index, std::move(medians)});
    builds.push_back(build_json(b));
  }
  const PairClaims pairs = compare_builds(values, limits.margin, kAlpha, limits.equivalence);
  const RecipeTrust trust = recipe_trust(judged);
  const stats::AaResult floor = noise_floor(compared, limits.margin, kAlpha);
  const LatencySpread spread = latency_spread(judged);
  const Judgement judgement =
      judge_pairs(pairs, limits, values.size(), floor,
                  strata.hindrance ? strata.hindrance
                                   : hindrance_to_equality(recipe, judged, trust, limits.margin));
  Json over = over_builds(builds);
  v.statistic = {{"clock", trust.clock},
                 {"builds", std::move(builds)},
                 {"over_builds", std::move(over)},
                 {"pairs", pairs.pairs},
                 {"noise_floor", stats::to_json(floor)},
                 {"spread", spread.json},
                 {"trust", word(trust.trust)},
                 {"trust_reasons", trust.scripted && trust.rejected == 0
                                       ? Json::array({"the clock is scripted: not a measurement"})
                                       : Json(trust.reasons)}};
  if (Json roofline = place_builds(recipe, judged, trust.scripted); !roofline.is_null())
    v.statistic["roofline"] = std::move(roofline);
  findings_of_plausibility(recipe, judged, findings);
  findings_of_layer_times(recipe, judged, findings);
  if (!strata.json.is_null()) v.statistic["clock_state"] = strata.json;
  if (Json requirement = judge_requirement(recipe, judged, plan, findings); !requirement.is_null())
    v.statistic["requirement"] = std::move(requirement);
  if (Json machine = platform_json(recipe, judged); !machine.is_null()) {
    v.statistic["platform"] = std::move(machine);
    for (const JudgedBuild& b : judged)
      for (const JudgedLaunch& l : b.launches)
        if (l.launch->platform) v.evidence["platform"].push_back(l.launch->platform->platform_id);
  }
  v.threshold = {{"margin", limits.margin},         {"alpha", kAlpha},
                 {"unit", "median of a launch"},    {"correction", "Holm over pairs"},
                 {"schedule", "fixed n: one look"}, {"equivalence_allowed", limits.equivalence}};
  v.verdict = word(judgement.verdict);
  v.statement = judgement.statement;
  if (strata.hindrance && values.size() < 2) v.statement = strata.hindrance->reason;
  if (!judgement.needs.empty()) v.threshold["needs"] = judgement.needs;
  if (values.size() >= 2) claim_with_p(v, judgement.p);
  // Rule 1: when kernels are chosen at load, a launch is a new draw and the two levels are one.
  if (recipe.decides_at != "build" && !values.empty()) {
    v.statement +=
        fmt::format("; its kernels are chosen at {}, so build and launch cannot be told apart",
                    recipe.decides_at);
  }
  if (trust.scripted && !values.empty()) v.statement += " (scripted clock: not a measurement)";
  out.push_back(std::move(v));
  findings_of_order(recipe, spread, trust.scripted, findings);
}

void findings_of_order(const RecipeEvidence& recipe, const LatencySpread& spread, bool scripted,
                       std::vector<FindingRow>& out) {
  if (scripted) return;
  const auto counts = [](const stats::Trend& t) {
    return t.computed && t.p < kTrendAlpha && std::abs(t.slope_percent) > kTrendSlope;
  };
  const auto text = [](const stats::Trend& t) {
    return fmt::format("{} by {:.2g} % a step (Jonckheere-Terpstra, p {:.2g})",
                       t.direction > 0 ? "rises" : "falls", std::abs(t.slope_percent), t.p);
  };
  if (counts(spread.build_order))
    out.push_back({"warning", "latency-build-order", recipe.recipe_id, "", "",
                   fmt::format("{}: latency {} with the order in which builds were made",
                               recipe.label, text(spread.build_order)),
                   "measure the old builds again in another order; if the trend stays with the "
                   "build, the order of building matters"});
  if (counts(spread.time))
    out.push_back({"warning", "latency-drift", recipe.recipe_id, "", "",
                   fmt::format("{}: latency {} over the blocks of launches: the machine drifts",
                               recipe.label, text(spread.time)),
                   "let the machine come to rest, or lock its clocks (assay doctor)"});
}

}  // namespace assay::audit
