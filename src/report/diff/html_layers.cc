// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "report/diff/html_parts.h"
#include "report/escape.h"

namespace assay::report {
namespace {

// One row of the table. Cells of the first engine that has the row are plain; those that are not
// the same are set apart by colour and by a mark before the text.
std::string row_html(const DiffReport& report, size_t i, const RowLinks& links, bool timed) {
  const diff::RowDiff& r = report.comparison.rows[i];
  std::string out = fmt::format(R"(<tr id="r{}"><td class="n">{}</td><td>{}</td>)", i, i,
                                html(row_name(report, i), 120));
  std::string words;
  for (diff::Change c : r.changes)
    words += fmt::format(R"({}<span title="{}">{}</span>)", words.empty() ? "" : ", ",
                         html(diff::statement(c)), diff::word(c));
  for (const auto& [id, text] : {std::pair{&links.source, "source"}, {&links.task, "choice"}})
    if (const auto it = id->find(i); it != id->end())
      words += fmt::format(R"( <a href="#{}">{}</a>)", it->second, text);
  out += fmt::format("<td>{}</td>", words.empty() ? "-" : words);
  size_t first = 0;
  while (first + 1 < r.sides.size() && !r.sides[first].present) ++first;
  for (size_t e = 0; e < r.sides.size(); ++e) {
    const diff::Side& s = r.sides[e];
    const bool other = s.variant != r.sides[first].variant;
    out += fmt::format("<td class=\"k{}\">{}{}</td>", other ? " other" : "",
                       other ? "&#8800;&#160;" : "", html(side_text(report, i, e), 200));
    if (timed) out += fmt::format(R"(<td class="n">{}</td>)", time_text(s));
  }
  return out + "</tr>\n";
}

std::string table_html(const DiffReport& report, const std::vector<size_t>& rows,
                       const RowLinks& links, size_t budget) {
  const bool timed = any_time(report);
  std::string out = R"(<div class="scroll"><table class="diff"><thead><tr><th class="n">#</th>)";
  out += "<th scope=\"col\">layer</th><th scope=\"col\">change</th>";
  for (const diff::EngineMap& e : report.engines) {
    out += fmt::format("<th scope=\"col\">{}</th>", html(e.label, 60));
    if (timed) out += R"(<th class="n" scope="col">time</th>)";
  }
  out += "</tr></thead>\n<tbody>";
  size_t shown = 0;
  for (; shown < rows.size() && out.size() < budget; ++shown)
    out += row_html(report, rows[shown], links, timed);
  out += "</tbody></table></div>\n";
  if (shown < rows.size())
    out += fmt::format(
        "<p class=\"how\">{} more rows are left out to keep this page small: "
        "<code>--all --format csv</code> has all of them.</p>\n",
        rows.size() - shown);
  return out;
}

}  // namespace

std::string diff_layers_html(const DiffReport& report, const RowLinks& links) {
  const std::vector<size_t> rows = diff_rows(report, true);
  if (rows.empty()) return "<p>No layer differs.</p>\n";
  return table_html(report, rows, links, kRowsBudget) +
         "<p class=\"how\">&#8800; marks what is not as in the first engine that has the layer. "
         "Of equal parts only those are written that tell the layer; #: begin of the source's "
         "hash; time: median, and share of the sum of all layers.</p>\n";
}

std::string diff_equal_layers_html(const DiffReport& report) {
  const std::vector<size_t> rows = diff_rows(report, false);
  if (rows.empty()) return "";
  return fmt::format("<details{}><summary>{} layers that do not differ</summary>\n{}</details>\n",
                     report.all ? " open=\"open\"" : "", rows.size(),
                     table_html(report, rows, {}, kEqualRowsBudget));
}

}  // namespace assay::report
