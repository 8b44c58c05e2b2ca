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

// One engine's rows: the chosen candidate, the fastest of those that lost, and how many there were.
void add_side(const DiffReport& report, const diff::TaskDiff& t, size_t e, HtmlTable& table) {
  const diff::TaskSide& s = t.sides[e];
  table.row().text(report.engines[e].label);
  if (!s.decision) {
    table.text("(no such task)").num("").num("");
    return;
  }
  const auto& candidates = report.engines[e].decisions[*s.decision].candidates;
  table.raw(fmt::format("<b>{}</b>", html(s.choice.empty() ? "(not told)" : s.choice, 200)));
  table.num(s.times ? range_text(*s.times) : "-").num("chosen");
  for (size_t i = 0; i < std::min(kLosers, s.losers.size()); ++i) {
    const diff::Loser& l = s.losers[i];
    table.row().text("").text(plain(candidates[l.candidate].text, 200));
    table.num(range_text(l.times)).num(gap_text(l));
  }
  if (s.candidates == 0) return;
  std::string rest = fmt::format("{} candidates", s.candidates);
  if (s.failed > 0) rest += fmt::format(", {} failed", s.failed);
  if (s.losers.size() > kLosers)
    rest += fmt::format("; {} slower ones are not shown", s.losers.size() - kLosers);
  table.row().text("").raw("<span class=\"soft\">" + rest + "</span>").num("").num("");
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
    HtmlTable table({"engine", "candidate", "time", "over the chosen"});
    table.right(2).right(3);
    for (size_t e = 0; e < t.sides.size(); ++e) add_side(report, t, e, table);
    out += table.str() + "</details>\n";
  }
  if (left_out > 0)
    out += fmt::format(
        "<p class=\"how\">{} more choices differ and are left out to keep this page small: "
        "<code>--format json</code> has all of them.</p>\n",
        left_out);
  return out;
}

}  // namespace assay::report
