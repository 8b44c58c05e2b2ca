// SPDX-License-Identifier: Apache-2.0
#include "stream/frame_sets.h"

#include <algorithm>
#include <map>

#include "stats/intervals.h"
#include "stats/stationarity.h"

namespace assay::stream {
namespace {

// What became of the frames of one number, worst first; the value orders them.
enum class SetFate { none, done, pending, skipped, dropped, failed, lost };

SetFate fate_of(const FrameRecord& r) {
  switch (static_cast<Fate>(r.fate)) {
    case Fate::done:
      return SetFate::done;
    case Fate::dropped:
      return SetFate::dropped;
    case Fate::skipped:
      return SetFate::skipped;
    case Fate::failed:
      return SetFate::failed;
    default:
      return SetFate::pending;
  }
}

std::vector<SetFate> fates_of(const Repetition& rep) {
  int64_t planned = 0;
  for (const StreamLog& s : rep.streams) planned = std::max(planned, planned_of(s));
  std::vector<SetFate> sets(static_cast<size_t>(planned), SetFate::none);
  for (const StreamLog& s : rep.streams) {
    std::vector<SetFate> own(static_cast<size_t>(planned_of(s)), SetFate::none);
    int64_t last = -1;
    for (const FrameRecord& r : s.records) {
      if (r.frame < 0 || r.frame >= std::ssize(own)) continue;
      last = std::max(last, r.frame);
      SetFate& at = own[static_cast<size_t>(r.frame)];
      if (at == SetFate::none) at = fate_of(r);  // the first mention counts, as in account()
    }
    for (size_t i = 0; i < own.size(); ++i) {
      if (own[i] == SetFate::none)
        own[i] = rep.outcome != "ok" && static_cast<int64_t>(i) > last ? SetFate::pending
                                                                       : SetFate::lost;
      sets[i] = std::max(sets[i], own[i]);
    }
  }
  return sets;
}

struct Set {
  int64_t done_ns = 0, response_ns = 0;
  size_t frames = 0;
};

// Sets whose every frame was measured, by completion.
std::vector<int64_t> set_responses(const Repetition& rep) {
  std::map<int64_t, Set> sets;
  for (const StreamLog& s : rep.streams)
    for (const FrameRecord& r : s.records) {
      if (!measured(r)) continue;
      Set& set = sets[r.frame];
      ++set.frames;
      set.done_ns = std::max(set.done_ns, r.done_ns);
      set.response_ns = std::max(set.response_ns, duration(r, Stage::response));
    }
  std::vector<Set> whole;
  for (const auto& [frame, set] : sets)
    if (set.frames == rep.streams.size()) whole.push_back(set);
  std::stable_sort(whole.begin(), whole.end(),
                   [](const Set& a, const Set& b) { return a.done_ns < b.done_ns; });
  std::vector<int64_t> out;
  for (const Set& set : whole) out.push_back(set.response_ns);
  return out;
}

}  // namespace

std::vector<StreamResult> stream_results(const Pool& all, const AnalyseOptions& options) {
  struct Own {
    StreamResult result;
    std::vector<int64_t> values;
    int64_t p99 = 0;
  };
  std::vector<Own> own;
  for (const Series& s : all.series) {
    auto it = std::find_if(own.begin(), own.end(),
                           [&](const Own& o) { return o.result.name == s.log->name; });
    if (it == own.end()) {
      own.emplace_back();
      it = own.end() - 1;
      it->result.name = s.log->name;
      it->result.task = s.log->task;
    }
    const auto v = durations(s.frames, Stage::response);
    it->values.insert(it->values.end(), v.begin(), v.end());
  }
  stats::QuantileOptions how;
  how.q.assign(std::begin(kQuantiles), std::end(kQuantiles));
  how.confidence = 1 - (1 - options.confidence) / std::max<double>(1, double(own.size()));
  for (Own& o : own) {
    const auto sorted = stats::sorted_copy(o.values);
    o.result.n = std::ssize(o.values);
    o.result.quantiles = stats::quantile_table(o.values, sorted, how);
    if (sorted.empty()) continue;
    o.result.median = static_cast<double>(stats::quantile_point(sorted, .5));
    o.p99 = stats::quantile_point(sorted, .99);
  }
  std::stable_sort(own.begin(), own.end(), [](const Own& a, const Own& b) {
    return a.p99 != b.p99 ? a.p99 > b.p99 : a.result.name < b.result.name;
  });
  std::vector<StreamResult> out;
  for (Own& o : own) out.push_back(std::move(o.result));
  return out;
}

double fairness_of(const std::vector<StreamResult>& streams) {
  std::map<std::string, std::pair<double, double>> range;
  for (const StreamResult& s : streams) {
    if (s.n == 0) continue;
    const auto [it, fresh] = range.try_emplace(s.task, s.median, s.median);
    if (fresh) continue;
    it->second.first = std::min(it->second.first, s.median);
    it->second.second = std::max(it->second.second, s.median);
  }
  double worst = 1;
  for (const auto& [task, r] : range)
    if (r.first > 0) worst = std::max(worst, r.second / r.first);
  return worst;
}

StageResult frame_set_result(const CellLog& log, const AnalyseOptions& options) {
  std::vector<int64_t> pooled;
  std::vector<stats::Gate> gates;
  for (const Repetition& rep : log.repetitions) {
    const std::vector<int64_t> own = set_responses(rep);
    pooled.insert(pooled.end(), own.begin(), own.end());
    for (size_t s = 0; s < rep.streams.size(); ++s)
      if (s == 0) {
        gates.push_back(stats::judge_series(own, rep.streams[s].machine, gate_options()));
      } else {  // the machine that other streams saw counts as well
        stats::Gate g =
            stats::judge_machine(rep.streams[s].machine, std::ssize(own), gate_options());
        g.n = std::ssize(own);
        gates.push_back(std::move(g));
      }
  }
  StageResult out = summary(Stage::response, pooled, options);
  if (!gates.empty()) out.gate = stats::worst_of(gates);
  return out;
}

Accounting account_frame_sets(const CellLog& log) {
  Accounting a;
  for (const Repetition& rep : log.repetitions)
    for (const SetFate f : fates_of(rep)) {
      ++a.planned;
      a.done += f == SetFate::done;
      a.pending += f == SetFate::pending;
      a.skipped += f == SetFate::skipped;
      a.dropped += f == SetFate::dropped;
      a.failed += f == SetFate::failed;
      a.lost += f == SetFate::lost || f == SetFate::none;
    }
  return a;
}

}  // namespace assay::stream
