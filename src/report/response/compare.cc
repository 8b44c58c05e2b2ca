// SPDX-License-Identifier: Apache-2.0
// N streams against one, and compilers and builds against each other, over repetitions.
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>

#include "report/response/parts.h"
#include "report/series/numbers.h"
#include "report/svg/series_charts.h"
#include "stats/equality.h"

namespace assay::report {
namespace {

constexpr size_t kForestRows = 30;

// CPU sets are named where there are several.
std::string condition(const stream::Slowdown& s, bool sets_differ) {
  std::vector<std::string> out = {s.recipe};
  if (s.mode != "processes") out.push_back(s.mode);
  if (s.co_runner != "none") out.push_back("beside " + s.co_runner);
  if (s.cache != "warm") out.push_back(s.cache + " cache");
  if (s.policy != stream::Policy::queue) out.emplace_back(stream::word(s.policy));
  if (s.priority != "other") out.push_back(s.priority);
  if (sets_differ && !s.cpus.empty()) out.push_back(fmt::format("CPUs {}", fmt::join(s.cpus, ",")));
  return joined(out, ", ");
}

bool several_cpu_sets(const Results& r) {
  return std::any_of(r.slowdowns.begin(), r.slowdowns.end(),
                     [&](const stream::Slowdown& s) { return s.cpus != r.slowdowns[0].cpus; });
}

bool known(const stats::LogRatio& r) {
  return r.lower > 0 && std::isfinite(r.lower) && std::isfinite(r.upper);
}

std::string ratio_text(const stats::LogRatio& r) {
  return known(r) ? fmt::format("{:.3f} [{:.3f}, {:.3f}]", r.ratio, r.lower, r.upper)
                  : std::string("not available, need 2 repetitions");
}

std::string note_of(const stream::Slowdown& s) {
  std::vector<std::string> out;
  if (s.trust == Trust::rejected) out.emplace_back("inconclusive: a side is not to be trusted");
  if (s.oversubscribed)
    out.emplace_back("oversubscribed");  // what its own note explains, the notes below do
  else if (!s.note.empty())
    out.push_back(s.note);
  return out.empty() ? "-" : joined(out);
}

bool first_of_all(const stream::Slowdown& s) {
  return s.stage == Stage::response || s.stage == Stage::infer;
}

Table slowdown_table(const Results& r, bool main) {
  Table t({"condition", "task", "stage", "of", "N", "ratio to N = 1", "word", "p of a rise",
           "trust", "note"});
  const bool sets = several_cpu_sets(r);
  for (const stream::Slowdown& s : r.slowdowns)
    if (first_of_all(s) == main)
      t.add({condition(s, sets), s.task, stage_name(s.stage), quantile_name(s.q),
             std::to_string(s.streams), ratio_text(s.ratio),
             std::string(stats::equality_word(s.ratio.equality)), p_value_text(s.p_trend),
             std::string(word(s.trust)), note_of(s)});
  return t;
}

std::string forest(const Results& r, Stage stage) {
  const bool sets = several_cpu_sets(r);
  ForestPlot plot;
  plot.heading = fmt::format("Median {} of N streams over that of one", stage_name(stage));
  plot.name = "ratio (1: no slowdown)";
  plot.label = plot.heading + ", with 95 % intervals";
  for (const stream::Slowdown& s : r.slowdowns) {
    if (s.stage != stage || s.q != .5 || plot.rows.size() == kForestRows) continue;
    ForestRow row;
    row.name = fmt::format("N = {}, {}", s.streams, condition(s, sets));
    row.title = fmt::format("{}, {}, N = {}: {}", condition(s, sets), s.task, s.streams,
                            ratio_text(s.ratio));
    row.missing.assign("not available");
    if (known(s.ratio)) row.estimate = s.ratio.ratio, row.lower = s.ratio.lower;
    if (known(s.ratio)) row.upper = s.ratio.upper;
    row.result.assign(s.oversubscribed ? "oversubscribed" : stats::equality_word(s.ratio.equality));
    plot.rows.push_back(std::move(row));
  }
  return plot.rows.empty() ? std::string() : svg::forest_chart(plot);
}

void add_slowdowns(const Source& s, Parts& out) {
  if (s.results.slowdowns.empty()) return;
  Part p;
  p.section.heading = "Slowdown";
  p.section.table = slowdown_table(s.results, true);
  for (const auto& d : s.results.slowdowns)
    if (first_of_all(d))
      p.lines.push_back(fmt::format("{}, {}: {} of {} under N = {} is {} times that of one ({}{})",
                                    condition(d, several_cpu_sets(s.results)), d.task,
                                    quantile_name(d.q), stage_name(d.stage), d.streams,
                                    ratio_text(d.ratio), stats::equality_word(d.ratio.equality),
                                    d.oversubscribed ? ", oversubscribed" : ""));
  if (s.draw.svg)
    for (const Stage stage : {Stage::response, Stage::infer})
      if (std::string drawing = forest(s.results, stage); !drawing.empty())
        p.section.figures.push_back({std::move(drawing), ""});
  p.section.notes.emplace_back(
      "The unit is a repetition: Welch's t on the logs of its medians (p99s), 95 %. equivalent: "
      "the 90 % interval lies within the margin; different: the 95 % interval excludes 1 and the "
      "ratio lies outside the margin; immaterial: it excludes 1, but within the margin. p of a "
      "rise: Jonckheere-Terpstra over all N that are not oversubscribed. Where more threads than "
      "CPUs run, "
      "the ratio is not that of concurrency alone. A slowdown holds for the neighbours that were "
      "measured.");
  out.push_back(std::move(p));
  Part all;
  all.section.heading = "Slowdown of the other stages";
  all.section.table = slowdown_table(s.results, false);
  all.section.folded = all.page_only = true;
  if (!all.section.table->empty()) out.push_back(std::move(all));
}

void add_equalities(const Results& r, Parts& out) {
  if (r.equalities.empty()) return;
  Part p;
  p.section.heading = "Are stages the same for all?";
  Table t({"stage", "task", "N", "condition", "over", "ratios of medians", "margin", "word",
           "pairs equal", "trust", "sides"});
  for (const stream::StageEquality& e : r.equalities) {
    std::vector<std::string> where = {e.mode};
    if (e.co_runner != "none") where.push_back("beside " + e.co_runner);
    where.push_back(e.cache + " cache");
    const std::string over = e.compiler.empty() ? e.over : e.over + " of " + e.compiler;
    const std::string_view word_of = stats::equality_word(e.all.equality);
    t.add({stage_name(e.stage), e.task, std::to_string(e.streams), joined(where, ", "), over,
           fmt::format("{:.3f} to {:.3f}", e.ratio_low, e.ratio_high),
           fmt::format("{:g} %", 100 * e.margin), std::string(word_of),
           fmt::format("{} of {}", e.all.equivalent, e.all.pairs), std::string(word(e.trust)),
           joined(e.sides, ", ")});
    p.lines.push_back(fmt::format("{}, N = {}, {}: {} over {} (ratios {:.3f} to {:.3f})",
                                  stage_name(e.stage), e.streams, e.task, word_of, over,
                                  e.ratio_low, e.ratio_high));
  }
  p.section.table = std::move(t);
  p.section.notes.emplace_back(
      "Two one-sided tests (TOST) on the medians of the repetitions, every pair of sides: "
      "equivalent is said only where each pair lies within the margin, which was fixed before; a "
      "difference that was merely not found is inconclusive. The paper holds that read, pre and "
      "post do not depend on the compiler (its observation 9).");
  out.push_back(std::move(p));
}

}  // namespace

Parts compare_parts(const Source& s) {
  Parts out;
  add_slowdowns(s, out);
  add_equalities(s.results, out);
  return out;
}

}  // namespace assay::report
