// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <unordered_map>

#include "report/diff/html_parts.h"
#include "report/escape.h"
#include "report/html_parts.h"

namespace assay::report {
namespace {

constexpr size_t kLosers = 5;

// The chosen candidate and the fastest of those that lost, each engine below the other.
std::string side_html(const DiffReport& report, const diff::TaskDiff& t, size_t e) {
  const diff::TaskSide& s = t.sides[e];
  std::string out = fmt::format("<h5>{}</h5>\n", html(report.engines[e].label, 60));
  if (!s.decision) return out + paragraph("has no such task");
  const auto& candidates = report.engines[e].decisions[*s.decision].candidates;
  HtmlTable table({"candidate", "time", "over the chosen"});
  table.right(1).right(2);
  table.row().raw(fmt::format("<b>{}</b>", html(s.choice.empty() ? "(not told)" : s.choice, 200)));
  table.num(s.times ? range_text(*s.times) : "-").num("chosen");
  for (size_t i = 0; i < std::min(kLosers, s.losers.size()); ++i) {
    const diff::Loser& l = s.losers[i];
    table.row()
        .text(plain(candidates[l.candidate].text, 200))
        .num(range_text(l.times))
        .num(gap_text(l));
  }
  out += table.str();
  std::string rest = fmt::format("{} candidates", s.candidates);
  if (s.failed > 0) rest += fmt::format(", {} failed", s.failed);
  if (s.losers.size() > kLosers)
    rest += fmt::format("; {} slower ones are not shown", s.losers.size() - kLosers);
  return s.candidates > 0 ? out + paragraph(rest, "soft") : out;
}

}  // namespace

std::string diff_tasks_html(const DiffReport& report, RowLinks& links) {
  const diff::Comparison& c = report.comparison;
  std::string out;
  std::unordered_map<std::string_view, std::vector<size_t>> rows_of;  // by layer name
  for (size_t row = 0; row < c.rows.size(); ++row)
    for (const diff::Side& s : c.rows[row].sides)
      if (s.present) rows_of[s.layer].push_back(row);
  size_t shown = 0, left_out = 0;
  for (const diff::TaskDiff& t : c.tasks) {
    if (!t.differs) continue;
    if (out.size() >= kTasksBudget) {
      ++left_out;
      continue;
    }
    const std::string id = fmt::format("t{}", shown++);
    for (const size_t row : rows_of[t.task]) links.task.emplace(row, id);
    out += fmt::format("<details id=\"{}\"{}><summary>{}: {}</summary>\n", id,
                       shown <= 2 ? " open=\"open\"" : "", html(t.task, 140), diff::word(t.tie));
    if (!t.why.empty()) out += paragraph(t.why);
    for (size_t e = 0; e < t.sides.size(); ++e) out += side_html(report, t, e);
    out += "</details>\n";
  }
  if (left_out > 0)
    out += fmt::format(
        "<p class=\"how\">{} more choices differ and are left out to keep this page small: "
        "<code>--format json</code> has all of them.</p>\n",
        left_out);
  return out;
}

}  // namespace assay::report
