// SPDX-License-Identifier: Apache-2.0
// What a response run comes to: derived, written into the run folder, printed, verified.
#pragma once

#include <string>
#include <vector>

#include "report/response/report.h"
#include "store/run_folder.h"

namespace assay::cli {

struct ResponseReport {
  stream::Results results;
  std::vector<stream::CellLog> logs;
};
Result<ResponseReport> load_response_report(store::RunFolder& run);
// report.html, report.md, report.json, and the row that fixes the hash of the results.
Status write_response_report(store::RunFolder& run, const ResponseReport& report);
// `format`: text, md, json, html or csv. `to_file`: no colours.
Result<std::string> print_response(const ResponseReport& report, const std::string& format,
                                   bool to_file);
// Words of --fail-on (missed, unstable, invalid) that the results call for.
bool response_fails(const stream::Results& results, const std::vector<std::string>& words);
// Every blob re-hashed, the results derived anew: what does not hold.
Result<std::vector<std::string>> verify_response(store::RunFolder& run);
// The longest trace that opens well: this many frames a stream, of the first repetition of the
// first condition with the most streams.
Status write_trace(const ResponseReport& report, const std::string& file);

}  // namespace assay::cli
