// SPDX-License-Identifier: Apache-2.0
#include "stream/analyse.h"

#include <utility>

namespace assay::stream {

Results analyse(std::string name, std::span<const CellLog> logs, const AnalyseOptions& options) {
  Results out;
  out.name = std::move(name);
  for (const CellLog& log : logs) out.cells.push_back(analyse_cell(log, options));
  return out;
}

}  // namespace assay::stream
