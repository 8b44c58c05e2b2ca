// SPDX-License-Identifier: Apache-2.0
// The result of layer_delta.h as a sentence and as JSON.
#include "diff/layer_delta.h"
#include "diff/signed_ns.h"
#include "stats/json.h"

namespace assay::diff {

std::string sentence(const LayerDeltas& d) {
  const std::string whole = signed_ns(d.end_to_end), rest = signed_ns(d.rest);
  switch (d.explained) {
    case Explained::no_difference:
      return "no difference shown end to end: " + whole + " over " + std::to_string(d.launches) +
             " launches of each; layers may still differ";
    case Explained::explained:
      return "the second engine takes " + whole + "; its layers account for " + signed_ns(d.sum) +
             " and leave " + rest;
    case Explained::elsewhere:
      return "the second engine takes " + whole + ", but its layers account for " +
             signed_ns(d.sum) + " only: " + rest +
             " lies outside of layers (between them, in feeding or in waiting)";
    case Explained::overhead:
      return "the instrumentation itself changes the difference, by " +
             signed_ns(d.overhead_difference) + " of " + whole +
             ": the layers' times cannot explain it";
    case Explained::undecided:
      break;
  }
  return "undecided: end to end " + whole + ", layers " + signed_ns(d.sum) + ", rest " + rest;
}

Json to_json(const LayerDeltas& d) {
  Json rows = Json::array();
  for (const DeltaRow& row : d.rows)
    rows.push_back({{"pair", row.pair},
                    {"a_ns", stats::number(row.a_ns)},
                    {"b_ns", stats::number(row.b_ns)},
                    {"delta_ns", stats::to_json(row.delta)},
                    {"p", stats::number(row.p)},
                    {"differs", row.differs}});
  return {{"explained", word(d.explained)},
          {"sentence", sentence(d)},
          {"launches", d.launches},
          {"median_a_ns", stats::number(d.median_a_ns)},
          {"median_b_ns", stats::number(d.median_b_ns)},
          {"end_to_end_ns", stats::to_json(d.end_to_end)},
          {"layers_ns", stats::to_json(d.sum)},
          {"rest_ns", stats::to_json(d.rest)},
          {"overhead_a_ns", stats::to_json(d.overhead_a)},
          {"overhead_b_ns", stats::to_json(d.overhead_b)},
          {"overhead_difference_ns", stats::to_json(d.overhead_difference)},
          {"tick_a_ns", d.tick_a_ns},
          {"tick_b_ns", d.tick_b_ns},
          {"notes", d.notes},
          {"rows", rows}};
}

}  // namespace assay::diff
