// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "base/text.h"
#include "report/figures.h"
#include "report/machines/internal.h"
#include "stats/mean_interval.h"

namespace assay::report::machines {
namespace {

constexpr double kConfidence = 0.95;

// Whether launch `index` of build `build` ended well; one that the evidence lacks did not.
bool ended_well(const Recipe& recipe, int64_t build, int64_t index) {
  for (const Build& b : recipe.builds)
    if (b.counts && b.index == build)
      for (const Launch& l : b.launches)
        if (l.counts && l.index == index) return l.outcome == "ok";
  return false;
}

struct BuildMeans {
  std::vector<double> values;
  int64_t builds = 0, n_needed = 0;
};

std::optional<double> estimate_at(const Json& j, const char* quantile) {
  const Json& i = get_object(j, quantile);
  if (!i.contains("estimate") || !i["estimate"].is_number()) return std::nullopt;
  const double v = i["estimate"].get<double>();
  return v > 0 && std::isfinite(v) ? std::optional(v) : std::nullopt;
}

// One value a build: the verdict's own, a mean over launches; of a build with one launch that ended
// well that launch's, where n carries it.
BuildMeans build_means(const Recipe& recipe, const Json& statistic, const char* quantile) {
  BuildMeans out;
  for (const Json& b : get_array(statistic, "builds")) {
    ++out.builds;
    out.n_needed = std::max(out.n_needed, get_int(get_object(b, quantile), "n_needed"));
    auto value = estimate_at(b, quantile);
    std::vector<double> launches;
    for (const Json& l : get_array(b, "launches"))
      if (ended_well(recipe, get_int(b, "build", -1), get_int(l, "launch", -1)))
        if (const auto v = estimate_at(l, quantile)) launches.push_back(*v);
    if (!value && launches.size() == 1) value = launches.front();
    if (value) out.values.push_back(*value);
  }
  return out;
}

// Geometric mean with Student's interval on logs; no bounds from fewer than 2 builds.
std::optional<stats::Interval> over_builds(const std::vector<double>& values) {
  if (values.empty()) return std::nullopt;
  std::vector<double> logs;
  for (const double v : values) logs.push_back(std::log(v));
  stats::Interval i = stats::mean_interval(logs, kConfidence);
  i.estimate = std::exp(i.estimate);
  if (i.lower) i.lower = std::exp(*i.lower);
  if (i.upper) i.upper = std::exp(*i.upper);
  return i;
}

Figures build_seconds(const std::vector<const Build*>& builds) {
  std::vector<double> s;
  for (const Build* b : builds)
    if (b->wall_ns > 0) s.push_back(static_cast<double>(b->wall_ns) / 1e9);
  if (s.empty()) return {{}, {}, {}, "", "no build ended well"};
  std::sort(s.begin(), s.end());
  const size_t n = s.size();
  return {n % 2 ? s[n / 2] : (s[n / 2 - 1] + s[n / 2]) / 2, s.front(), s.back(), "wall clock", ""};
}

// How much the machine offers the recipe (see docs/platforms-compare.md).
void size_of(const Machine& m, const Recipe& recipe, bool across_threads, MachineCell& cell) {
  const std::string named = get_string(recipe.regime, "device", "cpu");
  const MachinePeak* peak = nullptr;
  for (const MachinePeak& p : m.peaks)
    if (p.device == named && (!peak || p.threads > peak->threads)) peak = &p;
  if (named != "cpu") {
    if (peak)
      cell.size = peak->flops,
      cell.size_basis = fmt::format("peak FLOP/s of {}", one_line(named, 20));
    return;  // cores of the host say nothing of a GPU
  }
  const int64_t units = across_threads ? recipe.threads : m.cores;
  if (units < 1) return;
  const char* what = across_threads ? "threads" : "cores";
  cell.size = static_cast<double>(units);
  cell.size_basis = what;
  if (peak) {
    cell.size *= peak->flops / static_cast<double>(peak->threads);
    cell.size_basis = fmt::format("{} x peak FLOP/s", what);
  }
}

}  // namespace

std::vector<const Build*> ok_builds(const Recipe& recipe) {
  std::vector<const Build*> out;
  for (const Build& b : recipe.builds)
    if (b.counts && b.outcome == "ok") out.push_back(&b);
  return out;
}

MachineCell cell_of(Machine& machine, const ModelInfo& model, const Recipe& recipe,
                    bool across_threads) {
  MachineCell c;
  c.present = true;
  c.recipe = &recipe;
  for (const DataSet& d : model.datasets)
    if (d.id == recipe.dataset_id) c.data = &d;
  const auto builds = ok_builds(recipe);
  std::set<std::string> versions;
  for (const Build* b : builds) versions.insert(b->compiler_version);
  c.compiler_versions = fmt::format("{}", fmt::join(versions, ", "));
  c.build_s = build_seconds(builds);
  size_of(machine, recipe, across_threads, c);
  c.trust = "unknown";
  if (const VerdictRow* v = find_verdict(recipe, "latency")) {
    c.trust = get_string(v->statistic, "trust", "unknown");
    c.scripted = get_string(v->statistic, "clock") != "monotonic";
    c.may_be_equal = get_bool(v->threshold, "equivalence_allowed");
    c.p50_builds = build_means(recipe, v->statistic, "p50").values;
    const BuildMeans tail = build_means(recipe, v->statistic, "p99");
    if (tail.builds > 0 && static_cast<int64_t>(tail.values.size()) == tail.builds)
      c.p99_builds = tail.values;
    else if (tail.n_needed > 0)
      c.p99_why = fmt::format("not available (n >= {})", tail.n_needed);
  }
  if (c.p50_builds.empty())
    c.why_no_latency = machine.model.derivation ? "no launch measured a latency" : "not judged yet";
  c.p50 = over_builds(c.p50_builds);
  c.p99 = over_builds(c.p99_builds);
  add_platform(c);
  return c;
}

}  // namespace assay::report::machines
