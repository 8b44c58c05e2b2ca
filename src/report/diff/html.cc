// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "report/diff/html_parts.h"
#include "report/escape.h"
#include "report/html_parts.h"

namespace assay::report {
namespace {

constexpr std::string_view kDiffStyle = R"CSS(
.diff{font-size:.8rem}
.diff td{max-width:26rem;overflow-wrap:anywhere}
.diff td:nth-child(2),.diff td.k{min-width:10rem}
.diff td.k{font-family:ui-monospace,"DejaVu Sans Mono",Menlo,Consolas,monospace;font-size:.92em}
.diff td.other{background:var(--diff-bg)}
pre.code{padding:.3rem 0;overflow-x:auto;white-space:pre;font-size:.78rem;line-height:1.35}
pre.code>*{display:block;padding:0 .7rem;text-decoration:none;min-width:max-content}
pre.code i{color:var(--soft);font-style:normal;border-top:1px solid var(--line);padding-top:.15rem;margin-top:.3rem}
pre.code i:first-child{border:0;margin:0}
pre.code del{background:var(--diff-bg);color:var(--diff)}
pre.code ins{background:var(--same-bg);color:var(--same)}
.share svg{max-width:100%;height:auto}
.share figcaption{max-width:none}
)CSS";

std::string summary_html(const DiffReport& report) {
  const diff::Comparison& c = report.comparison;
  std::string out = paragraph(diff_sum(report) + ".", "lead");
  const Table engines = engines_table(report);
  HtmlTable t(engines.header());
  for (size_t i = 3; i < engines.header().size(); ++i) t.right(i);
  for (const auto& row : engines.rows()) {
    t.row();
    for (size_t i = 0; i < row.size(); ++i) i < 3 ? t.text(row[i]) : t.num(row[i]);
  }
  out += t.str();
  HtmlTable changes({"change", "layers", "what it says"});
  changes.right(1);
  for (size_t i = 0; i < diff::kChanges; ++i) {
    if (c.counts[i] == 0) continue;
    const auto change = static_cast<diff::Change>(i);
    changes.row().text(diff::word(change)).num(std::to_string(c.counts[i]));
    changes.text(diff::statement(change));
  }
  if (!changes.empty()) out += changes.str();
  for (const std::string& n : c.notes) out += paragraph(n, "how");
  for (const diff::EngineMap& e : report.engines)
    for (const std::string& n : e.notes) out += paragraph(e.label + ": " + n, "how");
  return out;
}

struct PageSection {
  const char *id, *heading;
  std::string body;
};

}  // namespace

std::string diff_html(const DiffReport& report) {
  RowLinks links;
  std::string sources = diff_sources_html(report, links);
  std::string tasks = diff_tasks_html(report, links);
  std::string chart = share_chart(report);
  if (!chart.empty())
    chart = "<figure class=\"share\">" + chart +
            "<figcaption>Share of the sum of all layers of the engine. Layers in bold "
            "differ.</figcaption></figure>\n";
  const PageSection sections[] = {
      {"sum", "Summary", summary_html(report)},
      {"layers", "Layers that differ", diff_layers_html(report, links)},
      {"time", "Time by layer", std::move(chart)},
      {"choices", "Choices of the tuner that differ", std::move(tasks)},
      {"sources", "Sources that differ", std::move(sources)},
      {"equal", "Layers that do not differ", diff_equal_layers_html(report)},
  };
  std::string title = "Engine diff:";
  for (size_t e = 0; e < report.engines.size(); ++e)
    title += (e ? ", " : " ") + plain(report.engines[e].label, 60);
  std::string out = page_head(title, kDiffStyle);
  out += fmt::format("<header><p class=\"brand\">assay</p><h1>{}</h1>\n</header>\n<nav>",
                     html(title, 300));
  for (const PageSection& s : sections)
    if (!s.body.empty()) out += fmt::format("<a href=\"#{}\">{}</a> ", s.id, s.heading);
  out += "</nav>\n<main>\n";
  for (const PageSection& s : sections)
    if (!s.body.empty())
      out += fmt::format("<section id=\"{}\"><h2>{}</h2>\n{}</section>\n", s.id, s.heading, s.body);
  return out + "</main>\n</body></html>\n";
}

}  // namespace assay::report
