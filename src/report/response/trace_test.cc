// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <map>

#include "report/fixture.h"
#include "report/response/report.h"
#include "stream/made_logs.h"

namespace assay::report {
namespace {

using stream::Fate;

struct Span {
  int64_t from = 0, to = 0;  // ns
};
struct Read {
  std::map<int64_t, std::map<int64_t, std::map<std::string, Span>>> slices;  // pid, frame, name
  std::map<int64_t, std::map<int64_t, std::vector<Span>>> lines;             // pid, tid
  std::map<std::string, int64_t> instants;
  std::map<int64_t, std::string> processes;
};
int64_t ns(const Json& v) { return std::llround(v.get<double>() * 1000); }

Read read(const std::string& text) {
  const auto json = parse_json(text, "trace");
  EXPECT_TRUE(json) << (json ? "" : json.error().message);
  Read out;
  for (const Json& e : (*json)["traceEvents"]) {
    const int64_t pid = e["pid"].get<int64_t>();
    if (e["ph"] == "X") {
      const Span span{ns(e["ts"]), ns(e["ts"]) + ns(e["dur"])};
      out.slices[pid][e["args"]["frame"].get<int64_t>()][e["name"].get<std::string>()] = span;
      out.lines[pid][e["tid"].get<int64_t>()].push_back(span);
    } else if (e["ph"] == "i") {
      ++out.instants[e["name"].get<std::string>()];
    } else if (e["name"] == "process_name") {
      out.processes[pid] = e["args"]["name"].get<std::string>();
    }
  }
  return out;
}

stream::MadeCell cell(stream::Policy policy) {
  stream::MadeCell m;
  m.cell.recipe = "alpha fp32";
  m.cell.streams = 2;
  m.cell.mode = "one-server";
  m.cell.scenario = stream::Scenario::constant_stream;
  m.cell.policy = policy;
  m.cell.period_ns = 21'000'000;
  m.deadline_ns = 21'000'000;
  m.frames = 150;
  m.repetitions = 2;
  m.second = {4e5, .1};
  m.failed_share = .05;
  m.stall_frame = 40;
  return m;
}
int64_t count(const stream::Repetition& r, Fate fate) {
  int64_t n = 0;
  for (const auto& s : r.streams)
    for (const auto& record : s.records) n += record.fate == static_cast<int64_t>(fate);
  return n;
}

TEST(ChromeTrace, SlicesOfAFrameAbutAndSumToItsResponse) {
  const stream::CellLog log = stream::made_log(cell(stream::Policy::queue));
  const Read t = read(chrome_trace(log, 1, 1000));
  const stream::Repetition& r = log.repetitions[1];
  ASSERT_EQ(t.slices.size(), 2u);
  int64_t shown = 0;
  for (size_t s = 0; s < 2; ++s)
    for (const auto& record : r.streams[s].records) {
      if (record.fate != static_cast<int64_t>(Fate::done)) continue;
      const auto& slices = t.slices.at(static_cast<int64_t>(s) + 1).at(record.frame);
      int64_t at = record.release_ns;
      for (const char* name : {"wait", "read", "decode", "pre", "infer", "post", "second"}) {
        const auto it = slices.find(name);
        if (it == slices.end()) continue;  // takes no time
        EXPECT_EQ(it->second.from, at) << name << " of frame " << record.frame;
        at = it->second.to;
      }
      EXPECT_EQ(at, record.done_ns);
      ++shown;
    }
  EXPECT_EQ(shown, count(r, Fate::done));
  EXPECT_EQ(static_cast<int64_t>(t.slices.at(1).size() + t.slices.at(2).size()), shown);
}

TEST(ChromeTrace, SlicesOfOneLineNeverOverlap) {
  const Read t = read(chrome_trace(stream::made_log(cell(stream::Policy::queue)), 0, 1000));
  size_t lines = 0;
  for (const auto& [pid, of] : t.lines)
    for (auto [tid, spans] : of) {
      std::sort(spans.begin(), spans.end(),
                [](const Span& a, const Span& b) { return a.from < b.from; });
      for (size_t i = 1; i < spans.size(); ++i) EXPECT_LE(spans[i - 1].to, spans[i].from) << tid;
      ++lines;
    }
  EXPECT_GT(lines, 4u);  // the stall makes several frames wait at once
}

TEST(ChromeTrace, LostAndFailedFramesAreInstantsWithTheirFault) {
  for (const auto policy : {stream::Policy::drop_oldest, stream::Policy::skip_if_busy}) {
    const stream::CellLog log = stream::made_log(cell(policy));
    const Read t = read(chrome_trace(log, 0, 1000));
    const stream::Repetition& r = log.repetitions[0];
    const auto n = [&](const char* name) {
      const auto it = t.instants.find(name);
      return it == t.instants.end() ? 0 : it->second;
    };
    EXPECT_EQ(n("dropped"), count(r, Fate::dropped));
    EXPECT_EQ(n("skipped"), count(r, Fate::skipped));
    EXPECT_EQ(n("failed: damaged"), count(r, Fate::failed));
    EXPECT_GT(n("dropped") + n("skipped"), 0);
    EXPECT_GT(n("failed: damaged"), 0);
    EXPECT_EQ(n("deadline") + n("deadline missed"), count(r, Fate::done));
    EXPECT_EQ(t.processes.at(1), r.streams[0].name);
  }
}

TEST(ChromeTrace, ShowsAtMostSoManyFramesAndOnlyItsRepetition) {
  const stream::CellLog log = stream::made_log(cell(stream::Policy::queue));
  const Read t = read(chrome_trace(log, 0, 10));
  for (const auto& [pid, frames] : t.slices)
    for (const auto& [frame, slices] : frames) EXPECT_LT(frame, 10);
  EXPECT_TRUE(read(chrome_trace(log, 7, 10)).slices.empty());
}

TEST(ChromeTrace, HostileNamesAreOnlyText) {
  stream::CellLog log = stream::made_log(cell(stream::Policy::queue));
  log.cell.recipe = log.repetitions[0].streams[0].name = hostile_text();
  const Read t = read(chrome_trace(log, 0, 5));
  EXPECT_EQ(t.processes.size(), 2u);
}

}  // namespace
}  // namespace assay::report
