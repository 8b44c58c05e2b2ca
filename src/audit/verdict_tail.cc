// SPDX-License-Identifier: Apache-2.0
// Tails over builds: the p99 of a launch (p99.9 under certify) is one number a launch, as the
// median is; and the pWCET over the population of builds, which is a bound, not a verdict.
#include <fmt/ranges.h>

#include <algorithm>

#include "audit/build_pairs.h"
#include "audit/derive_internal.h"
#include "base/text.h"
#include "base/words.h"
#include "stats/json.h"
#include "stats/pwcet_builds.h"

namespace assay::audit {
namespace {

constexpr size_t kP99 = 3, kP999 = 4;  // indices into kQuantiles

struct TailOf {
  const char* name;
  PairClaims pairs;
  int64_t n_needed = 0;  // of the launch that lacks most; 0: all carry it
  size_t builds = 0;
};

TailOf tail_of(const std::vector<JudgedBuild>& judged, size_t quantile,
               const LatencyLimits& limits) {
  TailOf out;
  out.name = kQuantiles[quantile].name;
  std::vector<BuildValues> values;
  for (const JudgedBuild& b : judged) {
    for (const JudgedLaunch& l : b.launches)
      out.n_needed = std::max(out.n_needed, l.lacks(quantile));
    values.push_back({b.build->build_index, b.values(quantile)});
  }
  out.builds = values.size();
  out.pairs = compare_builds(values, limits.tail_margin, kAlpha, limits.equivalence);
  return out;
}

// pWCET over the builds; a launch that the gate rejects takes its build's trust along, and so does
// one that was cut off: the inference that it died in is not among its samples.
stats::PopulationPwcet population(const std::vector<JudgedBuild>& judged, uint64_t seed) {
  std::vector<stats::BuildSeries> series;
  for (const JudgedBuild& b : judged) {
    stats::BuildSeries s;
    s.build = b.build->build_index;
    for (const JudgedLaunch& l : b.launches) {
      const bool whole = l.launch->outcome == "ok" && l.launch->censored == 0;
      s.trust = std::max(s.trust, whole ? l.gate.trust : Trust::rejected);
      s.launches.push_back(l.samples);
    }
    series.push_back(std::move(s));
  }
  stats::PwcetOptions options;
  options.seed = seed;
  return stats::pwcet_over_builds(series, options);
}

std::string pwcet_text(const stats::PopulationPwcet& w) {
  if (w.refused)
    return fmt::format("no pWCET: {}", w.reasons.empty() ? "refused" : w.reasons.front());
  for (auto p = w.points.rbegin(); p != w.points.rend(); ++p)
    if (!p->extrapolation && p->seen_bound_ns)
      return fmt::format(
          "pWCET of the builds seen at {:g} an inference: {} at {:.0f} %; the next "
          "build exceeds it with probability at most {:.2g}",
          p->p, format_ns(*p->seen_bound_ns), w.confidence * 100, w.next_exceeds_bound);
  return "pWCET: every probability asked for is extrapolation at this n";
}

}  // namespace

void verdict_of_tail(const RecipeEvidence& recipe, const std::vector<JudgedBuild>& judged,
                     const Json& plan, std::vector<VerdictRow>& out) {
  const LatencyLimits limits = latency_limits(plan);
  if (judged.empty()) return;
  std::vector<TailOf> tails = {tail_of(judged, kP99, limits)};
  // quick plans for no tail; a run of it that carries one all the same is judged.
  if (!limits.equivalence && tails[0].n_needed > 0) return;
  VerdictRow v = make_verdict(recipe, "tail", "builds");
  rest_on(v, judged);
  if (limits.pwcet) tails.push_back(tail_of(judged, kP999, limits));
  const RecipeTrust trust = recipe_trust(judged);
  const auto hindrance = hindrance_to_equality(recipe, judged, trust, limits.tail_margin);
  int64_t different = 0, pairs = 0, equivalent = 0, lacking = 0;
  double p_different = 1, p_equivalent = 0;
  std::string text;
  std::vector<std::string> needs;
  for (const TailOf& t : tails) {
    v.statistic["quantiles"].push_back({{"name", t.name}, {"pairs", t.pairs.pairs}});
    if (t.n_needed > 0) {
      ++lacking;
      needs.push_back(fmt::format("{} samples a launch for {}", t.n_needed, t.name));
    }
    different += t.pairs.different;
    pairs += t.pairs.count;
    equivalent += t.pairs.equivalent;
    p_different = std::min(p_different, t.pairs.p_different);
    p_equivalent = std::max(p_equivalent, t.pairs.p_equivalent);
    text += fmt::format("{}{} of launches differs {} over {} builds", text.empty() ? "" : ", ",
                        t.name, widest_text(t.pairs), t.builds);
  }
  // Bonferroni over the quantiles looked at: one that differs is looked for.
  p_different = std::min(1.0, p_different * static_cast<double>(tails.size()));
  v.threshold = {{"margin", limits.tail_margin},    {"alpha", kAlpha},
                 {"unit", "quantile of a launch"},  {"correction", "Holm over pairs"},
                 {"schedule", "fixed n: one look"}, {"equivalence_allowed", limits.equivalence}};
  v.statement = std::move(text);
  double p = 1;
  if (pairs == 0) {
    v.verdict = word(Verdict::inconclusive);
    needs.push_back("at least 2 builds");
  } else if (different > 0 && p_different < kAlpha) {
    v.verdict = word(Verdict::different);
    p = p_different;
    v.statement += fmt::format("; {} of {} comparisons differ, by estimates above {:.3g} %",
                               different, pairs, limits.tail_margin * 100);
  } else if (lacking == 0 && equivalent == pairs && !hindrance) {
    v.verdict = word(Verdict::same);
    p = p_equivalent;
    v.statement +=
        fmt::format("; every pair is equivalent within {:.3g} %", limits.tail_margin * 100);
  } else {
    v.verdict = word(Verdict::inconclusive);
    if (equivalent == pairs && hindrance)
      needs.push_back(hindrance->needs);
    else if (lacking == 0)
      needs.push_back("more launches a build, or a quieter machine (assay doctor)");
    v.statement += fmt::format("; neither a difference nor equivalence within {:.3g} % is shown",
                               limits.tail_margin * 100);
  }
  if (!needs.empty()) v.threshold["needs"] = fmt::format("{}", fmt::join(needs, "; "));
  if (pairs > 0) claim_with_p(v, p);
  if (limits.pwcet) {
    const auto w = population(judged, static_cast<uint64_t>(get_int(plan, "seed", 1)));
    v.statistic["pwcet"] = stats::to_json(w);
    v.statement += "; " + pwcet_text(w);
  }
  if (trust.scripted) v.statement += " (scripted clock: not a measurement)";
  out.push_back(std::move(v));
}

}  // namespace assay::audit
