// SPDX-License-Identifier: Apache-2.0
// Sentences about cells against each other. Internal to the analysis.
#pragma once

#include <string>
#include <vector>

#include "stream/result.h"

namespace assay::stream {

// Of each condition with several N, the largest: response and inference.
void say_slowdowns(const Results& results, std::vector<std::string>& out);
// One sentence for a set of stages with one outcome.
void say_equalities(const Results& results, std::vector<std::string>& out);

}  // namespace assay::stream
