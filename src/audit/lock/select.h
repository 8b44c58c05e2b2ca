// SPDX-License-Identifier: Apache-2.0
// Stable selection of a lock: the near-ties of a tuning measured again, session by session, until
// each task is decided (stats/selection.h; docs/locks-selection.md). Who measures is the caller's
// affair: nothing here starts a process. All of the candidates' texts, times and hashes are
// untrusted.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/result.h"

namespace assay::audit {

struct CandidateName {
  std::string layer;
  int64_t number = 0;  // finds it again in the decision files
  auto operator<=>(const CandidateName&) const = default;
};
// As a build's `candidate` events told it.
struct RecordedCandidate {
  CandidateName name;
  std::vector<int64_t> times_ns;
  bool ok = true;
  std::string text, source_sha256;  // either may be ""
};
// As a `measure` session told it: one time a round.
struct MeasuredCandidate {
  CandidateName name;
  std::vector<int64_t> times_ns;
  std::string source_sha256;
  bool ok = true;
  std::string error;
};
// One session: one child process that measures each candidate once a round, in interleaved rounds.
// An error of code `interrupted` ends the selection at once, any other has the session tried once
// more.
using MeasureSession = std::function<Result<std::vector<MeasuredCandidate>>(
    const std::vector<CandidateName>& candidates, int64_t rounds, uint64_t seed)>;

struct SelectOptions {
  int64_t rounds = 5;      // 1 .. 1000
  int64_t sessions = 6;    // most, 1 .. 1000
  int64_t candidates = 8;  // most of one task that are measured again, 1 .. 1000
  double margin = 0.02, alpha = 0.05, floor = 0.05;  // stats::SelectionPlan, stats::NearTieOptions
  uint64_t seed = 1;                                 // order of the candidates in each session
};
struct SelectProgress {
  int64_t session = 0, sessions = 0;  // that begins now, from 1; most
  int64_t open_tasks = 0, tasks = 0, candidates = 0;
};
struct SelectCounts {
  int64_t tasks = 0;
  int64_t lone = 0;  // of `decided`: no other candidate was near, so nothing was measured
  int64_t decided = 0, equivalent = 0, undecided = 0;
  int64_t unchosen = 0;  // of `undecided`: no usable candidate; the builder's own choice stays
  int64_t changed = 0;   // another than the fastest recorded was chosen
  int64_t sessions = 0, failed_sessions = 0;
};
struct Selected {
  std::vector<CandidateName> choices;  // one a task, in order of the record, for `rebuild`
  Json json;                           // member `selection` of the lock
  SelectCounts counts;
};

// Errors: options out of range, a candidate named twice or with a negative number; or what an
// interrupted session said. Whatever else a session does (fails twice, leaves candidates out, tells
// nonsense of them) is a result and stands in `json`.
Result<Selected> select_stable(const std::vector<RecordedCandidate>& recorded,
                               const SelectOptions& options, const MeasureSession& measure,
                               const std::function<void(const SelectProgress&)>& progress = {});

}  // namespace assay::audit
