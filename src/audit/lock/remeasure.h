// SPDX-License-Identifier: Apache-2.0
// Stable selection over a real builder: its recorded candidates, and sessions of its action
// `measure`.
#pragma once

#include "audit/builder_launch.h"
#include "audit/lock/select.h"

namespace assay::audit {

// Of the `candidate` events that carry a number; others cannot be found again.
std::vector<RecordedCandidate> recorded_candidates(const EventLog& log);

// For the lock's evidence, so that the choice can be made anew without tuning again.
Json to_json(const std::vector<RecordedCandidate>& candidates);
std::vector<RecordedCandidate> recorded_from_json(const Json& j);

// Each call is one child in a new folder below `scratch`. `base`: the recipe's builder launch;
// `decisions` and `files` as for ask_rebuild.
MeasureSession measure_sessions(BuilderLaunch base, const fs::path& decisions,
                                std::vector<std::string> files, const fs::path& scratch);

// [{layer, number}] for the request member decisions.choices.
Json choices_json(const std::vector<CandidateName>& choices);

}  // namespace assay::audit
