// SPDX-License-Identifier: Apache-2.0
#include <cmath>

#include "cli/diff_explain.h"
#include "diff/signed_ns.h"

namespace assay::cli {
namespace {

constexpr size_t kNameWidth = 60;

std::string both(const std::string& a, const std::string& b) {
  if (a == b) return one_line(a, kNameWidth);
  if (a.empty() || b.empty()) return one_line(a + b, kNameWidth);
  return one_line(a, kNameWidth) + " / " + one_line(b, kNameWidth);
}

Table outputs_table(const audit::OutputsExplained& o) {
  Table t({"layer", "match", "inputs differing", "max abs", "max rel", "note"});
  for (const diff::LayerMatch& layer : o.divergence.layers) {
    const diff::TensorPair& p = o.pairs[layer.pair];
    const bool compared = layer.match == diff::Match::equal || layer.match == diff::Match::differs;
    std::string note = compared ? "" : one_line(layer.why, 100);
    if (o.divergence.first == layer.pair) note = "first difference";
    if (!p.a.repeatable || !p.b.repeatable)
      note += (note.empty() ? "" : "; ") + std::string("not repeatable");
    t.add({(p.output ? "output " : "") + both(p.a.layer, p.b.layer), std::string(word(layer.match)),
           compared ? fmt::format("{} of {}", layer.inputs_differing, layer.inputs) : "-",
           compared ? fmt::format("{:.3g}", layer.max_abs) : "-",
           compared ? fmt::format("{:.3g}", layer.max_rel) : "-", note});
  }
  return t;
}

Table latency_table(const audit::LatencyExplained& l) {
  Table t({"layer", "A", "B", "B - A", "p", "differs"});
  for (const diff::DeltaRow& row : l.deltas.rows) {
    const audit::PairNames& names = l.names[row.pair];
    t.add({both(names.layer_a, names.layer_b), names.layer_a.empty() ? "-" : format_ns(row.a_ns),
           names.layer_b.empty() ? "-" : format_ns(row.b_ns), diff::signed_ns(row.delta),
           fmt::format("{:.2g}", row.p), row.differs ? "yes" : "not shown"});
  }
  return t;
}

Table totals_table(const diff::LayerDeltas& d) {
  Table t({"", "A", "B", "B - A"});
  t.add({"end to end, not instrumented", format_ns(d.median_a_ns), format_ns(d.median_b_ns),
         diff::signed_ns(d.end_to_end)});
  t.add({"all layers", "", "", diff::signed_ns(d.sum)});
  t.add({"rest", "", "", diff::signed_ns(d.rest)});
  t.add({"instrumentation adds", diff::signed_ns(d.overhead_a.estimate),
         diff::signed_ns(d.overhead_b.estimate), diff::signed_ns(d.overhead_difference)});
  return t;
}

void print_notes(const std::vector<std::string>& notes) {
  for (const std::string& note : notes) fmt::print("note: {}\n", one_line(note));
}

Json outputs_json(const audit::OutputsExplained& o) {
  Json j = diff::to_json(o.divergence, o.pairs);
  j["notes"] = o.notes;
  return j;
}

Json latency_json(const audit::LatencyExplained& l) {
  Json j = diff::to_json(l.deltas);
  for (Json& row : j["rows"]) {
    const audit::PairNames& names = l.names[static_cast<size_t>(get_int(row, "pair"))];
    row["layer_a"] = names.layer_a;
    row["layer_b"] = names.layer_b;
    row["kernel_a"] = names.kernel_a;
    row["kernel_b"] = names.kernel_b;
    row["by_place"] = l.pairs[static_cast<size_t>(get_int(row, "pair"))].by_place;
  }
  j["clock"] = l.clock;
  for (const std::string& note : l.notes) j["notes"].push_back(note);
  return j;
}

Json swaps_json(const Explanations& e) {
  Json out = Json::array();
  for (const auto& [layer, share] : e.swaps) out.push_back(diff::to_json(share, layer));
  return out;
}

std::string interval_text(const stats::Interval& i, double scale, const char* unit) {
  if (!i.lower || !i.upper) return "unknown";
  return fmt::format("{:+.3g}{} [{:+.3g}, {:+.3g}]", i.estimate * scale, unit, *i.lower * scale,
                     *i.upper * scale);
}

Table swaps_table(const Explanations& e) {
  Table t({"choice of B in A", "A", "B", "A with it", "moved (us)", "share of the difference",
           "effect"});
  for (const auto& [layer, s] : e.swaps)
    t.add({one_line(layer, 80), format_ns(s.a_ns), format_ns(s.b_ns), format_ns(s.swapped_ns),
           interval_text(s.moved, 1e-3, ""), interval_text(s.share, 100, " %"),
           std::string(diff::word(s.effect))});
  return t;
}

}  // namespace

Json explanations_json(const Explanations& e) {
  return {{"a", e.label_a},
          {"b", e.label_b},
          {"data", e.data},
          {"outputs", e.outputs ? outputs_json(*e.outputs) : Json(nullptr)},
          {"latency", e.latency ? latency_json(*e.latency) : Json(nullptr)},
          {"swaps", swaps_json(e)}};
}

Status print_explanations(const Explanations& e, const std::string& format) {
  if (format == "json") {
    fmt::print("{}\n", dump_json(explanations_json(e), 1));
    return {};
  }
  const bool prose = format == "text" || format == "md";
  if (prose)
    fmt::print("A = {}, B = {}, {} data\n", one_line(e.label_a), one_line(e.label_b),
               one_line(e.data));
  if (e.outputs) {
    if (prose)
      fmt::print("\nOutputs: {}\n\n", diff::sentence(e.outputs->divergence, e.outputs->pairs));
    ASSAY_CHECK(print_table(outputs_table(*e.outputs), format));
    if (prose) print_notes(e.outputs->notes);
  }
  if (e.latency) {
    if (prose)
      fmt::print("\nLatency: {} ({} launches of each, {:.0f} % intervals)\n\n",
                 diff::sentence(e.latency->deltas), e.latency->deltas.launches,
                 e.latency->deltas.end_to_end.confidence * 100);
    ASSAY_CHECK(print_table(latency_table(*e.latency), format));
    if (prose) fmt::print("\n");
    if (format != "csv") ASSAY_CHECK(print_table(totals_table(e.latency->deltas), format));
    if (prose) print_notes(e.latency->deltas.notes);
    if (prose) print_notes(e.latency->notes);
  }
  if (!e.swaps.empty()) {
    if (prose) fmt::print("\n");
    for (const auto& [layer, share] : e.swaps)
      if (prose) fmt::print("Swap: {}\n", diff::sentence(share, one_line(layer, 120)));
    if (prose) fmt::print("\n");
    ASSAY_CHECK(print_table(swaps_table(e), format));
  }
  return {};
}

}  // namespace assay::cli
