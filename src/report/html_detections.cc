// SPDX-License-Identifier: Apache-2.0
// Boxes of one recipe: a matrix of builds, what each pair shares and loses, precision.
#include <fmt/format.h>

#include <algorithm>

#include "report/detections.h"
#include "report/escape.h"
#include "report/html_parts.h"
#include "report/svg/charts.h"

namespace assay::report {
namespace {

constexpr size_t kMostPairs = 60, kMostBuilds = 12;

std::string box_matrix(const Detections& d) {
  if (d.verdict->scope != "builds") return "";
  std::vector<int64_t> index;
  for (const DetectionPair& p : d.pairs)
    for (const int64_t i : {p.a, p.b})
      if (i >= 0 && std::find(index.begin(), index.end(), i) == index.end()) index.push_back(i);
  if (index.empty() || index.size() > kMostBuilds) return "";
  std::sort(index.begin(), index.end());
  std::vector<std::string> names;
  for (const int64_t i : index) names.push_back(fmt::format("build {}", i));
  const auto at = [&](int64_t i) {
    return static_cast<size_t>(std::lower_bound(index.begin(), index.end(), i) - index.begin());
  };
  std::vector<std::vector<svg::Cell>> cells(
      index.size(), std::vector<svg::Cell>(index.size(), {"-", "not compared", "", 0, true}));
  for (const DetectionPair& p : d.pairs) {
    if (p.a < 0 || p.b < 0 || !p.inputs) continue;
    const Proportion& q = *p.inputs;
    const svg::Cell cell{
        count_text(q.count),
        fmt::format("build {} and build {}: other boxes on {}", p.a, p.b, count_of(q)),
        "#" + d.verdict->ref, q.n > 0 ? static_cast<double>(q.count) / static_cast<double>(q.n) : 0,
        false};
    cells[at(p.a)][at(p.b)] = cell;
    cells[at(p.b)][at(p.a)] = cell;
  }
  std::string caption = "Inputs with other boxes";
  if (d.any)
    caption += fmt::format(", any of the pairs: {}; {}", count_of(*d.any), bound_text(*d.any));
  return fmt::format("<figure>{}<figcaption>{}</figcaption></figure>\n",
                     svg::matrix(names, cells, caption), html(caption));
}

std::string pair_table(const Detections& d) {
  std::vector<std::string> header = {"first", "second"};
  for (std::string& h : pair_header()) header.push_back(std::move(h));
  HtmlTable t(header);
  std::vector<const DetectionPair*> rows;
  for (const DetectionPair& p : d.pairs) rows.push_back(&p);
  const auto worst = [](const DetectionPair* a, const DetectionPair* b) {
    return a->only_a + a->only_b > b->only_a + b->only_b;
  };
  if (rows.size() > kMostPairs) std::stable_sort(rows.begin(), rows.end(), worst);
  for (size_t i = 0; i < rows.size() && i < kMostPairs; ++i) {
    t.row().text(pair_name(d, *rows[i], true)).text(pair_name(d, *rows[i], false));
    for (const std::string& cell : pair_cells(*rows[i])) t.num(cell, d.verdict->ref);
  }
  if (t.empty()) return paragraph(d.verdict->statement);
  std::string out = t.str();
  if (rows.size() > kMostPairs)
    out += paragraph(
        fmt::format("The {} worst of {} pairs; report.json has all.", kMostPairs, rows.size()),
        "soft");
  return out;
}

std::string precision_table(const Detections& d) {
  HtmlTable t({"build", "mean average precision at IoU 0.5"});
  for (const BuildPrecision& b : d.precision)
    t.row()
        .text(b.build < 0 ? std::string("unknown") : fmt::format("build {}", b.build))
        .num(b.map ? number_text(*b.map) : "no true box", d.verdict->ref);
  return t.empty() ? "" : t.str();
}

}  // namespace

std::string html_detections(const Recipe& r) {
  const std::vector<Detections> all = detections_of(r);
  if (all.empty()) return "";
  std::string out = "<h4>Detections</h4>\n";
  for (const Detections& d : all)
    if (const std::string figure = box_matrix(d); !figure.empty())
      out += "<div class=\"figures\">" + figure + "</div>\n";
  for (const Detections& d : all) {
    out += paragraph(d.verdict->scope == "reference" ? "Against the reference:" : "Over builds:");
    out += pair_table(d);
  }
  out += precision_table(all.front());
  return out +
         paragraph(
             "How to read this: two boxes are partners when their class is the same and they "
             "overlap by an IoU of at least 0.5; an input with a box without partner differs. "
             "The score margin is the distance of such a box from the score threshold: a small one "
             "is a near tie. Lost in suppression: the other engine had the box too, before "
             "overlapping boxes were dropped. Drift is the largest move of an edge of partners.",
             "how");
}

}  // namespace assay::report
