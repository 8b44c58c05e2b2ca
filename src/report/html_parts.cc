// SPDX-License-Identifier: Apache-2.0
#include "report/html_parts.h"

#include <fmt/format.h>

#include <algorithm>

#include "report/escape.h"
#include "report/svg/style.h"

namespace assay::report {

std::string badge(std::string_view word, std::string_view statement) {
  struct Look {
    std::string_view word, css, sign;
  };
  static constexpr Look kLooks[] = {{"SAME", "same", "="},
                                    {"DIFFERENT", "different", "&#8800;"},
                                    {"INCONCLUSIVE", "open", "?"},
                                    {"TRUSTED", "same", "&#10003;"},
                                    {"DEGRADED", "degraded", "!"},
                                    {"REJECTED", "different", "&#10007;"},
                                    {"error", "different", "&#10007;"},
                                    {"warning", "degraded", "!"},
                                    {"note", "open", "i"}};
  std::string_view css = "open", sign = "?";
  for (const Look& l : kLooks) {
    if (l.word == word) {
      css = l.css;
      sign = l.sign;
    }
  }
  return fmt::format(R"(<span class="badge {}"{}><span class="sign">{}</span> {}</span>)", css,
                     statement.empty() ? "" : fmt::format(R"( title="{}")", html(statement, 600)),
                     sign, html(word.empty() ? "unknown" : word, 40));
}

std::string evidence(std::string_view text, std::string_view ref, std::string_view title) {
  if (ref.empty()) return html(text);
  return fmt::format(R"(<a href="#{}"{}>{}</a>)", ref,
                     title.empty() ? "" : fmt::format(R"( title="{}")", html(title, 600)),
                     html(text));
}

std::string paragraph(std::string_view text, std::string_view css) {
  if (css.empty()) return fmt::format("<p>{}</p>\n", html(text, 4000));
  return fmt::format(R"(<p class="{}">{}</p>)", css, html(text, 4000)) + "\n";
}

std::string page_head(std::string_view title, std::string_view style) {
  std::string out = "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"/>\n";
  out +=
      "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src "
      "'unsafe-inline'; img-src data:\"/>\n";
  out +=
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n<meta "
      "name=\"color-scheme\" content=\"light dark\"/>\n";
  out += fmt::format("<title>assay: {}</title>\n<style>{}{}{}{}</style></head>\n<body>\n",
                     html(title), svg::kPalette, kStyle, svg::kChartStyle, style);
  return out;
}

HtmlTable::HtmlTable(std::vector<std::string> header, std::string_view css)
    : header_(std::move(header)), css_(css) {}

HtmlTable& HtmlTable::row(std::string_view id) {
  if (rows_++) body_ += "</tr>\n";
  body_ += id.empty() ? "<tr>" : fmt::format(R"(<tr id="{}">)", id);
  column_ = 0;
  return *this;
}
void HtmlTable::cell(std::string_view content, std::string_view css) {
  // Only the headline falls apart into cards on a narrow screen and needs the names in its cells.
  const bool named = css_ == "headline" && column_ < header_.size();
  body_ += "<td";
  if (!css.empty()) body_ += fmt::format(R"( class="{}")", css);
  if (named) body_ += fmt::format(R"( data-h="{}")", html(header_[column_]));
  body_ += ">";
  body_ += content;
  body_ += "</td>";
  ++column_;
}
HtmlTable& HtmlTable::text(std::string_view s) {
  cell(html(s, 600), "");
  return *this;
}
HtmlTable& HtmlTable::raw(std::string_view content) {
  cell(content, "");
  return *this;
}
HtmlTable& HtmlTable::num(std::string_view s, std::string_view ref, std::string_view title) {
  cell(evidence(s, ref, title), "n");
  return *this;
}
HtmlTable& HtmlTable::right(size_t column) {
  right_.resize(std::max(right_.size(), column + 1));
  right_[column] = true;
  return *this;
}
std::string HtmlTable::str() const {
  std::string out = fmt::format(R"(<div class="scroll"><table{}><thead><tr>)",
                                css_.empty() ? "" : fmt::format(R"( class="{}")", css_));
  for (size_t i = 0; i < header_.size(); ++i)
    out += fmt::format(R"(<th scope="col"{}>{}</th>)",
                       i < right_.size() && right_[i] ? R"( class="n")" : "", html(header_[i]));
  out += "</tr></thead>\n<tbody>" + body_;
  if (rows_) out += "</tr>";
  return out + "</tbody></table></div>\n";
}

}  // namespace assay::report
