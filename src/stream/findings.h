// SPDX-License-Identifier: Apache-2.0
// Results as sentences for people. Internal to the analysis.
#pragma once

#include <string>
#include <vector>

#include "stream/result.h"

namespace assay::stream {

// Most important first: unstable servers, frames lost and runs that ended badly, missed deadlines
// (also at other rates),
// what dominates the response, dependence of stages, idle, slowdowns, stages equal or not over
// compilers, oversubscription, trust, allocations.
// `confidence`: of the intervals in `results`.
std::vector<std::string> findings_of(const Results& results, double confidence = .95);
// "openvino fp32, 4 streams, one-server, beside memory, cold cache": what is not the default.
std::string label_of(const Cell& cell);

}  // namespace assay::stream
