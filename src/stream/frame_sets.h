// SPDX-License-Identifier: Apache-2.0
// Streams side by side: each by itself, how even they are, and the frame set: the frames of one
// number of all streams, done when the last of them is. Internal to the analysis.
#pragma once

#include <vector>

#include "stream/pool.h"

namespace assay::stream {

// Worst first: by p99 of the response as observed, then by name. Quantiles hold together over the
// streams (Bonferroni).
std::vector<StreamResult> stream_results(const Pool& all, const AnalyseOptions& options);
// Largest over smallest median of the streams of a task; of the least even task. 1 for one stream.
double fairness_of(const std::vector<StreamResult>& streams);

// Response of the frame set: the largest over all streams, of sets whose every frame was measured.
StageResult frame_set_result(const CellLog& log, const AnalyseOptions& options);
// One count a set, as many sets as the stream with the most planned frames has; a set is done when
// all its frames are, else it counts as the first of lost, failed, dropped, skipped, pending that
// one of them is.
Accounting account_frame_sets(const CellLog& log);

}  // namespace assay::stream
