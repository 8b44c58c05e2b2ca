// SPDX-License-Identifier: Apache-2.0
// The reports for programs: options with seeds, every figure, every look.
#pragma once

#include <string>

#include "report/series/model.h"
#include "report/series/wcet.h"

namespace assay::report {

std::string stats_json(const StatsReport& report);
std::string wcet_json(const WcetReport& report);

}  // namespace assay::report
