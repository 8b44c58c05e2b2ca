// SPDX-License-Identifier: Apache-2.0
#include "report/detections.h"

#include <fmt/format.h>

#include <algorithm>

namespace assay::report {
namespace {

std::optional<double> number_at(const Json& j, const char* key) {
  if (!j.is_object() || !j.contains(key) || !j[key].is_number()) return std::nullopt;
  return j[key].get<double>();
}
MaxAndMedian max_and_median(const Json& j, const char* key) {
  const Json& of = get_object(j, key);
  return {number_at(of, "max"), number_at(of, "p50")};
}
Json or_null(const std::optional<double>& v) { return v ? Json(*v) : Json(); }
Json json_of(const MaxAndMedian& m) { return {{"max", or_null(m.max)}, {"p50", or_null(m.p50)}}; }

DetectionPair pair_from(const Json& j) {
  DetectionPair p;
  p.a = get_int(j, "a", -1);
  p.b = get_int(j, "b", -1);
  p.inputs = proportion_at(j, "inputs");
  p.matched = get_int(j, "matched");
  p.only_a = get_int(j, "only_a");
  p.only_b = get_int(j, "only_b");
  p.lost_in_suppression = get_int(j, "lost_in_suppression");
  p.drift = max_and_median(j, "drift");
  p.score_margin = max_and_median(j, "score_margin");
  return p;
}

std::string value_text(const std::optional<double>& v, const char* unit = "") {
  return v ? number_text(*v) + unit : "-";
}

}  // namespace

std::vector<Detections> detections_of(const Recipe& recipe) {
  std::vector<Detections> out;
  for (const VerdictRow& v : recipe.verdicts) {
    if (v.subject != "detections") continue;
    Detections d;
    d.verdict = &v;
    d.any = proportion_at(v.statistic, "any");
    for (const Json& j : get_array(v.statistic, "pairs"))
      if (j.is_object()) d.pairs.push_back(pair_from(j));
    for (const Json& j : get_array(v.statistic, "map"))
      if (j.is_object()) d.precision.push_back({get_int(j, "build", -1), number_at(j, "map")});
    out.push_back(std::move(d));
  }
  return out;
}

bool has_detector(const ModelInfo& info) {
  return info.info.is_object() && info.info.contains("detector");
}

std::string_view truth_of(const ModelInfo& info, const DataSet& data) {
  if (has_detector(info) && get_object(info.info, "detector").contains("truth"))
    return "true boxes";
  return data.labelled ? "labelled" : "no labels";
}

std::string precision_text(const Detections& d) {
  std::optional<double> low, high;
  for (const BuildPrecision& b : d.precision) {
    if (!b.map) continue;
    low = std::min(low.value_or(*b.map), *b.map);
    high = std::max(high.value_or(*b.map), *b.map);
  }
  if (!low) return "";
  return *low == *high ? fmt::format("mAP {:.4g}", *low)
                       : fmt::format("mAP {:.4g} to {:.4g}", *low, *high);
}

std::vector<std::string> pair_header() {
  return {"inputs that differ",    "bound",
          "matched boxes",         "only in the first",
          "only in the second",    "lost in suppression",
          "drift, largest",        "drift, p50",
          "score margin, largest", "score margin, p50"};
}

std::vector<std::string> pair_cells(const DetectionPair& p) {
  return {p.inputs ? fmt::format("{} of {}", count_text(p.inputs->count), count_text(p.inputs->n))
                   : std::string("unknown"),
          p.inputs ? bound_text(*p.inputs) : std::string("unknown"),
          count_text(p.matched),
          count_text(p.only_a),
          count_text(p.only_b),
          count_text(p.lost_in_suppression),
          value_text(p.drift.max, " px"),
          value_text(p.drift.p50, " px"),
          value_text(p.score_margin.max),
          value_text(p.score_margin.p50)};
}

std::string pair_name(const Detections& d, const DetectionPair& p, bool first) {
  const int64_t index = first ? p.a : p.b;
  if (!first && d.verdict->scope == "reference") return "reference";
  return index < 0 ? std::string("build unknown") : fmt::format("build {}", index);
}

Json detections_json(const Recipe& recipe) {
  Json out = Json::array();
  for (const Detections& d : detections_of(recipe)) {
    Json pairs = Json::array(), precision = Json::array();
    for (const DetectionPair& p : d.pairs)
      pairs.push_back({{"a", p.a},
                       {"b", p.b},
                       {"inputs_that_differ", p.inputs ? Json(p.inputs->count) : Json()},
                       {"inputs", p.inputs ? Json(p.inputs->n) : Json()},
                       {"upper_bound", p.inputs ? or_null(p.inputs->upper) : Json()},
                       {"matched", p.matched},
                       {"unmatched", p.only_a + p.only_b},
                       {"lost_in_suppression", p.lost_in_suppression},
                       {"drift_px", json_of(p.drift)},
                       {"score_margin", json_of(p.score_margin)}});
    for (const BuildPrecision& b : d.precision)
      precision.push_back({{"build", b.build}, {"map", or_null(b.map)}});
    out.push_back({{"scope", d.verdict->scope},
                   {"verdict_id", d.verdict->id},
                   {"verdict", d.verdict->verdict},
                   {"pairs", pairs},
                   {"map", precision}});
  }
  return out;
}

}  // namespace assay::report
