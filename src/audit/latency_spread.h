// SPDX-License-Identifier: Apache-2.0
// Where the variation of latency comes from, and what it says of the next build: variance split,
// order and time as trends, tolerance. Figures of the latency verdict; no verdict rests on them.
#pragma once

#include "audit/judged.h"
#include "stats/trend.h"

namespace assay::audit {

struct LatencySpread {
  Json json;                 // statistic_json["spread"] (docs/evidence-format.md)
  stats::Trend build_order;  // medians of launches, groups = builds in the order they were made
  stats::Trend time;         // the same, groups = blocks of launches in the order they ran
};
LatencySpread latency_spread(const std::vector<JudgedBuild>& builds);

// Below this p and above this slope (percent a step) a trend is a finding.
inline constexpr double kTrendAlpha = 0.01, kTrendSlope = 0.5;

}  // namespace assay::audit
