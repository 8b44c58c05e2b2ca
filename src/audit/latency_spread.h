// SPDX-License-Identifier: Apache-2.0
// Where the variation of latency comes from, and what it says of the next build: variance split,
// order and time as trends, tolerance. Figures of the latency verdict; no verdict rests on them.
#pragma once

#include "audit/judged.h"
#include "stats/trend.h"

namespace assay::audit {

struct LatencySpread {
  Json json;  // statistic_json["spread"] (docs/evidence-format.md)
  // Builds in the order they were made, one value each (the geometric mean of its launch medians):
  // p < 1 % takes 6 builds.
  stats::Trend build_order;
  stats::Trend time;  // medians of launches, groups = blocks of launches in the order they ran
};
LatencySpread latency_spread(const std::vector<JudgedBuild>& builds);

// Below this p and above this slope (percent a step) a trend is a finding.
inline constexpr double kTrendAlpha = 0.01, kTrendSlope = 0.5;

}  // namespace assay::audit
