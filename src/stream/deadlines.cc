// SPDX-License-Identifier: Apache-2.0
#include "stream/deadlines.h"

#include <algorithm>
#include <numeric>

#include "stats/random.h"

namespace assay::stream {
namespace {

// Of stream c: nominal, else from its releases.
double period_of(const CellLog& log, const std::string& name) {
  if (log.cell.period_ns > 0) return static_cast<double>(log.cell.period_ns);
  double span = 0, gaps = 0;
  for (const Repetition& rep : log.repetitions)
    for (const StreamLog& s : rep.streams) {
      if (s.name != name || s.records.size() < 2) continue;
      const auto [a, b] = std::minmax_element(
          s.records.begin(), s.records.end(),
          [](const auto& x, const auto& y) { return x.release_ns < y.release_ns; });
      span += static_cast<double>(b->release_ns - a->release_ns);
      gaps += static_cast<double>(s.records.size() - 1);
    }
  return gaps > 0 ? span / gaps : 0;
}

// Offset of a periodic camera as a share of its period.
double phase_of(const CellLog& log, const std::string& name) {
  if (log.cell.scenario != Scenario::constant_stream || log.cell.period_ns <= 0) return 0;
  for (const Repetition& rep : log.repetitions)
    for (const StreamLog& s : rep.streams)
      if (s.name == name)
        for (const FrameRecord& r : s.records)
          if (r.frame == 0)
            return static_cast<double>(r.release_ns % log.cell.period_ns) /
                   static_cast<double>(log.cell.period_ns);
  return 0;
}

// One server's part of every repetition.
std::vector<TimeSeries> part(const std::vector<TimeSeries>& runs, std::span<const size_t> streams) {
  std::vector<TimeSeries> out;
  for (const TimeSeries& run : runs) {
    auto& one = out.emplace_back();
    for (const size_t c : streams)
      if (c < run.size()) one.push_back(run[c]);
  }
  return out;
}

int64_t limit_of(const Outcomes& o, size_t c) {
  return !o.limits.empty() && c < o.limits[0].size() ? o.limits[0][c] : 0;
}

}  // namespace

std::optional<DeadlineResult> judge_deadline(const Outcomes& o, const AnalyseOptions& options) {
  if (!o.any_limit()) return std::nullopt;
  DeadlineResult d;
  std::vector<MissSeries> runs;
  for (size_t r = 0; r < o.responses.size(); ++r) {
    runs.push_back(over(o.responses[r], o.limits[r]));
    for (const int64_t l : o.limits[r])
      if (l > 0 && (d.deadline_ns == 0 || l < d.deadline_ns)) d.deadline_ns = l;
  }
  MissOptions how;
  how.confidence = options.confidence;
  how.tau_floor = slowness_tau(o.responses);
  d.observed = miss_rate(runs, how);
  d.max_consecutive = max_consecutive(runs);
  constexpr int64_t kWindows[] = {10, 100};
  d.windows = miss_windows(runs, kWindows);
  d.frames_for_1e6 = clean_frames_for(1e-6, options.confidence);
  return d;
}

std::vector<std::vector<size_t>> servers_of(const Outcomes& o, const Cell& cell) {
  std::vector<std::vector<size_t>> out;
  if (o.names.empty()) return out;
  if (cell.mode == "one-server") {
    out.emplace_back(o.names.size());
    std::iota(out[0].begin(), out[0].end(), size_t{0});
    return out;
  }
  for (size_t c = 0; c < o.names.size(); ++c) out.push_back({c});
  return out;
}

Stability stability_of(const CellLog& log, const Outcomes& o) {
  Stability worst;
  if (!open_loop(log.cell.scenario)) {
    worst.note.assign("closed loop: the server sets the pace, so no load can exceed it");
    return worst;
  }
  const auto level = [](const Stability& s) {
    return s.upper.value_or(s.utilisation.value_or(-1));
  };
  bool first = true;
  for (const auto& server : servers_of(o, log.cell)) {
    std::vector<double> periods;
    for (const size_t c : server) periods.push_back(period_of(log, o.names[c]));
    const Stability s = stability(part(o.services, server), periods, log.cell.policy);
    const bool unstable = worst.unstable || s.unstable;
    if (first || level(s) > level(worst)) worst = s;
    worst.unstable = unstable;
    first = false;
  }
  return worst;
}

void refuse_rate(DeadlineResult& d, const Stability& stability) {
  if (!stability.unstable) return;
  d.observed.rate = d.observed.lower = d.observed.upper = std::nullopt;
  d.observed.refusal.assign(
      "no stationary miss rate: the load of the server may reach 1, so waits grow with the length "
      "of the run");
}

void refuse_model(DeadlineResult& d, stats::Pwcet& pwcet) {
  d.model_rate = d.model_upper = std::nullopt;
  d.model_note.assign("no model: the load of the server may reach 1, so responses have no law");
  pwcet.refused = true;
  pwcet.points.clear();
  pwcet.reasons.insert(pwcet.reasons.begin(),
                       "the load of the server may reach 1: responses grow with the length of the "
                       "run and have no law");
}

bool can_replay(const Cell& cell) { return !cell.oversubscribed || cell.mode == "one-server"; }

std::vector<Replay> replays_of(const CellLog& log, const Outcomes& o,
                               const AnalyseOptions& options) {
  ReplayOptions how;
  how.policy = log.cell.policy;
  how.confidence = options.confidence;
  how.bootstrap = options.bootstrap;
  how.seed = stats::derived_seed(options.seed, 7);
  how.fps = options.replay_fps;
  if (o.names.empty()) return {};
  if (how.fps.empty()) {
    const double period = period_of(log, o.names[0]);
    if (!open_loop(log.cell.scenario) || !(period > 0)) return {};
    for (const double times : {1.25, 1.5, 2.0}) how.fps.push_back(times * 1e9 / period);
  }
  if (log.cell.mode == "one-server") {
    for (size_t c = 0; c < o.names.size(); ++c) {
      how.phases.push_back(phase_of(log, o.names[c]));
      how.deadlines_ns.push_back(limit_of(o, c));
    }
    return replay_rates(o.services, how);
  }
  std::vector<TimeSeries> alone;
  for (const auto& server : servers_of(o, log.cell))
    for (TimeSeries& run : part(o.services, server))
      if (!run.empty() && !run[0].empty()) alone.push_back(std::move(run));
  if (alone.empty()) return {};
  how.deadlines_ns.push_back(limit_of(o, 0));
  return replay_rates(alone, how);
}

}  // namespace assay::stream
