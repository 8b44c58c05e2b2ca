// SPDX-License-Identifier: Apache-2.0
#include "report/stats_page.h"

#include <fmt/format.h>

#include <algorithm>

#include "report/escape.h"
#include "report/html_parts.h"
#include "report/svg/style.h"

namespace assay::report {
namespace {

// A folded section prints open: paper has nothing to click on.
constexpr std::string_view kFolded =
    "td:first-child{min-width:8.5rem}summary "
    "h2{display:inline;margin:0}details:not([open])>summary{margin:0}"
    "@media print{details::details-content{content-visibility:visible}}";

bool numeric(std::string_view cell) {
  if (cell.empty() || cell == "-" || cell == "not available" ||
      cell.starts_with("not available, need n >= "))
    return true;
  const size_t digit = cell.find_first_of("0123456789");
  // "12.3 us", "-0.4 %", "1e-6", "[0.99, 1.02]", "< 0.1 %": starts like a number.
  return digit != std::string_view::npos && digit <= 2 &&
         cell.substr(0, digit).find_first_not_of("+-<>=[. ") == std::string_view::npos;
}

std::string table_html(const Table& t) {
  HtmlTable out(t.header());
  std::vector<bool> right(t.header().size(), true);
  for (const auto& row : t.rows())
    for (size_t i = 0; i < row.size() && i < right.size(); ++i)
      right[i] = right[i] && numeric(row[i]);
  for (size_t i = 0; i < right.size(); ++i)
    if (right[i]) out.right(i);
  for (const auto& row : t.rows()) {
    out.row();
    for (size_t i = 0; i < row.size(); ++i)
      i < right.size() && right[i] ? out.num(row[i]) : out.text(row[i]);
  }
  return out.str();
}

std::string section_html(const Section& s, size_t index) {
  std::string out =
      fmt::format("<section id=\"p{}\">{}<h2>{}{}</h2>{}\n", index,
                  s.folded ? "<details><summary>" : "", html(s.heading, 200),
                  s.word.empty() ? "" : " " + badge(s.word), s.folded ? "</summary>" : "");
  for (const auto& p : s.paragraphs) out += paragraph(p);
  if (!s.figures.empty()) out += "<div class=\"figures\">";
  for (const Figure& f : s.figures) {
    out += "<figure>";
    out += f.svg.starts_with("<svg ") ? f.svg : html(f.svg);
    if (!f.caption.empty()) out += "<figcaption>" + html(f.caption, 1000) + "</figcaption>";
    out += "</figure>\n";
  }
  if (!s.figures.empty()) out += "</div>\n";
  if (s.table && !s.table->empty()) out += table_html(*s.table);
  for (const auto& n : s.notes) out += paragraph(n, "how");
  return out + (s.folded ? "</details></section>\n" : "</section>\n");
}

}  // namespace

std::string stats_page(const std::string& title, const std::vector<Section>& sections,
                       const std::string& subtitle) {
  const bool folds =
      std::any_of(sections.begin(), sections.end(), [](const Section& s) { return s.folded; });
  std::string out = page_head(title, folds ? kFolded : "");
  out += fmt::format("<header><p class=\"brand\">assay</p><h1>{}</h1>\n", html(title));
  if (!subtitle.empty()) out += paragraph(subtitle, "soft");
  out += "</header>\n";
  if (sections.size() > 3) {
    out += "<nav>";
    for (size_t i = 0; i < sections.size(); ++i)
      if (!sections[i].folded)
        out += fmt::format("<a href=\"#p{}\">{}</a> ", i, html(sections[i].heading, 60));
    out += "</nav>\n";
  }
  out += "<main>\n";
  for (size_t i = 0; i < sections.size(); ++i) out += section_html(sections[i], i);
  return out + "</main>\n</body></html>\n";
}

}  // namespace assay::report
