// SPDX-License-Identifier: Apache-2.0
// Where the variation of a recipe's latency comes from, what it says of the next build, and its
// tails: the figures beside the latency verdict.
#include <fmt/format.h>

#include <cmath>

#include "report/escape.h"
#include "report/figures.h"
#include "report/html_parts.h"
#include "report/summary.h"
#include "report/svg/series_charts.h"

namespace assay::report {
namespace {

bool has(const Json& j, const char* key) { return j.contains(key) && j[key].is_number(); }

std::string between(const Json& level) {
  if (!has(level, "sd_lower") || !has(level, "sd_upper")) return "";
  return fmt::format(" [{}, {}]", time_text(get_double(level, "sd_lower")),
                     time_text(get_double(level, "sd_upper")));
}

// The bar and what each level's share is worth: interval and the repetitions that pay.
std::string variance_of(const Recipe& r, const VerdictRow& v) {
  static constexpr const char* kLevels[] = {"inference", "launch", "build"};
  const Json& split = get_object(get_object(v.statistic, "spread"), "variance");
  const Json& levels = get_array(split, "levels");
  if (!get_bool(split, "valid") || levels.size() != std::size(kLevels)) {
    const std::string note = get_string(split, "note");
    return note.empty() ? ""
                        : paragraph("Variance over inference, launch and build: not available (" +
                                        note + ").",
                                    "soft");
  }
  SharePlot plot;
  plot.heading = "share of the variance of one inference";
  plot.label = "variance of latency of " + r.label + " split over inference, launch and build";
  HtmlTable t({"level", "repetitions", "sd (95 %)", "share", "repetitions worth paying for"});
  for (size_t i = 0; i < std::size(kLevels); ++i) {
    const Json& level = levels[i];
    const std::string sd = time_text(get_double(level, "sd"));
    plot.parts.push_back({kLevels[i], get_double(level, "share"), "sd " + sd});
    t.row()
        .text(kLevels[i])
        .num(count_text(get_int(level, "repetitions")))
        .num(sd + between(level), v.ref)
        .num(percent_text(get_double(level, "share")), v.ref)
        .text(i + 1 == std::size(kLevels) ? "all you can afford"
              : has(level, "repetitions_best_ceil")
                  ? count_text(get_int(level, "repetitions_best_ceil"))
                  : "not available");
  }
  return "<figure>" + svg::share_chart(plot) + "</figure>\n" + t.str();
}

std::string trend_text(const Json& t, std::string_view what) {
  if (!get_bool(t, "computed")) return fmt::format("{}: not available.", what);
  return fmt::format("{}: {:+.2g} % a step, p {:.2g} (Jonckheere-Terpstra{}).", what,
                     get_double(t, "slope_percent"), get_double(t, "p", 1),
                     get_bool(t, "exact") ? ", exact" : "");
}

std::string next_build_text(const Json& next) {
  const int64_t k = get_int(next, "builds");
  if (k < 1) return "";
  return fmt::format(
      "The next build is slower than the slowest of these {} with probability {:.3g}; the slowest "
      "covers {} of all builds at 95 % confidence, and {} builds would cover 95 %.",
      k, get_double(next, "exceeds_slowest", 1),
      percent_text(get_double(next, "coverage_of_slowest")), get_int(next, "builds_for_95_95"));
}

std::string floor_text(const Json& floor, double margin) {
  if (!has(floor, "half_width")) return "";
  return fmt::format(
      "Launches of one build (A/A) agree to within {}; a margin below {} cannot be decided here, "
      "the margin of this audit is {}.",
      percent_text(get_double(floor, "half_width")), percent_text(get_double(floor, "floor")),
      percent_text(margin));
}

ForestPlot forest_of(const Json& pairs, double margin, const std::string& name,
                     const std::string& label) {
  ForestPlot plot;
  plot.margin_low = 1 / (1 + margin);
  plot.margin_high = 1 + margin;
  plot.name = name;
  plot.label = label;
  for (const Json& p : pairs) {
    ForestRow row;
    row.name = fmt::format("build {} / {}", get_int(p, "b", -1), get_int(p, "a", -1));
    row.missing = "too few launches";
    if (has(p, "ratio") && has(p, "lower") && has(p, "upper")) {
      row.estimate = get_double(p, "ratio");
      row.lower = get_double(p, "lower");
      row.upper = get_double(p, "upper");
    }
    row.result = get_string(p, "word");
    plot.rows.push_back(std::move(row));
  }
  return plot;
}

std::string pwcet_of(const VerdictRow& v) {
  const Json& w = get_object(v.statistic, "pwcet");
  if (w.empty()) return "";
  std::string out = "<h5>pWCET over builds</h5>\n";
  if (get_bool(w, "refused", true)) {
    out += paragraph("Refused: no bound is given, since the conditions of the method do not hold.");
    for (const Json& reason : get_array(w, "refusal"))
      out += paragraph(scalar_text(reason), "soft");
    return out;
  }
  HtmlTable t({"exceeded with probability", "bound of the builds seen", "of 95 % of builds",
               "worst build", "evidence"});
  for (const Json& p : get_array(w, "points")) {
    const double at = get_double(p, "p");
    t.row()
        .num(fmt::format("{:g} an inference", at))
        .num(has(p, "seen_bound_ns") ? time_text(get_double(p, "seen_bound_ns")) : "not available",
             v.ref)
        .num(has(p, "tolerance_ns") ? time_text(get_double(p, "tolerance_ns")) : "not available",
             v.ref)
        .text(has(p, "worst_build") ? fmt::format("build {}", get_int(p, "worst_build")) : "-")
        .text(get_bool(p, "extrapolation") ? "model extrapolation, not evidence"
                                           : "measured range");
  }
  return out + t.str() +
         paragraph(
             fmt::format("Confidence {:g}. The next build exceeds the bound of those seen "
                         "with probability at most {:.2g}. The bound holds for the inputs, "
                         "co-runners and temperatures that were measured.",
                         get_double(w, "confidence", 0.95), get_double(w, "next_exceeds_bound", 1)),
             "how");
}

}  // namespace

std::string html_spread(const Recipe& r) {
  const VerdictRow* v = find_verdict(r, "latency");
  if (!v) return "";
  const Json& spread = get_object(v->statistic, "spread");
  if (spread.empty()) return "";
  std::string out = "<h5>Where the variation comes from</h5>\n" + variance_of(r, *v);
  out += paragraph(trend_text(get_object(spread, "build_order"), "Order of building") + " " +
                   trend_text(get_object(spread, "time"), "Time, over blocks of launches"));
  for (const std::string& text :
       {next_build_text(get_object(spread, "next_build")),
        floor_text(get_object(v->statistic, "noise_floor"), get_double(v->threshold, "margin"))})
    if (!text.empty()) out += paragraph(text);
  return out;
}

std::string html_pairs(const VerdictRow& v, const Json& pairs, std::string_view unit) {
  if (!pairs.is_array() || pairs.empty()) return "";
  constexpr size_t kMostDrawn = 15;  // pairs of 6 builds; more are a table
  const double margin = get_double(v.threshold, "margin");
  std::string out = fmt::format("<h5>Builds against each other: {} of a launch</h5>\n", html(unit));
  if (pairs.size() <= kMostDrawn)
    out += "<figure>" +
           svg::forest_chart(
               forest_of(pairs, margin, "ratio", fmt::format("ratios of {} over builds", unit))) +
           "</figure>\n";
  HtmlTable t({"first", "second", "ratio", "interval", "p", "result", "as nvbench"});
  for (const Json& p : pairs) {
    const bool bounded = has(p, "lower") && has(p, "upper");
    t.row()
        .text(fmt::format("build {}", get_int(p, "a", -1)))
        .text(fmt::format("build {}", get_int(p, "b", -1)))
        .num(has(p, "ratio") ? fmt::format("{:.4f}", get_double(p, "ratio")) : "-", v.ref);
    t.num(bounded ? fmt::format("[{:.4f}, {:.4f}]", get_double(p, "lower"), get_double(p, "upper"))
                  : "not available",
          v.ref);
    t.num(has(p, "p") ? number_text(get_double(p, "p")) : "-", v.ref)
        .text(get_string(p, "word", "unknown"))
        .text(get_string(p, "nvbench", "-"));
  }
  return out + t.str();
}

std::string html_tail(const Recipe& r) {
  const VerdictRow* v = find_verdict(r, "tail");
  if (!v) return "";
  std::string out = "<h4>Tail</h4>\n";
  for (const Json& q : get_array(v->statistic, "quantiles"))
    out += html_pairs(*v, get_array(q, "pairs"), get_string(q, "name"));
  return out + pwcet_of(*v);
}

}  // namespace assay::report
