// SPDX-License-Identifier: Apache-2.0
// For programs: every figure, `"format": 1`. Unknown is null with its reason beside it, never 0.
#include <cmath>

#include "base/text.h"
#include "report/escape.h"
#include "report/figures.h"
#include "report/machines/figures_text.h"
#include "report/machines/internal.h"

namespace assay::report {
namespace {

Json number(std::optional<double> v) { return v && std::isfinite(*v) ? Json(*v) : Json(nullptr); }
Json text(std::string_view s) { return plain(s, 400); }

Json interval(const std::optional<stats::Interval>& i) {
  if (!i) return nullptr;
  return {{"estimate", number(i->estimate)},
          {"lower", number(i->lower)},
          {"upper", number(i->upper)},
          {"confidence", i->confidence},
          {"n", i->n},
          {"unit", "build"}};
}

Json figures(const Figures& f) {
  Json j{{"value", number(f.value)},
         {"low", number(f.low)},
         {"high", number(f.high)},
         {"interval", f.interval}};
  j[f.value ? "source" : "why"] = text(f.value ? f.source : f.why);
  return j;
}

Json proportion_json(const std::optional<stats::Proportion>& p) {
  if (!p) return nullptr;
  return {{"count", p->count},         {"n", p->n},
          {"unit", p->unit},           {"unit_count", p->unit_count},
          {"units", p->units},         {"lower", number(p->lower)},
          {"upper", number(p->upper)}, {"confidence", p->confidence}};
}

Json machine_json(const Machine& m) {
  Json peaks = Json::array();
  for (const MachinePeak& p : m.peaks)
    peaks.push_back({{"device", text(p.device)}, {"threads", p.threads}, {"flops_fp32", p.flops}});
  Json notes = Json::array();
  for (const std::string& n : m.notes) notes.push_back(text(n));
  return {{"name", m.name},
          {"folder", text(m.folder)},
          {"run_id", text(m.model.run_id)},
          {"profile", text(m.model.profile)},
          {"machine_id", text(m.machine_id)},
          {"boot_id", text(m.boot_id)},
          {"cpu", text(m.cpu)},
          {"cores", m.cores > 0 ? Json(m.cores) : Json(nullptr)},
          {"gpus", m.gpus.empty() ? Json(nullptr) : text(m.gpus)},
          {"peaks", std::move(peaks)},
          {"notes", std::move(notes)}};
}

Json cell_json(const MachinesReport& r, size_t m, const MachineCell& c) {
  Json j{{"machine", r.machines[m].name},
         {"builds_ok", c.recipe->builds_ok},
         {"builds_asked", c.recipe->builds_asked},
         {"threads", c.recipe->threads},
         {"compiler_versions", text(c.compiler_versions)},
         {"p50_ns", interval(c.p50)},
         {"p50_builds_ns", c.p50_builds},
         {"p99_ns", interval(c.p99)},
         {"energy_mj", figures(c.energy_mj)},
         {"busy", figures(c.busy)},
         {"busy_kind", c.busy_kind.empty() ? Json(nullptr) : Json(c.busy_kind)},
         {"clock_mhz", figures(c.clock_mhz)},
         {"share_of_peak_flops", figures(c.roofline)},
         {"build_s", figures(c.build_s)},
         {"trust", text(c.trust)},
         {"size", c.size > 0 ? Json(c.size) : Json(nullptr)},
         {"size_basis", text(c.size_basis)}};
  if (!c.p50) j["why_no_latency"] = text(c.why_no_latency);
  if (!c.p99) j["why_no_p99"] = text(c.p99_why.empty() ? c.why_no_latency : c.p99_why);
  return j;
}

Json pair_json(const MachinesReport& r, const MachinePair& p) {
  Json outputs = Json::array();
  for (const OutputsSide& o : p.outputs) {
    if (!o.why.empty()) {
      outputs.push_back({{"output", text(o.output)}, {"why", text(o.why)}});
      continue;
    }
    outputs.push_back({{"output", text(o.output)},
                       {"n", o.n},
                       {"bitwise_different", o.bitwise_different},
                       {"max_abs", number(o.max_abs)},
                       {"top1", proportion_json(o.top1)}});
  }
  const std::string bigger = !p.bigger        ? "unknown"
                             : *p.bigger < 0  ? "same size"
                             : *p.bigger == 0 ? r.machines[p.a].name
                                              : r.machines[p.b].name;
  Json maps{{"layers", p.maps.why.empty() ? Json(p.maps.layers) : Json(nullptr)},
            {"differ", p.maps.why.empty() ? Json(p.maps.differ) : Json(nullptr)},
            {"by_name_only", p.maps.names_only},
            {"maps_a", p.maps.maps_a},
            {"maps_b", p.maps.maps_b},
            {"maps_in_common", p.maps.maps_common}};
  if (!p.maps.why.empty()) maps["why"] = text(p.maps.why);
  return {{"a", r.machines[p.a].name},
          {"b", r.machines[p.b].name},
          {"ratio_b_over_a", p.has_ratio ? number(p.ratio.ratio) : Json(nullptr)},
          {"lower", p.has_interval ? number(p.ratio.lower) : Json(nullptr)},
          {"upper", p.has_interval ? number(p.ratio.upper) : Json(nullptr)},
          {"confidence", 1 - r.options.alpha},
          {"verdict", word(p.verdict)},
          {"p", p.p},
          {"adjusted_p", p.adjusted_p},
          {"bigger", bigger},
          {"statement", text(p.statement)},
          {"reason", text(p.reason)},
          {"kernels", std::move(maps)},
          {"same_artifacts", p.same_artifacts},
          {"outputs", std::move(outputs)}};
}

}  // namespace

std::string machines_json(const MachinesReport& r) {
  Json j{{"format", 1},
         {"margin", r.options.margin},
         {"alpha", r.options.alpha},
         {"across_threads", r.options.across_threads},
         {"machines", Json::array()},
         {"rows", Json::array()},
         {"compilers", Json::array()},
         {"not_compared", Json::array()},
         {"notes", Json::array()}};
  for (const Machine& m : r.machines) j["machines"].push_back(machine_json(m));
  for (const MachineRow& row : r.rows) {
    Json k{{"model", text(row.model)},
           {"model_sha256", text(row.model_sha256)},
           {"recipe", text(row.label)},
           {"compiler", text(row.compiler)},
           {"precision", text(row.precision)},
           {"device", text(row.device)},
           {"threads", row.threads > 0 ? Json(row.threads) : Json(nullptr)},
           {"cells", Json::array()},
           {"pairs", Json::array()}};
    for (size_t m = 0; m < row.cells.size(); ++m)
      if (row.cells[m].present) k["cells"].push_back(cell_json(r, m, row.cells[m]));
    for (const MachinePair& p : row.pairs) k["pairs"].push_back(pair_json(r, p));
    j["rows"].push_back(std::move(k));
  }
  for (const std::string& s : r.compilers) j["compilers"].push_back(text(s));
  for (const Unmatched& u : r.unmatched)
    j["not_compared"].push_back({{"machine", r.machines[u.machine].name},
                                 {"model", text(u.model)},
                                 {"recipe", text(u.label)},
                                 {"why", text(u.reason)}});
  for (const std::string& n : r.notes) j["notes"].push_back(text(n));
  return dump_json(j, 1) + "\n";
}

// One row a recipe and machine; ns, seconds, mJ, MHz; empty where unknown.
std::string machines_csv(const MachinesReport& r) {
  const auto cell = [](std::optional<double> v) { return v ? fmt::format("{:.9g}", *v) : ""; };
  Table t({"model",  "recipe",      "machine",      "folder",       "cores",  "threads",
           "builds", "p50_ns",      "p50_lower_ns", "p50_upper_ns", "p99_ns", "energy_mj",
           "busy",   "busy_kind",   "clock_mhz",    "build_s",      "trust",  "against",
           "ratio",  "ratio_lower", "ratio_upper",  "verdict"});
  for (const MachineRow& row : r.rows)
    for (size_t m = 0; m < row.cells.size(); ++m) {
      const MachineCell& c = row.cells[m];
      if (!c.present) continue;
      std::vector<std::string> cells{
          plain(row.model, 100),
          plain(row.label, 100),
          r.machines[m].name,
          plain(r.machines[m].folder, 300),
          r.machines[m].cores > 0 ? std::to_string(r.machines[m].cores) : "",
          std::to_string(c.recipe->threads),
          std::to_string(c.recipe->builds_ok),
          c.p50 ? cell(c.p50->estimate) : "",
          c.p50 ? cell(c.p50->lower) : "",
          c.p50 ? cell(c.p50->upper) : "",
          c.p99 ? cell(c.p99->estimate) : "",
          cell(c.energy_mj.value),
          cell(c.busy.value),
          c.busy_kind,
          cell(c.clock_mhz.value),
          cell(c.build_s.value),
          plain(c.trust, 20)};
      // Against the first machine of the row; JSON has every pair.
      const MachinePair* against = nullptr;
      for (const MachinePair& p : row.pairs)
        if (p.b == m && !against) against = &p;
      if (against) {
        cells.push_back(r.machines[against->a].name);
        cells.push_back(against->has_ratio ? cell(against->ratio.ratio) : "");
        cells.push_back(against->has_interval ? cell(against->ratio.lower) : "");
        cells.push_back(against->has_interval ? cell(against->ratio.upper) : "");
        cells.emplace_back(word(against->verdict));
      }
      t.add(std::move(cells));
    }
  return t.csv();
}

}  // namespace assay::report
