// SPDX-License-Identifier: Apache-2.0
#include "audit/latency_spread.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "stats/json.h"
#include "stats/variance.h"

namespace assay::audit {
namespace {

// Seconds of one more inference, launch and build, from what they took: medians over what ran, so
// that a hung build weighs no more than another.
struct Costs {
  double inference = 0, launch = 0, build = 0;
};

double middle(std::vector<double> v) {
  if (v.empty()) return 0;
  std::nth_element(v.begin(), v.begin() + static_cast<std::ptrdiff_t>(v.size() / 2), v.end());
  return v[v.size() / 2];
}

// Nothing is priced by a scripted clock: its wall times are those of the test, not of the engine.
Costs costs_of(const std::vector<JudgedBuild>& builds) {
  std::vector<double> inference, launch, build;
  for (const JudgedBuild& b : builds) {
    for (const JudgedLaunch& l : b.launches)
      if (l.launch->clock == "scripted") return {};
    build.push_back(static_cast<double>(b.build->wall_ns) / 1e9);
    for (const JudgedLaunch& l : b.launches) {
      const double one = static_cast<double>(l.median) / 1e9;
      inference.push_back(one);
      launch.push_back(static_cast<double>(l.launch->wall_ns) / 1e9 -
                       one * static_cast<double>(l.launch->samples.size()));
    }
  }
  return {middle(inference), std::max(middle(launch), 0.0), middle(build)};
}

// A build's launches share what its build drew, so that in the order of building it is one value:
// the geometric mean of its launch medians. With launches as units two builds that differ at all
// would count as a trend.
std::vector<double> one_value(const std::vector<double>& medians) {
  if (medians.empty()) return {};
  double sum = 0;
  for (const double m : medians) sum += std::log(std::max(m, 1.0));
  return {std::exp(sum / static_cast<double>(medians.size()))};
}

stats::Builds series_of(const std::vector<JudgedBuild>& builds) {
  stats::Builds out;
  for (const JudgedBuild& b : builds) {
    std::vector<std::span<const int64_t>> launches;
    for (const JudgedLaunch& l : b.launches)
      if (l.launch->outcome == "ok") launches.push_back(l.samples);
    if (!launches.empty()) out.push_back(std::move(launches));
  }
  return out;
}

Json next_build(int64_t k) {
  const auto factor = stats::sd_upper_factor(k);
  return {{"builds", k},
          {"exceeds_slowest", stats::next_exceeds_max(k)},
          {"coverage_of_slowest", stats::coverage_of_max(k, 0.95)},
          {"builds_for_95_95", stats::builds_for_tolerance(0.95, 0.95)},
          {"sd_upper_factor", factor ? Json(*factor) : Json()}};
}

}  // namespace

LatencySpread latency_spread(const std::vector<JudgedBuild>& builds) {
  LatencySpread out;
  const Costs c = costs_of(builds);
  const stats::Builds series = series_of(builds);
  const std::vector<double> three = {c.inference, c.launch, c.build}, two = {c.launch, c.build};
  // A recorded run may know no wall times (made evidence): then no design is worked out.
  const bool priced = c.inference > 0 && c.launch > 0 && c.build > 0;
  std::vector<std::vector<double>> by_build;
  std::map<int64_t, std::vector<double>> by_block;
  for (const JudgedBuild& b : builds) {
    by_build.push_back(one_value(b.medians()));
    for (const JudgedLaunch& l : b.launches)
      if (l.launch->outcome == "ok")
        by_block[l.launch->launch_index].push_back(static_cast<double>(l.median));
  }
  std::vector<std::vector<double>> blocks;
  for (auto& [index, medians] : by_block) blocks.push_back(std::move(medians));
  out.build_order = stats::jonckheere_terpstra(by_build);
  out.time = stats::jonckheere_terpstra(blocks);
  out.json = {{"variance",
               stats::to_json(stats::variance_split(
                   series, priced ? std::span<const double>(three) : std::span<const double>()))},
              {"variance_of_medians",
               stats::to_json(stats::variance_split_medians(
                   series, priced ? std::span<const double>(two) : std::span<const double>()))},
              {"cost_s", {{"inference", c.inference}, {"launch", c.launch}, {"build", c.build}}},
              {"build_order", stats::to_json(out.build_order)},
              {"time", stats::to_json(out.time)},
              {"next_build", next_build(static_cast<int64_t>(series.size()))}};
  return out;
}

}  // namespace assay::audit
