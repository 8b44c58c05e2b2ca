// SPDX-License-Identifier: Apache-2.0
#include "stream/validity.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "stats/sequential.h"
#include "stream/pool.h"

namespace assay::stream {
namespace {

constexpr int64_t kShortestNs = 600'000'000'000;

struct Rule {
  double q = 0;  // 0: no percentile
  int64_t fewest = 0;
};
Rule rule_of(Scenario s) {
  switch (s) {
    case Scenario::single_stream:
    case Scenario::constant_stream:
      return {.999, stats::mlperf_min_n(1, .999, .99)};
    case Scenario::multi_stream:
    case Scenario::server:
      return {.99, stats::mlperf_min_n(1, .99, .99)};
    case Scenario::offline:
      return {0, 24'576};
  }
  return {};
}

// Frames that were decided, and those of them that were not done in time.
struct Counts {
  int64_t decided = 0, late = 0, done = 0;
};
Counts count(const Repetition& rep, const std::string& task) {
  Counts c;
  for (const StreamLog& s : rep.streams) {
    if (s.task != task) continue;
    for (const FrameRecord& r : s.records) {
      if (r.fate == static_cast<int64_t>(Fate::pending) || (r.flags & kWarmUp) != 0) continue;
      ++c.decided;
      c.done += measured(r);
      c.late += !measured(r) || (s.deadline_ns > 0 && duration(r, Stage::response) > s.deadline_ns);
    }
  }
  return c;
}

bool has_deadline(const CellLog& log, const std::string& task) {
  for (const Repetition& rep : log.repetitions)
    for (const StreamLog& s : rep.streams)
      if (s.task == task && s.deadline_ns > 0) return true;
  return false;
}

void judge_server(const CellLog& log, const std::string& task, std::vector<std::string>& reasons) {
  if (!has_deadline(log, task)) {
    reasons.push_back(
        fmt::format("{}: Server takes a latency bound (a deadline), none was set", task));
    return;
  }
  for (const Repetition& rep : log.repetitions) {
    const Counts c = count(rep, task);
    const int64_t needed = stats::mlperf_min_n(c.late, .99, .99);
    if (needed != 0 && c.decided >= needed) continue;
    reasons.push_back(fmt::format(
        "{}, repetition {}: {} of {} frames were late or lost; p99 within the deadline cannot be "
        "told at 99 %",
        task, rep.index, c.late, c.decided));
    return;
  }
}

}  // namespace

void judge_validity(const CellLog& log, CellResult& cell) {
  std::vector<std::string>& reasons = cell.invalid_reasons;
  int64_t shortest = INT64_MAX;
  for (const Repetition& r : log.repetitions) shortest = std::min(shortest, r.wall_ns);
  if (log.repetitions.empty()) reasons.emplace_back("nothing was run");
  if (cell.failed_repetitions > 0)
    reasons.push_back(fmt::format("{} of {} repetitions did not end well", cell.failed_repetitions,
                                  cell.repetitions));
  if (!log.repetitions.empty() && shortest < kShortestNs)
    reasons.push_back(fmt::format("the shortest repetition took {}, MLPerf asks for 600 s",
                                  format_ns(static_cast<double>(shortest))));
  const Rule rule = rule_of(log.cell.scenario);
  for (const TaskResult& t : cell.tasks) {
    int64_t fewest = INT64_MAX;
    for (const Repetition& r : log.repetitions) fewest = std::min(fewest, count(r, t.task).done);
    if (fewest < rule.fewest)
      reasons.push_back(rule.q > 0
                            ? fmt::format("{}: {} frames in a repetition, p{:g} takes {}", t.task,
                                          fewest, rule.q * 100, rule.fewest)
                            : fmt::format("{}: {} frames in a repetition, {} takes {}", t.task,
                                          fewest, word(log.cell.scenario), rule.fewest));
    const Accounting& a = t.accounting;
    if (!a.balanced())
      reasons.push_back(fmt::format("{}: {} frames are lost in the accounting", t.task, a.lost));
    if (a.failed > 0) reasons.push_back(fmt::format("{}: {} frames failed", t.task, a.failed));
    if (a.pending > 0)
      reasons.push_back(fmt::format("{}: {} frames were not reached", t.task, a.pending));
    if (log.cell.scenario == Scenario::server) judge_server(log, t.task, reasons);
  }
  cell.valid = reasons.empty();
}

}  // namespace assay::stream
