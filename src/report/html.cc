// SPDX-License-Identifier: Apache-2.0
// The page: one file, no script, no outside resource.
#include <fmt/format.h>

#include "report/escape.h"
#include "report/figures.h"
#include "report/html_parts.h"
#include "report/report.h"
#include "report/summary.h"

namespace assay::report {
namespace {

std::string contents(const Model& m) {
  std::string out =
      "<nav><a href=\"#summary\">Summary</a> <a href=\"#findings\">Findings</a> <a "
      "href=\"#machine\">What and where</a>";
  for (const auto& info : m.models)
    for (const auto& r : info.recipes)
      out += fmt::format(R"( <a href="#{}">{}</a>)", r.ref, html(recipe_name(m, r.id), 60));
  return out +
         " <a href=\"#open\">Not established</a> <a href=\"#reproduce\">Reproduce</a> <a "
         "href=\"#evidence\">Evidence</a></nav>\n";
}

std::string title_of(const Model& m) {
  std::string names;
  for (size_t i = 0; i < m.models.size() && i < 3; ++i)
    names += (i ? ", " : "") + plain(m.models[i].name, 80);
  if (m.models.size() > 3) names += fmt::format(" and {} more", m.models.size() - 3);
  return names.empty() ? "no model yet" : names;
}

}  // namespace

Result<std::string> to_html(const Model& m) {
  const std::string title = title_of(m);
  std::string out;
  out.reserve(1 << 19);
  out += page_head(title);
  out += fmt::format("<header><p class=\"brand\">assay</p><h1>{}</h1>\n", html(title));
  out += paragraph(
      fmt::format("Run {}, profile {}, seed {}, assay {}{}",
                  m.run_id.empty() ? "unknown" : m.run_id.substr(0, 12),
                  m.profile.empty() ? "unknown" : m.profile, m.seed.empty() ? "unknown" : m.seed,
                  m.assay_version.empty() ? "unknown" : m.assay_version,
                  m.attempts.empty() ? "" : ", " + m.attempts.front().started_utc),
      "soft");
  out += "</header>\n" + contents(m) + "<main>\n<section id=\"summary\"><h2>Summary</h2>\n";
  out += paragraph(tally_text(m), "lead");
  if (m.samples > 0)
    out += paragraph(
        fmt::format("{} timed samples stand behind the latency figures.", count_text(m.samples)),
        "soft");
  for (const auto& info : m.models)
    out += fmt::format("<h3>{}</h3>\n", html(info.name, 120)) + html_headline(m, info);
  if (m.models.empty()) out += paragraph("This run holds no model yet.");
  out += paragraph(
      "SAME, DIFFERENT and INCONCLUSIVE are about builds of one recipe (or the reference) on the "
      "inputs and the machine named below. Point at a badge for its statement; "
      "every linked number leads to the evidence it comes from.",
      "how");
  out += "</section>\n" + html_findings(m) + html_machine(m);
  for (const auto& info : m.models)
    for (const auto& r : info.recipes) out += html_recipe(m, info, r);
  out += html_not_established(m) + html_reproduce(m) + html_appendix(m);
  return out + "</main>\n</body></html>\n";
}

}  // namespace assay::report
