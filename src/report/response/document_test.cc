// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "report/fixture.h"
#include "report/page_fault.h"
#include "report/response/parts.h"
#include "stream/made_logs.h"

namespace assay::report {
namespace {

using stream::CellLog;
using stream::MadeCell;
using testing::HasSubstr;
using testing::Not;

stream::Results results_of(const std::vector<CellLog>& logs, const std::string& name = "crossing",
                           bool pwcet = true) {
  stream::AnalyseOptions o;
  o.bootstrap = 50;
  o.pwcet = pwcet;
  return stream::analyse(name, logs, o);
}
Document document_of(const std::vector<CellLog>& logs, bool svg = true) {
  ResponseDraw draw;
  draw.svg = svg;
  draw.plots = !svg;
  return response_document(results_of(logs), logs, draw);
}
const Part* part_of(const Document& d, const std::string& heading) {
  for (const Part& p : d.parts)
    if (p.section.heading == heading) return &p;
  return nullptr;
}
// Cell of a row, by the name of its column.
std::string cell_of(const Part& p, size_t row, const std::string& column) {
  const auto& header = p.section.table->header();
  const auto it = std::find(header.begin(), header.end(), column);
  if (it == header.end() || row >= p.section.table->rows().size()) return "no such cell";
  return p.section.table->rows()[row][static_cast<size_t>(it - header.begin())];
}

// Two tasks on one server, cascade, damaged pictures, a dead process, a stopped camera.
MadeCell odd() {
  MadeCell m;
  m.cell.recipe = "gamma int8";
  m.cell.compiler = "gamma";
  m.cell.streams = 4;
  m.cell.mode = "one-server";
  m.cell.scenario = stream::Scenario::constant_stream;
  m.cell.policy = stream::Policy::drop_oldest;
  m.cell.period_ns = 30'000'000;
  m.deadline_ns = 30'000'000;
  m.tasks = {"detect", "classify"};
  m.frames = 120;
  m.repetitions = 2;
  m.second = {1e6, .1};
  m.failed_share = .05;
  m.idle_every = 20;
  m.idle_gap_ns = 100'000'000;
  m.die_frame = 90;
  m.stop_frame = 100;
  m.compiler_allocations = 3;
  return m;
}

TEST(ResponseDocument, HasEverySectionOfAGrid) {
  const auto logs = stream::made_grid(200);
  const Document d = document_of(logs);
  for (const char* heading : {"What it says",
                              "Responses",
                              "Conditions",
                              "Stages of a response",
                              "Every stage by itself",
                              "Against the number of streams",
                              "Slowdown",
                              "Are stages the same for all?",
                              "Distribution of responses",
                              "Deadlines",
                              "The same services at other rates",
                              "Load of the servers",
                              "The whole against its stages",
                              "Worst case",
                              "Terms of equation 1",
                              "pWCET, bound by bound",
                              "Every planned frame",
                              "By MLPerf's rules",
                              "Streams one by one",
                              "Allocations in the timed path",
                              "Trust",
                              "How this was measured and derived"})
    EXPECT_NE(part_of(d, heading), nullptr) << heading;
  EXPECT_EQ(part_of(d, "Responses")->section.table->rows().size(), logs.size());
  EXPECT_EQ(part_of(d, "Stages of a response")->section.figures.size(), 2u);
  // inference, read, decode and pre, post, response; nobody waits at the median
  EXPECT_EQ(part_of(d, "Against the number of streams")->section.figures.size(), 5u);
  EXPECT_EQ(d.title, "Response times: crossing");
}

TEST(ResponseDocument, NumbersAreThoseOfTheResults) {
  const auto logs = stream::made_grid(200);
  const stream::Results r = results_of(logs);
  const Document d = document_of(logs);
  const Part& p = *part_of(d, "Responses");
  for (size_t i = 0; i < r.cells.size(); ++i) {
    const stream::StageResult& response = r.cells[i].tasks[0].stages.back();
    const auto& p50 = response.quantiles[0];
    EXPECT_EQ(cell_of(p, i, "p50"),
              span_text(static_cast<double>(p50.estimate), static_cast<double>(*p50.lower),
                        static_cast<double>(*p50.upper)));
    EXPECT_EQ(cell_of(p, i, "N"), std::to_string(r.cells[i].cell.streams));
    EXPECT_EQ(cell_of(p, i, "largest"), ns_text(static_cast<double>(response.max)));
    EXPECT_EQ(cell_of(p, i, "trust"), word(response.gate.trust));
    const auto& seen = r.cells[i].tasks[0].deadline->observed;
    EXPECT_EQ(cell_of(p, i, "missed"), fmt::format("{} of {}", seen.misses, seen.n));
  }
  EXPECT_EQ(cell_of(p, 4, "remarks"), "oversubscribed");
  const Part& w = *part_of(d, "Worst case");
  EXPECT_EQ(cell_of(w, 0, "case"), "1");
  EXPECT_EQ(cell_of(w, 2, "case"), "2");
  EXPECT_EQ(cell_of(w, 0, "equation 1"), ns_text(r.cells[0].tasks[0].wcet.paper.response_ns));
  EXPECT_EQ(cell_of(w, 0, "epsilon of C2"), "-");
  EXPECT_THAT(cell_of(w, 2, "delta inference"), HasSubstr("us"));
  EXPECT_THAT(w.section.paragraphs.front(),
              HasSubstr("pre-processing (decode and transform), not inference, dominates"));
}

TEST(ResponseDocument, WhatNDoesNotCarryIsNoNumber) {
  MadeCell m;
  m.cell.recipe = "alpha fp32";
  m.frames = 30;
  m.repetitions = 1;
  const Document d = document_of({stream::made_log(m)});
  const Part& p = *part_of(d, "Responses");
  EXPECT_THAT(cell_of(p, 0, "p99"), testing::MatchesRegex("not available, need n >= [0-9 ]+"));
  EXPECT_EQ(cell_of(p, 0, "missed"), "no deadline");
  EXPECT_EQ(cell_of(p, 0, "frame set p99"), "-");
  EXPECT_EQ(cell_of(*part_of(d, "The whole against its stages"), 0, "joint"), "not available");
  EXPECT_THAT(cell_of(*part_of(d, "Worst case"), 0, "pWCET"), HasSubstr("REFUSED: "));
  EXPECT_EQ(part_of(d, "Deadlines"), nullptr);
  EXPECT_EQ(part_of(d, "Slowdown"), nullptr);
  EXPECT_EQ(part_of(d, "Against the number of streams"), nullptr);
}

TEST(ResponseDocument, EveryPlannedFrameIsToldOnce) {
  const std::vector<CellLog> logs = {stream::made_log(odd())};
  const stream::Results r = results_of(logs);
  const Document d = document_of(logs);
  const Part& p = *part_of(d, "Every planned frame");
  for (size_t i = 0; i < 2; ++i) {
    int64_t sum = 0;
    for (const char* column : {"done", "dropped", "skipped", "failed", "pending"})
      sum += std::stoll(cell_of(p, i, column));
    EXPECT_EQ(std::to_string(sum), cell_of(p, i, "planned"));
    EXPECT_EQ(cell_of(p, i, "balanced"), "yes");
    EXPECT_THAT(cell_of(p, i, "faults"), HasSubstr("damaged"));
  }
  EXPECT_GT(r.cells[0].tasks[0].accounting.dropped, 0);
  ASSERT_FALSE(p.section.paragraphs.empty());
  EXPECT_THAT(p.section.paragraphs.front(), HasSubstr("crashed: the process of stream 0 ended"));
  EXPECT_NE(part_of(d, "Release jitter and first frames after idle"), nullptr);
  EXPECT_THAT(cell_of(*part_of(d, "Responses"), 0, "remarks"),
              HasSubstr("1 of 2 repetitions failed"));
}

TEST(ResponseDocument, ALostFrameUnbalancesTheAccounting) {
  MadeCell m;
  m.cell.recipe = "alpha fp32";
  m.frames = 60;
  m.lose_frame = 10;
  const Document d = document_of({stream::made_log(m)}, false);
  const Part& p = *part_of(d, "Every planned frame");
  EXPECT_EQ(cell_of(p, 0, "balanced"), "NO");
  EXPECT_EQ(cell_of(p, 0, "lost"), "5");
  EXPECT_THAT(to_text(d, false), HasSubstr("5 LOST"));
}

TEST(ResponseDocument, AnOverloadedServerHasNoRate) {
  MadeCell m;
  m.cell.recipe = "alpha fp32";
  m.cell.scenario = stream::Scenario::constant_stream;
  m.cell.period_ns = m.deadline_ns = 8'000'000;  // services take 10 ms
  m.frames = 100;
  const Document d = document_of({stream::made_log(m)});
  EXPECT_EQ(cell_of(*part_of(d, "Responses"), 0, "remarks"), "UNSTABLE");
  EXPECT_EQ(cell_of(*part_of(d, "Load of the servers"), 0, "word"), "UNSTABLE");
  EXPECT_THAT(cell_of(*part_of(d, "Deadlines"), 0, "rate seen"), HasSubstr("not available: "));
  EXPECT_EQ(part_of(d, "The same services at other rates")->section.table->rows()[0][1],
            "UNSTABLE");
}

TEST(ResponsePage, IsWellFormedSelfContainedAndHasNoScript) {
  auto logs = stream::made_grid(120);
  logs.push_back(stream::made_log(odd()));
  const std::string page = to_html(document_of(logs));
  EXPECT_EQ(page_fault(page), "");
  for (const char* bad : {"<script", "<img", "http://", "https://", "src="})
    EXPECT_THAT(page, Not(HasSubstr(bad)));
  EXPECT_THAT(page, HasSubstr("<details><summary><h2>Every stage by itself"));
  EXPECT_THAT(page, HasSubstr("role=\"img\""));
}

TEST(ResponsePage, HostileNamesDoNoHarm) {
  MadeCell m = odd();
  const std::string bad = hostile_text();
  m.cell.recipe = bad;
  m.cell.compiler = bad;
  m.cell.mode = bad;
  m.cell.co_runner = bad;
  m.cell.cache = bad;
  m.cell.priority = bad;
  m.tasks = {bad, "classify" + bad};
  MadeCell other = m;
  other.cell.recipe += " 2";
  other.cell.streams = 2;
  std::vector<CellLog> logs = {stream::made_log(m), stream::made_log(other)};
  for (auto& r : logs[0].repetitions) {
    r.reason = bad;
    for (auto& s : r.streams) s.name = bad;
  }
  const stream::Results results = results_of(logs, bad);
  ResponseDraw draw;
  const Document d = response_document(results, logs, draw);
  const std::string page = to_html(d);
  EXPECT_EQ(page_fault(page), "");
  const auto holds = [](const std::string& where, const char* what) {
    return where.find(what) != std::string::npos;  // HasSubstr would print all of it
  };
  const std::string text = to_text(d, false), md = to_markdown(d);
  for (const char* raw : {"\x1b", "\xE2\x80\xAE", "\xC2\x9B"}) {
    EXPECT_FALSE(holds(text, raw)) << Json(raw);
    EXPECT_FALSE(holds(md, raw)) << Json(raw);
    EXPECT_FALSE(holds(page, raw)) << Json(raw);
  }
  for (const char* raw : {"<script", "<img"}) EXPECT_FALSE(holds(page, raw)) << raw;
  // Outside of code fences, where all is text, every < of Markdown has its backslash.
  bool fence = false;
  for (size_t at = 0; at < md.size(); ++at) {
    if (md.compare(at, 4, "\n```") == 0) fence = !fence;
    if (!fence && md[at] == '<' && md[at - 1] != '\\') {
      ADD_FAILURE() << md.substr(at, 40);
      break;
    }
  }
}

TEST(ResponsePage, OfAHundredThousandFramesStaysSmall) {
  const auto logs = stream::made_grid(1250);
  int64_t frames = 0;
  for (const CellLog& log : logs)
    for (const auto& r : log.repetitions)
      for (const auto& s : r.streams) frames += std::ssize(s.records);
  EXPECT_EQ(frames, 100'000);
  ResponseDraw draw;
  const auto d = response_document(results_of(logs, "crossing", false), logs, draw);
  EXPECT_LT(to_html(d).size(), size_t{1} << 20);
}

TEST(ResponseText, IsNarrowAndTellsTheSame) {
  const Document d = document_of(stream::made_grid(200), false);
  const std::string text = to_text(d, false);
  for (const char* what : {"Responses", "missed", "dominates", "equation 1",
                           "planned = ", "deadline 50.00 ms", "need n >= "})
    EXPECT_THAT(text, HasSubstr(what));
  EXPECT_THAT(text, Not(HasSubstr("<svg")));
}

TEST(ResponseDocument, OfNothingSaysSo) {
  const Document d = document_of({});
  EXPECT_THAT(to_text(d, false), HasSubstr("Nothing was measured."));
  EXPECT_EQ(page_fault(to_html(d)), "");
}

TEST(ResponseCsv, HasARowAStage) {
  const auto logs = stream::made_grid(60);
  const std::string csv = response_csv(results_of(logs));
  const auto lines = std::count(csv.begin(), csv.end(), '\n');
  EXPECT_EQ(lines, 1 + static_cast<int64_t>(logs.size()) * 8);
  EXPECT_THAT(csv, testing::StartsWith("cell,recipe,"));
}

TEST(ResponseNumbers, KeepFourDigitsAndOneUnit) {
  EXPECT_EQ(ns_text(0.0), "0 ns");
  EXPECT_EQ(ns_text(812.0), "812 ns");
  EXPECT_EQ(ns_text(4'560'000.0), "4.560 ms");
  EXPECT_EQ(ns_text(999'700.0), "999.7 us");
  EXPECT_EQ(span_text(10'210'000, 10'200'000, 10'230'000), "10.21 ms [10.20, 10.23]");
  EXPECT_EQ(span_text(-11'840, -20'000, 1000), "-11.84 us [-20.00, 1.00]");
  EXPECT_EQ(ns_text(std::optional<double>()), "not available");
  EXPECT_EQ(percent(.5), "50.0 %");
  EXPECT_EQ(rate_text(.25, .2, .3), "0.25 [0.2, 0.3]");
  EXPECT_EQ(rate_text(0, {}, {}), "no bound (0 seen)");
}

}  // namespace
}  // namespace assay::report
