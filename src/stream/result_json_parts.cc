// SPDX-License-Identifier: Apache-2.0
#include "stats/json.h"
#include "stream/result_json.h"

namespace assay::stream {
namespace {

Json optional(const std::optional<double>& v) { return v ? stats::number(*v) : Json(nullptr); }

Json observed_json(const MissRate& m) {
  return {{"n", m.n},
          {"misses", m.misses},
          {"tau", stats::number(m.tau)},
          {"rate", optional(m.rate)},
          {"lower", optional(m.lower)},
          {"upper", optional(m.upper)},
          {"refusal", m.refusal.empty() ? Json(nullptr) : Json(m.refusal)}};
}

}  // namespace

Json to_json(const Accounting& a) {
  Json faults = Json::object();
  for (const auto& [fault, n] : a.faults) faults[fault] = n;
  return {{"planned", a.planned},     {"done", a.done},
          {"dropped", a.dropped},     {"skipped", a.skipped},
          {"failed", a.failed},       {"pending", a.pending},
          {"lost", a.lost},           {"stopped_cameras", a.stopped_cameras},
          {"balanced", a.balanced()}, {"faults", faults}};
}

Json to_json(const StageResult& s) {
  return {{"stage", std::string(word(s.stage))},
          {"n", s.n},
          {"mean_ns", s.n > 0 ? stats::number(s.mean) : Json(nullptr)},
          {"sd_ns", s.n > 1 ? stats::number(s.sd) : Json(nullptr)},
          {"min_ns", s.n > 0 ? Json(s.min) : Json(nullptr)},
          {"max_ns", s.n > 0 ? Json(s.max) : Json(nullptr)},
          {"share_mean", stats::number(s.share_mean)},
          {"share_variance", stats::number(s.share_variance)},
          {"share_tail", stats::number(s.share_tail)},
          {"quantiles", stats::to_json(std::span(s.quantiles))},
          {"gate", stats::to_json(s.gate)}};
}

Json to_json(const DeadlineResult& d) {
  Json replays = Json::array(), windows = Json::array();
  for (const Replay& r : d.replays)
    replays.push_back({{"fps", stats::number(r.fps)},
                       {"rate", optional(r.rate)},
                       {"lower", optional(r.lower)},
                       {"upper", optional(r.upper)},
                       {"unstable", r.unstable}});
  for (const DeadlineResult::Window& w : d.windows)
    windows.push_back(
        {{"k", w.k}, {"worst", w.worst}, {"at_least_two", stats::number(w.at_least_two)}});
  return {{"deadline_ns", d.deadline_ns},
          {"observed", observed_json(d.observed)},
          {"replays", replays},
          {"model",
           {{"rate", optional(d.model_rate)},
            {"upper", optional(d.model_upper)},
            {"note", d.model_note}}},
          {"max_consecutive", d.max_consecutive},
          {"windows", windows},
          {"frames_for_1e6", d.frames_for_1e6}};
}

Json to_json(const Stability& s) {
  return {{"utilisation", optional(s.utilisation)},
          {"upper", optional(s.upper)},
          {"unstable", s.unstable},
          {"note", s.note}};
}

Json to_json(const Composition& c) {
  Json pairs = Json::array();
  for (const Composition::Pair& p : c.pairs)
    pairs.push_back({{"a", std::string(word(p.a))},
                     {"b", std::string(word(p.b))},
                     {"chi", stats::number(p.chi)},
                     {"rank_correlation", stats::number(p.rank_correlation)}});
  return {{"q", c.q},
          {"joint_ns", optional(c.joint)},
          {"joint_upper_ns", optional(c.joint_upper)},
          {"boole_upper_ns", optional(c.boole_upper)},
          {"boole_holds", c.joint_upper && c.boole_upper ? Json(c.boole_holds) : Json(nullptr)},
          {"sum_of_quantiles_ns", optional(c.sum_of_quantiles)},
          {"convolution_ns", optional(c.convolution)},
          {"pairs", pairs},
          {"note", c.note}};
}

Json to_json(const WcetResult& w) {
  Json terms = Json::array();
  for (const WcetResult::Term& t : w.terms)
    terms.push_back({{"name", t.name},
                     {"largest_ns", stats::number(t.largest)},
                     {"mean_ns", optional(t.mean)},
                     {"lower_ns", optional(t.lower)},
                     {"upper_ns", optional(t.upper)},
                     {"repetitions", t.repetitions}});
  return {{"equation_1", w.paper.ok ? stats::to_json(w.paper) : Json(nullptr)},
          {"terms", terms},
          {"epsilon_pre_ns", optional(w.epsilon_pre)},
          {"epsilon_post_ns", optional(w.epsilon_post)},
          {"observed_max_ns", w.observed_max},
          {"pwcet", stats::to_json(w.pwcet)},
          {"dominant", w.dominant},
          {"sentence", w.sentence},
          {"note", w.note}};
}

}  // namespace assay::stream
