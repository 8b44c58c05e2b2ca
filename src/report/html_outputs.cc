// SPDX-License-Identifier: Apache-2.0
// Outputs of one recipe: matrices, distances, units in the last place, flipped labels.
#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "report/escape.h"
#include "report/figures.h"
#include "report/html_parts.h"
#include "report/svg/charts.h"

namespace assay::report {
namespace {

constexpr size_t kMostRows = 60, kMostFlips = 50, kOpenFlips = 10, kMostBuilds = 12;

std::string side(const Comparison& c, bool a) {
  const int64_t index = a ? c.a_index : c.b_index;
  const std::string_view kind = c.scope == "launches"          ? "launch"
                                : !a && c.scope == "reference" ? "reference"
                                                               : "build";
  return index < 0             ? fmt::format("{}\u00a0unknown", kind)
         : kind == "reference" ? "reference"
                               : fmt::format("{}\u00a0{}", kind, index);
}

// The same with the build that a launch belongs to, since every build has a launch 0.
std::string side_of(const Recipe& r, const Comparison& c, bool a) {
  if (c.scope != "launches") return side(c, a);
  for (const Build& b : r.builds)
    for (const Launch& l : b.launches)
      if (l.id == (a ? c.a : c.b))
        return fmt::format("build\u00a0{}, launch\u00a0{}", b.index, l.index);
  return side(c, a);
}

// Matrix of builds by builds: `value` gives the count of a comparison, absent when it was not told.
template <class Value>
std::string build_matrix(const Recipe& r, const std::string& output, std::string_view what,
                         std::string_view subject, Value value) {
  std::vector<int64_t> index;
  for (const auto& c : r.comparisons)
    if (c.scope == "builds" && c.output == output)
      for (int64_t i : {c.a_index, c.b_index})
        if (i >= 0 && std::find(index.begin(), index.end(), i) == index.end()) index.push_back(i);
  if (index.empty() || index.size() > kMostBuilds) return "";
  std::sort(index.begin(), index.end());
  std::vector<std::string> names;
  for (int64_t i : index) names.push_back(fmt::format("build {}", i));
  const auto at = [&](int64_t i) {
    return static_cast<size_t>(std::lower_bound(index.begin(), index.end(), i) - index.begin());
  };
  std::vector<std::vector<svg::Cell>> cells(
      index.size(), std::vector<svg::Cell>(index.size(), {"-", "not compared", "", 0, true}));
  int64_t n = 0;
  bool any = false;
  for (const auto& c : r.comparisons) {
    if (c.scope != "builds" || c.output != output || c.a_index < 0 || c.b_index < 0) continue;
    const std::optional<int64_t> count = value(c);
    if (!count) continue;
    any = true;
    n = c.n;
    svg::Cell cell{count_text(*count),
                   fmt::format("{} and {}: {} of {} inputs", side(c, true), side(c, false),
                               count_text(*count), count_text(c.n)),
                   "#" + c.ref,
                   c.n > 0 ? static_cast<double>(*count) / static_cast<double>(c.n) : 0, false};
    cells[at(c.a_index)][at(c.b_index)] = cell;
    cells[at(c.b_index)][at(c.a_index)] = cell;
  }
  if (!any) return "";
  std::string caption = fmt::format("{}, of {} inputs", what, count_text(n));
  const VerdictRow* v = find_verdict(r, subject, "builds");
  if (const auto worst = v ? proportion_at(v->statistic, "worst") : std::nullopt)
    caption += "; worst pair: " + bound_text(*worst);
  return fmt::format("<figure>{}<figcaption>{}</figcaption></figure>\n",
                     svg::matrix(names, cells, caption), html(caption));
}

std::string ulp_name(int64_t k) {
  return k <= 0    ? "equal"
         : k <= 10 ? std::to_string(int64_t{1} << (k - 1))
                   : fmt::format("2^{}", k - 1);
}

std::string ulp_figure(const Recipe& r, std::string_view scope, std::string_view what) {
  std::map<int64_t, int64_t> counts;
  for (const auto& c : r.comparisons) {
    if (c.scope != scope) continue;
    for (const Json& bin : get_array(get_object(c.metrics, "distance"), "ulp"))
      if (bin.is_array() && bin.size() == 2 && bin[0].is_number_integer() &&
          bin[1].is_number_integer()) {
        const auto k = bin[0].get<int64_t>();
        if (k >= 0 && k <= 64) counts[k] += std::max<int64_t>(bin[1].get<int64_t>(), 0);
      }
  }
  if (counts.empty() || (counts.size() == 1 && counts.begin()->first == 0)) return "";
  std::vector<svg::Bin> bins;
  for (int64_t k = 0; k <= counts.rbegin()->first; ++k)
    bins.push_back({ulp_name(k), counts.count(k) ? counts[k] : 0});
  const std::string caption =
      fmt::format("Units in the last place, {} (values; count axis is logarithmic)", what);
  return fmt::format("<figure>{}<figcaption>{}</figcaption></figure>\n",
                     svg::histogram(bins, "distance in ULP, lower edge of the bin", caption),
                     html(caption));
}

std::string distances(const Recipe& r) {
  std::vector<const Comparison*> rows;
  for (const auto& c : r.comparisons) rows.push_back(&c);
  const auto worst = [](const Comparison* a, const Comparison* b) {
    return std::pair(a->top1_mismatch.value_or(0), a->bitwise_different) >
           std::pair(b->top1_mismatch.value_or(0), b->bitwise_different);
  };
  if (rows.size() > kMostRows) std::stable_sort(rows.begin(), rows.end(), worst);
  HtmlTable t({"over", "first", "second", "output", "a bit differs in", "top-1 differs in", "bound",
               "max abs", "mean abs", "max rel", "least cosine", "not finite"});
  for (size_t i = 0; i < rows.size() && i < kMostRows; ++i) {
    const Comparison& c = *rows[i];
    const Json& d = get_object(c.metrics, "distance");
    const auto value = [&](const char* key) {
      return d.contains(key) && d[key].is_number() ? number_text(get_double(d, key))
                                                   : std::string("unknown");
    };
    const auto bits = proportion_at(c.metrics, "bitwise");
    const auto labels = proportion_at(get_object(c.metrics, "labels"), "top1");
    t.row().text(c.scope).text(side_of(r, c, true)).text(side_of(r, c, false)).text(c.output);
    t.num(fmt::format("{} of {}", count_text(c.bitwise_different), count_text(c.n)), c.ref,
          bits ? bound_text(*bits) : "");
    t.num(c.top1_mismatch ? fmt::format("{} of {}", count_text(*c.top1_mismatch), count_text(c.n))
                          : "no labels",
          c.ref);
    t.text(labels ? bound_text(*labels) : bits ? bound_text(*bits) : "unknown");
    t.num(value("max_abs"), c.ref)
        .num(value("mean_abs"), c.ref)
        .num(value("max_rel"), c.ref)
        .num(value("min_cosine"), c.ref)
        .num(value("non_finite"), c.ref);
  }
  std::string out = t.str();
  if (rows.size() > kMostRows)
    out += paragraph(
        fmt::format("The {} worst of {} comparisons; report.json has all.", kMostRows, rows.size()),
        "soft");
  return out;
}

}  // namespace

std::string html_outputs(const Recipe& r) {
  if (r.comparisons.empty()) return "";
  std::vector<std::string> outputs;
  for (const auto& c : r.comparisons)
    if (std::find(outputs.begin(), outputs.end(), c.output) == outputs.end())
      outputs.push_back(c.output);
  std::string figures;
  for (size_t i = 0; i < outputs.size() && i < 4; ++i) {
    const std::string of = outputs.size() > 1 ? " (" + plain(outputs[i], 40) + ")" : "";
    figures += build_matrix(r, outputs[i], "Inputs with a bit different" + of, "outputs",
                            [](const Comparison& c) { return std::optional(c.bitwise_different); });
    figures += build_matrix(r, outputs[i], "Inputs with another top-1" + of, "labels",
                            [](const Comparison& c) { return c.top1_mismatch; });
  }
  figures += ulp_figure(r, "builds", "all pairs of builds together");
  figures += ulp_figure(r, "reference", "builds against the reference");
  std::string out = "<h4>Outputs</h4>\n";
  if (!figures.empty()) {
    out += "<div class=\"figures\">" + figures + "</div>\n";
    out += paragraph(
        "How to read this: a cell counts the inputs on which two builds of this very recipe "
        "disagree. A bit that differs need not matter; another top-1 "
        "does. A zero is a statement about the inputs that were run; the bound says how much may "
        "hide behind it.",
        "how");
  }
  return out + distances(r);
}

std::string html_flips(const Recipe& r) {
  struct Row {
    const Comparison* c;
    const Flip* f;
  };
  std::vector<Row> rows;
  for (const auto& c : r.comparisons)
    for (const auto& f : c.flips) rows.push_back({&c, &f});
  if (rows.empty()) return "";
  // The firmest flips first: a wide margin on both sides is no tie that rounding broke.
  const auto firm = [](const Row& x) { return std::min(x.f->a_margin, x.f->b_margin); };
  std::stable_sort(rows.begin(), rows.end(),
                   [&](const Row& x, const Row& y) { return firm(x) > firm(y); });
  std::string out = "<h4>Flipped labels</h4>\n";
  const std::vector<std::string> header = {"input",
                                           "first",
                                           "second",
                                           "top-1",
                                           "margin of the first",
                                           "margin of the second",
                                           "probability change"};
  HtmlTable open(header), folded(header);
  for (size_t i = 0; i < rows.size() && i < kMostFlips; ++i) {
    HtmlTable& t = i < kOpenFlips ? open : folded;
    const auto& [c, f] = rows[i];
    t.row()
        .num(std::to_string(f->input), c->ref)
        .text(side(*c, true))
        .text(side(*c, false))
        .raw(fmt::format("{} &#8594; {}", f->a_top1, f->b_top1));
    t.num(number_text(f->a_margin), c->ref)
        .num(number_text(f->b_margin), c->ref)
        .num(f->probability_change ? number_text(*f->probability_change) : "unknown", c->ref);
  }
  out += open.str();
  if (!folded.empty())
    out += fmt::format("<details><summary>{} more flips</summary>{}</details>\n",
                       std::min(rows.size(), kMostFlips) - kOpenFlips, folded.str());
  if (rows.size() > kMostFlips)
    out += paragraph(fmt::format("{} more flips are in report.json; the firmest {} are shown.",
                                 rows.size() - kMostFlips, kMostFlips),
                     "soft");
  return out + paragraph(
                   "How to read this: the margin is top-1 minus top-2 of the raw output. Small "
                   "margins on both sides are near ties; a wide margin means that one "
                   "of the two engines computes something else.",
                   "how");
}

}  // namespace assay::report
