// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>

#include "report/series/model.h"
#include "stats/stationarity.h"

namespace assay::report {
namespace {

constexpr const char* kAveraged =
    "averages: each value is a mean over several inferences, so no tail can be read";

stats::SequentialResult judge_requirement(const SeriesStats& s, const StatsOptions& o) {
  const Requirement& r = *o.requirement;
  if (s.input.averaged) {
    stats::SequentialResult none;
    none.p0 = r.below;
    none.alpha = o.alpha;
    none.reason = kAveraged;
    return none;
  }
  auto result = stats::test_requirement(s.kept(), r.limit_ns, r.below, o.alpha);
  // The error rate is that of samples of one law; the looks stay in the log.
  if (s.gate.trust == Trust::rejected && result.decision != stats::Decision::undecided) {
    result.decision = stats::Decision::undecided;
    result.reason = fmt::format("the series is {}: {}", word(Trust::rejected),
                                s.gate.reasons.empty() ? "see its tests" : s.gate.reasons.front());
  }
  return result;
}

}  // namespace

SeriesStats analyse_series(SeriesInput input, const StatsOptions& o) {
  SeriesStats s;
  s.input = std::move(input);
  stats::GateOptions gate;
  gate.cut_warm_up = o.cut_warm_up;
  stats::MachineEvidence machine;
  machine.external = true;
  s.gate = stats::judge_series(s.input.samples, machine, gate);
  const auto all = static_cast<int64_t>(s.input.samples.size());
  s.warm_up = s.gate.warm_up > 0 && s.gate.warm_up < all ? s.gate.warm_up : 0;
  if (s.input.averaged) {
    if (s.gate.trust == Trust::trusted) s.gate.trust = Trust::degraded;
    s.gate.reasons.emplace_back(kAveraged);
  }
  const auto kept = s.kept();
  s.sorted = stats::sorted_copy(kept);
  for (double q : o.q) {
    s.rows.push_back(stats::quantile_row(kept, s.sorted, q, o.confidence));
    s.tail.push_back(stats::quantile_row(kept, s.sorted, q, o.tail_confidence));
    if (!s.input.averaged || q <= .9) continue;
    for (stats::QuantileRow* row : {&s.rows.back(), &s.tail.back()}) {
      row->lower = row->upper = row->upper_one_sided = std::nullopt;
      row->n_needed = 0;
      row->refusal = "averages have no tail";
    }
  }
  if (o.requirement) s.requirement = judge_requirement(s, o);
  return s;
}

std::string refusal_text(const stats::QuantileRow& row) {
  if (row.carried()) return "";
  if (row.n_needed > 0) return fmt::format("not available, need n >= {}", row.n_needed);
  return "not available: " + (row.refusal.empty() ? std::string("refused") : row.refusal);
}

}  // namespace assay::report
