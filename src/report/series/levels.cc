// SPDX-License-Identifier: Apache-2.0
// How much of the variation comes with the launch and with the build (statistics.md section 2).
#include <algorithm>
#include <map>

#include "report/series/model.h"
#include "stats/intervals.h"

namespace assay::report {
namespace {

// Two levels: launches of equal length, cut to the shortest.
Levels of_launches(std::span<const SeriesStats> series, double confidence) {
  Levels out;
  out.names = {"inference", "launch"};
  size_t shortest = series.front().sorted.size(), given = 0;
  for (const SeriesStats& s : series) {
    shortest = std::min(shortest, s.sorted.size());
    given += s.sorted.size();
  }
  std::vector<double> values;
  values.reserve(shortest * series.size());
  for (const SeriesStats& s : series)
    for (int64_t v : s.kept().first(shortest)) values.push_back(static_cast<double>(v));
  const int64_t repetitions[] = {static_cast<int64_t>(series.size()),
                                 static_cast<int64_t>(shortest)};
  out.split = stats::variance_split(values, repetitions, {}, confidence);
  out.split.given = static_cast<int64_t>(given);
  if (values.size() < given && out.split.truncation.empty())
    out.split.truncation = "launches cut to the shortest, its number of first samples";
  return out;
}

Levels of_builds(std::span<const SeriesStats> series, double confidence) {
  Levels out;
  out.names = {"inference", "launch", "build"};
  std::map<int64_t, std::vector<const SeriesStats*>> groups;
  for (const SeriesStats& s : series) groups[s.input.group].push_back(&s);
  stats::Builds builds;
  std::vector<std::vector<double>> medians;
  for (const auto& [group, members] : groups) {
    auto& build = builds.emplace_back();
    auto& row = medians.emplace_back();
    for (const SeriesStats* s : members) {
      build.push_back(s->kept());
      if (!s->sorted.empty())
        row.push_back(static_cast<double>(stats::quantile_point(s->sorted, .5)));
    }
  }
  out.split = stats::variance_split(builds, {}, confidence);
  out.build_order = stats::jonckheere_terpstra(medians);
  return out;
}

}  // namespace

std::optional<Levels> split_levels(std::span<const SeriesStats> series, const StatsOptions& o) {
  if (series.size() < 3) return std::nullopt;
  for (const SeriesStats& s : series)
    if (s.input.averaged || s.sorted.empty()) return std::nullopt;
  return o.builds ? of_builds(series, o.confidence) : of_launches(series, o.confidence);
}

}  // namespace assay::report
