// SPDX-License-Identifier: Apache-2.0
#include "report/series/json.h"

#include "report/escape.h"
#include "stats/json.h"

namespace assay::report {
namespace {

using stats::number;
using stats::to_json;

Json optional_number(const std::optional<double>& v) { return v ? number(*v) : Json(nullptr); }
Json numbers(std::span<const double> values) {
  Json out = Json::array();
  for (double v : values) out.push_back(number(v));
  return out;
}

Json input_json(const SeriesInput& in, int64_t warm_up, int64_t n) {
  return {{"name", in.name},
          {"format", in.format},
          {"unit", in.unit},
          {"launch", in.launch < 0 ? Json(nullptr) : Json(in.launch)},
          {"file", in.group},
          {"averaged", in.averaged},
          {"tick_ns", number(in.tick_ns)},
          {"notes", in.notes},
          {"read", in.samples.size()},
          {"warm_up_cut", warm_up},
          {"n", n}};
}

Json series_json(const SeriesStats& s, const StatsOptions& o) {
  Json j = input_json(s.input, s.warm_up, s.n());
  j["trust"] = std::string(word(s.gate.trust));
  j["trust_reasons"] = s.gate.reasons;
  j["quantiles"] = Json::array();
  for (size_t i = 0; i < s.rows.size(); ++i) {
    Json row = to_json(s.rows[i]);
    const auto& tail = s.tail[i];
    row["upper_tail_ns"] =
        s.rows[i].carried() && tail.upper_one_sided ? Json(*tail.upper_one_sided) : Json(nullptr);
    row["upper_tail_confidence"] = number(o.tail_confidence);
    j["quantiles"].push_back(std::move(row));
  }
  j["min_ns"] = s.n() ? Json(s.minimum()) : Json(nullptr);
  j["max_ns"] = s.n() ? Json(s.maximum()) : Json(nullptr);
  j["requirement"] = nullptr;
  if (s.requirement) {
    j["requirement"] = to_json(*s.requirement);
    j["requirement"]["limit_ns"] = o.requirement->limit_ns;
  }
  j["gate"] = to_json(s.gate);
  return j;
}

Json claim_json(const Claim& c) {
  auto value = [&](double v) { return c.bounded ? number(v) : Json(nullptr); };
  return {{"quantity", c.name},
          {"q", c.q},
          {"margin", number(c.margin)},
          {"verdict", std::string(word(c.verdict))},
          {"equality", std::string(stats::equality_word(c.equality))},
          {"regression", std::string(stats::regression_word(c.regression))},
          {"ratio", value(c.ratio)},
          {"lower", value(c.lower)},
          {"upper", value(c.upper)},
          {"tost_lower", value(c.tost_lower)},
          {"tost_upper", value(c.tost_upper)},
          {"p_equivalence", optional_number(c.p_equivalence_raw)},
          {"p_difference", optional_number(c.p_difference_raw)},
          {"p_equivalence_holm", optional_number(c.p_equivalence)},
          {"p_difference_holm", optional_number(c.p_difference)},
          {"launch_values_a_ns", numbers(c.a)},
          {"launch_values_b_ns", numbers(c.b)},
          {"n_needed", c.n_needed > 0 ? Json(c.n_needed) : Json(nullptr)},
          {"reason", c.reason.empty() ? Json(nullptr) : Json(c.reason)}};
}

Json comparison_json(const Comparison& c) {
  Json j = {{"a", c.name_a},
            {"b", c.name_b},
            {"unit", c.launches ? "launch" : "process"},
            {"alpha", number(c.alpha)},
            {"verdict", std::string(word(c.overall))},
            {"reasons", c.reasons}};
  j["claims"] = Json::array();
  for (const Claim& claim : c.claims) j["claims"].push_back(claim_json(claim));
  j["bootstrap"] = c.bootstrap ? to_json(*c.bootstrap) : Json(nullptr);
  j["deciles"] = Json::array();
  for (const Decile& d : c.deciles)
    j["deciles"].push_back({{"q", d.q}, {"a_ns", number(d.a)}, {"b_ns", number(d.b)}});
  return j;
}

Json gate_short(const stats::Gate& g) {
  return {{"trust", std::string(word(g.trust))}, {"trust_reasons", g.reasons}};
}

std::string printed(const Json& j) { return dump_json(j, 1) + "\n"; }

}  // namespace

std::string stats_json(const StatsReport& report) {
  const StatsOptions& o = report.options;
  Json options = {{"q", o.q},
                  {"confidence", o.confidence},
                  {"tail_confidence", o.tail_confidence},
                  {"alpha", o.alpha},
                  {"margin_median", o.margin_median},
                  {"margin_p99", o.margin_p99},
                  {"seed", o.seed},
                  {"cut_warm_up", o.cut_warm_up},
                  {"files_are_builds", o.builds}};
  options["requirement"] = nullptr;
  if (o.requirement)
    options["requirement"] = {{"limit_ns", o.requirement->limit_ns},
                              {"below", o.requirement->below}};
  Json j = {{"format", 1},
            {"command", "stats"},
            {"assay_version", ASSAY_VERSION},
            {"options", std::move(options)}};
  j["series"] = Json::array();
  for (const auto& s : report.series) j["series"].push_back(series_json(s, o));
  j["comparison"] = report.comparison ? comparison_json(*report.comparison) : Json(nullptr);
  j["levels"] = nullptr;
  if (report.levels) {
    j["levels"] = to_json(report.levels->split);
    for (size_t i = 0; i < j["levels"]["levels"].size() && i < report.levels->names.size(); ++i)
      j["levels"]["levels"][i]["level"] = report.levels->names[i];
    j["levels"]["build_order"] =
        report.levels->build_order ? to_json(*report.levels->build_order) : Json(nullptr);
  }
  return printed(j);
}

std::string wcet_json(const WcetReport& report) {
  const WcetOptions& o = report.options;
  Json j = {{"format", 1},
            {"command", "wcet"},
            {"assay_version", ASSAY_VERSION},
            {"options",
             {{"p", o.pwcet.p},
              {"confidence", o.pwcet.confidence},
              {"bootstrap", o.pwcet.bootstrap},
              {"seed", o.pwcet.seed},
              {"cut_warm_up", o.cut_warm_up},
              {"fps", o.fps > 0 ? Json(o.fps) : Json(nullptr)},
              {"deadline_ns", o.deadline_ns ? Json(*o.deadline_ns) : Json(nullptr)},
              {"content", o.content}}},
            {"refused", report.refused()},
            {"notes", report.notes}};
  j["series"] = Json::array();
  for (const auto& s : report.series) {
    Json row = input_json(s.input, s.warm_up, static_cast<int64_t>(s.sorted.size()));
    row["gate"] = to_json(s.gate);
    row["pwcet"] = to_json(s.result);
    if (o.fps > 0)
      for (auto& p : row["pwcet"]["points"])
        p["per_hour"] = number(
            stats::horizon_probability(get_double(p, "p"), o.fps * 3600, s.result.theta.theta));
    row["deadline"] = nullptr;
    if (s.deadline) {
      const Deadline& d = *s.deadline;
      row["deadline"] = {{"at_ns", d.at_ns},
                         {"misses", d.misses},
                         {"n", d.n},
                         {"tau", number(d.tau)},
                         {"observed_upper", number(d.observed_upper)},
                         {"model", optional_number(d.model)},
                         {"model_upper", optional_number(d.model_upper)},
                         {"extrapolation", d.extrapolation}};
    }
    row["paper"] = Json::array();
    for (const auto& p : s.paper) row["paper"].push_back(to_json(p));
    j["series"].push_back(std::move(row));
  }
  j["populations"] = Json::array();
  for (const auto& w : report.populations) {
    Json row = {{"name", w.name}, {"population", to_json(w.result)}};
    for (size_t i = 0; i < row["population"]["per_build"].size(); ++i) {
      Json& build = row["population"]["per_build"][i];
      if (i < w.build_names.size()) build["name"] = w.build_names[i];
      if (i < w.gates.size()) build.update(gate_short(w.gates[i]));
    }
    j["populations"].push_back(std::move(row));
  }
  return printed(j);
}

}  // namespace assay::report
