// SPDX-License-Identifier: Apache-2.0
// Latency over builds. The unit is the launch (a process), never the single inference: its median
// is one number a launch.
#include <algorithm>
#include <cmath>
#include <set>

#include "audit/derive_internal.h"
#include "base/text.h"
#include "base/words.h"
#include "stats/equality.h"

namespace assay::audit {
namespace {

constexpr double kConfidence = 0.95, kAlpha = 0.05;
constexpr struct {
  const char* name;
  double q;
} kQuantiles[] = {{"p50", 0.5}, {"p90", 0.9}, {"p99", 0.99}};

std::vector<int64_t> sorted(std::vector<int64_t> v) {
  std::sort(v.begin(), v.end());
  return v;
}

// What could be seen of the machine during the series; any unseen control caps the trust (rule 5).
void trust_reasons(const LaunchEvidence& l, int64_t planned, std::set<std::string>& reasons) {
  const Json& s = l.sampler;
  for (const char* key : {"involuntary_switches", "major_faults", "migrations", "steal_ticks"}) {
    if (!s.contains(key) || !s[key].is_number())
      reasons.insert(fmt::format("{} unknown", key));
    else if (get_int(s, key) > 0)
      reasons.insert(fmt::format("{} seen", key));
  }
  if (!s.contains("throttle_events") || !s["throttle_events"].is_number())
    reasons.insert("throttling unknown");
  else if (get_int(s, "throttle_events") > 0)
    reasons.insert("throttling seen");
  if (!get_bool(l.environment, "pinned", false)) reasons.insert("thread not pinned");
  if (!s.contains("cpu_mhz") || !s["cpu_mhz"].is_array()) reasons.insert("clocks unknown");
  if (!get_bool(l.environment, "memory_locked")) reasons.insert("memory not locked");
  if (l.censored > 0) reasons.insert("series cut off");
  if (static_cast<int64_t>(l.samples.size()) < planned)
    reasons.insert("series shorter than planned");
}

struct BuildLatency {
  int64_t build;
  std::vector<double> medians;
  Json json;
};

BuildLatency summarise(const BuildEvidence& b, int64_t planned, VerdictRow& v,
                       std::set<std::string>& reasons, std::set<std::string>& clocks) {
  BuildLatency out{b.build_index, {}, {{"build", b.build_index}, {"launches", Json::array()}}};
  std::vector<int64_t> pooled;
  for (const LaunchEvidence& l : b.launches) {
    if (l.samples.empty()) continue;
    const auto s = sorted(l.samples);
    Json j{{"launch", l.launch_index}, {"n", s.size()}};
    for (const auto& q : kQuantiles)
      j[q.name] = to_json(stats::quantile_interval(s, q.q, kConfidence));
    j["min"] = s.front();
    j["max"] = s.back();
    j["censored"] = l.censored;
    out.json["launches"].push_back(std::move(j));
    pooled.insert(pooled.end(), s.begin(), s.end());
    if (l.outcome == "ok")
      out.medians.push_back(static_cast<double>(stats::quantile_point(s, 0.5)));
    v.evidence["launches"].push_back(l.launch_id);
    v.evidence["series"].push_back(l.series_id);
    clocks.insert(l.clock);
    trust_reasons(l, planned, reasons);
  }
  if (!pooled.empty()) {
    std::sort(pooled.begin(), pooled.end());
    for (const auto& q : kQuantiles)
      out.json[q.name] = to_json(stats::quantile_interval(pooled, q.q, kConfidence));
  }
  return out;
}

Json over_builds(const std::vector<BuildLatency>& builds) {
  Json out = Json::object();
  for (const auto& q : kQuantiles) {
    double lo = 0, hi = 0;
    bool any = false;
    for (const BuildLatency& b : builds) {
      if (!b.json.contains(q.name)) continue;
      const double e = get_double(b.json[q.name], "estimate");
      lo = any ? std::min(lo, e) : e;
      hi = any ? std::max(hi, e) : e;
      any = true;
    }
    if (any) out[q.name] = {{"min", lo}, {"max", hi}};
  }
  return out;
}

// Of positive values, not empty: the estimate of a ratio needs one launch a side, its interval two.
double geometric_mean(const std::vector<double>& v) {
  double sum = 0;
  for (double x : v) sum += std::log(std::max(x, 1.0));
  return std::exp(sum / static_cast<double>(v.size()));
}

}  // namespace

void verdict_of_latency(const RecipeEvidence& recipe, const Json& plan,
                        std::vector<VerdictRow>& out) {
  VerdictRow v = make_verdict(recipe, "latency", "builds");
  const double margin = get_double(plan, "latency_margin", 0.01);
  const bool quick = get_string(plan, "profile") == "quick";
  std::set<std::string> reasons, clocks;
  std::vector<BuildLatency> builds;
  for (const BuildEvidence& b : recipe.builds) {
    BuildLatency l = summarise(b, get_int(plan, "samples"), v, reasons, clocks);
    if (!l.medians.empty()) builds.push_back(std::move(l));
  }
  std::vector<stats::LogRatio> ratios;
  std::vector<std::pair<size_t, size_t>> which;
  std::vector<double> p;
  for (size_t i = 0; i < builds.size(); ++i) {
    for (size_t j = i + 1; j < builds.size(); ++j) {
      ratios.push_back(
          stats::compare_log_ratio(builds[i].medians, builds[j].medians, margin, kAlpha));
      which.emplace_back(i, j);
      p.push_back(ratios.back().p_difference);
    }
  }
  const std::vector<double> adjusted = stats::holm(p);
  Json pairs = Json::array();
  int64_t different = 0, equivalent = 0;
  double widest = 1;
  for (size_t k = 0; k < ratios.size(); ++k) {
    stats::LogRatio& r = ratios[k];
    // A difference counts only if it survives Holm over all pairs. "All equal" is an
    // intersection-union claim, so every pair is judged at alpha without correction
    // (statistics.md 7.1); the quick profile makes no such claim at all.
    if ((r.equality == stats::Equality::different || r.equality == stats::Equality::immaterial) &&
        adjusted[k] >= kAlpha)
      r.equality = stats::Equality::inconclusive;
    if (quick && r.equality == stats::Equality::equivalent)
      r.equality = stats::Equality::inconclusive;
    different += r.equality == stats::Equality::different;
    // Immaterial is a difference whose interval may leave the margin: no proof of equivalence.
    equivalent += r.equality == stats::Equality::equivalent;
    const double ratio = geometric_mean(builds[which[k].second].medians) /
                         geometric_mean(builds[which[k].first].medians);
    const bool bounded = r.n_a >= 2 && r.n_b >= 2;
    widest = std::max({widest, ratio, 1 / ratio});
    pairs.push_back({{"a", builds[which[k].first].build},
                     {"b", builds[which[k].second].build},
                     {"ratio", ratio},
                     {"lower", bounded ? Json(r.lower) : Json()},
                     {"upper", bounded ? Json(r.upper) : Json()},
                     {"p", adjusted[k]},
                     {"word", stats::equality_word(r.equality)}});
  }
  Json list = Json::array();
  for (BuildLatency& b : builds) list.push_back(b.json);
  const std::string clock = clocks.size() == 1 ? *clocks.begin()
                            : clocks.empty()   ? "none"
                                               : "mixed";
  const bool scripted = clock != "monotonic";
  v.statistic = {
      {"clock", clock},
      {"builds", list},
      {"over_builds", over_builds(builds)},
      {"pairs", pairs},
      {"trust", word(scripted          ? Trust::rejected
                     : reasons.empty() ? Trust::trusted
                                       : Trust::degraded)},
      {"trust_reasons",
       scripted ? Json::array({"the clock is scripted: not a measurement"}) : Json(reasons)}};
  v.threshold = {{"margin", margin},
                 {"alpha", kAlpha},
                 {"unit", "median of a launch"},
                 {"correction", "Holm over pairs"},
                 {"equivalence_allowed", !quick}};
  const auto spread = [&] {
    return fmt::format("launch medians differ by up to {:.2f} % over {} builds", (widest - 1) * 100,
                       builds.size());
  };
  if (builds.size() < 2) {
    v.verdict = word(Verdict::inconclusive);
    v.statement = builds.empty() ? "no latency was measured" : "only one build was measured";
  } else if (different > 0) {
    v.verdict = word(Verdict::different);
    v.statement = fmt::format("{}; {} of {} pairs of builds differ by more than {:.3g} %", spread(),
                              different, pairs.size(), margin * 100);
  } else if (equivalent == static_cast<int64_t>(pairs.size())) {
    v.verdict = word(Verdict::same);
    v.statement =
        fmt::format("{}; every pair is equivalent within {:.3g} %", spread(), margin * 100);
  } else {
    v.verdict = word(Verdict::inconclusive);
    v.statement =
        quick ? fmt::format(
                    "{}; no pair differs for certain, and the quick profile claims no equivalence "
                    "(use --profile standard)",
                    spread())
              : fmt::format("{}; neither a difference nor equivalence within {:.3g} % is shown",
                            spread(), margin * 100);
  }
  // Rule 1: when kernels are chosen at load, a launch is a new draw and the two levels are one.
  if (recipe.decides_at != "build" && !builds.empty()) {
    v.statement +=
        fmt::format("; its kernels are chosen at {}, so build and launch cannot be told apart",
                    recipe.decides_at);
  }
  if (v.verdict == word(Verdict::inconclusive) && builds.size() >= 2) {
    v.threshold["needs"] = quick ? "more launches a build (--profile standard has 10)"
                                 : "more launches a build, or a quieter machine (assay doctor)";
  }
  if (scripted && !builds.empty()) v.statement += " (scripted clock: not a measurement)";
  out.push_back(std::move(v));
}

}  // namespace assay::audit
