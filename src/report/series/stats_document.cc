// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "report/figures.h"
#include "report/series/document.h"
#include "report/series/numbers.h"
#include "report/series/plots.h"

namespace assay::report {

// compare_document.cc
void add_comparison(Document& d, const StatsReport& report, const DrawOptions& draw);

namespace {

constexpr int64_t kFewestForDependence = 100;
constexpr size_t kMostRows = 24;    // of the overview in a terminal
constexpr size_t kMostDetails = 8;  // series with a section of their own, beside the overview

std::string source_text(const SeriesStats& s) {
  std::string out = fmt::format(
      "{} ({}, {})", count_with_plural(static_cast<int64_t>(s.input.samples.size()), "latency"),
      s.input.format, s.input.unit);
  if (s.input.averaged) out += ", each a mean over several inferences";
  if (s.warm_up > 0) out += fmt::format("; the first {} cut as warm-up, {} used", s.warm_up, s.n());
  return out;
}

std::string reasons_text(const stats::Gate& g) {
  return fmt::format("{}", fmt::join(g.reasons, "; "));
}

double tau_at(const SeriesStats& s, double q) {
  for (const auto& row : s.rows)
    if (row.q == q) return row.tau;
  return s.rows.empty() ? 1 : s.rows.back().tau;
}

std::string dependence_text(const SeriesStats& s) {
  double worst = 1;
  for (const auto& row : s.rows) worst = std::max(worst, row.tau);
  return fmt::format(
      "dependence: tau {:.2f} at p50, {:.2f} at p99; {:.0f} of {} samples count as independent; "
      "largest |r| {:.2f} at lag {}",
      tau_at(s, .5), tau_at(s, .99), s.gate.ess_ratio * static_cast<double>(s.n()), s.n(),
      s.gate.max_abs_r, s.gate.max_r_lag);
}

std::string requirement_text(const SeriesStats& s, const StatsOptions& o) {
  const auto& r = *s.requirement;
  std::string out = fmt::format(
      "requirement P(X > {}) < {}: {} after {} of {} samples, {} above the limit (error of a "
      "decision at most {:.3g} %)",
      format_ns(static_cast<double>(o.requirement->limit_ns)), probability_text(r.p0),
      stats::decision_word(r.decision), r.n_taken, s.n(), r.exceedances, r.alpha * 100);
  if (r.thin > 1) out += fmt::format("; every {}th sample used (tau {:.2f})", r.thin, r.tau);
  if (!r.reason.empty()) out += "; " + r.reason;
  return out;
}

Table quantile_table_of(const SeriesStats& s, const StatsOptions& o, const TimeScale& scale) {
  Table t({"quantile", std::string(scale.unit()), fmt::format("{:.4g} % from", o.confidence * 100),
           "to", fmt::format("{:.4g} % below", o.tail_confidence * 100), "n_e", ""});
  for (size_t i = 0; i < s.rows.size(); ++i) {
    const auto& row = s.rows[i];
    if (!row.carried()) {
      t.add({quantile_name(row.q), "-", "-", "-", "-", fmt::format("{:.0f}", row.n_effective),
             refusal_text(row)});
      continue;
    }
    // The two-sided bounds of the other confidence do not matter for its one-sided bound.
    t.add({quantile_name(row.q), scale(row.estimate), scale(row.lower), scale(row.upper),
           scale(s.tail[i].upper_one_sided), fmt::format("{:.0f}", row.n_effective),
           s.input.averaged ? "of averages" : ""});
  }
  t.add({"max", scale(static_cast<double>(s.maximum())), "-", "-", "-", "-",
         s.input.averaged ? "of averages" : "largest seen, no bound"});
  t.add({"min", scale(static_cast<double>(s.minimum())), "-", "-", "-", "-", ""});
  return t;
}

void add_next(Part& p, const SeriesStats& s, const StatsOptions& o) {
  int64_t most = 0;
  for (const auto& row : s.rows)
    if (!row.carried()) most = std::max(most, row.n_needed);
  if (s.input.averaged)
    p.next.push_back(
        "time every inference on its own (Google Benchmark: ->Iterations(1)); means have no tail");
  else if (most > 0 && s.gate.trust != Trust::rejected)
    p.next.push_back(
        fmt::format("take {} samples for every quantile asked for; ten times that "
                    "makes the bounds useful",
                    most));
  if (s.gate.trust == Trust::rejected)
    p.next.push_back(
        "the bounds describe this list only: find the cause above, measure again, and compare");
  if (s.requirement && s.requirement->decision == stats::Decision::undecided && !s.input.averaged &&
      s.gate.trust != Trust::rejected) {
    const int64_t least =
        stats::requirement_min_n(s.requirement->exceedances, o.requirement->below, o.alpha);
    if (least > s.requirement->n)
      p.next.push_back(
          fmt::format("the requirement passes at {} samples if no more exceed the limit",
                      least * std::max<int64_t>(1, s.requirement->thin)));
  }
}

const char* kHowQuantiles =
    "Bounds are order statistics: they assume no law, and count only as many samples as are "
    "independent (n_e). A quantile without a number is one that this many samples cannot carry.";
const char* kHowRunOrder =
    "Least and greatest latency of each stretch of time. A level that steps, drifts or beats makes "
    "the quantiles those of a mixture.";

Table tests_table(const stats::Gate& g) {
  Table t({"test", "statistic", "p (Holm)", "effect", "", "at sample", "note"});
  for (const auto& r : g.tests)
    t.add({r.name, fmt::format("{:.4g}", r.statistic), p_value_text(r.adjusted_p),
           std::isfinite(r.effect) ? fmt::format("{:.3g}", r.effect) : "-", r.effect_name,
           r.at < 0 ? "-" : fmt::format("{}", r.at), r.note});
  return t;
}

void add_series(Document& d, const StatsReport& report, const SeriesStats& s,
                const DrawOptions& draw, const std::string& suffix) {
  Part p;
  p.section.heading = s.input.name;
  p.section.word = word(s.gate.trust);
  p.section.paragraphs.push_back(source_text(s));
  if (!s.gate.reasons.empty()) p.section.paragraphs.push_back(reasons_text(s.gate));
  for (const auto& note : s.input.notes) p.section.paragraphs.push_back("note: " + note);
  if (s.n() >= kFewestForDependence) p.section.paragraphs.push_back(dependence_text(s));
  if (s.requirement) p.section.paragraphs.push_back(requirement_text(s, report.options));
  const TimeScale scale(
      static_cast<double>(s.sorted.empty() ? 0 : s.sorted[(s.sorted.size() - 1) / 2]));
  p.section.table = quantile_table_of(s, report.options, scale);
  p.section.notes = {kHowQuantiles};
  add_next(p, s, report.options);
  if (!report.comparison) {
    add_plot(d, p, draw, ecdf_of(std::span(&s, 1), report.options.confidence),
             "ecdf" + suffix + ".svg", "Share of latencies at or below each value, with its band");
    add_plot(d, p, draw, run_order_of(s), "run_order" + suffix + ".svg", kHowRunOrder);
    stats::Pwcet none;  // the tail as measured; `assay wcet` fits it
    if (draw.svg)
      add_plot(d, p, draw, tail_of(s.sorted, none, {}, {}, s.input.name),
               "exceedance" + suffix + ".svg",
               "The tail as measured: share of latencies at or above each value");
  }
  d.parts.push_back(std::move(p));
  if (!draw.svg || s.gate.tests.empty()) return;
  Part tests;  // for a page; the terminal has the reasons
  tests.section.heading = "Tests of " + s.input.name;
  tests.section.table = tests_table(s.gate);
  tests.section.notes = {
      "A test counts when its p, Holm-corrected over the family, is small and its effect is large "
      "enough to matter."};
  d.parts.push_back(std::move(tests));
}

// "1.2345 (1.2340 .. 1.2351)", or how many samples it takes.
std::string cell_of(const SeriesStats& s, double q, const TimeScale& scale) {
  for (const auto& row : s.rows) {
    if (row.q != q) continue;
    if (row.carried())
      return fmt::format("{} [{}, {}]", scale(row.estimate), scale(row.lower), scale(row.upper));
    return row.n_needed > 0 ? fmt::format("need n >= {}", row.n_needed) : "not available";
  }
  return "-";
}

// "DEGRADED: 19 (latencies from elsewhere: ...)", "REJECTED: 1 (b: step: ...)".
std::string trust_summary(std::span<const SeriesStats> series) {
  std::string out;
  for (Trust trust : {Trust::trusted, Trust::degraded, Trust::rejected}) {
    int64_t count = 0;
    std::string first;
    for (const SeriesStats& s : series) {
      if (s.gate.trust != trust) continue;
      if (++count == 1 && !s.gate.reasons.empty())
        first = fmt::format(" ({}{})", trust == Trust::rejected ? s.input.name + ": " : "",
                            s.gate.reasons.front());
    }
    if (count == 0) continue;
    out += fmt::format("{}{} {}{}", out.empty() ? "trust: " : ", ", count, word(trust), first);
  }
  return out;
}

void add_overview(Document& d, const StatsReport& report, const DrawOptions& draw) {
  Part p;
  p.section.heading = count_with_plural(static_cast<int64_t>(report.series.size()), "series");
  double typical = 0;
  for (const auto& s : report.series)
    if (!s.sorted.empty())
      typical = std::max(typical, static_cast<double>(s.sorted[(s.sorted.size() - 1) / 2]));
  const TimeScale scale(typical);
  const std::string unit = fmt::format(" {}", scale.unit());
  const bool judged = report.options.requirement.has_value();
  std::vector<std::string> header = {"series",     "n",          "trust",
                                     "p50" + unit, "p99" + unit, "max" + unit};
  if (judged) header.emplace_back("requirement");
  Table t(header);
  for (const auto& s : report.series) {
    std::vector<std::string> row = {
        s.input.name,          fmt::format("{}", s.n()), std::string(word(s.gate.trust)),
        cell_of(s, .5, scale), cell_of(s, .99, scale),   scale(static_cast<double>(s.maximum()))};
    if (judged)
      row.emplace_back(s.requirement ? stats::decision_word(s.requirement->decision) : "-");
    t.add(std::move(row));
  }
  p.section.table = std::move(t);
  p.section.paragraphs.push_back(
      fmt::format("{:.4g} % bounds by order statistics", report.options.confidence * 100));
  p.section.paragraphs.push_back(trust_summary(report.series));
  // A comparison is about its sides; very many rows are for a page.
  if (report.series.size() > kMostRows || report.comparison) {
    p.lines.emplace_back("each series: --format md, html, csv or json");
    if (report.comparison) p.section.heading = "Launches";
  }
  add_plot(d, p, draw, ecdf_of(report.series, report.options.confidence), "ecdf.svg",
           report.series.size() > kMostCurves ? fmt::format("{} of the {} series, evenly chosen",
                                                            kMostCurves, report.series.size())
                                              : "All series");
  d.parts.push_back(std::move(p));
}

void add_levels(Document& d, const StatsReport& report, const DrawOptions& draw) {
  const Levels& l = *report.levels;
  Part p;
  p.section.heading = "Where the variation comes from";
  if (!l.split.valid) {
    p.section.paragraphs.push_back("not available: " + l.split.note);
    d.parts.push_back(std::move(p));
    return;
  }
  const TimeScale scale(l.split.mean);
  Table t({"level", "repetitions", std::string("sd ") + std::string(scale.unit()),
           fmt::format("{:.4g} % from", l.split.confidence * 100), "to", "share"});
  for (size_t i = l.split.levels.size(); i-- > 0;) {
    const auto& v = l.split.levels[i];
    t.add({i < l.names.size() ? l.names[i] : "level", fmt::format("{}", v.repetitions), scale(v.sd),
           scale(v.sd_lower), scale(v.sd_upper), percent_text(v.share)});
  }
  p.section.table = std::move(t);
  if (!l.split.truncation.empty()) p.section.paragraphs.push_back(l.split.truncation);
  if (!l.split.note.empty()) p.section.paragraphs.push_back(l.split.note);
  if (l.build_order && l.build_order->computed)
    p.section.paragraphs.push_back(
        fmt::format("trend with build order: p {} (Jonckheere-Terpstra), {:+.3g} % a build",
                    p_value_text(l.build_order->p), l.build_order->slope_percent));
  const auto k = l.split.levels.empty() ? 0 : l.split.levels.back().repetitions;
  if (!l.names.empty() && k > 0)
    p.section.paragraphs.push_back(
        fmt::format("the next {} is slower than the slowest of these {} with probability {:.3g} %",
                    l.names.back(), k, stats::next_exceeds_max(k) * 100));
  add_plot(d, p, draw, shares_of(l), "levels.svg", "Share of the variance by level");
  d.parts.push_back(std::move(p));
}

}  // namespace

Document stats_document(const StatsReport& report, const DrawOptions& draw) {
  Document d;
  d.title = "assay stats";
  if (report.series.size() == 1) d.title += ": " + report.series.front().input.name;
  if (report.comparison)
    d.title += fmt::format(": {} against {}", report.comparison->name_b, report.comparison->name_a);
  d.subtitle = "Latencies with bounds that hold, or the number of samples they would take.";
  if (report.comparison) add_comparison(d, report, draw);
  if (report.series.size() > 1 && (!report.comparison || report.comparison->launches))
    add_overview(d, report, draw);
  if (report.levels) add_levels(d, report, draw);
  const bool page = draw.svg && report.series.size() <= kMostDetails;
  const bool pair = report.comparison && !report.comparison->launches;
  if (report.series.size() == 1 || pair || page)
    for (size_t i = 0; i < report.series.size(); ++i)
      add_series(d, report, report.series[i], draw,
                 report.series.size() == 1 ? "" : fmt::format("_{}", i + 1));
  return d;
}

Table quantile_csv(const StatsReport& report) {
  Table t({"series", "n", "trust", "quantile", "estimate_ns", "lower_ns", "upper_ns", "confidence",
           "upper_one_sided_ns", "one_sided_confidence", "tau", "n_effective", "n_needed",
           "refusal"});
  auto whole = [](const std::optional<int64_t>& v) { return v ? fmt::format("{}", *v) : ""; };
  for (const auto& s : report.series)
    for (size_t i = 0; i < s.rows.size(); ++i) {
      const auto& r = s.rows[i];
      const bool have = r.carried();
      t.add({s.input.name, fmt::format("{}", s.n()), std::string(word(s.gate.trust)),
             fmt::format("{}", r.q), have ? fmt::format("{}", r.estimate) : "",
             have ? whole(r.lower) : "", have ? whole(r.upper) : "",
             fmt::format("{}", r.confidence), have ? whole(s.tail[i].upper_one_sided) : "",
             fmt::format("{}", report.options.tail_confidence), fmt::format("{:.6g}", r.tau),
             fmt::format("{:.6g}", r.n_effective),
             !have && r.n_needed > 0 ? fmt::format("{}", r.n_needed) : "", refusal_text(r)});
    }
  return t;
}

}  // namespace assay::report
