// SPDX-License-Identifier: Apache-2.0
// MLPerf's word for a run: VALID, or INVALID with reasons. Internal to the analysis.
#pragma once

#include "stream/result.h"

namespace assay::stream {

// A repetition is a run. Rules: 600 s; queries enough that the percentile the scenario is judged
// by can be told at 99 % with one query over it (SingleStream and ConstantStream p99.9: 6636, as
// MLPerf Automotive's; MultiStream and Server p99: 662), Offline 24 576 samples; Server: so few
// frames over the deadline that p99 keeps it at 99 % (stats::mlperf_min_n). A frame that was
// dropped or skipped is a late one for Server; for ConstantStream it is counted, not forbidden.
// Failed, lost or unfinished frames and failed repetitions are INVALID.
void judge_validity(const CellLog& log, CellResult& cell);

}  // namespace assay::stream
