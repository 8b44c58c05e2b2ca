// SPDX-License-Identifier: Apache-2.0
// Stable selection: which of several nearly equally fast candidates of a tuning to take, so that
// the next tuning takes the same. A tuner takes the smallest of noisy times, and near-ties flip.
// Here they are measured again, what is shown to be more than a margin slower goes, and of the rest
// a rule chooses that no noise enters: the lowest source hash. The chosen one can flip only when
// some candidate's true time lies about the margin above the best. docs/locks-selection.md. Pure.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"

namespace assay::stats {

// ---- Which candidates of a tuning could be the best ----

struct RecordedTimes {
  std::vector<double> times_ns;  // as the tuner measured them, each usually the mean of some runs
  std::string key;               // equal, not empty: the same candidate measured again
};
enum class TieOutcome { kept, cut, slower, merged, unusable };
std::string_view tie_word(TieOutcome o);
struct NearTie {
  TieOutcome outcome = TieOutcome::unusable;
  size_t merged_into = 0;             // index, for `merged`
  double time_ns = 0;                 // smallest of all times of the same key
  double lower_ns = 0, upper_ns = 0;  // what its true time may be
};
struct NearTieOptions {
  int64_t most = 8;  // at least 1
  // Least half width of a time's interval, relative. A tuner's times are few and of one process:
  // their spread says nothing of what differs between processes.
  double floor = 0.05;
};
struct NearTies {
  std::vector<NearTie> candidates;  // as given
  std::vector<size_t> kept;         // indices, fastest first; empty: no candidate has a usable time
  double spread = 0;  // relative sd of one time, pooled over the task; 0: single times
  int64_t cut = 0;    // near-ties beyond `most`: the slowest of them
};
// All whose interval overlaps that of the fastest. Time: the smallest, for what disturbs a tuner
// makes times longer (with medians heavy tails flip twice as many selections). Interval: time *
// exp(+-max(2 spread, floor)), `spread` being the median over candidates with two or more times of
// their sd of logs, so that a few disturbed ones do not make all others near. unusable: no time, or
// one that is not positive and finite.
NearTies near_ties(std::span<const RecordedTimes> recorded, const NearTieOptions& options = {});

// ---- Deciding between them ----

struct SelectionPlan {
  double margin = 0.02;  // as a ratio minus 1: slower by less does not matter
  double alpha = 0.05;
  int64_t sessions = 6;  // most
};
// One process that measured the candidates in interleaved rounds: [candidate][round] in ns, equal
// rounds for all; no rounds: the candidate was not measured (eliminated before, or failed: then it
// is out, and must stay so).
using SessionTimes = std::vector<std::vector<int64_t>>;

// decided: one is left, or the one that the rule chooses is shown to be at most the margin slower
// than each other one left. equivalent: all left are shown to be within the margin of each other.
// undecided: the sessions are spent; the rule chooses among what is left all the same. open: more
// sessions are wanted.
enum class SelectionStatus { open, decided, equivalent, undecided };
std::string_view selection_word(SelectionStatus s);

struct SelectionCandidate {
  enum class Outcome { left, eliminated, dropped } outcome = Outcome::left;
  int64_t sessions = 0;  // it was measured in
  double time_ns = 0;    // geometric mean over sessions of the median over rounds
  // Ratio of its time to that of candidate `against` (of `eliminated`: the one that showed it, else
  // the fastest left), with the bounds, each at `level` of the last look; without a look 0 and
  // infinity.
  size_t against = 0;
  double ratio = 1, lower = 1, upper = 1;
  int64_t eliminated_at = 0;  // sessions then seen
};
struct SelectionLook {
  int64_t sessions = 0;
  double alpha = 0;  // spent here, one-sided, on all pairs of a candidate
  double level = 0;  // of one pair
  int64_t left_before = 0, left_after = 0;
};
struct Selection {
  SelectionStatus status = SelectionStatus::open;
  int64_t chosen = -1;  // index; -1 while open, and when every candidate was dropped
  std::vector<SelectionCandidate> candidates;
  std::vector<SelectionLook> looks;
  bool left(size_t c) const { return candidates[c].outcome == SelectionCandidate::Outcome::left; }
};

// Sessions at which one looks: 3, 6, 12, ... below the most, and the most.
std::vector<int64_t> selection_looks(int64_t most_sessions);

// What the sessions show, the looks replayed from the first. Of a session and a pair the median
// over rounds of ln(time/time) counts (rounds of a process share its layout: the session is the
// unit); Student's t over sessions, the sd of a pair never taken below that pooled over all pairs
// left, with the pool's degrees of freedom. c is eliminated when for some b the lower bound of c/b
// exceeds 1 + margin. Error: alpha (n/most)^2 is spent up to session n (Kim & DeMets, Biometrika
// 74, 1987), each look's part shared by the K-1 pairs of one candidate: a given candidate that is
// truly at most the margin slower than the best is eliminated in at most alpha of selections. That
// is the error which matters, for only the elimination of the lowest hash changes the choice;
// simulated, that of any such candidate keeps alpha too (docs/results/selection.md). A claim of "at
// most the margin slower" takes every pair concerned (intersection), so only looks share its alpha.
// Times of a coarse clock: half a step a side is added to each bound, the step being the greatest
// common divisor of all times. `last`: no more sessions will come; one look more where they ended.
// Errors: what is wrong with the shape or the values.
Result<Selection> decide(std::span<const SessionTimes> sessions,
                         std::span<const std::string> source_sha256, const SelectionPlan& plan,
                         bool last);

// Members of the result as the lock keeps them; the caller adds who the candidates are.
Json to_json(const SelectionCandidate& c);
Json to_json(const SelectionLook& l);

}  // namespace assay::stats
