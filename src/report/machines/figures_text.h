// SPDX-License-Identifier: Apache-2.0
// How figures of machines read, the same words in every printer. Nothing is escaped yet.
#pragma once

#include <string>

#include "report/machines/machines.h"

namespace assay::report::machines {

// "12.3 ms [12.1, 12.5]", "12.3 ms (1 build)"; `why`, else "unknown", when absent.
std::string over_builds_text(const std::optional<stats::Interval>& i, const std::string& why);
// "B/A 0.62 [0.58, 0.66]"
std::string ratio_text(const MachinesReport& report, const MachinePair& pair);
// "4.1 s (3.9 to 4.4)"; "unknown" when absent.
std::string figure_text(const Figures& f, const char* unit);
std::string maps_text(const MapsSide& maps);
std::string outputs_text(const MachinePair& pair);

}  // namespace assay::report::machines
