// SPDX-License-Identifier: Apache-2.0
// A response run as pages: results derived from the evidence again, then text, Markdown, HTML,
// JSON, CSV, and a timeline that Perfetto opens.
#pragma once

#include <string>
#include <vector>

#include "report/document.h"
#include "store/run_folder.h"
#include "stream/analyse.h"

namespace assay::report {

bool is_response_run(store::RunFolder& run);
// The logs of what counts (store/schema/003.sql). Blobs whose size is no multiple of a record, or
// records whose times run backwards, are usage errors naming the row.
Result<std::vector<stream::CellLog>> load_cell_logs(store::RunFolder& run);
// Options and name from the plan in meta.
Result<stream::Results> load_response(store::RunFolder& run);

struct ResponseDraw {
  bool plots = true, svg = true, colour = false, unicode = true;
};
// Sections: what it says (findings), the table of cells, stages per recipe (the paper's Fig. 7),
// stages and inference against N (Fig. 8, 9), response ECDF with deadline, deadlines, composition,
// equation 1 and pWCET, accounting, trust, method.
Document response_document(const stream::Results& results, const std::vector<stream::CellLog>& logs,
                           const ResponseDraw& draw);
std::string response_csv(const stream::Results& results);
// Chrome trace events: one process a stream, one slice a stage of every done frame of one
// repetition of `cell_id`, instants for lost and failed frames, a line for each deadline. At most
// `frames` of a stream.
std::string chrome_trace(const stream::CellLog& log, int repetition, int64_t frames);

}  // namespace assay::report
