// SPDX-License-Identifier: Apache-2.0
#include "report/escape.h"
#include "report/response/parts.h"
#include "report/series/numbers.h"

namespace assay::report {
namespace {

constexpr size_t kLongest = 600;  // of a cell, as on a page

// Names come from files and other programs. Pages escape them; a table also goes to terminals and
// into Markdown, which know nothing of control characters and turned text.
Part harmless(Part p) {
  Section& s = p.section;
  if (!s.table) return p;
  Table clean(s.table->header());
  for (std::vector<std::string> row : s.table->rows()) {
    for (std::string& cell : row) cell = plain(cell, kLongest);
    clean.add(std::move(row));
  }
  s.table = std::move(clean);
  return p;
}

}  // namespace

Document response_document(const Results& results, const std::vector<stream::CellLog>& logs,
                           const ResponseDraw& draw) {
  Document d;
  d.title = "Response times" + (results.name.empty() ? "" : ": " + results.name);
  int64_t frames = 0;
  each_task(results, [&](const CellResult&, const TaskResult& t) { frames += t.accounting.done; });
  d.subtitle =
      fmt::format("{}, {} done; response = completion - scheduled release",
                  count_with_plural(static_cast<int64_t>(results.cells.size()), "condition"),
                  count_with_plural(frames, "frame"));
  const CellNames names(results);
  const Source source{results, logs, names, draw};
  const auto add = [&](Parts parts) {
    for (Part& p : parts) {
      const Section& s = p.section;
      const bool table = s.table && !s.table->empty();
      if (table || !s.paragraphs.empty() || !s.figures.empty() || !p.plots.empty())
        d.parts.push_back(harmless(std::move(p)));
    }
  };
  add(summary_parts(source));
  add(stage_parts(source));
  add(count_parts(source));
  add(compare_parts(source));
  add(distribution_parts(source));
  add(deadline_parts(source));
  add(release_parts(source));
  add(composition_parts(source));
  add(wcet_parts(source));
  add(evidence_parts(source));
  add(method_parts());
  return d;
}

}  // namespace assay::report
