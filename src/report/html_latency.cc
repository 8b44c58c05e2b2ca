// SPDX-License-Identifier: Apache-2.0
// Latency of one recipe: distribution, intervals per build, samples in run order.
#include <fmt/format.h>

#include "report/escape.h"
#include "report/figures.h"
#include "report/html_parts.h"
#include "report/roofline.h"
#include "report/summary.h"
#include "report/svg/charts.h"

namespace assay::report {
namespace {

const Json& by_index(const Json& array, const char* key, int64_t index) {
  static const Json none = Json::object();
  for (const Json& j : array)
    if (get_int(j, key, -1) == index) return j;
  return none;
}

std::string dots(const Recipe& r, const VerdictRow& v, const char* quantile) {
  std::vector<svg::Dot> rows;
  for (const Json& b : get_array(v.statistic, "builds")) {
    const auto i = interval_at(b, quantile);
    svg::Dot d{fmt::format("build {}", get_int(b, "build", -1)), "#" + v.ref, "", {}, {}, {}, ""};
    d.title = d.name + ": " + interval_text(i);
    if (i && carried(*i)) {
      d.estimate = i->estimate;
      d.lower = i->lower;
      d.upper = i->upper;
    } else {
      d.missing = interval_text(i);
    }
    rows.push_back(std::move(d));
  }
  if (rows.empty()) return "";
  return "<figure>" +
         svg::dot_chart(rows, quantile,
                        fmt::format("{} of {} per build with its interval", quantile, r.label)) +
         "</figure>\n";
}

std::string figures(const Recipe& r, const VerdictRow* v) {
  std::vector<svg::Curve> curves;
  int64_t n = 0;
  for (const Build& b : r.builds) {
    if (b.ecdf.empty()) continue;
    curves.push_back({fmt::format("build {}", b.index), b.ecdf});
    n += b.ecdf_n;
  }
  std::string out;
  if (!curves.empty())
    out += fmt::format(
        "<figure>{}<figcaption>Share of samples at or below a latency, a line a build; {} samples, "
        "from {}</figcaption></figure>\n",
        svg::ecdf_chart(curves, r.latency_ns,
                        "empirical distribution of latency of " + r.label + " per build"),
        count_text(n), html(range_text(r.latency_ns.low, r.latency_ns.high)));
  std::string stack;
  if (v)
    for (const char* q : {"p50", "p90", "p99"}) stack += dots(r, *v, q);
  if (!stack.empty()) out += "<div class=\"stack\">" + stack + "</div>\n";
  return out.empty() ? "" : "<div class=\"figures\">" + out + "</div>\n";
}

std::string sample_table(const Recipe& r, const VerdictRow* v) {
  HtmlTable t(
      {"build", "launch", "n", "p50", "p90", "p99", "range", "cut off", "trust", "run order"});
  const Json none = Json::object();
  const Json& statistic = v ? v->statistic : none;
  for (const Build& b : r.builds) {
    const Json& build = by_index(get_array(statistic, "builds"), "build", b.index);
    if (b.counts && b.ecdf_n > 0 && !build.empty()) {
      t.row().num(std::to_string(b.index), b.ref).text("all").num(count_text(b.ecdf_n), v->ref);
      for (const char* q : {"p50", "p90", "p99"})
        t.num(interval_text(interval_at(build, q)), v->ref);
      t.num(range_text(b.ecdf.front().x, b.ecdf.back().x), v->ref).text("").text("").text("");
    }
    for (const Launch& l : b.launches) {
      if (!l.counts) continue;
      const Json& launch = by_index(get_array(build, "launches"), "launch", l.index);
      for (const Series& s : l.series) {
        if (s.name != "latency") continue;
        t.row()
            .num(std::to_string(b.index), b.ref)
            .num(std::to_string(l.index), l.ref)
            .num(count_text(s.n), s.ref);
        for (const char* q : {"p50", "p90", "p99"}) t.num(interval_text(interval_at(launch, q)));
        t.num(s.order.empty()
                  ? "unknown"
                  : range_text(static_cast<double>(s.min_ns), static_cast<double>(s.max_ns)))
            .num(count_text(s.censored));
        std::string reasons;
        for (const Json& reason : get_array(launch, "trust_reasons"))
          reasons += (reasons.empty() ? "" : "; ") + scalar_text(reason);
        const std::string trust = get_string(launch, "trust");
        t.raw(trust.empty() ? "" : badge(trust, reasons));
        t.raw(s.order.empty()
                  ? html(s.problem.empty() ? "no samples" : s.problem)
                  : svg::run_chart(
                        s.order, r.latency_ns,
                        fmt::format("samples in run order, build {} launch {}", b.index, l.index)));
      }
    }
  }
  return t.empty()
             ? ""
             : t.str() +
                   paragraph("The figures of a launch come from the series that its n links to.",
                             "soft");
}

}  // namespace

std::string html_latency(const Recipe& r) {
  const VerdictRow* v = find_verdict(r, "latency");
  const std::string drawn = figures(r, v), table = sample_table(r, v);
  if (!v && table.empty()) return "";
  std::string out = "<h4>Latency</h4>\n";
  if (scripted(r))
    out += fmt::format("<p class=\"finding\">{} The clock of these series is {}.</p>\n",
                       badge("warning"), kScripted);
  if (r.clock == "unknown" && !table.empty())
    out += paragraph("The clock of these series is unknown.", "soft");
  if (v) {
    const std::string trust = get_string(v->statistic, "trust");
    if (!trust.empty()) {
      std::string reasons;
      for (const Json& reason : get_array(v->statistic, "trust_reasons"))
        reasons += (reasons.empty() ? "" : "; ") + scalar_text(reason);
      out += fmt::format("<p>Trust of these series: {} {}</p>\n", badge(trust, reasons),
                         html(reasons, 1500));
    }
  }
  out += drawn;
  if (!drawn.empty())
    out += paragraph(
        "How to read this: lines that lie on each other are builds of equal speed; a line that "
        "leaves the others near the top is a fatter tail. A build's interval is over its launches, "
        "one "
        "value each (Student's t on logs); a launch's own needs no assumption about the shape, "
        "counts "
        "the dependence of its samples, and holds for that launch only. \"not available (n >= N)\" "
        "means that so many samples a launch would be needed before the quantile has bounds.",
        "how");
  if (v) out += html_pairs(*v, get_array(v->statistic, "pairs"), "median");
  return out + html_roofline(r) + html_spread(r) + table;
}

}  // namespace assay::report
