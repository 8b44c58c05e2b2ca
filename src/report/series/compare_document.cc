// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "report/figures.h"
#include "report/series/document.h"
#include "report/series/numbers.h"
#include "report/series/plots.h"

namespace assay::report {
namespace {

std::string ratio_text(double v) { return fmt::format("{:.4f}", v); }

Table claims_table(const Comparison& c) {
  std::vector<std::string> header = {"quantile", "verdict",
                                     "detail",   "nvbench",
                                     "B / A",    fmt::format("{:.4g} % from", (1 - c.alpha) * 100),
                                     "to",       "margin"};
  if (c.launches) {
    header.emplace_back("p equal");
    header.emplace_back("p different");
  }
  Table t(header);
  for (const Claim& k : c.claims) {
    std::vector<std::string> row = {k.name, std::string(word(k.verdict)),
                                    std::string(stats::equality_word(k.equality)),
                                    std::string(stats::regression_word(k.regression))};
    for (double v : {k.ratio, k.lower, k.upper}) row.push_back(k.bounded ? ratio_text(v) : "-");
    row.push_back(percent_text(k.margin));
    if (c.launches) {
      row.push_back(p_value_text(k.p_equivalence));
      row.push_back(p_value_text(k.p_difference));
    }
    t.add(std::move(row));
  }
  return t;
}

std::vector<std::string> next_steps(const Comparison& c) {
  std::vector<std::string> out;
  for (const Claim& k : c.claims)
    if (k.n_needed > 0)
      out.push_back(
          fmt::format("{}: about {} a side show equality within {} with power 0.9, if it is there",
                      k.name, count_with_plural(k.n_needed, "launch"), percent_text(k.margin)));
  return out;
}

Table decile_table(const Comparison& c) {
  const TimeScale scale(c.deciles.empty() ? 0 : c.deciles[c.deciles.size() / 2].a);
  const std::string unit = fmt::format(" {}", scale.unit());
  Table t({"decile", "A" + unit, "B" + unit, "shift" + unit, "B / A"});
  for (const Decile& d : c.deciles)
    t.add({percent_text(d.q), scale(d.a), scale(d.b), scale(d.b - d.a),
           d.a > 0 ? ratio_text(d.b / d.a) : "-"});
  return t;
}

}  // namespace

void add_comparison(Document& d, const StatsReport& report, const DrawOptions& draw) {
  const Comparison& c = *report.comparison;
  Part p;
  p.section.heading = fmt::format("A {}  against  B {}", c.name_a, c.name_b);
  p.section.word = word(c.overall);
  if (c.launches) {
    size_t a = 0, b = 0;
    if (!c.claims.empty()) a = c.claims[0].a.size(), b = c.claims[0].b.size();
    p.section.paragraphs.push_back(
        fmt::format("unit: the launch ({} and {}); alpha {:.3g}, Holm over {} claims; {:.4g} % "
                    "interval against the margin",
                    count_with_plural(static_cast<int64_t>(a), "launch"),
                    count_with_plural(static_cast<int64_t>(b), "launch"), c.alpha, c.claims.size(),
                    (1 - 2 * c.alpha) * 100));
  }
  for (const auto& reason : c.reasons) p.section.paragraphs.push_back(reason);
  for (const Claim& k : c.claims)
    if (!k.reason.empty()) p.section.paragraphs.push_back(k.name + ": " + k.reason);
  if (c.bootstrap)
    p.section.paragraphs.push_back(fmt::format(
        "median over launches of the medians, B / A: {:.4f} [{:.4f}, {:.4f}] ({}, {} replicates, "
        "seed {})",
        c.bootstrap->estimate, c.bootstrap->lower, c.bootstrap->upper, c.bootstrap->method,
        c.bootstrap->replicates, c.bootstrap->seed));
  p.section.table = claims_table(c);
  p.next = next_steps(c);
  p.section.notes = {
      "SAME: shown to be equal within the margin. DIFFERENT: shown to differ, and by more than the "
      "margin. INCONCLUSIVE: neither is shown. A difference that is not significant is never SAME.",
      "FAST, SLOW, SAME and AMBG say where the interval of B / A lies against the margin."};
  add_plot(d, p, draw, forest_of(c), "ratio.svg",
           "Ratio B / A with the interval that is held against the margin");
  if (!c.launches)
    add_plot(d, p, draw, ecdf_of(report.series, report.options.confidence), "ecdf.svg",
             "Both sides with their bands");
  d.parts.push_back(std::move(p));
  Part shift;
  shift.section.heading = "Shift by decile";
  shift.section.table = decile_table(c);
  if (c.launches) shift.section.paragraphs.push_back("medians over launches");
  d.parts.push_back(std::move(shift));
}

}  // namespace assay::report
