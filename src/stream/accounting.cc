// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>

#include "stream/pool.h"
#include "vision/frame.h"

namespace assay::stream {
namespace {

void count(const FrameRecord& r, Accounting& a) {
  switch (static_cast<Fate>(r.fate)) {
    case Fate::done:
      ++a.done;
      break;
    case Fate::dropped:
      ++a.dropped;
      break;
    case Fate::skipped:
      ++a.skipped;
      break;
    case Fate::failed:
      ++a.failed;
      break;
    default:
      ++a.pending;
  }
  if (r.fault != 0) ++a.faults[std::string(vision::word(static_cast<vision::FrameFault>(r.fault)))];
}

// Returns records that count for nothing: of a frame that was never planned, or mentioned before.
int64_t account_stream(const StreamLog& s, bool ended_well, Accounting& a) {
  const int64_t planned = planned_of(s);
  a.planned += planned;
  std::vector<bool> seen(static_cast<size_t>(planned), false);
  int64_t strange = 0, last = -1;
  bool stopped = false;
  for (const FrameRecord& r : s.records) {
    if (r.frame < 0 || r.frame >= planned || seen[static_cast<size_t>(r.frame)]) {
      ++strange;
      continue;
    }
    seen[static_cast<size_t>(r.frame)] = true;
    last = std::max(last, r.frame);
    stopped |= r.fault == static_cast<int64_t>(vision::FrameFault::stopped);
    count(r, a);
  }
  a.stopped_cameras += stopped;
  for (int64_t i = 0; i < planned; ++i)
    if (!seen[static_cast<size_t>(i)]) ++(!ended_well && i > last ? a.pending : a.lost);
  return strange;
}

}  // namespace

Accounting account(const CellLog& log, std::string_view task, std::vector<std::string>* refusals) {
  Accounting a;
  for (const Repetition& r : log.repetitions)
    for (const StreamLog& s : r.streams) {
      if (!task.empty() && s.task != task) continue;
      const int64_t strange = account_stream(s, r.outcome == "ok", a);
      if (strange > 0 && refusals != nullptr)
        refusals->push_back(fmt::format(
            "{}, repetition {}: {} records of frames that were not planned or were mentioned "
            "before do not count",
            s.name, r.index, strange));
    }
  return a;
}

}  // namespace assay::stream
