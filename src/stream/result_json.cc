// SPDX-License-Identifier: Apache-2.0
// The whole: {name, findings, notes, cells, slowdowns, equalities}.
#include "stream/result_json.h"

#include "stats/json.h"
#include "stream/cell.h"

namespace assay::stream {
namespace {

template <class T>
Json array(const std::vector<T>& v) {
  Json out = Json::array();
  for (const T& x : v) out.push_back(to_json(x));
  return out;
}
template <class T>
Json maybe(const std::optional<T>& v) {
  return v ? to_json(*v) : Json(nullptr);
}

Json release_json(const std::optional<TaskResult::Release>& r) {
  if (!r) return nullptr;
  return {{"n", r->n}, {"p50_ns", r->p50}, {"p99_ns", r->p99}, {"max_ns", r->max}};
}

Json streams_json(const std::vector<StreamResult>& streams) {
  Json out = Json::array();
  for (const StreamResult& s : streams)
    out.push_back({{"name", s.name},
                   {"task", s.task},
                   {"n", s.n},
                   {"median_ns", stats::number(s.median)},
                   {"quantiles", stats::to_json(std::span(s.quantiles))}});
  return out;
}

// stats::to_json(LogRatio) has no numbers for one value a side; here an interval within the
// single runs may stand for them.
Json ratio_json(const stats::LogRatio& r) {
  if (r.n_a >= 2 && r.n_b >= 2) return stats::to_json(r);
  const bool known = r.lower > 0;
  const auto value = [&](double v) { return known ? stats::number(v) : Json(nullptr); };
  return {{"ratio", value(r.ratio)},
          {"lower", value(r.lower)},
          {"upper", value(r.upper)},
          {"tost_lower", value(r.tost_lower)},
          {"tost_upper", value(r.tost_upper)},
          {"p_difference", nullptr},
          {"p_equivalence", nullptr},
          {"equality", std::string(stats::equality_word(r.equality))},
          {"n_a", r.n_a},
          {"n_b", r.n_b}};
}

}  // namespace

Json to_json(const ScaledDecode& s) {
  const auto levels = [](const std::optional<double>& v) {
    return v ? stats::number(*v) : Json(nullptr);
  };
  return {{"pictures", s.pictures},
          {"smaller", s.smaller},
          {"decode_full_ns", s.decode_full_ns},
          {"decode_scaled_ns", s.decode_scaled_ns},
          {"max_levels", levels(s.max_levels)},
          {"mean_levels", levels(s.mean_levels)},
          {"changed", s.changed}};
}

std::optional<ScaledDecode> scaled_from_json(const Json& j) {
  if (!j.is_object() || !j.contains("pictures")) return std::nullopt;
  ScaledDecode s;
  s.pictures = get_int(j, "pictures");
  s.smaller = get_int(j, "smaller");
  s.changed = get_int(j, "changed");
  s.decode_full_ns = get_int(j, "decode_full_ns");
  s.decode_scaled_ns = get_int(j, "decode_scaled_ns");
  const auto within = [&](int64_t v) { return v >= 0 && v <= s.pictures; };
  if (s.pictures < 0 || !within(s.smaller) || !within(s.changed) || s.decode_full_ns < 0 ||
      s.decode_scaled_ns < 0)
    return std::nullopt;
  const auto levels = [&](const char* name) -> std::optional<double> {
    if (!j.contains(name) || !j[name].is_number()) return std::nullopt;
    return j[name].get<double>();
  };
  s.max_levels = levels("max_levels");
  s.mean_levels = levels("mean_levels");
  return s;
}

Json to_json(const TaskResult& t) {
  return {{"task", t.task},
          {"accounting", to_json(t.accounting)},
          {"stages", array(t.stages)},
          {"deadline", maybe(t.deadline)},
          {"composition", to_json(t.composition)},
          {"composition_999", maybe(t.composition_999)},
          {"wcet", to_json(t.wcet)},
          {"release_jitter", release_json(t.release_jitter)},
          {"after_idle", maybe(t.after_idle)},
          {"own_allocations", t.own_allocations},
          {"compiler_allocations", t.compiler_allocations},
          {"objects_per_frame", stats::number(t.objects_per_frame)}};
}

Json to_json(const CellResult& c) {
  return {{"cell", to_json(c.cell)},
          {"valid", c.valid},
          {"invalid_reasons", c.invalid_reasons},
          {"refusals", c.refusals},
          {"repetitions", c.repetitions},
          {"failed_repetitions", c.failed_repetitions},
          {"failure", c.failure},
          {"tasks", array(c.tasks)},
          {"streams", streams_json(c.streams)},
          {"stability", to_json(c.stability)},
          {"frame_set",
           {{"response", to_json(c.frame_set)},
            {"accounting", to_json(c.frame_sets)},
            {"deadline", maybe(c.frame_set_deadline)}}},
          {"throughput_fps", stats::number(c.throughput_fps)},
          {"fairness", stats::number(c.fairness)},
          {"scaled_decode", maybe(c.scaled)}};
}

Json to_json(const Slowdown& s) {
  return {{"recipe", s.recipe},
          {"mode", s.mode},
          {"policy", std::string(word(s.policy))},
          {"co_runner", s.co_runner},
          {"cache", s.cache},
          {"priority", s.priority},
          {"cpus", s.cpus},
          {"task", s.task},
          {"stage", std::string(word(s.stage))},
          {"streams", s.streams},
          {"q", s.q},
          {"ratio", ratio_json(s.ratio)},
          {"p_trend", stats::number(s.p_trend)},
          {"oversubscribed", s.oversubscribed},
          {"trust", std::string(word(s.trust))},
          {"note", s.note}};
}

Json to_json(const StageEquality& e) {
  return {{"stage", std::string(word(e.stage))},
          {"task", e.task},
          {"streams", e.streams},
          {"mode", e.mode},
          {"policy", std::string(word(e.policy))},
          {"co_runner", e.co_runner},
          {"cache", e.cache},
          {"priority", e.priority},
          {"cpus", e.cpus},
          {"over", e.over},
          {"compiler", e.compiler},
          {"margin", e.margin},
          {"sides", e.sides},
          {"ratio_low", stats::number(e.ratio_low)},
          {"ratio_high", stats::number(e.ratio_high)},
          {"trust", std::string(word(e.trust))},
          {"all", stats::to_json(e.all)}};
}

Json to_json(const Results& r) {
  return {{"name", r.name},
          {"findings", r.findings},
          {"notes", r.notes},
          {"cells", array(r.cells)},
          {"slowdowns", array(r.slowdowns)},
          {"equalities", array(r.equalities)}};
}

}  // namespace assay::stream
