// SPDX-License-Identifier: Apache-2.0
// Two sides compared. With several launches a side the launch is the unit; with one, the interval
// is about these two processes and nothing else (statistics.md sections 2 and 7.1).
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "report/series/model.h"
#include "stats/equality_design.h"
#include "stats/intervals.h"

namespace assay::report {
namespace {

constexpr double kPower = .9;
constexpr int64_t kFewestForP99 = 100;  // below, the p99 of a launch is its maximum

// A difference inside the margin is no proof of equality: its interval may leave the margin.
Verdict verdict_of(stats::Equality e) {
  if (e == stats::Equality::equivalent) return Verdict::same;
  return e == stats::Equality::different ? Verdict::different : Verdict::inconclusive;
}

std::vector<double> launch_values(std::span<const SeriesStats> side, double q) {
  std::vector<double> out;
  for (const SeriesStats& s : side)
    if (!s.sorted.empty()) out.push_back(static_cast<double>(stats::quantile_point(s.sorted, q)));
  return out;
}

double median_of(std::vector<double> v) {
  if (v.empty()) return 0;
  std::sort(v.begin(), v.end());
  return v[(v.size() - 1) / 2];
}

// Spread of logs within the sides: the run-to-run coefficient of variation.
double log_spread(const std::vector<double>& a, const std::vector<double>& b) {
  double sum = 0;
  int64_t freedom = 0;
  for (const auto* side : {&a, &b}) {
    if (side->size() < 2) continue;
    double mean = 0;
    for (double v : *side) {
      if (v <= 0) return 0;
      mean += std::log(v) / static_cast<double>(side->size());
    }
    for (double v : *side) sum += (std::log(v) - mean) * (std::log(v) - mean);
    freedom += static_cast<int64_t>(side->size()) - 1;
  }
  return freedom > 0 ? std::sqrt(sum / static_cast<double>(freedom)) : 0;
}

Claim single_claim(const SeriesStats& a, const SeriesStats& b, double q, double margin,
                   double alpha) {
  Claim c;
  c.q = q;
  c.margin = margin;
  const auto r = stats::compare_quantile(a.kept(), b.kept(), q, margin, alpha);
  c.bounded = r.reason.empty();
  c.reason = r.reason;
  if (!c.bounded) return c;
  c.ratio = r.ratio;
  c.tost_lower = r.lower;
  c.tost_upper = r.upper;
  c.lower = r.lower_wide;
  c.upper = r.upper_wide;
  c.equality = r.equality;
  c.regression = stats::regression(r.lower, r.upper, margin);
  return c;
}

Claim launch_claim(std::span<const SeriesStats> a, std::span<const SeriesStats> b, double q,
                   double margin, double alpha) {
  Claim c;
  c.q = q;
  c.margin = margin;
  c.a = launch_values(a, q);
  c.b = launch_values(b, q);
  const auto r = stats::compare_log_ratio(c.a, c.b, margin, alpha);
  c.bounded = c.a.size() >= 2 && c.b.size() >= 2 && r.lower > 0 && r.upper > 0;
  if (!c.bounded) {
    const bool alike = c.a.size() >= 2 && c.b.size() >= 2;
    c.reason = alike ? "launches without any scatter: too few of them for an interval at this alpha"
                     : "needs at least 2 launches a side (20 are usual), each with latencies above "
                       "0";
    return c;
  }
  c.ratio = r.ratio;
  c.lower = r.lower;
  c.upper = r.upper;
  c.tost_lower = r.tost_lower;
  c.tost_upper = r.tost_upper;
  c.p_equivalence_raw = r.p_equivalence;
  c.p_difference_raw = r.p_difference;
  c.equality = r.equality;
  c.regression = stats::regression(r.tost_lower, r.tost_upper, margin);
  return c;
}

// Holm over the claims, separately for "equal" and "different": each claim's word must survive it.
void correct(std::vector<Claim>& claims, double alpha) {
  std::vector<double> equal, different;
  for (const Claim& c : claims) {
    equal.push_back(c.p_equivalence_raw.value_or(1));
    different.push_back(c.p_difference_raw.value_or(1));
  }
  equal = stats::holm(equal);
  different = stats::holm(different);
  for (size_t i = 0; i < claims.size(); ++i) {
    Claim& c = claims[i];
    if (!c.p_equivalence_raw) continue;
    c.p_equivalence = equal[i];
    c.p_difference = different[i];
    const bool equal_holds = equal[i] < alpha, difference_holds = different[i] < alpha;
    if (c.equality == stats::Equality::equivalent ? !equal_holds : !difference_holds) {
      if (c.equality != stats::Equality::inconclusive)
        c.reason = fmt::format("{} alone, but not after Holm over {} claims",
                               stats::equality_word(c.equality), claims.size());
      c.equality = stats::Equality::inconclusive;
    }
  }
}

void refuse(Claim& c, std::string reason) {
  c.equality = stats::Equality::inconclusive;
  c.regression = stats::Regression::ambiguous;
  c.bounded = false;
  c.p_equivalence = c.p_difference = c.p_equivalence_raw = c.p_difference_raw = std::nullopt;
  c.reason = std::move(reason);
}

void look_at_trust(std::span<const SeriesStats> a, std::span<const SeriesStats> b, Comparison& c) {
  int64_t rejected = 0, all = 0;
  std::string which;
  for (const auto& side : {a, b})
    for (const SeriesStats& s : side) {
      ++all;
      if (s.gate.trust != Trust::rejected) continue;
      ++rejected;
      if (which.empty())
        which = fmt::format("{}: {}", s.input.name,
                            s.gate.reasons.empty() ? "see its tests" : s.gate.reasons.front());
    }
  if (rejected == 0) return;
  c.reasons.push_back(
      fmt::format("{} of {} series {} ({})", rejected, all, word(Trust::rejected), which));
  for (Claim& claim : c.claims) {
    if (claim.equality == stats::Equality::inconclusive) continue;
    claim.reason = fmt::format("{} by the numbers, but a series is {}",
                               stats::equality_word(claim.equality), word(Trust::rejected));
    claim.equality = stats::Equality::inconclusive;
  }
}

}  // namespace

Comparison compare_sides(std::span<const SeriesStats> a, std::span<const SeriesStats> b,
                         const std::string& name_a, const std::string& name_b,
                         const StatsOptions& o) {
  Comparison c;
  c.name_a = name_a;
  c.name_b = name_b;
  c.alpha = o.alpha;
  c.launches = a.size() > 1 || b.size() > 1;
  if (a.empty() || b.empty()) return c;
  bool averaged = false;
  int64_t shortest = std::min(a.front().n(), b.front().n());
  for (const auto& side : {a, b})
    for (const SeriesStats& s : side) {
      averaged = averaged || s.input.averaged;
      shortest = std::min(shortest, s.n());
    }
  for (auto [name, q, margin] :
       {std::tuple{"p50", .5, o.margin_median}, {"p99", .99, o.margin_p99}}) {
    Claim claim = c.launches ? launch_claim(a, b, q, margin, o.alpha)
                             : single_claim(a.front(), b.front(), q, margin, o.alpha);
    claim.name = name;
    if (q > .9 && averaged) refuse(claim, "averages have no tail");
    if (q > .9 && c.launches && shortest < kFewestForP99)
      refuse(claim,
             fmt::format("a launch has {} samples, its p99 needs {}", shortest, kFewestForP99));
    c.claims.push_back(std::move(claim));
  }
  if (c.launches) {
    correct(c.claims, o.alpha);
    c.bootstrap = stats::bootstrap_ratio_of_medians(
        c.claims[0].a, c.claims[0].b,
        {.confidence = 1 - o.alpha, .replicates = 2000, .seed = o.seed});
  } else {
    c.reasons.push_back(
        "two single processes: this says nothing about the next launch of either; give several "
        "launches a side (A1 A2 ... --against B1 B2 ...)");
  }
  if (averaged)
    c.reasons.push_back("some values are means over several inferences: medians of averages");
  look_at_trust(a, b, c);
  const double claims = static_cast<double>(c.claims.size());
  bool all_same = true, any_different = false;
  for (Claim& claim : c.claims) {
    claim.verdict = verdict_of(claim.equality);
    all_same = all_same && claim.verdict == Verdict::same;
    any_different = any_different || claim.verdict == Verdict::different;
    // The first step of Holm is at alpha / claims: what both claims can count on.
    if (claim.verdict == Verdict::inconclusive && claim.bounded && c.launches)
      claim.n_needed = stats::tost_n_per_group(log_spread(claim.a, claim.b), claim.margin,
                                               o.alpha / claims, kPower);
  }
  c.overall = any_different ? Verdict::different : all_same ? Verdict::same : Verdict::inconclusive;
  for (int d = 1; d <= 9; ++d)
    c.deciles.push_back(
        {d / 10.0, median_of(launch_values(a, d / 10.0)), median_of(launch_values(b, d / 10.0))});
  return c;
}

}  // namespace assay::report
