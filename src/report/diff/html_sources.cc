// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "diff/source_diff.h"
#include "report/diff/html_parts.h"
#include "report/escape.h"

namespace assay::report {
namespace {

constexpr size_t kLine = 240;  // characters of a line
constexpr size_t kOpen = 2;    // shown without a click

// Marked lines begin with - or +, so that colour is not what tells them apart.
std::string hunks_html(const diff::SourceDiff& d) {
  std::string out = "<pre class=\"code\">";
  for (const diff::SourceHunk& h : d.hunks) {
    out += fmt::format("<i>lines {} and {}</i>", h.a, h.b);
    for (const diff::SourceLine& l : h.lines) {
      const std::string text = html(l.text, kLine);
      if (l.mark == '-')
        out += "<del>-" + text + "</del>";
      else if (l.mark == '+')
        out += "<ins>+" + text + "</ins>";
      else
        out += "<span> " + text + "</span>";
    }
  }
  return out + "</pre>\n";
}

std::string heading(const DiffReport& report, const SourcePair& p, const diff::SourceDiff& d) {
  std::string out = html(row_name(report, p.rows.front()), 100);
  if (p.rows.size() > 1) out += fmt::format(" and {} more", p.rows.size() - 1);
  return out + fmt::format(": {} to {}, {} lines removed, {} added",
                           html(report.engines[p.engine_a].label, 40),
                           html(report.engines[p.engine_b].label, 40), d.removed, d.added);
}

std::string remarks(const diff::SourceDiff& d) {
  std::string out;
  if (d.cut > 0) out += fmt::format("{} further lines of this difference are not shown. ", d.cut);
  if (d.unread > 0) out += fmt::format("{} lines beyond the limit were not compared. ", d.unread);
  if (!d.minimal) out += "The sources are too different for the shortest set of changes. ";
  return out.empty() ? "" : "<p class=\"how\">" + out + "</p>\n";
}

}  // namespace

std::string diff_sources_html(const DiffReport& report, RowLinks& links) {
  std::string out;
  size_t shown = 0, absent = 0, left_out = 0;
  for (const SourcePair& p : source_pairs(report)) {
    if (!p.at_hand) {
      ++absent;
      continue;
    }
    if (out.size() >= kSourcesBudget) {
      ++left_out;
      continue;
    }
    diff::SourceLimits limits;
    limits.max_lines = 240;
    const diff::SourceDiff d =
        diff_sources(report.engines[p.engine_a].layers[p.layer_a].source_text,
                     report.engines[p.engine_b].layers[p.layer_b].source_text, limits);
    const std::string body = hunks_html(d);
    if (out.size() + body.size() > kSourcesBudget + kSourcesBudget / 10) {
      ++left_out;
      continue;
    }
    const std::string id = fmt::format("s{}", shown);
    for (size_t row : p.rows) links.source.emplace(row, id);
    out +=
        fmt::format("<details id=\"{}\"{}><summary>{}</summary>\n{}{}</details>\n", id,
                    shown < kOpen ? " open=\"open\"" : "", heading(report, p, d), body, remarks(d));
    ++shown;
  }
  if (absent > 0)
    out += fmt::format(
        "<p class=\"how\">{} pairs of sources differ by their hashes; their texts are not at "
        "hand.</p>\n",
        absent);
  if (left_out > 0)
    out += fmt::format(
        "<p class=\"how\">{} more differences of sources are left out to keep this page small: "
        "compare the files of the engine folders.</p>\n",
        left_out);
  return out;
}

}  // namespace assay::report
