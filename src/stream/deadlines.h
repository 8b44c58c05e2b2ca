// SPDX-License-Identifier: Apache-2.0
// Deadlines, servers and their load, from the outcomes of frames. Internal to the analysis.
#pragma once

#include <optional>
#include <vector>

#include "stream/pool.h"

namespace assay::stream {

// Observed rate, windows and the effort that 1e-6 takes; nothing when no stream has a deadline.
std::optional<DeadlineResult> judge_deadline(const Outcomes& outcomes,
                                             const AnalyseOptions& options);

// Streams that share a server, as indices into Outcomes::names: all of them in mode one-server,
// else each has its own.
std::vector<std::vector<size_t>> servers_of(const Outcomes& outcomes, const Cell& cell);
// Of the server with the highest load; unstable when one of them is. Closed loops have no load: a
// note says so.
Stability stability_of(const CellLog& log, const Outcomes& outcomes);
// An unstable server has no stationary miss rate: takes the rate away, keeps the counts, and says
// why.
void refuse_rate(DeadlineResult& deadline, const Stability& stability);

// Neither has the tail of its responses a law: takes the pWCET and the model away and says why.
void refuse_model(DeadlineResult& deadline, stats::Pwcet& pwcet);

// False where more servers than CPUs share them: each service then holds time in which the others
// ran, which grows with the rate.
bool can_replay(const Cell& cell);
// The measured services at other rates: options.replay_fps, else 1.25, 1.5 and 2 times the rate of
// an open loop. Servers that are not shared count as repetitions of one; where streams of several
// tasks share one server, frames of all of them count.
std::vector<Replay> replays_of(const CellLog& log, const Outcomes& outcomes,
                               const AnalyseOptions& options);

// The tail model's chance that a served frame is late, when the deadline lies above all responses.
void add_model(DeadlineResult& deadline, std::span<const int64_t> responses,
               const stats::Pwcet& pwcet, Trust trust, const AnalyseOptions& options);

}  // namespace assay::stream
