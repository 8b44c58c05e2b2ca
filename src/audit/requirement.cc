// SPDX-License-Identifier: Apache-2.0
// A requirement of the plan, P(X > limit) < below, held against every build. It is a statement
// about one engine and a number fixed beforehand, not about equality: it speaks through findings.
#include "audit/derive_internal.h"
#include "base/text.h"
#include "base/words.h"
#include "stats/json.h"
#include "stats/sequential.h"

namespace assay::audit {
namespace {

stats::SequentialResult judge_build(const JudgedBuild& b, int64_t limit_ns, double below,
                                    double alpha) {
  std::vector<int64_t> joined;  // launch after launch, as they ran
  for (const JudgedLaunch& l : b.launches) {
    // The inference that a launch died in is not among its samples, and was later than any.
    const bool cut = l.launch->outcome != "ok" || l.launch->censored > 0;
    if (cut || l.gate.trust == Trust::rejected) {
      stats::SequentialResult none;
      none.p0 = below;
      none.alpha = alpha;
      none.reason =
          cut ? fmt::format("launch {} did not end well", l.launch->launch_index)
              : fmt::format("launch {} is {}: {}", l.launch->launch_index, word(Trust::rejected),
                            l.gate.reasons.empty() ? "" : l.gate.reasons.front());
      return none;
    }
    joined.insert(joined.end(), l.samples.begin(), l.samples.end());
  }
  return stats::test_requirement(joined, limit_ns, below, alpha);
}

FindingRow finding(const RecipeEvidence& recipe, const JudgedBuild& b, const std::string& what,
                   const stats::SequentialResult& r) {
  const std::string where =
      fmt::format("{}: build {}: {}", recipe.label, b.build->build_index, what);
  const auto say = [&](const char* severity, const char* code, std::string text, const char* fix) {
    return FindingRow{severity,        code, recipe.recipe_id, b.build->build_id, "",
                      std::move(text), fix};
  };
  const std::string counts = fmt::format("{} of {} samples were later", r.exceedances, r.n);
  switch (r.decision) {
    case stats::Decision::pass:
      return say("note", "requirement-held", where + " holds in these launches: " + counts, "");
    case stats::Decision::fail:
      return say("error", "requirement-failed",
                 where + " does not hold in these launches: " + counts,
                 "choose another engine, limit or rate; more samples will not change it");
    default:
      return say("warning", "requirement-open",
                 fmt::format("{} is undecided after {} samples, {} later{}", where, r.n,
                             r.exceedances, r.reason.empty() ? "" : " (" + r.reason + ")"),
                 "more samples or launches (assay stats shows the looks), or a quieter machine");
  }
}

}  // namespace

Json judge_requirement(const RecipeEvidence& recipe, const std::vector<JudgedBuild>& judged,
                       const Json& plan, std::vector<FindingRow>& findings) {
  const int64_t limit_ns = get_int(plan, "limit_ns");
  const double below = get_double(plan, "limit_below");
  if (limit_ns <= 0 || judged.empty()) return nullptr;
  // Bonferroni over the builds: one that fails is looked for.
  const double alpha = kAlpha / static_cast<double>(judged.size());
  const std::string what =
      fmt::format("P(X > {}) < {:g}", format_ns(static_cast<double>(limit_ns)), below);
  Json out{{"limit_ns", limit_ns}, {"below", below}, {"builds", Json::array()}};
  for (const JudgedBuild& b : judged) {
    const stats::SequentialResult r = judge_build(b, limit_ns, below, alpha);
    Json j = stats::to_json(r);
    j["build"] = b.build->build_index;
    out["builds"].push_back(std::move(j));
    findings.push_back(finding(recipe, b, what, r));
  }
  return out;
}

}  // namespace assay::audit
