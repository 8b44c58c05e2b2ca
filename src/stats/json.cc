// SPDX-License-Identifier: Apache-2.0
#include "stats/json.h"

#include <cmath>

namespace assay::stats {
namespace {

Json optional_number(const std::optional<double>& v) { return v ? number(*v) : Json(nullptr); }
Json optional_integer(const std::optional<int64_t>& v) { return v ? Json(*v) : Json(nullptr); }
// Positions: -1 says "none".
Json position(int64_t at) { return at < 0 ? Json(nullptr) : Json(at); }

Json looks_json(std::span<const Look> looks) {
  Json out = Json::array();
  for (const Look& l : looks)
    out.push_back({{"n", l.n},
                   {"statistic", number(l.statistic)},
                   {"threshold", number(l.threshold)},
                   {"decision", std::string(decision_word(l.decision))},
                   {"exceedances", l.exceedances}});
  return out;
}

}  // namespace

Json number(double v) { return std::isfinite(v) ? Json(v) : Json(nullptr); }

Json to_json(const QuantileRow& r) {
  const bool carried = r.carried();
  Json j = {{"q", number(r.q)}};
  j["estimate_ns"] = carried ? Json(r.estimate) : Json(nullptr);
  j["lower_ns"] = carried ? optional_integer(r.lower) : Json(nullptr);
  j["upper_ns"] = carried ? optional_integer(r.upper) : Json(nullptr);
  j["upper_one_sided_ns"] = carried ? optional_integer(r.upper_one_sided) : Json(nullptr);
  j["confidence"] = number(r.confidence);
  j["tau"] = number(r.tau);
  j["n_effective"] = number(r.n_effective);
  j["refusal"] = carried ? Json(nullptr) : Json(r.refusal);
  j["n_needed"] = carried || r.n_needed <= 0 ? Json(nullptr) : Json(r.n_needed);
  return j;
}

Json to_json(std::span<const QuantileRow> rows) {
  Json out = Json::array();
  for (const QuantileRow& r : rows) out.push_back(to_json(r));
  return out;
}

Json to_json(const Interval& i) {
  return {{"estimate", number(i.estimate)},
          {"lower", optional_number(i.lower)},
          {"upper", optional_number(i.upper)},
          {"confidence", number(i.confidence)},
          {"n", i.n},
          {"n_needed", i.n_needed > 0 ? Json(i.n_needed) : Json(nullptr)}};
}

Json to_json(const TestResult& t) {
  return {{"name", t.name},
          {"statistic", number(t.statistic)},
          {"p", number(t.p)},
          {"adjusted_p", number(t.adjusted_p)},
          {"rejected", t.rejected},
          {"effect", number(t.effect)},
          {"effect_name", t.effect_name},
          {"at", position(t.at)},
          {"note", t.note}};
}

Json to_json(const Gate& g) {
  Json j = {{"trust", std::string(word(g.trust))},
            {"reasons", g.reasons},
            {"n", g.n},
            {"warm_up", g.warm_up},
            {"steady", g.steady},
            {"ess_ratio", number(g.ess_ratio)},
            {"max_abs_r", number(g.max_abs_r)},
            {"max_r_lag", g.max_r_lag},
            {"median_shift", number(g.median_shift)},
            {"p99_shift", number(g.p99_shift)},
            {"break_at", position(g.break_at)},
            {"tick_ns", number(g.tick_ns)},
            {"distinct", g.distinct},
            {"duplicates", g.duplicates}};
  j["repeat"] = nullptr;
  if (g.repeat_from >= 0)
    j["repeat"] = {{"from", g.repeat_from}, {"to", g.repeat_to}, {"length", g.repeat_length}};
  j["period"] = g.period > 0 ? number(g.period) : Json(nullptr);
  j["burst_at"] = g.burst_at >= 0 ? number(g.burst_at) : Json(nullptr);
  j["tests"] = Json::array();
  for (const TestResult& t : g.tests) j["tests"].push_back(to_json(t));
  return j;
}

Json to_json(const AaResult& a) {
  return {{"half_width", optional_number(a.half_width)},
          {"ratio", number(a.ratio)},
          {"equivalent", a.equivalent},
          {"margin_allowed", a.margin_allowed},
          {"floor", number(a.floor)},
          {"pairs", a.pairs}};
}

Json to_json(const LogRatio& r) {
  // Without an interval the ratio of 1 is a default, not a finding.
  const bool have = r.n_a >= 2 && r.n_b >= 2 && r.lower > 0 && r.upper > 0;
  auto value = [&](double v) { return have ? number(v) : Json(nullptr); };
  Json j = {{"ratio", value(r.ratio)},
            {"lower", value(r.lower)},
            {"upper", value(r.upper)},
            {"tost_lower", value(r.tost_lower)},
            {"tost_upper", value(r.tost_upper)},
            {"p_difference", value(r.p_difference)},
            {"p_equivalence", value(r.p_equivalence)},
            {"equality", std::string(equality_word(r.equality))},
            {"n_a", r.n_a},
            {"n_b", r.n_b}};
  j["refusal"] = have ? Json(nullptr)
                      : Json(
                            "fewer than 2 usable values on a side, or too few of "
                            "one value to bound their ratio");
  return j;
}

Json to_json(const AllEqual& a) {
  return {{"equality", std::string(equality_word(a.equality))},
          {"p_equivalence", number(a.p_equivalence)},
          {"pairs", a.pairs},
          {"equivalent", a.equivalent},
          {"different", a.different}};
}

Json to_json(const QuantileEquality& r) {
  const bool have = r.reason.empty();
  auto value = [&](double v) { return have ? number(v) : Json(nullptr); };
  return {{"q", number(r.q)},
          {"ratio", value(r.ratio)},
          {"lower", value(r.lower)},
          {"upper", value(r.upper)},
          {"lower_wide", value(r.lower_wide)},
          {"upper_wide", value(r.upper_wide)},
          {"equality", std::string(equality_word(r.equality))},
          {"refusal", have ? Json(nullptr) : Json(r.reason)}};
}

Json to_json(const MarginCheck& m) {
  return {{"allowed", m.allowed},
          {"minimum", number(m.minimum)},
          {"reason", m.reason.empty() ? Json(nullptr) : Json(m.reason)}};
}

Json to_json(const SequentialResult& r) {
  return {{"decision", std::string(decision_word(r.decision))},
          {"n", r.n},
          {"n_taken", r.n_taken},
          {"exceedances", r.exceedances},
          {"thin", r.thin},
          {"tau", number(r.tau)},
          {"p0", number(r.p0)},
          {"alpha", number(r.alpha)},
          {"reason", r.reason.empty() ? Json(nullptr) : Json(r.reason)},
          {"looks", looks_json(r.looks)}};
}

Json to_json(const PrecisionResult& r) {
  const bool have = r.n > 0;
  auto value = [&](int64_t v) { return have ? Json(v) : Json(nullptr); };
  return {{"decision", std::string(decision_word(r.decision))},
          {"n", r.n},
          {"estimate_ns", value(r.estimate)},
          {"lower_ns", value(r.lower)},
          {"upper_ns", value(r.upper)},
          {"next_n", r.next_n > 0 ? Json(r.next_n) : Json(nullptr)},
          {"reason", r.reason.empty() ? Json(nullptr) : Json(r.reason)},
          {"looks", looks_json(r.looks)}};
}

Json to_json(const VarianceSplit& v) {
  auto value = [&](double x) { return v.valid ? number(x) : Json(nullptr); };
  Json j = {{"valid", v.valid},
            {"mean", value(v.mean)},
            {"mean_lower", v.valid ? optional_number(v.mean_lower) : Json(nullptr)},
            {"mean_upper", v.valid ? optional_number(v.mean_upper) : Json(nullptr)},
            {"confidence", number(v.confidence)},
            {"used", v.used},
            {"given", v.given},
            {"truncation", v.truncation.empty() ? Json(nullptr) : Json(v.truncation)},
            {"note", v.note.empty() ? Json(nullptr) : Json(v.note)}};
  j["levels"] = Json::array();  // lowest first
  for (const VarianceLevel& l : v.levels)
    j["levels"].push_back(
        {{"repetitions", l.repetitions},
         {"s2", value(l.s2)},
         {"t2", value(l.t2)},
         {"sd", value(l.sd)},
         {"share", value(l.share)},
         {"sd_lower", v.valid ? optional_number(l.sd_lower) : Json(nullptr)},
         {"sd_upper", v.valid ? optional_number(l.sd_upper) : Json(nullptr)},
         {"cost", number(l.cost)},
         {"repetitions_best", optional_number(l.repetitions_best)},
         {"repetitions_best_ceil",
          l.repetitions_best_ceil > 0 ? Json(l.repetitions_best_ceil) : Json(nullptr)}});
  return j;
}

Json to_json(const Trend& t) {
  auto value = [&](double v) { return t.computed ? number(v) : Json(nullptr); };
  return {{"computed", t.computed},
          {"statistic", value(t.statistic)},
          {"z", value(t.z)},
          {"p", value(t.p)},
          {"p_up", value(t.p_up)},
          {"p_down", value(t.p_down)},
          {"exact", t.exact},
          {"direction", t.direction},
          {"slope_percent", value(t.slope_percent)},
          {"n", t.n}};
}

Json to_json(const BootstrapInterval& b) {
  return {{"estimate", number(b.estimate)},
          {"lower", number(b.lower)},
          {"upper", number(b.upper)},
          {"confidence", number(b.confidence)},
          {"replicates", b.replicates},
          {"seed", b.seed},
          {"block", b.block},
          {"method", b.method}};
}

}  // namespace assay::stats
