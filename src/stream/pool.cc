// SPDX-License-Identifier: Apache-2.0
#include "stream/pool.h"

#include <algorithm>
#include <string>

namespace assay::stream {

std::vector<std::string> tasks_of(const CellLog& log) {
  std::vector<std::string> out;
  for (const Repetition& r : log.repetitions)
    for (const StreamLog& s : r.streams)
      if (std::find(out.begin(), out.end(), s.task) == out.end()) out.push_back(s.task);
  return out;
}

Pool pool_of(const CellLog& log, std::string_view task) {
  Pool out;
  const auto earlier = [](const FrameRecord* a, const FrameRecord* b) {
    return a->done_ns < b->done_ns;
  };
  for (size_t r = 0; r < log.repetitions.size(); ++r) {
    const auto from = static_cast<std::ptrdiff_t>(out.frames.size());
    for (const StreamLog& s : log.repetitions[r].streams) {
      if (!task.empty() && s.task != task) continue;
      Series one{&s, r, {}};
      for (const FrameRecord& f : s.records)
        if (measured(f)) one.frames.push_back(&f);
      std::stable_sort(one.frames.begin(), one.frames.end(), earlier);
      out.frames.insert(out.frames.end(), one.frames.begin(), one.frames.end());
      out.series.push_back(std::move(one));
    }
    std::stable_sort(out.frames.begin() + from, out.frames.end(), earlier);
    out.ends.push_back(out.frames.size());
  }
  return out;
}

std::vector<int64_t> durations(std::span<const FrameRecord* const> frames, Stage stage) {
  std::vector<int64_t> out;
  out.reserve(frames.size());
  for (const FrameRecord* f : frames) out.push_back(duration(*f, stage));
  return out;
}

}  // namespace assay::stream
