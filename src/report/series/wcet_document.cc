// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "report/figures.h"
#include "report/series/document.h"
#include "report/series/numbers.h"
#include "report/series/plots.h"

namespace assay::report {
namespace {

const char* kExtrapolation = "extrapolation";
const char* kHowBounds =
    "Bound: the larger of a profile-likelihood bound of the fitted tail and a bound of an "
    "exponential tail. It speaks of the machine, inputs and state that were measured, and of "
    "nothing else. Below p = 1/(100 n) it is a model's extrapolation and no evidence.";
const char* kHowTail =
    "Dots: share of latencies at or above each value. Solid: fitted tail. Dashed: its upper bound. "
    "Shaded: fewer than one exceedance in 100 such series, so model and no evidence.";
const char* kHowQq =
    "Excesses over the threshold against those of the fitted law, with a 95 % envelope of each; "
    "points that leave it far out say that the tail is another.";

double typical(std::span<const int64_t> sorted) {
  return sorted.empty() ? 0 : static_cast<double>(sorted[(sorted.size() - 1) / 2]);
}

Table applicability_table(const stats::Pwcet& w) {
  Table t({"condition", "", "detail"});
  for (const auto& a : w.list)
    t.add({a.name, a.pass ? "pass" : a.required ? "FAIL" : "note", a.detail});
  return t;
}

std::string point_note(const stats::PwcetPoint& p) {
  if (!p.bound_ns) return "not available";
  std::string out;
  if (p.order_statistic) out = "order statistic, no model";
  if (p.extrapolation) out = kExtrapolation;
  if (p.below_high_water) out += std::string(out.empty() ? "" : ", ") + "below the largest seen";
  return out;
}

Table point_table(const stats::Pwcet& w, const WcetOptions& o, const TimeScale& scale) {
  std::vector<std::string> header = {"p per inference",
                                     fmt::format("bound {}", scale.unit()),
                                     "profile U_P",
                                     "exponential U_E",
                                     "fit",
                                     "block maxima"};
  if (o.fps > 0) header.push_back(fmt::format("p per hour at {:.4g}/s", o.fps));
  header.emplace_back("");
  Table t(header);
  for (const auto& p : w.points) {
    std::vector<std::string> row = {probability_text(p.p),     scale(p.bound_ns),
                                    scale(p.profile_upper_ns), scale(p.exponential_upper_ns),
                                    scale(p.estimate_ns),      scale(p.block_maxima_ns)};
    if (o.fps > 0)
      row.push_back(probability_text(stats::horizon_probability(p.p, o.fps * 3600, w.theta.theta)));
    row.push_back(point_note(p));
    t.add(std::move(row));
  }
  return t;
}

std::string deadline_text(const Deadline& d, double confidence) {
  std::string out = fmt::format(
      "deadline {}: {} of {} later than that; P(X > D) below {} with {:.4g} % (counted, tau "
      "{:.2f})",
      format_ns(static_cast<double>(d.at_ns)), d.misses, d.n, probability_text(d.observed_upper),
      confidence * 100, d.tau);
  if (d.model)
    out +=
        fmt::format("; model: {}{}, below {} with {:.4g} %{}", probability_text(*d.model),
                    *d.model == 0 ? " (beyond the end of the fitted law)" : "",
                    d.model_upper ? probability_text(*d.model_upper) : "(not bounded)",
                    confidence * 100, d.extrapolation ? fmt::format(" ({})", kExtrapolation) : "");
  return out;
}

std::string paper_text(const stats::PaperWcet& w) {
  if (!w.ok) return "paper's eq. 1: the terms are not usable";
  return fmt::format(
      "paper's eq. 1, {}: R = {} = read {} + pre {} + inference {} (largest seen) + post {}; "
      "a sum of stated constants: no tail, no confidence, no queueing{}",
      w.cameras == 1 ? "one camera" : fmt::format("{} cameras", w.cameras),
      format_ns(w.response_ns), format_ns(w.read_ns), format_ns(w.pre_ns),
      format_ns(w.inference_ns), format_ns(w.post_ns),
      w.cameras == 1 ? "" : "; growth by concurrency and epsilon taken as 0, as none was measured");
}

std::string fit_text(const stats::Pwcet& w, const TimeScale& scale) {
  return fmt::format(
      "tail: {} values above {} ({} of the series), xi {:+.3f}, sigma {}; extremal index {:.2f} "
      "[{:.2f}, {:.2f}]",
      w.k, scale.with_unit(static_cast<double>(w.threshold_ns)), percent_text(w.zeta), w.fit.xi,
      format_ns(w.fit.sigma), w.theta.theta, w.theta.lower, w.theta.upper);
}

void add_plots(Document& d, Part& p, const DrawOptions& draw, std::span<const int64_t> run,
               int64_t warm_up, const stats::Gate& gate, std::span<const int64_t> sorted,
               const stats::Pwcet& w, std::span<const stats::PwcetPoint> curve,
               std::optional<int64_t> deadline, const std::string& name,
               const std::string& suffix) {
  add_plot(d, p, draw, tail_of(sorted, w, curve, deadline, name), "exceedance" + suffix + ".svg",
           kHowTail);
  if (w.fit.ok && w.k > 1)
    add_plot(d, p, draw, qq_of(sorted, w, name), "qq" + suffix + ".svg", kHowQq);
  DrawOptions page = draw;
  page.terminal = false;  // the terminal has the tail; `assay stats` draws the run
  add_plot(d, p, page, run_order_of(run, warm_up, gate, sorted, name),
           "run_order" + suffix + ".svg", "Least and greatest latency of each stretch of time");
}

void add_series(Document& d, const WcetReport& report, const WcetSeries& s, const DrawOptions& draw,
                const std::string& suffix) {
  const stats::Pwcet& w = s.result;
  const TimeScale scale(typical(s.sorted));
  Part p;
  p.section.heading = "pWCET of " + s.input.name;
  p.section.word = w.refused ? "REFUSED" : "";
  auto& lines = p.section.paragraphs;
  lines.push_back(fmt::format(
      "{} latencies ({}, {}){}; trust {}{}{}", s.input.samples.size(), s.input.format, s.input.unit,
      s.warm_up > 0 ? fmt::format(", the first {} cut as warm-up", s.warm_up) : "",
      word(s.gate.trust), s.gate.reasons.empty() ? "" : ": ", fmt::join(s.gate.reasons, "; ")));
  for (const auto& note : s.input.notes) lines.push_back("note: " + note);
  if (!s.sorted.empty())
    lines.push_back(
        fmt::format("high-water mark {} in {} (seen, no bound)",
                    scale.with_unit(static_cast<double>(s.sorted.back())),
                    count_with_plural(static_cast<int64_t>(s.sorted.size()), "inference")));
  for (const auto& reason : w.reasons) lines.push_back("refused: " + reason);
  if (!w.refused) {
    lines.push_back(fit_text(w, scale));
    lines.push_back(
        fmt::format("bounds at {:.4g} % confidence; evidence down to p = {} (1/(100 n)), "
                    "below that {}",
                    w.confidence * 100, probability_text(1 / (100 * static_cast<double>(w.n))),
                    kExtrapolation));
    p.section.table = point_table(w, report.options, scale);
  }
  if (s.deadline) lines.push_back(deadline_text(*s.deadline, report.options.pwcet.confidence));
  for (const auto& paper : s.paper) lines.push_back(paper_text(paper));
  if (w.refused) p.next = what_would_help(w, s.gate);
  p.section.notes = {
      kHowBounds, fmt::format("Bootstrap: {} replicates, seed {}.", report.options.pwcet.bootstrap,
                              report.options.pwcet.seed)};
  add_plots(d, p, draw, s.input.samples, s.warm_up, s.gate, s.sorted, w, s.curve,
            report.options.deadline_ns, s.input.name, suffix);
  d.parts.push_back(std::move(p));
  if (w.list.empty()) return;
  Part list;
  list.section.heading = "Applicability";
  list.section.table = applicability_table(w);
  for (const auto& a : w.list)
    list.lines.push_back(fmt::format("{}  {}: {}",
                                     a.pass       ? "pass"
                                     : a.required ? "FAIL"
                                                  : "note",
                                     a.name, a.detail));
  list.section.notes = {"Each condition that may refuse the pWCET, and whether it holds here."};
  d.parts.push_back(std::move(list));
}

Table build_table(const WcetPopulation& w, const WcetOptions& o, const TimeScale& scale) {
  std::vector<std::string> header = {"build", "launches", "n", "trust"};
  for (double p : o.pwcet.p) header.push_back(fmt::format("p {}", probability_text(p)));
  header.emplace_back("");
  Table t(header);
  for (size_t i = 0; i < w.result.builds.size(); ++i) {
    const auto& b = w.result.builds[i];
    std::vector<std::string> row = {
        i < w.build_names.size() ? w.build_names[i] : fmt::format("{}", b.build),
        fmt::format("{}", b.launches), fmt::format("{}", b.joined.n),
        std::string(word(i < w.gates.size() ? w.gates[i].trust : Trust::rejected))};
    for (size_t k = 0; k < o.pwcet.p.size(); ++k)
      row.push_back(!b.refused && k < b.bound_ns.size() ? scale(b.bound_ns[k]) : "-");
    row.push_back(b.refused
                      ? "refused: " + (b.reasons.empty() ? std::string("see json") : b.reasons[0])
                  : b.launches_alike ? ""
                                     : "launches differ: each bounded alone");
    t.add(std::move(row));
  }
  return t;
}

std::string name_of(const WcetPopulation& w, int64_t build) {
  for (size_t i = 0; i < w.result.builds.size() && i < w.build_names.size(); ++i)
    if (w.result.builds[i].build == build) return w.build_names[i];
  return "-";
}

void add_population(Document& d, const WcetReport& report, const WcetPopulation& w,
                    const DrawOptions& draw, const std::string& suffix) {
  const auto& r = w.result;
  const TimeScale scale(typical(w.shown_sorted));
  const auto k = static_cast<int64_t>(r.builds.size());
  Part p;
  p.section.heading = fmt::format("pWCET over {}: {}", count_with_plural(k, "build"), w.name);
  p.section.word = r.refused ? "REFUSED" : "";
  auto& lines = p.section.paragraphs;
  for (const auto& reason : r.reasons) lines.push_back("refused: " + reason);
  if (!r.refused) {
    Table t({"p per inference", fmt::format("builds seen {}", scale.unit()), "worst build",
             fmt::format("{:.4g} % of builds {}", r.content * 100, scale.unit()), ""});
    for (const auto& point : r.points)
      t.add({probability_text(point.p), scale(point.seen_bound_ns), name_of(w, point.worst_build),
             scale(point.tolerance_ns), point.extrapolation ? kExtrapolation : ""});
    p.section.table = std::move(t);
    lines.push_back(fmt::format("bounds at {:.4g} % confidence over the {} seen (Bonferroni)",
                                r.confidence * 100, count_with_plural(k, "build")));
    lines.push_back(fmt::format(
        "the next build is above the largest of these with probability {:.3g} %, above the bound "
        "with at most {:.3g} %",
        r.next_exceeds * 100, r.next_exceeds_bound * 100));
    if (!r.wilks)
      lines.push_back(fmt::format(
          "{} builds bound {:.3g} % of all builds without assumptions; {:.4g} % takes {}", k,
          r.wilks_content * 100, r.content * 100, r.builds_needed));
  }
  const size_t shown = w.shown;
  if (r.refused && shown < r.builds.size() && shown < w.gates.size())
    p.next = what_would_help(r.builds[shown].joined, w.gates[shown]);
  p.section.notes = {kHowBounds,
                     "Builds are never pooled: each has a law of its own, and the bound is about "
                     "the largest."};
  if (shown < r.builds.size() && draw.svg)
    p.section.notes.push_back("The plots show " + w.build_names[shown] + ".");
  if (shown < r.builds.size() && shown < w.gates.size())
    add_plots(d, p, draw, w.shown_samples, 0, w.gates[shown], w.shown_sorted,
              r.builds[shown].joined, w.curve, report.options.deadline_ns,
              fmt::format("{}, build {}", w.name, w.build_names[shown]), suffix);
  d.parts.push_back(std::move(p));
  Part builds;
  builds.section.heading = "Builds of " + w.name;
  builds.section.paragraphs.push_back(fmt::format("bounds in {}", scale.unit()));
  builds.section.table = build_table(w, report.options, scale);
  d.parts.push_back(std::move(builds));
}

}  // namespace

Document wcet_document(const WcetReport& report, const DrawOptions& draw) {
  Document d;
  d.title = "assay wcet";
  d.subtitle =
      "Latency exceeded by one inference with probability p: an upper bound, or a refusal with its "
      "reasons.";
  const size_t all = report.series.size() + report.populations.size();
  if (report.series.size() == 1 && all == 1) d.title += ": " + report.series[0].input.name;
  size_t number = 0;
  auto suffix = [&] { return all == 1 ? std::string() : fmt::format("_{}", ++number); };
  for (const auto& s : report.series) add_series(d, report, s, draw, suffix());
  for (const auto& w : report.populations) add_population(d, report, w, draw, suffix());
  if (!report.notes.empty()) {
    Part p;
    p.section.heading = "Notes";
    p.section.paragraphs = report.notes;
    d.parts.push_back(std::move(p));
  }
  return d;
}

Table wcet_csv(const WcetReport& report) {
  Table t(
      {"name", "build", "n", "trust", "p", "bound_ns", "confidence", "extrapolation", "refusal"});
  const auto& o = report.options.pwcet;
  auto value = [](const std::optional<double>& v) { return v ? fmt::format("{:.0f}", *v) : ""; };
  for (const auto& s : report.series)
    for (size_t i = 0; i < o.p.size(); ++i) {
      const bool have = !s.result.refused && i < s.result.points.size();
      t.add({s.input.name, "", fmt::format("{}", s.result.n), std::string(word(s.gate.trust)),
             fmt::format("{}", o.p[i]), have ? value(s.result.points[i].bound_ns) : "",
             fmt::format("{}", s.result.confidence),
             have && s.result.points[i].extrapolation ? "yes" : "no",
             s.result.reasons.empty() ? "" : s.result.reasons[0]});
    }
  for (const auto& w : report.populations)
    for (size_t b = 0; b < w.result.builds.size(); ++b)
      for (size_t i = 0; i < o.p.size(); ++i) {
        const auto& build = w.result.builds[b];
        const bool have = !build.refused && i < build.bound_ns.size();
        t.add({w.name, w.build_names[b], fmt::format("{}", build.joined.n),
               std::string(word(w.gates[b].trust)), fmt::format("{}", o.p[i]),
               have ? value(build.bound_ns[i]) : "", fmt::format("{}", build.confidence),
               o.p[i] < 1 / (100 * static_cast<double>(std::max<int64_t>(1, build.joined.n)))
                   ? "yes"
                   : "no",
               build.reasons.empty() ? "" : build.reasons[0]});
      }
  return t;
}

}  // namespace assay::report
