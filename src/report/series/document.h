// SPDX-License-Identifier: Apache-2.0
// The documents of `assay stats` and `assay wcet`.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "report/document.h"
#include "report/series/model.h"
#include "report/series/wcet.h"
#include "report/term/plot.h"

namespace assay::report {

struct DrawOptions {
  bool svg = false;       // figures for pages and files
  bool terminal = false;  // plots as text
  term::PlotOptions plot;
};
Document stats_document(const StatsReport& report, const DrawOptions& draw);
Document wcet_document(const WcetReport& report, const DrawOptions& draw);
// The quantile tables of all series as one, every value in whole ns; a refused value is empty.
Table quantile_csv(const StatsReport& report);
// One row a series (or build) and p, in ns; a refused value is empty.
Table wcet_csv(const WcetReport& report);

}  // namespace assay::report
