// SPDX-License-Identifier: Apache-2.0
// From frame records to results. Pure: no file, no clock; the same logs and options give the same
// bytes of JSON.
#pragma once

#include <span>

#include "stream/result.h"

namespace assay::stream {

struct AnalyseOptions {
  double confidence = .95;
  double equality_margin = .05;  // of stage medians
  // Rates at which measured services are served again; empty: 1.25, 1.5, 2 x that of an open loop.
  std::vector<double> replay_fps;
  int bootstrap = 500;
  uint64_t seed = 1;
  bool pwcet = true;  // costs seconds a cell
};
CellResult analyse_cell(const CellLog& log, const AnalyseOptions& options);
Results analyse(std::string name, std::span<const CellLog> logs, const AnalyseOptions& options);

}  // namespace assay::stream
