// SPDX-License-Identifier: Apache-2.0
// The statistics of made latency and tail verdicts: figures of a plausible audit, some refused.
#include <fmt/format.h>

#include <algorithm>

#include "report/fixture.h"
#include "stats/json.h"

namespace assay::report {
namespace {

void quantiles(Json& j, std::vector<int64_t> s) {
  std::sort(s.begin(), s.end());
  for (auto [name, q] : {std::pair{"p50", .5}, {"p90", .9}, {"p99", .99}})
    j[name] = stats::to_json(stats::quantile_interval(s, q, 0.95));
}

Json level(int64_t repetitions, double sd, double share, bool top) {
  Json j = {{"repetitions", repetitions},
            {"sd", sd},
            {"sd_lower", sd * .8},
            {"sd_upper", sd * 1.9},
            {"share", share}};
  j["repetitions_best_ceil"] = top ? Json() : Json(12);
  return j;
}

Json made_spread(int64_t r, int64_t builds) {
  const Json trend = {{"computed", true},
                      {"p", r == 2 ? .004 : .61},
                      {"exact", true},
                      {"direction", 1},
                      {"slope_percent", r == 2 ? 7.1 : .03}};
  Json variance = {{"valid", r != 1}, {"note", r == 1 ? Json("one launch a build") : Json()}};
  variance["levels"] = {level(60, 64e3, r == 2 ? .04 : .93, false),
                        level(2, 9e3, r == 2 ? .01 : .05, false),
                        level(builds, r == 2 ? 310e3 : 4e3, r == 2 ? .95 : .02, true)};
  return {{"variance", variance},
          {"build_order", trend},
          {"time", {{"computed", false}}},
          {"next_build",
           {{"builds", builds},
            {"exceeds_slowest", 1.0 / static_cast<double>(builds + 1)},
            {"coverage_of_slowest", 0.37},
            {"builds_for_95_95", 59}}}};
}

Json made_pair(int64_t r, int64_t b) {
  return {{"a", 0},
          {"b", b},
          {"ratio", r == 2 ? 1.15 : 1.001},
          {"lower", r == 2 ? 1.08 : 0.985},
          {"upper", r == 2 ? 1.22 : 1.017},
          {"p", r == 2 ? 0.003 : 0.41},
          {"word", r == 2 ? "DIFFERENT" : "INCONCLUSIVE"},
          {"nvbench", r == 2 ? "SLOW" : "AMBG"}};
}

}  // namespace

Json made_latency(int64_t r, const std::string& clock,
                  const std::vector<std::vector<std::vector<int64_t>>>& builds) {
  Json latency = {
      {"clock", clock},
      {"builds", Json::array()},
      {"over_builds", Json::object()},
      {"pairs", Json::array()},
      {"noise_floor", {{"half_width", .0021}, {"floor", .0042}}},
      {"spread", made_spread(r, static_cast<int64_t>(builds.size()))},
      {"trust", "DEGRADED"},
      {"trust_reasons", {"steal cannot be observed", "2 cores: the sampler shares one"}}};
  for (size_t b = 0; b < builds.size(); ++b) {
    Json of = {{"build", b}, {"launches", Json::array()}};
    std::vector<int64_t> all;
    for (size_t l = 0; l < builds[b].size(); ++l) {
      Json one = {{"launch", l},
                  {"n", builds[b][l].size()},
                  {"trust", r == 2 && l == 1 ? "REJECTED" : "DEGRADED"},
                  {"trust_reasons", {"steal cannot be observed"}}};
      if (r == 2 && l == 1) one["trust_reasons"].push_back("step: the median rises by 3.1 %");
      quantiles(one, builds[b][l]);
      of["launches"].push_back(one);
      all.insert(all.end(), builds[b][l].begin(), builds[b][l].end());
    }
    quantiles(of, all);
    for (const char* q : {"p50", "p90", "p99"}) {
      Json& range = latency["over_builds"][q];
      const double v = of[q]["estimate"];
      range["min"] = b ? std::min(get_double(range, "min"), v) : v;
      range["max"] = b ? std::max(get_double(range, "max"), v) : v;
    }
    latency["builds"].push_back(of);
    if (b) latency["pairs"].push_back(made_pair(r, static_cast<int64_t>(b)));
  }
  return latency;
}

Json made_tail(int64_t r, int64_t builds) {
  Json pairs = Json::array();
  for (int64_t b = 1; b < builds; ++b) pairs.push_back(made_pair(r, b));
  Json tail = {{"quantiles", {{{"name", "p99"}, {"pairs", pairs}}}}};
  if (r == 2)
    tail["pwcet"] = {{"refused", true},
                     {"refusal", {"build 1: Anderson-Darling rejects every threshold"}}};
  else
    tail["pwcet"] = {{"refused", false},
                     {"confidence", .95},
                     {"next_exceeds_bound", .25},
                     {"points",
                      {{{"p", 1e-4},
                        {"seen_bound_ns", 2.9e6},
                        {"tolerance_ns", nullptr},
                        {"worst_build", 0},
                        {"extrapolation", false}},
                       {{"p", 1e-9},
                        {"seen_bound_ns", 4.1e6},
                        {"tolerance_ns", nullptr},
                        {"worst_build", 0},
                        {"extrapolation", true}}}}};
  return tail;
}

}  // namespace assay::report
