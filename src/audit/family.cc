// SPDX-License-Identifier: Apache-2.0
// What needs all recipes of an audit at once: one error rate for its primary claims (statistics.md,
// section 10: Holm), and build order as a trend over recipes.
#include "audit/derive_internal.h"
#include "base/words.h"
#include "stats/intervals.h"
#include "stats/json.h"

namespace assay::audit {

void claim_with_p(VerdictRow& verdict, double p) { verdict.statistic["claim"] = {{"p", p}}; }

void judge_family(std::vector<VerdictRow>& verdicts, double alpha) {
  std::vector<VerdictRow*> claims;
  std::vector<double> p;
  for (VerdictRow& v : verdicts) {
    if (!v.statistic.contains("claim")) continue;
    claims.push_back(&v);
    p.push_back(get_double(v.statistic["claim"], "p", 1));
  }
  const std::vector<double> adjusted = stats::holm(p);
  for (size_t i = 0; i < claims.size(); ++i) {
    VerdictRow& v = *claims[i];
    v.statistic["claim"] = {
        {"p", p[i]}, {"adjusted_p", adjusted[i]}, {"family", claims.size()}, {"says", v.verdict}};
    v.threshold["family"] =
        fmt::format("Holm over {} primary claims at {:.3g}", claims.size(), alpha);
    if (v.verdict == word(Verdict::inconclusive) || adjusted[i] < alpha) continue;
    v.statement = fmt::format(
        "{}; alone this would read {}, but it does not hold beside the {} "
        "primary claims of this audit (p {:.2g}, after Holm {:.2g})",
        v.statement, v.verdict, claims.size(), p[i], adjusted[i]);
    v.verdict = word(Verdict::inconclusive);
    v.threshold["needs"] = "more evidence for this claim, or an audit of fewer recipes";
  }
}

void findings_of_all_orders(const std::vector<VerdictRow>& verdicts,
                            std::vector<FindingRow>& findings) {
  std::vector<std::vector<double>> blocks;  // recipe -> p50 of its builds, in build order
  std::vector<int64_t> which;               // the builds of the first: others must have the same
  for (const VerdictRow& v : verdicts) {
    if (v.subject != "latency" || get_string(v.statistic, "clock") != "monotonic") continue;
    std::vector<double> builds;
    std::vector<int64_t> indices;
    for (const Json& b : get_array(v.statistic, "builds")) {
      if (!b["p50"]["estimate"].is_number()) continue;
      builds.push_back(get_double(b["p50"], "estimate"));
      indices.push_back(get_int(b, "build", -1));
    }
    if (builds.size() < 2 || (!blocks.empty() && indices != which)) continue;
    which = std::move(indices);
    blocks.push_back(std::move(builds));
  }
  const stats::Trend t = stats::page(blocks);
  if (!t.computed || t.p >= kTrendAlpha) return;
  findings.push_back(
      {"warning", "build-order-over-recipes", "", "", "",
       fmt::format(
           "latency {} with build order over {} recipes alike (Page's L = {:.4g}, p {:.2g}, "
           "{:.2g} % a build)",
           t.direction > 0 ? "rises" : "falls", blocks.size(), t.statistic, t.p, t.slope_percent),
       "build order and time may be confounded: measure old builds again in another order before "
       "a difference between builds is believed"});
}

}  // namespace assay::audit
