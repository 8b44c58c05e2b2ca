// SPDX-License-Identifier: Apache-2.0
// What must be named although no verdict carries it: failures, lies, swapped kernels, daemons,
// missing isolation.
#include "audit/derive_internal.h"
#include "base/text.h"

namespace assay::audit {
namespace {

struct Text {
  const char *code, *severity, *fix;
};
// One row an outcome: how bad, and what a person does next.
Text outcome_text(const std::string& outcome) {
  if (outcome == "unsupported")
    return {"unsupported", "note", "leave the recipe out, or use another precision or compiler"};
  if (outcome == "crashed")
    return {"crashed", "error",
            "read its stderr in the evidence; report it to the compiler's developers"};
  if (outcome == "hung")
    return {"hung", "error", "raise --build-timeout or --launch-timeout if it was only slow"};
  if (outcome == "out_of_memory") return {"out-of-memory", "error", "raise --memory-limit"};
  if (outcome == "lied")
    return {"lied", "error",
            "what the child reported and what it did disagree: trust none of its results"};
  return {"failed", "error", "read its stderr in the evidence"};
}

const char* check_fix(const std::string& name) {
  if (name == "early_return")
    return "run() returns before the outputs are complete: latencies of this engine are not those "
           "of its results";
  if (name == "after")
    return "outputs change while the engine runs: do not deploy; look for uninitialised memory or "
           "a cache";
  if (name == "reload")
    return "the loaded engine differs from load to load: fix kernels at build time";
  if (name == "batch_rows") return "equal rows of a batch give different results";
  return "the same input gives different bits: switch off non-deterministic kernels";
}

void isolation_findings(const RecipeEvidence& recipe, const BuildEvidence& b,
                        const LaunchEvidence* l, const Json& isolation,
                        std::vector<FindingRow>& out) {
  const std::string who =
      fmt::format("{}: build {}{}", recipe.label, b.build_index,
                  l ? fmt::format(" launch {}", l->launch_index) : std::string());
  if (get_bool(isolation, "log_cut"))
    out.push_back({"warning", "log-cut", recipe.recipe_id, b.build_id, l ? l->launch_id : "",
                   who + " printed more than is kept; the rest of its log was dropped",
                   "make the compiler print less"});
  std::string names;
  for (const Json& name : get_array(isolation, "leftovers"))
    if (name.is_string())
      names += (names.empty() ? "" : ", ") + one_line(name.get<std::string>(), 60);
  if (names.empty()) return;
  out.push_back({"error", "left-daemon", recipe.recipe_id, b.build_id, l ? l->launch_id : "",
                 fmt::format("{} left processes behind ({}); they were killed", who, names),
                 "a daemon can disturb later measurements and carry caches from build to build"});
}

// Rule 7: what was asked for is not always what runs. Counted over kernels that tell their
// precision; FLOP shares are not known.
void precision_finding(const RecipeEvidence& recipe, const BuildEvidence& b,
                       std::vector<FindingRow>& out) {
  int64_t told = 0, as_requested = 0;
  for (const Kernel& k : b.kernels) {
    told += !k.precision.empty();
    as_requested += k.precision == recipe.precision;
  }
  if (told == 0 || as_requested * 10 >= told * 9) return;
  out.push_back(
      {"warning", "precision-not-executed", recipe.recipe_id, b.build_id, "",
       fmt::format("{}: build {} runs {} of {} kernels in {}; the others in another precision",
                   recipe.label, b.build_index, as_requested, told, recipe.precision),
       "do not read this recipe as that precision; the kernel map lists what each layer runs"});
}

}  // namespace

void findings_of_outputs(const RecipeEvidence& recipe, const RecipeComparisons& c,
                         std::vector<FindingRow>& out) {
  for (const auto& n : c.non_finite) {
    out.push_back({"error", "outputs-not-finite", recipe.recipe_id, n.build_id, n.launch_id,
                   fmt::format("{}: build {}: output \"{}\" holds NaN or infinity on {} inputs",
                               recipe.label, n.build_index, one_line(n.output, 80), n.inputs),
                   "look for overflow in the precision used, or for uninitialised memory"});
  }
}

void findings_of(const RecipeEvidence& recipe, std::vector<FindingRow>& out) {
  bool host_network = false, weak = false;
  for (const BuildEvidence& b : recipe.builds) {
    if (b.outcome != "ok") {
      const Text t = outcome_text(b.outcome);
      out.push_back(
          {t.severity, std::string("build-") + t.code, recipe.recipe_id, b.build_id, "",
           fmt::format("{}: build {} {}: {}", recipe.label, b.build_index, b.outcome, b.reason),
           t.fix});
    }
    isolation_findings(recipe, b, nullptr, b.isolation, out);
    if (b.outcome == "ok" && recipe.precision != "fp32") precision_finding(recipe, b, out);
    weak = weak || !get_bool(b.isolation, "read_only") || !get_bool(b.isolation, "pid_namespace");
    host_network = host_network || get_string(b.isolation, "network") == "host";
    for (const LaunchEvidence& l : b.launches) {
      const std::string where =
          fmt::format("{}: build {} launch {}", recipe.label, b.build_index, l.launch_index);
      if (l.outcome != "ok") {
        const Text t = outcome_text(l.outcome);
        out.push_back({t.severity, std::string("launch-") + t.code, recipe.recipe_id, b.build_id,
                       l.launch_id, fmt::format("{} {}: {}", where, l.outcome, l.reason), t.fix});
      }
      if (l.kernels_agree == "no") {
        out.push_back(
            {"error", "kernels-swapped-at-load", recipe.recipe_id, b.build_id, l.launch_id,
             where + " runs other kernels than its build recorded",
             "the engine decides again when it is loaded: the tested build is not what runs"});
      }
      for (const Check& c : l.checks) {
        if (c.result != "fail") continue;
        out.push_back({"error", "self-" + c.name, recipe.recipe_id, b.build_id, l.launch_id,
                       fmt::format("{}: check {} failed on {} inputs: {}", where, c.name,
                                   c.mismatches, c.detail),
                       check_fix(c.name)});
      }
      if (l.censored > 0) {
        out.push_back(
            {"warning", "series-cut-off", recipe.recipe_id, b.build_id, l.launch_id,
             fmt::format("{}: the series was cut off after {} samples", where, l.samples.size()),
             "the samples are kept; the one in flight counts as censored"});
      }
      isolation_findings(recipe, b, &l, l.isolation, out);
      weak = weak || !get_bool(l.isolation, "read_only") || !get_bool(l.isolation, "pid_namespace");
    }
  }
  if (weak) {
    out.push_back({"warning", "weak-isolation", recipe.recipe_id, "", "",
                   recipe.label + ": children were not fully isolated (write access outside their "
                                  "scratch, or sight of other processes)",
                   "see `assay doctor`, and the isolation notes in the evidence"});
  }
  if (host_network) {
    out.push_back({"warning", "network-not-isolated", recipe.recipe_id, "", "",
                   recipe.label + ": children could reach the network",
                   "run as root or allow user namespaces; see `assay doctor`"});
  }
}

}  // namespace assay::audit
