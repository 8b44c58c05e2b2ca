// SPDX-License-Identifier: Apache-2.0
#include <iterator>

#include "base/text.h"
#include "report/response/parts.h"

namespace assay::report {

Document response_document(const Results& results, const std::vector<stream::CellLog>& logs,
                           const ResponseDraw& draw) {
  Document d;
  d.title = "Response times: " + results.name;
  d.subtitle = fmt::format("{} condition{}; response = completion - scheduled release",
                           results.cells.size(), results.cells.size() == 1 ? "" : "s");
  const CellNames names(results);
  const auto add = [&](std::vector<Part> parts) {
    d.parts.insert(d.parts.end(), std::make_move_iterator(parts.begin()),
                   std::make_move_iterator(parts.end()));
  };
  add(summary_parts(results, names));
  add(stage_parts(results, names, draw));
  add(count_parts(results, names, draw));
  add(ecdf_parts(results, logs, names, draw));
  add(deadline_parts(results, names));
  add(composition_parts(results, names));
  add(wcet_parts(results, names));
  add(evidence_parts(results, names));
  return d;
}

}  // namespace assay::report
