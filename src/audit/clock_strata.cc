// SPDX-License-Identifier: Apache-2.0
#include "audit/clock_strata.h"

#include <algorithm>
#include <map>
#include <set>

#include "base/text.h"
#include "base/words.h"

namespace assay::audit {
namespace {

int64_t gpu_of(const LaunchEvidence& l) { return get_int(l.sampler, "gpu", -1); }

// What the record says of the clock of the GPU while the timed loop ran.
std::vector<double> gpu_mhz(const LaunchEvidence& l) {
  std::vector<double> seen;
  if (!l.platform || !l.platform->problem.empty()) return seen;
  const platform::Record& record = l.platform->record;
  const auto* column = record.column(fmt::format("gpu{}.sm_mhz", gpu_of(l)));
  if (!column) return seen;
  for (size_t i = 0; i < std::min(column->size(), record.t_ns.size()); ++i)
    if ((*column)[i] > 0 && record.t_ns[i] >= l.platform->begin_ns &&
        record.t_ns[i] <= l.platform->end_ns)
      seen.push_back(static_cast<double>((*column)[i]));
  return seen;
}

// Median of the clocks that the sampler saw of what runs the engine: its GPU, else the measuring
// CPU. 0 when the machine tells none.
double observed_mhz(const LaunchEvidence& l) {
  std::vector<double> seen;
  if (gpu_of(l) >= 0) {
    seen = gpu_mhz(l);
  } else {
    for (const Json& mhz : get_array(l.sampler, "cpu_mhz"))
      if (mhz.is_number() && mhz.get<double>() > 0) seen.push_back(mhz.get<double>());
  }
  if (seen.empty()) return 0;
  const auto middle = seen.begin() + static_cast<std::ptrdiff_t>(seen.size() / 2);
  std::nth_element(seen.begin(), middle, seen.end());
  return *middle;
}

struct Stratum {
  double low = 0, high = 0;  // MHz; 0, 0: unknown
  int64_t launches = 0;
  int64_t least = INT64_MAX, greatest = 0;  // medians of its launches, ns
  std::set<const LaunchEvidence*> members;
};

std::vector<Stratum> strata_of(const std::vector<JudgedBuild>& judged) {
  std::multimap<double, const JudgedLaunch*, std::greater<>> by_clock;
  for (const JudgedBuild& b : judged)
    for (const JudgedLaunch& l : b.launches) by_clock.emplace(observed_mhz(*l.launch), &l);
  std::vector<Stratum> out;
  for (const auto& [mhz, l] : by_clock) {
    const bool fits = !out.empty() && (mhz > 0 ? mhz >= out.back().high * (1 - kStratumWidth)
                                               : out.back().high == 0);
    if (!fits) out.push_back({mhz, mhz});
    Stratum& s = out.back();
    s.low = mhz;
    ++s.launches;
    s.least = std::min(s.least, l->median);
    s.greatest = std::max(s.greatest, l->median);
    s.members.insert(l->launch);
  }
  return out;
}

std::string clock_text(const Stratum& s) {
  if (s.high == 0) return "an unknown clock";
  return s.low == s.high ? fmt::format("{:.0f} MHz", s.high)
                         : fmt::format("{:.0f}-{:.0f} MHz", s.low, s.high);
}

std::string strata_text(const std::vector<Stratum>& strata) {
  std::string out;
  for (const Stratum& s : strata)
    out += fmt::format("{}{} launch{} at {} (medians {} to {})", out.empty() ? "" : ", ",
                       s.launches, s.launches == 1 ? "" : "es", clock_text(s),
                       format_ns(static_cast<double>(s.least)),
                       format_ns(static_cast<double>(s.greatest)));
  return out;
}

Json stratum_json(const Stratum& s) {
  const bool gpu = std::any_of(s.members.begin(), s.members.end(),
                               [](const LaunchEvidence* l) { return gpu_of(*l) >= 0; });
  const char* clock = gpu ? "gpu_mhz" : "cpu_mhz";
  Json out{{clock, "unknown"},
           {"launches", s.launches},
           {"p50", {{"min", s.least}, {"max", s.greatest}}}};
  if (s.high > 0) out[clock] = {{"min", s.low}, {"max", s.high}};
  return out;
}

// How the launches of a recipe ran: the word of the events, "mixed" when they differ, "" when the
// plan has no clock states (then no launch has the event).
std::string clocks_of(const RecipeEvidence& recipe) {
  std::set<std::string> words;
  bool told = false;
  for (const BuildEvidence& b : recipe.builds) {
    for (const LaunchEvidence& l : b.launches) {
      const std::string word = get_string(l.clocks, "clocks");
      told = told || !word.empty();
      words.insert(word.empty() ? "own" : word);
    }
  }
  if (!told) return "";
  return words.size() == 1 ? *words.begin() : "mixed";
}

bool conditional(const RecipeEvidence& recipe) {
  const std::string clocks = clocks_of(recipe);
  return !clocks.empty() && clocks != "fixed";
}

std::vector<JudgedBuild> only(const std::vector<JudgedBuild>& judged, const Stratum& s) {
  std::vector<JudgedBuild> out;
  for (const JudgedBuild& b : judged) {
    JudgedBuild kept{b.build, {}};
    for (const JudgedLaunch& l : b.launches)
      if (s.members.contains(l.launch)) kept.launches.push_back(l);
    if (!kept.launches.empty()) out.push_back(std::move(kept));
  }
  return out;
}

}  // namespace

ClockStrata clock_strata(const RecipeEvidence& recipe, const std::vector<JudgedBuild>& judged) {
  ClockStrata out;
  const std::string clocks = clocks_of(recipe);
  if (clocks.empty() || judged.empty()) return out;
  const std::vector<Stratum> strata = strata_of(judged);
  Json list = Json::array();
  for (const Stratum& s : strata) list.push_back(stratum_json(s));
  out.json = {{"state", recipe.dvfs},
              {"clocks", clocks},
              {"policy", clocks == "fixed" ? "fixed clocks" : "conditional on DVFS policy"},
              {"strata", std::move(list)}};
  if (recipe.dvfs != "fixed" || clocks == "fixed") return out;
  constexpr const char* kNeeds = "clocks that can be fixed (assay doctor --fix --dry-run)";
  if (strata.size() < 2) {
    // Nothing shows that these launches ran at one clock.
    if (strata.empty() || strata[0].high > 0) return out;
    out.hindrance = Hindrance{
        fmt::format("the clock of {} launches is neither fixed nor known", strata[0].launches),
        kNeeds};
    out.json["hindrance"] = out.hindrance->reason;
    return out;
  }
  const Stratum& largest =
      *std::max_element(strata.begin(), strata.end(),
                        [](const Stratum& a, const Stratum& b) { return a.launches < b.launches; });
  out.compared = only(judged, largest);
  out.json["compared"] = stratum_json(largest);
  out.hindrance = Hindrance{fmt::format("launches ran at {} clocks, and only the {} at {} are "
                                        "compared",
                                        strata.size(), largest.launches, clock_text(largest)),
                            kNeeds};
  out.json["hindrance"] = out.hindrance->reason;
  return out;
}

void findings_of_clocks(const RecipeEvidence& recipe, const std::vector<JudgedBuild>& judged,
                        std::vector<FindingRow>& out) {
  const std::string clocks = clocks_of(recipe);
  if (clocks.empty()) return;
  int64_t own = 0, all = 0;
  bool copied = false;
  std::string why;
  for (const BuildEvidence& b : recipe.builds) {
    copied = copied || !get_string(b.isolation, "engine_of").empty();
    for (const LaunchEvidence& l : b.launches) {
      ++all;
      if (get_string(l.clocks, "clocks") == "fixed") continue;
      ++own;
      if (why.empty()) why = get_string(l.clocks, "why");
    }
  }
  if (recipe.dvfs == "fixed" && own > 0) {
    const std::vector<Stratum> strata = strata_of(judged);
    out.push_back(
        {"warning", "clocks-not-fixed", recipe.recipe_id, "", "",
         fmt::format("{}: the clocks could not {}be fixed on {} of {} launches ({}); latency is "
                     "conditional on DVFS policy, by observed clock: {}",
                     recipe.label, clocks == "partly" ? "all " : "", own, all,
                     why.empty() ? std::string("unknown why") : one_line(why, 300),
                     strata.empty() ? std::string("no launch was measured") : strata_text(strata)),
         "assay doctor --fix --dry-run says what can be set; run as root on the machine itself"});
  }
  if (recipe.dvfs == "default" && clocks == "fixed")
    out.push_back(
        {"warning", "clocks-fixed-already", recipe.recipe_id, "", "",
         recipe.label + ": the clocks were fixed already, so both states of the plan are the same",
         "run the audit without `assay doctor --fix`, at the machine's own policy"});
  if (copied)
    out.push_back(
        {"note", "clocks-same-engines", recipe.recipe_id, "", "",
         fmt::format("{}: its builds are those of the recipe at default clocks{}", recipe.label,
                     clocks == "fixed" ? "; the clock is all that differs"
                                       : ", and its clocks were not all fixed"),
         "name --dvfs fixed alone to build at fixed clocks too"});
}

void qualify_clocks(const RecipeEvidence& recipe, std::vector<VerdictRow>& verdicts) {
  if (!conditional(recipe)) return;
  bool several = false;
  std::string hindrance;
  for (const VerdictRow& v : verdicts) {
    if (v.recipe_id != recipe.recipe_id || v.subject != "latency") continue;
    const Json state = get_object(v.statistic, "clock_state");
    several = several || state.contains("compared");
    if (hindrance.empty()) hindrance = get_string(state, "hindrance");
  }
  for (VerdictRow& v : verdicts) {
    if (v.recipe_id != recipe.recipe_id || (v.subject != "latency" && v.subject != "tail"))
      continue;
    // A tail is taken over all launches: at several clocks neither equality nor a difference is the
    // builds' own.
    if (v.subject == "tail" && !hindrance.empty() &&
        (v.verdict == word(Verdict::same) || (several && v.verdict == word(Verdict::different)))) {
      v.verdict = word(Verdict::inconclusive);
      v.statement += several ? std::string("; not claimed: launches ran at several clocks")
                             : fmt::format("; not claimed: {}", hindrance);
    }
    v.statement += " (conditional on DVFS policy)";
  }
}

}  // namespace assay::audit
