// SPDX-License-Identifier: Apache-2.0
// One engine's side of a row, gathered from its layers.
#pragma once

#include "diff/compare.h"

namespace assay::diff {

Totals totals_of(const EngineMap& engine);
// `layers`: of `engine`, may be empty.
Side side_of(const EngineMap& engine, const std::vector<size_t>& layers, const Totals& totals);

}  // namespace assay::diff
