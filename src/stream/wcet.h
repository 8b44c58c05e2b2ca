// SPDX-License-Identifier: Apache-2.0
// Equation 1, what was seen, and the tail model. Internal to the analysis.
#pragma once

#include <span>

#include "stream/pool.h"

namespace assay::stream {

// pWCET of the response, observed maximum, the dominant stage and its sentence.
WcetResult wcet_of(const Pool& pool, std::span<const StageResult> stages,
                   const AnalyseOptions& options);
// Equation 1 with its terms. `alone`: the same condition with one camera, or null (then a note
// says what is missing); equal to `pool` when that has one camera itself.
void add_equation(WcetResult& wcet, const Pool& pool, const Pool* alone,
                  const AnalyseOptions& options);

// "pre-processing (decode and transform) takes 61 % of the mean response and 72 % of its slowest
// 1 %; inference 30 %": says plainly when it, and not inference, dominates.
std::string dominance_sentence(std::span<const StageResult> stages);

}  // namespace assay::stream
