// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "stream/pool.h"
#include "vision/frame.h"

namespace assay::stream {
namespace {

constexpr int64_t kMissed = INT64_MAX, kNotCounted = -1;

// The records by frame number; the first that mentions a frame counts, as in account().
std::vector<const FrameRecord*> by_number(const StreamLog& s) {
  std::vector<const FrameRecord*> out(static_cast<size_t>(planned_of(s)));
  for (const FrameRecord& r : s.records)
    if (r.frame >= 0 && r.frame < std::ssize(out) && out[static_cast<size_t>(r.frame)] == nullptr)
      out[static_cast<size_t>(r.frame)] = &r;
  return out;
}

int64_t outcome(const FrameRecord& r, const StreamLog& s, Scenario scenario, int64_t wall_ns) {
  switch (static_cast<Fate>(r.fate)) {
    case Fate::done:
      return duration(r, Stage::response);
    case Fate::dropped:
    case Fate::skipped:
    case Fate::failed:
      return kMissed;
    default:
      break;
  }
  const bool released = (open_loop(scenario) || scenario == Scenario::offline) &&
                        r.fault != static_cast<int64_t>(vision::FrameFault::stopped);
  return released && s.deadline_ns > 0 && r.release_ns <= wall_ns - s.deadline_ns ? kMissed
                                                                                  : kNotCounted;
}

std::vector<int64_t> responses_of(const StreamLog& s, size_t from, const CellLog& log,
                                  const Repetition& rep) {
  const auto frames = by_number(s);
  size_t last = 0;  // behind the last frame that is mentioned
  for (size_t i = 0; i < frames.size(); ++i)
    if (frames[i] != nullptr) last = i + 1;
  std::vector<int64_t> out;
  for (size_t i = from; i < frames.size(); ++i) {
    int64_t v = kMissed;  // lost: no excuse
    if (!rep.started)
      v = kNotCounted;
    else if (frames[i] != nullptr)
      v = outcome(*frames[i], s, log.cell.scenario, rep.wall_ns);
    else if (rep.outcome != "ok" && i >= last && !open_loop(log.cell.scenario))
      v = kNotCounted;  // the process died before; a camera would not have waited
    if (v == kNotCounted) break;
    out.push_back(v);
  }
  return out;
}

// A frame that failed kept its server busy as well.
bool worked(const FrameRecord& r) {
  return r.fate == static_cast<int64_t>(Fate::failed) && (r.flags & kWarmUp) == 0 &&
         r.done_ns > r.start_ns;
}

size_t warm_up_of(const StreamLog& s) {
  int64_t from = 0;
  for (const FrameRecord& r : s.records)
    if ((r.flags & kWarmUp) != 0) from = std::max(from, r.frame + 1);
  return static_cast<size_t>(from);
}

}  // namespace

bool Outcomes::any_limit() const {
  for (const auto& run : limits)
    for (const int64_t l : run)
      if (l > 0) return true;
  return false;
}

Outcomes outcomes_of(const CellLog& log, std::string_view task) {
  Outcomes out;
  for (const Repetition& rep : log.repetitions) {
    std::vector<const StreamLog*> streams;
    size_t from = 0;
    for (const StreamLog& s : rep.streams)
      if (task.empty() || s.task == task) {
        streams.push_back(&s);
        from = std::max(from, warm_up_of(s));
      }
    auto& limits = out.limits.emplace_back();
    auto& responses = out.responses.emplace_back();
    auto& services = out.services.emplace_back();
    for (const StreamLog* s : streams) {
      if (out.limits.size() == 1) out.names.push_back(s->name);
      limits.push_back(s->deadline_ns);
      responses.push_back(responses_of(*s, from, log, rep));
      auto& own = services.emplace_back();
      for (const FrameRecord& r : s->records)
        if (measured(r) || worked(r)) own.push_back(r.done_ns - r.start_ns);
    }
  }
  return out;
}

Outcomes frame_sets_of(const Outcomes& streams) {
  Outcomes out;
  out.names.emplace_back("frame set");
  for (size_t r = 0; r < streams.responses.size(); ++r) {
    const TimeSeries& run = streams.responses[r];
    size_t n = run.empty() ? 0 : run[0].size();
    for (const auto& s : run) n = std::min(n, s.size());
    // Each frame has its stream's deadline; a set is late when one of its frames is. The set's own
    // response counts from the releases of its frames, so that limits are taken off first.
    int64_t limit = 0;
    for (const int64_t l : streams.limits[r]) limit = std::max(limit, l);
    std::vector<int64_t> set(n, 0);
    for (size_t c = 0; c < run.size(); ++c) {
      const int64_t own = streams.limits[r][c];
      for (size_t i = 0; i < n; ++i) {
        int64_t v = run[c][i];
        if (v != kMissed && limit > 0) v = own > 0 ? v + limit - own : 0;  // 0: cannot be late
        set[i] = std::max(set[i], v);
      }
    }
    out.limits.push_back({limit});
    out.responses.push_back({std::move(set)});
    out.services.emplace_back();
  }
  return out;
}

}  // namespace assay::stream
