// SPDX-License-Identifier: Apache-2.0
#include "stream/concurrency.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "stream/made_logs.h"
#include "stream/wcet.h"

namespace assay::stream {
namespace {

using testing::HasSubstr;

AnalyseOptions quick() {
  AnalyseOptions o;
  o.pwcet = false;
  o.bootstrap = 100;
  return o;
}
MadeCell cell(int streams, uint64_t seed) {
  MadeCell m;
  m.cell.recipe = "alpha fp32";
  m.cell.compiler = "alpha";
  m.cell.streams = streams;
  m.frames = 200;
  m.seed = seed;
  return m;
}
const Slowdown* find(const Results& r, Stage stage, int streams, double q) {
  const auto it = std::find_if(r.slowdowns.begin(), r.slowdowns.end(), [&](const Slowdown& s) {
    return s.stage == stage && s.streams == streams && s.q == q;
  });
  return it == r.slowdowns.end() ? nullptr : &*it;
}
bool says(const std::vector<std::string>& findings, const std::string& text) {
  return std::any_of(findings.begin(), findings.end(),
                     [&](const std::string& f) { return f.find(text) != std::string::npos; });
}

// growth .1: inference of N streams takes 1 + .1 (N - 1) times that of one.
TEST(Concurrency, SlowdownsHoldTheTruthAndRise) {
  std::vector<CellLog> logs;
  for (const int n : {1, 2, 4}) logs.push_back(made_log(cell(n, static_cast<uint64_t>(n))));
  const Results r = analyse("x", logs, quick());
  for (const int n : {2, 4}) {
    const Slowdown* s = find(r, Stage::infer, n, .5);
    ASSERT_NE(s, nullptr);
    EXPECT_LE(s->ratio.lower, 1 + .1 * (n - 1));
    EXPECT_GE(s->ratio.upper, 1 + .1 * (n - 1));
    EXPECT_EQ(s->ratio.equality, stats::Equality::different);
    EXPECT_EQ(s->ratio.n_a, 5);
    EXPECT_LT(s->p_trend, .01);
    const Slowdown* read = find(r, Stage::read, n, .5);
    EXPECT_LE(read->ratio.lower, 1);
    EXPECT_GE(read->ratio.upper, 1);
    EXPECT_EQ(read->ratio.equality, stats::Equality::equivalent);
  }
  EXPECT_EQ(find(r, Stage::second, 2, .5), nullptr);  // takes no time
  EXPECT_TRUE(says(r.findings, "under 4 streams, against one camera"));
}

TEST(Concurrency, OversubscribedCellsAreNeverHeldEqual) {
  MadeCell one = cell(1, 1), four = cell(4, 2);
  four.growth = 0;
  four.cell.oversubscribed = true;
  const std::vector<CellLog> logs = {made_log(one), made_log(four)};
  const Results r = analyse("x", logs, quick());
  for (const Slowdown& s : r.slowdowns) {
    EXPECT_TRUE(s.oversubscribed);
    EXPECT_NE(s.ratio.equality, stats::Equality::equivalent);
    EXPECT_THAT(s.note, HasSubstr("oversubscribed"));
  }
  EXPECT_FALSE(r.slowdowns.empty());
  EXPECT_TRUE(says(r.findings, "oversubscribed (more inference threads"));
  four.cell.oversubscribed = false;
  const std::vector<CellLog> fair = {made_log(one), made_log(four)};
  const Results equal = analyse("x", fair, quick());
  EXPECT_EQ(find(equal, Stage::infer, 4, .5)->ratio.equality, stats::Equality::equivalent);
}

TEST(Concurrency, OneRepetitionFallsBackAndSaysSo) {
  MadeCell one = cell(1, 1), two = cell(2, 2);
  one.repetitions = two.repetitions = 1;
  one.frames = two.frames = 2000;
  const std::vector<CellLog> logs = {made_log(one), made_log(two)};
  const Results r = analyse("x", logs, quick());
  const Slowdown* s = find(r, Stage::infer, 2, .5);
  ASSERT_NE(s, nullptr);
  EXPECT_EQ(s->ratio.n_a, 1);
  EXPECT_THAT(s->note, HasSubstr("one repetition a side"));
  EXPECT_GT(s->ratio.lower, 1.05);
  EXPECT_LT(s->ratio.upper, 1.15);
  const Json j = to_json(r);
  EXPECT_FALSE(j["slowdowns"][0]["ratio"]["ratio"].is_null());
}

TEST(Concurrency, NothingIsComparedOverOtherConditions) {
  MadeCell one = cell(1, 1), two = cell(2, 2);
  two.cell.co_runner = "memory";
  const std::vector<CellLog> logs = {made_log(one), made_log(two)};
  const Results r = analyse("x", logs, quick());
  EXPECT_TRUE(r.slowdowns.empty());
  EXPECT_FALSE(r.cells[1].tasks[0].wcet.paper.ok);
  EXPECT_THAT(r.cells[1].tasks[0].wcet.note, HasSubstr("was not measured"));
}

// Two policies, two priorities or two CPU sets never share a sentence or a side.
TEST(Concurrency, EveryConditionIsNamed) {
  for (const int factor : {0, 1, 2}) {
    std::vector<CellLog> logs;
    for (const bool other : {false, true})
      for (const int n : {1, 2}) {
        MadeCell m = cell(n, logs.size() + 1);
        m.cell.scenario = Scenario::constant_stream;
        m.cell.period_ns = 40'000'000;
        if (other && factor == 0) m.cell.policy = Policy::drop_oldest;
        if (other && factor == 1) m.cell.priority.assign("fifo:50");
        if (factor == 2) m.cell.cpus = other ? std::vector{2, 3} : std::vector{0, 1};
        logs.push_back(made_log(m));
      }
    const Results r = analyse("x", logs, quick());
    EXPECT_TRUE(r.equalities.empty()) << "one compiler alone";
    const char* const names[] = {", drop-oldest: under 2 streams", ", fifo:50: under 2 streams",
                                 ", CPUs 2 3: under 2 streams"};
    int64_t sentences = 0;
    for (const std::string& f : r.findings) sentences += f.find("under 2 streams") != f.npos;
    EXPECT_EQ(sentences, 2);
    EXPECT_TRUE(says(r.findings, names[factor])) << factor;
    for (const Slowdown& s : r.slowdowns) {
      EXPECT_EQ(s.ratio.n_a, 5);
      EXPECT_TRUE(s.note.empty()) << s.note;
    }
  }
}

TEST(Concurrency, RepetitionsThatFailedDoNotCount) {
  MadeCell one = cell(1, 1), two = cell(2, 2);
  two.die_frame = 150;
  const std::vector<CellLog> logs = {made_log(one), made_log(two)};
  const Results r = analyse("x", logs, quick());
  EXPECT_EQ(find(r, Stage::infer, 2, .5)->ratio.n_b, 4);
}

const StageEquality* find(const Results& r, Stage stage, const char* over) {
  const auto it =
      std::find_if(r.equalities.begin(), r.equalities.end(),
                   [&](const StageEquality& e) { return e.stage == stage && e.over == over; });
  return it == r.equalities.end() ? nullptr : &*it;
}

TEST(Equalities, ThreeValuesOverCompilers) {
  MadeCell a = cell(1, 1), b = cell(1, 2), c = cell(1, 3);
  b.cell.recipe = "beta fp32", b.cell.compiler = "beta";
  c.cell.recipe = "gamma fp32", c.cell.compiler = "gamma";
  b.infer.median_ns *= 3;      // inference is not compared
  b.post.median_ns *= 1.2;     // different
  c.decode.median_ns *= 1.05;  // at the margin: neither
  const std::vector<CellLog> logs = {made_log(a), made_log(b), made_log(c)};
  const Results r = analyse("x", logs, quick());
  ASSERT_EQ(r.equalities.size(), 4);
  EXPECT_EQ(find(r, Stage::read, "compilers")->all.equality, stats::Equality::equivalent);
  EXPECT_EQ(find(r, Stage::read, "compilers")->all.pairs, 3);
  EXPECT_EQ(find(r, Stage::post, "compilers")->all.equality, stats::Equality::different);
  EXPECT_EQ(find(r, Stage::decode, "compilers")->all.equality, stats::Equality::inconclusive);
  EXPECT_THAT(find(r, Stage::pre, "compilers")->sides,
              testing::ElementsAre("alpha", "beta", "gamma"));
  EXPECT_TRUE(says(r.findings, "post: different over compilers"));
}

TEST(Equalities, OverBuildsOfOneRecipe) {
  std::vector<CellLog> logs;
  for (int build = 0; build < 3; ++build) {
    MadeCell m = cell(1, static_cast<uint64_t>(build) + 1);
    m.cell.build = build;
    if (build > 0) m.cell.recipe += " build " + std::to_string(build);
    logs.push_back(made_log(m));
  }
  const Results r = analyse("x", logs, quick());
  EXPECT_EQ(find(r, Stage::read, "compilers"), nullptr);
  const StageEquality* e = find(r, Stage::decode, "builds");
  ASSERT_NE(e, nullptr);
  EXPECT_EQ(e->all.equality, stats::Equality::equivalent);
  EXPECT_EQ(e->sides.size(), 3);
  EXPECT_EQ(e->compiler, "alpha");
}

// Three engines of a compiler with five repetitions each are three units, not fifteen.
TEST(Equalities, EnginesAreTheUnitsOfACompiler) {
  std::vector<CellLog> logs;
  for (const char* compiler : {"alpha", "beta"})
    for (int build = 0; build < 3; ++build) {
      MadeCell m = cell(1, logs.size() + 1);
      m.cell.compiler.assign(compiler);
      m.cell.recipe = fmt::format("{} fp32 build {}", compiler, build);
      m.cell.build = build;
      m.post.median_ns *= 1 + .05 * build;  // builds vary more than repetitions
      logs.push_back(made_log(m));
    }
  const Results r = analyse("x", logs, quick());
  const StageEquality* post = find(r, Stage::post, "compilers");
  ASSERT_NE(post, nullptr);
  EXPECT_THAT(post->sides, testing::ElementsAre("alpha", "beta"));
  EXPECT_EQ(post->all.equality, stats::Equality::inconclusive);
  EXPECT_EQ(find(r, Stage::read, "compilers")->all.equality, stats::Equality::equivalent);
}

TEST(Equalities, PrecisionsAreSidesOfTheirOwn) {
  std::vector<CellLog> logs;
  for (const char* recipe : {"alpha fp32", "alpha int8", "beta fp32"}) {
    MadeCell m = cell(1, logs.size() + 1);
    m.cell.recipe.assign(recipe);
    m.cell.compiler.assign(recipe, m.cell.recipe.find(' '));
    logs.push_back(made_log(m));
  }
  const Results r = analyse("x", logs, quick());
  EXPECT_THAT(find(r, Stage::pre, "compilers")->sides,
              testing::ElementsAre("alpha fp32", "alpha int8", "beta"));
}

TEST(Equalities, RejectedSeriesGiveNoVerdict) {
  MadeCell a = cell(1, 1), b = cell(1, 2), two = cell(2, 3);
  b.cell.recipe = "beta fp32", b.cell.compiler = "beta";
  a.machine.throttle_events = 3;
  const std::vector<CellLog> logs = {made_log(a), made_log(b), made_log(two)};
  const Results r = analyse("x", logs, quick());
  const StageEquality* e = find(r, Stage::read, "compilers");
  EXPECT_EQ(e->trust, Trust::rejected);
  EXPECT_EQ(e->all.equality, stats::Equality::inconclusive);
  const Slowdown* s = find(r, Stage::infer, 2, .5);
  EXPECT_EQ(s->trust, Trust::rejected);
  EXPECT_EQ(s->ratio.equality, stats::Equality::inconclusive);
  EXPECT_GT(s->ratio.lower, 1);  // still printed
  EXPECT_THAT(s->note, HasSubstr("no verdict"));
  EXPECT_TRUE(says(r.findings, "throttling seen"));
}

TEST(Equalities, OneRepetitionSaysNothing) {
  MadeCell a = cell(1, 1), b = cell(1, 2);
  b.cell.recipe = "beta fp32", b.cell.compiler = "beta";
  a.repetitions = b.repetitions = 1;
  const std::vector<CellLog> logs = {made_log(a), made_log(b)};
  const Results r = analyse("x", logs, quick());
  EXPECT_EQ(find(r, Stage::read, "compilers")->all.equality, stats::Equality::inconclusive);
}

// Equation 1 from maxima that can be read off the logs.
TEST(Equation, TermsAreTheMaximaOfTheRecords) {
  std::vector<CellLog> logs = {made_log(cell(1, 1)), made_log(cell(2, 2))};
  const Results r = analyse("x", logs, quick());
  const auto largest = [&](const CellLog& log, int stream, auto part) {
    double most = 0;
    for (const Repetition& rep : log.repetitions)
      for (size_t s = 0; s < rep.streams.size(); ++s)
        if (stream < 0 || static_cast<int>(s) == stream)
          for (const FrameRecord& f : rep.streams[s].records)
            most = std::max(most, static_cast<double>(part(f)));
    return most;
  };
  const auto read = [](const FrameRecord& f) { return duration(f, Stage::read); };
  const auto pre = [](const FrameRecord& f) {
    return duration(f, Stage::decode) + duration(f, Stage::pre);
  };
  const auto infer = [](const FrameRecord& f) { return duration(f, Stage::infer); };
  const auto post = [](const FrameRecord& f) { return duration(f, Stage::post); };
  const stats::PaperWcet& one = r.cells[0].tasks[0].wcet.paper;
  EXPECT_EQ(one.cameras, 1);
  EXPECT_EQ(one.response_ns, largest(logs[0], -1, read) + largest(logs[0], -1, pre) +
                                 largest(logs[0], -1, infer) + largest(logs[0], -1, post));
  const WcetResult& two = r.cells[1].tasks[0].wcet;
  EXPECT_EQ(two.paper.cameras, 2);
  EXPECT_EQ(two.paper.read_ns, largest(logs[1], 0, read) + largest(logs[1], 1, read));
  EXPECT_EQ(two.paper.pre_ns, largest(logs[0], -1, pre));
  EXPECT_EQ(two.paper.delta_inference_ns,
            largest(logs[1], -1, infer) - largest(logs[0], -1, infer));
  EXPECT_EQ(*two.epsilon_pre, largest(logs[1], -1, pre) - largest(logs[0], -1, pre));
  EXPECT_EQ(*two.epsilon_post, largest(logs[1], -1, post) - largest(logs[0], -1, post));
  ASSERT_EQ(two.terms.size(), 7);
  for (const WcetResult::Term& t : two.terms) {
    EXPECT_EQ(t.repetitions, 5);
    ASSERT_TRUE(t.mean && t.lower && t.upper) << t.name;
    EXPECT_LE(*t.lower, *t.mean);
  }
  double sum_c1 = 0;
  for (const Repetition& rep : logs[1].repetitions)
    for (const StreamLog& s : rep.streams) {
      int64_t most = 0;
      for (const FrameRecord& f : s.records) most = std::max(most, read(f));
      sum_c1 += static_cast<double>(most) / 5;
    }
  EXPECT_NEAR(*two.terms[0].mean, sum_c1, 1e-3);
  EXPECT_GT(*two.terms[6].lower, 0) << "inference under two cameras grew by 10 %";
}

TEST(Equation, SaysWhoDominates) {
  MadeCell m = cell(1, 1);
  m.decode.median_ns = 5e6, m.pre.median_ns = 1e6, m.infer.median_ns = 3e6;
  const Results r = analyse("x", std::vector{made_log(m)}, quick());
  EXPECT_EQ(r.cells[0].tasks[0].wcet.dominant, "pre");
  EXPECT_THAT(r.cells[0].tasks[0].wcet.sentence,
              HasSubstr("pre-processing (decode and transform), not inference, dominates: it takes "
                        "59 % of the mean response"));
  m.infer.median_ns = 9e6;
  const Results other = analyse("x", std::vector{made_log(m)}, quick());
  EXPECT_EQ(other.cells[0].tasks[0].wcet.dominant, "infer");
  EXPECT_THAT(other.cells[0].tasks[0].wcet.sentence, HasSubstr("inference takes 56 %"));
}

TEST(Equation, WaitingIsNotCalledWork) {
  const auto stages = [](double wait, double pre, double infer) {
    std::vector<StageResult> out(3);
    out[0].stage = Stage::wait, out[0].share_mean = wait;
    out[1].stage = Stage::pre, out[1].share_mean = pre;
    out[2].stage = Stage::infer, out[2].share_mean = infer;
    return out;
  };
  EXPECT_THAT(
      dominance_sentence(stages(.6, .3, .1)),
      testing::AllOf(HasSubstr("waiting for the server takes 60 %"),
                     HasSubstr("of the work, pre-processing, not inference, is the larger")));
  EXPECT_THAT(dominance_sentence(stages(.6, .1, .3)), HasSubstr("of the work, inference is"));
  EXPECT_THAT(dominance_sentence(stages(.2, .5, .3)), HasSubstr("not inference, dominates"));
}

}  // namespace
}  // namespace assay::stream
