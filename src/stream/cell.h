// SPDX-License-Identifier: Apache-2.0
// A point of the grid as JSON: written into the evidence by the run, read back by the report.
#pragma once

#include <string>
#include <string_view>

#include "base/json.h"
#include "base/result.h"
#include "stream/result.h"

namespace assay::stream {

// 128 bits over everything but `id`, 32 hex digits: equal conditions have equal names in all runs.
std::string cell_id(const Cell& cell);
// Every member; `id` is cell_id(cell), whatever the cell says.
Json to_json(const Cell& cell);
// Strict: usage error for a member that is absent, unknown or out of its range, and for an id that
// is not that of the rest.
Result<Cell> cell_from_json(const Json& j, std::string_view where);

}  // namespace assay::stream
