// SPDX-License-Identifier: Apache-2.0
#include "report/machines/figures_text.h"

#include <fmt/format.h>

#include "report/figures.h"

namespace assay::report::machines {

std::string over_builds_text(const std::optional<stats::Interval>& i, const std::string& why) {
  if (!i) return why.empty() ? "unknown" : why;
  if (carried(*i)) return interval_text(i);
  if (i->n == 1) return fmt::format("{} (1 build)", time_text(i->estimate));
  return fmt::format("{} (no interval)", time_text(i->estimate));
}

std::string ratio_text(const MachinesReport& report, const MachinePair& p) {
  if (!p.has_ratio) return "unknown";
  const std::string head = fmt::format("{}/{} {:.3g}", report.machines[p.b].name,
                                       report.machines[p.a].name, p.ratio.ratio);
  if (!p.has_interval) return head;
  return fmt::format("{} [{:.3g}, {:.3g}]", head, p.ratio.lower, p.ratio.upper);
}

std::string figure_text(const Figures& f, const char* unit) {
  if (!f.value) return "unknown";
  if (!f.low || !f.high || *f.low == *f.high) return fmt::format("{:.3g}{}", *f.value, unit);
  const auto range = fmt::format("{:.4g}{}{:.4g}", *f.low, f.interval ? ", " : " to ", *f.high);
  return f.interval ? fmt::format("{:.4g}{} [{}]", *f.value, unit, range)
                    : fmt::format("{:.4g}{} ({})", *f.value, unit, range);
}

std::string maps_text(const MapsSide& m) {
  std::string common =
      fmt::format("{} and {} maps, {} in common", m.maps_a, m.maps_b, m.maps_common);
  if (!m.why.empty()) return fmt::format("{}; {}", m.why, common);
  return fmt::format("{} of {} layers differ{}; {}", m.differ, m.layers,
                     m.names_only ? " (by name)" : "", common);
}

std::string outputs_text(const MachinePair& p) {
  std::string out;
  for (const OutputsSide& o : p.outputs) {
    if (!out.empty()) out += "; ";
    if (p.outputs.size() > 1 && !o.output.empty()) out += o.output + ": ";
    if (!o.why.empty()) {
      out += o.why;
      continue;
    }
    out += o.bitwise_different == 0 ? fmt::format("the same bits on all {} inputs", o.n)
                                    : fmt::format("{} of {} inputs differ in a bit, by at most {}",
                                                  o.bitwise_different, o.n, number_text(o.max_abs));
    if (o.top1) out += fmt::format("; label: {} ({})", count_of(*o.top1), short_bound(*o.top1));
  }
  return out;
}

}  // namespace assay::report::machines
