// SPDX-License-Identifier: Apache-2.0
#include "audit/judged.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "audit/platform_evidence.h"
#include "audit/plausibility.h"
#include "platform/cuda.h"
#include "platform/stretch.h"
#include "stats/stationarity.h"

namespace assay::audit {
namespace {

constexpr std::string_view kMonotonic = "monotonic", kScripted = "scripted";

std::optional<int64_t> counter(const Json& sampler, const char* key) {
  // -1, or what is no whole number, is no count of 0.
  const int64_t count = get_int(sampler, key, -1);
  return count < 0 ? std::nullopt : std::optional(count);
}

// Of evidence without a record: what the sampler itself noted. The locked clock is not known here.
std::optional<double> noted_clock_drop(const Json& sampler) {
  std::vector<double> clocks;
  for (const Json& mhz : get_array(sampler, "cpu_mhz"))
    if (mhz.is_number()) clocks.push_back(mhz.get<double>());
  return platform::clock_drop(clocks);
}

void add_record(const LaunchEvidence& l, stats::MachineEvidence& m) {
  m.foreign_tree = !l.platform->record.real;
  m.record_problem = l.platform->problem;
  const auto s = loop_stretch(l);
  if (!s) {
    m.clock_drop.reset();
    return;
  }
  m.clock_drop = s->clock_drop;
  m.other_load = s->other_load;
  m.load_unknown = s->load_unknown;
  m.other_gpu_processes = s->other_gpu_processes.value_or(0);
  if (get_int(l.sampler, "gpu", -1) < 0) return;
  m.gpu_throttle_unknown = !s->throttle;
  m.gpu_processes_unknown = !s->other_gpu_processes;
  if (const int64_t bits = s->throttle.value_or(0) & platform::kHarmfulThrottle; bits != 0)
    m.gpu_throttle = platform::throttle_words(bits);
}

std::vector<stats::QuantileRow> quantiles_of(std::span<const int64_t> samples,
                                             std::span<const int64_t> sorted) {
  stats::QuantileOptions options;
  options.q.clear();
  for (const auto& q : kQuantiles) options.q.push_back(q.q);
  return stats::quantile_table(samples, sorted, options);
}

JudgedLaunch judge(const LaunchEvidence& l, int64_t planned, std::vector<std::string> implausible) {
  JudgedLaunch out;
  out.launch = &l;
  stats::MachineEvidence machine = machine_evidence(l, planned);
  machine.implausible = std::move(implausible);
  out.gate = stats::judge_series(l.samples, machine);
  if (l.clock != kMonotonic && l.clock != kScripted) {  // it ended before it could say
    out.gate.trust = std::max(out.gate.trust, Trust::degraded);
    out.gate.reasons.emplace_back("clock unknown");
  }
  const auto cut =
      std::clamp<int64_t>(out.gate.warm_up, 0, static_cast<int64_t>(l.samples.size()) - 1);
  out.samples = std::span(l.samples).subspan(static_cast<size_t>(cut));
  const std::vector<int64_t> sorted = stats::sorted_copy(out.samples);
  out.quantiles = quantiles_of(out.samples, sorted);
  out.median = stats::quantile_point(sorted, 0.5);
  out.least = sorted.front();
  out.greatest = sorted.back();
  return out;
}

// Launches without a latency to judge, and builds without any launch.
int64_t lost(const RecipeEvidence& recipe) {
  int64_t out = 0;
  for (const BuildEvidence& b : recipe.builds) {
    out += b.outcome != "ok" || b.launches.empty();
    for (const LaunchEvidence& l : b.launches) out += l.outcome != "ok" || l.samples.empty();
  }
  return out;
}

// The largest step of a real clock as a share of a launch's median; infinite where a launch shows
// no step, since then all that is known is that the step is larger than its scatter.
double clock_step(const std::vector<JudgedBuild>& builds) {
  double out = 0;
  for (const JudgedBuild& b : builds) {
    for (const JudgedLaunch& l : b.launches) {
      if (l.launch->clock == kScripted) continue;
      const auto median = static_cast<double>(std::max<int64_t>(l.median, 1));
      out = std::max(out, l.gate.tick_ns > 0 ? l.gate.tick_ns / median : INFINITY);
    }
  }
  return out;
}

// Reasons with numbers begin with a phrase and a colon; the others are the phrase.
std::string phrase(const std::string& reason) { return reason.substr(0, reason.find(':')); }

}  // namespace

std::vector<double> JudgedBuild::medians() const {
  std::vector<double> out;
  for (const JudgedLaunch& l : launches)
    if (l.launch->outcome == "ok") out.push_back(static_cast<double>(l.median));
  return out;
}

std::vector<double> JudgedBuild::values(size_t quantile) const {
  std::vector<double> out;
  for (const JudgedLaunch& l : launches)
    if (l.launch->outcome == "ok" && l.lacks(quantile) == 0)
      out.push_back(static_cast<double>(l.quantiles[quantile].estimate));
  return out;
}

int64_t JudgedLaunch::lacks(size_t quantile) const {
  const int64_t need = stats::quantile_n_needed(kQuantiles[quantile].q, 1 - (1 - kConfidence) / 2);
  return static_cast<int64_t>(samples.size()) >= need ? 0 : need;
}

stats::MachineEvidence machine_evidence(const LaunchEvidence& l, int64_t planned) {
  stats::MachineEvidence m;
  m.throttle_events = counter(l.sampler, "throttle_events");
  m.involuntary_switches = counter(l.sampler, "involuntary_switches");
  m.major_faults = counter(l.sampler, "major_faults");
  m.migrations = counter(l.sampler, "migrations");
  m.steal_ticks = counter(l.sampler, "steal_ticks");
  m.clock_drop = noted_clock_drop(l.sampler);
  if (l.platform) add_record(l, m);
  m.pinned = get_bool(l.environment, "pinned", false);
  m.memory_locked = get_bool(l.environment, "memory_locked", false);
  m.scripted = l.clock == kScripted;
  m.censored = l.censored;
  m.planned = planned;
  return m;
}

std::vector<JudgedBuild> judge_launches(const RecipeEvidence& recipe, const Json& plan) {
  const int64_t planned = get_int(plan, "samples");
  std::vector<JudgedBuild> out;
  for (const BuildEvidence& b : recipe.builds) {
    JudgedBuild build;
    build.build = &b;
    for (const LaunchEvidence& l : b.launches)
      if (!l.samples.empty())
        build.launches.push_back(judge(l, planned, implausibilities(recipe, b, l)));
    if (!build.launches.empty()) out.push_back(std::move(build));
  }
  return out;
}

RecipeTrust recipe_trust(const std::vector<JudgedBuild>& builds) {
  RecipeTrust out;
  std::vector<std::string> order;                               // phrases, those that reject first
  std::map<std::string, std::pair<std::string, int64_t>> seen;  // phrase -> first reason, launches
  std::set<std::string> clocks;
  for (const Trust level : {Trust::rejected, Trust::degraded, Trust::trusted}) {
    for (const JudgedBuild& b : builds) {
      for (const JudgedLaunch& l : b.launches) {
        if (l.gate.trust != level) continue;
        out.trust = std::max(out.trust, level);
        const bool scripted = l.launch->clock == kScripted;
        out.scripted = out.scripted || scripted;
        out.rejected += level == Trust::rejected && !scripted;
        ++out.launches;
        clocks.insert(l.launch->clock);
        std::set<std::string> here;
        for (const std::string& reason : l.gate.reasons) {
          const std::string key = phrase(reason);
          if (!here.insert(key).second) continue;
          auto [it, fresh] = seen.try_emplace(key, reason, 0);
          if (fresh) order.push_back(key);
          ++it->second.second;
        }
      }
    }
  }
  for (const std::string& key : order) {
    const auto& [reason, launches] = seen[key];
    out.reasons.push_back(launches == out.launches ? reason
                                                   : fmt::format("{} (in {} of {} launches)",
                                                                 reason, launches, out.launches));
  }
  if (out.launches == 0) {  // what was not measured is not trusted
    out.trust = Trust::rejected;
    out.reasons = {"no samples"};
  }
  out.clock = clocks.empty() ? "none" : clocks.size() == 1 ? *clocks.begin() : "mixed";
  return out;
}

std::optional<Hindrance> hindrance_to_equality(const RecipeEvidence& recipe,
                                               const std::vector<JudgedBuild>& builds,
                                               const RecipeTrust& trust, double margin) {
  if (const int64_t n = lost(recipe); n > 0)
    return Hindrance{fmt::format("builds or launches that did not end well: {}", n),
                     "builds and launches that all end well"};
  // Order is randomised in blocks, so that a disturbed launch can hide no difference for certain,
  // but equality shown on a machine that moved is equality of the disturbance.
  if (trust.rejected > 0)
    return Hindrance{fmt::format("{} of {} launches are {}", trust.rejected, trust.launches,
                                 word(Trust::rejected)),
                     "launches that the gate does not reject (assay doctor says what disturbs)"};
  if (!(clock_step(builds) <= margin))
    return Hindrance{fmt::format("the clock steps by more than {:.3g} %", margin * 100),
                     "a finer clock, or a margin fixed wider beforehand"};
  return std::nullopt;
}

stats::AaResult noise_floor(const std::vector<JudgedBuild>& builds, double margin, double alpha) {
  std::vector<double> values;
  for (const JudgedBuild& b : builds) {
    std::vector<double> medians = b.medians();
    if (medians.size() % 2) medians.pop_back();  // pairs never reach over two builds
    values.insert(values.end(), medians.begin(), medians.end());
  }
  return stats::aa_half_width(values, margin, alpha);
}

Json interval_json(const stats::QuantileRow& r, int64_t n) {
  Json j{{"estimate", nullptr},
         {"lower", nullptr},
         {"upper", nullptr},
         {"confidence", r.confidence},
         {"n", n},
         {"n_needed", r.n_needed},
         {"tau", r.tau}};
  if (!r.carried()) return j;
  j["estimate"] = r.estimate;
  j["lower"] = *r.lower;
  j["upper"] = *r.upper;
  return j;
}

Json launch_json(const JudgedLaunch& l) {
  const auto n = static_cast<int64_t>(l.samples.size());
  Json j{{"launch", l.launch->launch_index}, {"n", n}, {"warm_up", l.gate.warm_up}};
  for (size_t i = 0; i < std::size(kQuantiles); ++i)
    j[kQuantiles[i].name] = interval_json(l.quantiles[i], n);
  j["min"] = l.least;
  j["max"] = l.greatest;
  j["censored"] = l.launch->censored;
  j["trust"] = word(l.gate.trust);
  j["trust_reasons"] = l.gate.reasons;
  j["ess_ratio"] = l.gate.ess_ratio;
  // [statistic, Holm-adjusted p, effect, rejected] of each test: what the reasons rest on.
  Json tests = Json::object();
  for (const stats::TestResult& t : l.gate.tests) {
    const auto finite = [](double v) { return std::isfinite(v) ? Json(v) : Json(nullptr); };
    tests[t.name] = {finite(t.statistic), finite(t.adjusted_p), finite(t.effect), t.rejected};
  }
  j["tests"] = std::move(tests);
  return j;
}

}  // namespace assay::audit
