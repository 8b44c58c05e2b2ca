// SPDX-License-Identifier: Apache-2.0
// Simulated tuners with known true times, and selections from them; for tests only.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <map>
#include <string>
#include <vector>

#include "stats/random.h"
#include "stats/selection.h"

namespace assay::stats {

// All relative (sd of logs). A process gives each candidate an effect of its own (layout,
// alignment) and all of them one of the machine; `disturbed` of the times are longer by an
// exponential of this mean; `uneven`: the effect of every third candidate is this many times the
// others'.
struct SelectionNoise {
  const char* name;
  double round = 0.01, process = 0, machine = 0, disturbed = 0, disturbance = 0.1, uneven = 1;
};
inline constexpr SelectionNoise kIid = {.name = "independent, 1 %"};
inline constexpr SelectionNoise kSessions = {
    .name = "sessions, 0.5 %", .process = .005, .machine = .02};
inline constexpr SelectionNoise kHeavy = {
    .name = "heavy tails", .process = .005, .machine = .02, .disturbed = .15};
inline constexpr SelectionNoise kUneven = {
    .name = "uneven", .process = .003, .machine = .02, .uneven = 4};

// Times of one process: [candidate][round].
inline SessionTimes simulated_session(const std::vector<double>& truth,
                                      const std::vector<bool>& wanted, int rounds,
                                      const SelectionNoise& noise, Random& random) {
  SessionTimes out(truth.size());
  const double machine = noise.machine * normal(random);
  for (size_t c = 0; c < truth.size(); ++c) {
    const double process = noise.process * (c % 3 == 0 ? noise.uneven : 1) * normal(random);
    for (int r = 0; r < rounds && wanted[c]; ++r) {
      double log = machine + process + noise.round * normal(random);
      if (uniform(random) < noise.disturbed) log += noise.disturbance * exponential(random);
      out[c].push_back(std::max<int64_t>(1, std::llround(truth[c] * std::exp(log))));
    }
  }
  return out;
}

struct SelectedOnce {
  size_t plain = 0, chosen = 0;  // index of the truth
  bool wrong = false;            // eliminated one that is truly at most the margin slower
  bool false_claim = false;      // decided or equivalent, and the chosen one is slower than that
  int64_t sessions = 0, cut = 0;
  SelectionStatus status = SelectionStatus::open;
};

// One tuning (each candidate `times` times, each in a process of its own as far as its layout goes)
// and the selection from its record.
inline SelectedOnce select_once(const std::vector<double>& truth,
                                const std::vector<std::string>& hashes, const SelectionNoise& noise,
                                const SelectionPlan& plan, const NearTieOptions& ties, int times,
                                Random& random) {
  SelectedOnce out;
  const SessionTimes tuned =
      simulated_session(truth, std::vector<bool>(truth.size(), true), times, noise, random);
  std::vector<RecordedTimes> recorded(truth.size());
  for (size_t c = 0; c < truth.size(); ++c)
    recorded[c].times_ns.assign(tuned[c].begin(), tuned[c].end());
  const auto mean = [&](size_t c) {
    double sum = 0;
    for (const double t : recorded[c].times_ns) sum += t;
    return sum;
  };
  for (size_t c = 1; c < truth.size(); ++c)
    if (mean(c) < mean(out.plain)) out.plain = c;

  const NearTies near = near_ties(recorded, ties);
  out.cut = near.cut;
  std::vector<double> kept_truth;
  std::vector<std::string> kept_hashes;
  for (const size_t c : near.kept) {
    kept_truth.push_back(truth[c]);
    kept_hashes.push_back(hashes[c]);
  }
  std::vector<SessionTimes> sessions;
  std::vector<bool> wanted(near.kept.size(), true);
  Selection s;
  while (s.status == SelectionStatus::open) {
    sessions.push_back(simulated_session(kept_truth, wanted, 5, noise, random));
    s = *decide(sessions, kept_hashes, plan, false);
    for (size_t c = 0; c < wanted.size(); ++c) wanted[c] = s.left(c);
  }
  const double best = *std::min_element(kept_truth.begin(), kept_truth.end());
  const double most = best * (1 + plan.margin) * (1 + 1e-9);
  for (size_t c = 0; c < wanted.size(); ++c) out.wrong |= !s.left(c) && kept_truth[c] <= most;
  const auto chosen = static_cast<size_t>(s.chosen);
  out.false_claim = s.status != SelectionStatus::undecided && kept_truth[chosen] > most;
  out.chosen = near.kept[chosen];
  out.sessions = static_cast<int64_t>(sessions.size());
  out.status = s.status;
  return out;
}

// Selections repeated on many tasks. A flip: a selection that differs from its task's most frequent
// one. Losses: time of the chosen over the true best, minus 1.
struct SelectionRates {
  int selections = 0;
  double plain_flips = 0, flips = 0, plain_loss = 0, loss = 0, plain_worst = 0, worst = 0;
  double wrong = 0, false_claims = 0, sessions = 0, cut = 0, undecided = 0;
};
// `task(random)` gives the true times of a task; source hashes are drawn for each task,
// that of candidate `lowest`, when there is one, below all others.
template <class Task>
SelectionRates selection_rates(Task task, int tasks, int repeats, const SelectionNoise& noise,
                               const SelectionPlan& plan, uint64_t seed,
                               const NearTieOptions& ties = {}, int lowest = -1) {
  SelectionRates out;
  for (int t = 0; t < tasks; ++t) {
    Random random(derived_seed(seed, static_cast<uint64_t>(t)));
    const std::vector<double> truth = task(random);
    const double best = *std::min_element(truth.begin(), truth.end());
    std::vector<std::string> hashes;
    for (size_t c = 0; c < truth.size(); ++c) {
      char text[20];
      std::snprintf(text, sizeof text, "%016llx", static_cast<unsigned long long>(random()));
      hashes.emplace_back(static_cast<int>(c) == lowest ? "" : text);
    }
    std::map<size_t, int> plain, stable;
    for (int r = 0; r < repeats; ++r) {
      const SelectedOnce s = select_once(truth, hashes, noise, plan, ties, 2, random);
      ++plain[s.plain];
      ++stable[s.chosen];
      const double plain_loss = truth[s.plain] / best - 1, loss = truth[s.chosen] / best - 1;
      out.plain_loss += plain_loss;
      out.loss += loss;
      out.plain_worst = std::max(out.plain_worst, plain_loss);
      out.worst = std::max(out.worst, loss);
      out.wrong += s.wrong;
      out.false_claims += s.false_claim;
      out.undecided += s.status == SelectionStatus::undecided;
      out.sessions += static_cast<double>(s.sessions);
      out.cut += static_cast<double>(s.cut);
    }
    const auto flipped = [&](const std::map<size_t, int>& of) {
      int most = 0;
      for (const auto& [_, n] : of) most = std::max(most, n);
      return repeats - most;
    };
    out.plain_flips += flipped(plain);
    out.flips += flipped(stable);
  }
  out.selections = tasks * repeats;
  for (double* v : {&out.plain_flips, &out.flips, &out.plain_loss, &out.loss, &out.wrong,
                    &out.false_claims, &out.undecided, &out.sessions, &out.cut})
    *v /= out.selections;
  return out;
}

}  // namespace assay::stats
