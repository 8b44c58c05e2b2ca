// SPDX-License-Identifier: Apache-2.0
#include "report/series/wcet.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "stats/dependence.h"
#include "stats/intervals.h"
#include "stats/stationarity.h"

namespace assay::report {
namespace {

// From 1e-1 to 1e-12, ten a decade. Those above the share of exceedances have no bound.
std::vector<double> grid() {
  std::vector<double> p;
  for (int i = 10; i <= 120; ++i) p.push_back(std::pow(10.0, -i / 10.0));
  return p;
}

// The grid first, what was asked for last: its last p decides what the tick changes.
stats::PwcetOptions with_grid(const stats::PwcetOptions& asked) {
  stats::PwcetOptions o = asked;
  o.p = grid();
  o.p.insert(o.p.end(), asked.p.begin(), asked.p.end());
  return o;
}

template <class T>
std::vector<T> take_front(std::vector<T>& v, size_t keep) {
  const size_t cut = v.size() > keep ? v.size() - keep : 0;
  std::vector<T> front(v.begin(), v.begin() + static_cast<std::ptrdiff_t>(cut));
  v.erase(v.begin(), v.begin() + static_cast<std::ptrdiff_t>(cut));
  return front;
}

Deadline judge_deadline(const WcetSeries& s, int64_t at, double confidence) {
  Deadline d;
  d.at_ns = at;
  d.n = static_cast<int64_t>(s.sorted.size());
  d.misses = s.sorted.end() - std::upper_bound(s.sorted.begin(), s.sorted.end(), at);
  d.tau = stats::exceedance_tau(s.kept(), at);
  const auto n = static_cast<int64_t>(std::floor(static_cast<double>(d.n) / d.tau));
  const auto x = static_cast<int64_t>(std::ceil(static_cast<double>(d.misses) / d.tau));
  if (n > 0) d.observed_upper = stats::clopper_pearson_upper(std::min(x, n), n, confidence);
  const stats::Pwcet& w = s.result;
  if (w.refused || !w.fit.ok || at < w.threshold_ns) return d;
  d.model = w.zeta *
            stats::gpd_exceedance(static_cast<double>(at - w.threshold_ns), w.fit.sigma, w.fit.xi);
  // Bounds fall as p rises: the smallest p whose bound lies below the deadline bounds P(X > D).
  for (const auto* points : {&s.curve, &w.points})
    for (const stats::PwcetPoint& p : *points)
      if (p.bound_ns && *p.bound_ns <= static_cast<double>(at) &&
          (!d.model_upper || p.p < *d.model_upper))
        d.model_upper = p.p;
  d.extrapolation = d.model_upper && *d.model_upper < 1 / (100 * static_cast<double>(d.n));
  return d;
}

std::vector<stats::PaperWcet> paper_terms(const WcetSeries& s, const WcetOptions& o) {
  std::vector<stats::PaperWcet> out;
  if ((!o.read_ns && !o.pre_ns && !o.post_ns) || s.sorted.empty()) return out;
  const double read = o.read_ns.value_or(0), pre = o.pre_ns.value_or(0),
               post = o.post_ns.value_or(0), inference = static_cast<double>(s.sorted.back());
  out.push_back(stats::paper_wcet_single(read, pre, inference, post));
  if (o.cameras > 1) {
    const std::vector<double> reads(static_cast<size_t>(o.cameras), read);
    out.push_back(stats::paper_wcet_multi(reads, pre, inference, post, 0, 0));
  }
  return out;
}

stats::Gate judge(const WcetLaunch& l, bool cut) {
  stats::GateOptions gate;
  gate.cut_warm_up = cut;
  stats::Gate g = stats::judge_series(l.input.samples, l.machine, gate);
  if (l.input.averaged) {
    // The mean over inferences has another tail, always a lighter one.
    g.trust = Trust::rejected;
    g.reasons.emplace(g.reasons.begin(),
                      "averages: each value is a mean over several inferences, so no tail can be "
                      "read");
  }
  return g;
}

int64_t warm_up_of(const stats::Gate& g, size_t n) {
  return g.warm_up > 0 && g.warm_up < static_cast<int64_t>(n) ? g.warm_up : 0;
}

}  // namespace

WcetSeries analyse_wcet(WcetLaunch launch, const WcetOptions& o) {
  WcetSeries s;
  s.gate = judge(launch, o.cut_warm_up);
  s.input = std::move(launch.input);
  s.warm_up = warm_up_of(s.gate, s.input.samples.size());
  const auto kept = s.kept();
  s.sorted = stats::sorted_copy(kept);
  s.result = stats::pwcet(kept, s.gate.trust, with_grid(o.pwcet), s.sorted);
  s.curve = take_front(s.result.points, o.pwcet.p.size());
  if (o.deadline_ns) s.deadline = judge_deadline(s, *o.deadline_ns, o.pwcet.confidence);
  s.paper = paper_terms(s, o);
  return s;
}

WcetPopulation analyse_population(std::string name, std::vector<WcetLaunch> launches,
                                  const WcetOptions& o) {
  WcetPopulation out;
  out.name = std::move(name);
  std::map<int64_t, std::vector<size_t>> groups;
  std::vector<stats::Gate> gates;
  for (size_t i = 0; i < launches.size(); ++i) {
    groups[launches[i].input.group].push_back(i);
    gates.push_back(judge(launches[i], o.cut_warm_up));
    auto& samples = launches[i].input.samples;
    const int64_t cut = warm_up_of(gates.back(), samples.size());
    samples.erase(samples.begin(), samples.begin() + cut);
    out.kept.push_back(std::move(samples));
  }
  std::vector<stats::BuildSeries> builds;
  for (const auto& [group, members] : groups) {
    stats::BuildSeries b;
    b.build = group;
    std::vector<stats::Gate> own;
    for (size_t i : members) {
      b.launches.emplace_back(out.kept[i]);
      own.push_back(gates[i]);
    }
    out.gates.push_back(stats::worst_of(own));
    b.trust = out.gates.back().trust;
    const std::string& first = launches[members.front()].input.name;
    out.build_names.push_back(first.substr(0, first.find('/')));
    builds.push_back(std::move(b));
  }
  out.result = stats::pwcet_over_builds(builds, with_grid(o.pwcet), o.content);
  take_front(out.result.points, o.pwcet.p.size());
  for (size_t b = 0; b < out.result.builds.size(); ++b) {
    stats::BuildPwcet& build = out.result.builds[b];
    take_front(build.bound_ns, o.pwcet.p.size());
    auto curve = take_front(build.joined.points, o.pwcet.p.size());
    const bool worst =
        !out.result.points.empty() && out.result.points.back().worst_build == build.build;
    if (b == 0 || worst) {
      out.shown = b;
      out.curve = std::move(curve);
    }
  }
  if (out.shown < builds.size())
    for (const auto& launch : builds[out.shown].launches)
      out.shown_samples.insert(out.shown_samples.end(), launch.begin(), launch.end());
  out.shown_sorted = stats::sorted_copy(out.shown_samples);
  return out;
}

bool WcetReport::refused() const {
  return std::any_of(series.begin(), series.end(),
                     [](const auto& s) { return s.result.refused; }) ||
         std::any_of(populations.begin(), populations.end(),
                     [](const auto& p) { return p.result.refused; });
}

std::vector<std::string> what_would_help(const stats::Pwcet& w, const stats::Gate& gate) {
  std::vector<std::string> out;
  if (w.n_needed > w.n)
    out.push_back(
        fmt::format("measure at least {} inferences in one launch (here {})", w.n_needed, w.n));
  const bool averages = !gate.reasons.empty() && gate.reasons.front().starts_with("averages");
  if (averages)
    out.emplace_back(
        "time every inference on its own (Google Benchmark: ->Iterations(1)); a mean over several "
        "has a lighter tail than the latency");
  else if (gate.trust == Trust::rejected)
    out.emplace_back(
        "measure on a quiet machine with fixed clocks; `assay stats FILE` shows what is wrong with "
        "the series");
  bool other = false;
  for (const stats::Applicability& a : w.list)
    other = other || (a.required && !a.pass && w.n_needed <= w.n);
  if (other && out.empty())
    out.emplace_back(
        "the tail does not follow one law: separate its causes (inputs, stages, preemption) and "
        "measure each alone; more samples alone do not help");
  return out;
}

}  // namespace assay::report
