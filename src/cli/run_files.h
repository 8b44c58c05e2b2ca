// SPDX-License-Identifier: Apache-2.0
// Run folders as commands treat them.
#pragma once

#include "base/files.h"
#include "report/report.h"
#include "store/run_folder.h"

namespace assay::cli {

bool looks_like_run(const fs::path& folder);
// --fresh: removes the evidence of a run folder; anything else is left alone.
Status start_anew(const fs::path& folder);
// report.html, report.md, report.json.
Status write_reports(store::RunFolder& run, const report::Model& model);

}  // namespace assay::cli
