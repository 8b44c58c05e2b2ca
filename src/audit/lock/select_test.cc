// SPDX-License-Identifier: Apache-2.0
#include "audit/lock/select.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <set>

#include "stats/random.h"
#include "stats/selection.h"

namespace assay::audit {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

std::string hash(char digit) { return std::string(64, digit); }

// A compiler whose candidates have true times; sessions are scripted by `before`.
struct FakeCompiler {
  struct Truth {
    double ns = 0;
    std::string source;
  };
  std::map<CandidateName, Truth> truth;
  std::vector<RecordedCandidate> recorded;
  std::vector<std::vector<CandidateName>> asked;
  std::vector<uint64_t> seeds;
  stats::Random random{3};
  // Changes what session n (from 1, attempts counted) tells, or makes it fail.
  std::function<Status(int64_t n, std::vector<MeasuredCandidate>&)> before;

  void add(const std::string& layer, int64_t number, double ns, char source, double told_ns = 0) {
    const CandidateName name{layer, number};
    truth[name] = {ns, hash(source)};
    recorded.push_back({name, {std::llround(told_ns > 0 ? told_ns : ns)}, true, "", ""});
  }
  MeasureSession session() {
    return [this](const std::vector<CandidateName>& names, int64_t rounds,
                  uint64_t seed) -> Result<std::vector<MeasuredCandidate>> {
      asked.push_back(names);
      seeds.push_back(seed);
      std::vector<MeasuredCandidate> out;
      for (const CandidateName& name : names) {
        MeasuredCandidate& m = out.emplace_back();
        m.name = name;
        m.source_sha256 = truth.at(name).source;
        for (int64_t r = 0; r < rounds; ++r)
          m.times_ns.push_back(
              std::llround(truth.at(name).ns * std::exp(.002 * stats::normal(random))));
      }
      if (before) ASSAY_CHECK(before(static_cast<int64_t>(asked.size()), out));
      return out;
    };
  }
  Result<Selected> select(const SelectOptions& options = {}) {
    return select_stable(recorded, options, session());
  }
};

const Json& candidate(const Selected& s, size_t task, int64_t number) {
  for (const Json& c : s.json["tasks"][task]["candidates"])
    if (c["number"] == number) return c;
  static const Json none = Json::object();
  return none;
}

// The recorded order is wrong (noise); conv has two equals and one 10 % slower, dense a lone one.
FakeCompiler scripted() {
  FakeCompiler f;
  f.add("conv", 0, 1.1e6, '0', 1.00e6);
  f.add("conv", 1, 1.0e6, 'b', 1.01e6);
  f.add("conv", 2, 1.004e6, 'a', 1.02e6);
  f.add("conv", 3, 2e6, 'c');
  f.add("dense", 4, 5e5, 'd');
  f.add("dense", 5, 9e5, 'e');
  return f;
}

TEST(Select, NearTiesAreMeasuredAndTheLowestSourceOfTheBestChosen) {
  FakeCompiler f = scripted();
  std::vector<SelectProgress> told;
  const Selected s = *select_stable(f.recorded, {}, f.session(),
                                    [&](const SelectProgress& p) { told.push_back(p); });
  EXPECT_THAT(s.choices, ElementsAre(CandidateName{"conv", 2}, CandidateName{"dense", 4}));
  EXPECT_EQ(s.counts.tasks, 2);
  EXPECT_EQ(s.counts.lone, 1);
  EXPECT_EQ(s.counts.decided, 1);
  EXPECT_EQ(s.counts.equivalent, 1);
  EXPECT_EQ(s.counts.changed, 1);
  EXPECT_EQ(s.counts.sessions, 3);
  ASSERT_EQ(f.asked.size(), 3u);
  EXPECT_EQ(f.asked[0].size(), 3u);  // neither the slow one nor the lone one
  ASSERT_EQ(told.size(), 3u);
  EXPECT_EQ(told[0].candidates, 3);
  EXPECT_EQ(told[0].open_tasks, 1);
  const Json& task = s.json["tasks"][0];
  EXPECT_EQ(task["status"], "equivalent");
  EXPECT_EQ(task["chosen"]["number"], 2);
  EXPECT_EQ(task["chosen"]["source_sha256"], hash('a'));
  EXPECT_EQ(task["fastest_recorded"], 0);
  EXPECT_EQ(task["rule"], "lowest source hash of the 2 left");
  EXPECT_EQ(task["slower"], 1);
  EXPECT_EQ(candidate(s, 0, 0)["outcome"], "eliminated");
  EXPECT_EQ(candidate(s, 0, 0)["eliminated_at"], 3);
  EXPECT_GT(candidate(s, 0, 0)["lower"], 1.02);
  EXPECT_EQ(candidate(s, 0, 1)["outcome"], "left");
  EXPECT_EQ(candidate(s, 0, 1)["times_ns"].size(), 3u);
  EXPECT_EQ(s.json["tasks"][1]["chosen"]["source_sha256"], nullptr);
}

// What the lock keeps suffices to derive the decision again.
TEST(Select, TheDecisionFollowsFromTheJson) {
  FakeCompiler f = scripted();
  const Selected s = *f.select();
  const Json& task = s.json["tasks"][0];
  std::vector<stats::SessionTimes> sessions(task["sessions"].get<size_t>());
  std::vector<std::string> hashes;
  for (const Json& c : task["candidates"]) {
    hashes.push_back(c["source_sha256"]);
    for (size_t i = 0; i < sessions.size(); ++i)
      sessions[i].push_back(i < c["times_ns"].size() ? c["times_ns"][i].get<std::vector<int64_t>>()
                                                     : std::vector<int64_t>());
  }
  const stats::Selection again = *stats::decide(
      sessions, hashes, {s.json["margin"], s.json["alpha"], s.json["sessions_most"].get<int64_t>()},
      true);
  const Json& chosen = task["candidates"][static_cast<size_t>(again.chosen)];
  EXPECT_EQ(chosen["number"], task["chosen"]["number"]);
  EXPECT_EQ(stats::selection_word(again.status), task["status"].get<std::string>());
  for (size_t c = 0; c < hashes.size(); ++c)
    EXPECT_DOUBLE_EQ(again.candidates[c].upper, task["candidates"][c]["upper"].get<double>());
}

TEST(Select, TheOrderIsShuffledEachSessionAndFollowsTheSeed) {
  FakeCompiler a = scripted(), b = scripted(), c = scripted();
  (void)a.select({.seed = 7});
  (void)b.select({.seed = 7});
  (void)c.select({.seed = 8});
  EXPECT_EQ(a.asked, b.asked);
  EXPECT_EQ(a.seeds, b.seeds);
  EXPECT_NE(a.seeds, c.seeds);
  EXPECT_EQ(std::set<uint64_t>(a.seeds.begin(), a.seeds.end()).size(), a.seeds.size());
}

// What stable means: other noise, in the record and in the sessions, the same choice.
TEST(Select, RepeatedTuningsChooseTheSame) {
  std::set<int64_t> plain, stable;
  stats::Random noise(1);
  for (uint64_t tuning = 0; tuning < 20; ++tuning) {
    FakeCompiler f;
    f.random.seed(tuning);
    for (int64_t i = 0; i < 4; ++i)
      f.add("conv", i, 1e6, "dacb"[i], 1e6 * std::exp(.02 * stats::normal(noise)));
    size_t fastest = 0;
    for (size_t i = 1; i < 4; ++i)
      if (f.recorded[i].times_ns[0] < f.recorded[fastest].times_ns[0]) fastest = i;
    plain.insert(f.recorded[fastest].name.number);
    stable.insert((*f.select()).choices.front().number);
  }
  EXPECT_EQ(plain.size(), 4u);
  EXPECT_THAT(stable, ElementsAre(1));
}

TEST(Select, CandidatesOfOneSourceAreOne) {
  FakeCompiler f;
  f.add("conv", 9, 1e6, 'a');
  f.add("conv", 4, 1e6, 'a');
  f.add("conv", 6, 1.001e6, 'b');
  const Selected s = *f.select();
  EXPECT_THAT(s.choices, ElementsAre(CandidateName{"conv", 4}));
  EXPECT_EQ(candidate(s, 0, 9)["outcome"], "merged");
  EXPECT_EQ(candidate(s, 0, 9)["reason"], "its source is that of candidate 4");
  EXPECT_EQ(f.asked[1].size(), 2u);
  // All of one source: decided after one session. Of one text: not even measured.
  FakeCompiler same;
  same.add("conv", 1, 1e6, 'a');
  same.add("conv", 2, 1e6, 'a');
  EXPECT_EQ((*same.select()).json["tasks"][0]["status"], "decided");
  EXPECT_EQ(same.asked.size(), 1u);
  for (RecordedCandidate& c : same.recorded) c.text = "tile 4";
  EXPECT_EQ((*same.select()).counts.lone, 1);
  EXPECT_EQ(same.asked.size(), 1u);
}

TEST(Select, AFailedCandidateIsDroppedWithTheReason) {
  const struct {
    const char* reason;
    std::function<void(MeasuredCandidate&)> spoil;
  } cases[] = {
      {"no memory", [](MeasuredCandidate& m) { m.ok = false, m.error = "no memory"; }},
      {"without a word", [](MeasuredCandidate& m) { m.ok = false; }},
      {"4 times; expected 5", [](MeasuredCandidate& m) { m.times_ns.pop_back(); }},
      {"a time of -1 ns", [](MeasuredCandidate& m) { m.times_ns[2] = -1; }},
      {"expected 64", [](MeasuredCandidate& m) { m.source_sha256 = "../../etc"; }},
      {"does not repeat itself", [](MeasuredCandidate& m) { m.source_sha256 = hash('9'); }},
      {"told nothing", [](MeasuredCandidate& m) { m.name.number = 77; }},
      {"told of it 2 times", [](MeasuredCandidate& m) { m.name.number = 1; }},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.reason);
    FakeCompiler f = scripted();
    f.before = [&](int64_t n, std::vector<MeasuredCandidate>& told) -> Status {
      for (MeasuredCandidate& m : told)
        if (n == 2 && m.name.number == 2) c.spoil(m);
      return {};
    };
    const Selected s = *f.select();
    const int64_t hit = std::string(c.reason) == "told of it 2 times" ? 1 : 2;
    EXPECT_EQ(candidate(s, 0, hit)["outcome"], "dropped");
    EXPECT_THAT(candidate(s, 0, hit)["reason"].get<std::string>(), HasSubstr(c.reason));
    EXPECT_NE(s.choices.front().number, hit);
  }
}

TEST(Select, ASessionThatFailsIsTriedOnceMoreThenTheSelectionEnds) {
  FakeCompiler f = scripted();
  f.before = [](int64_t n, auto&) -> Status {
    if (n == 2) return fail(ExitCode::verdict, "the child died");
    return {};
  };
  const Selected once = *f.select();
  EXPECT_EQ(once.json["tasks"][0]["status"], "equivalent");
  EXPECT_EQ(once.json["sessions"][1]["attempts"], 2);
  EXPECT_EQ(once.counts.failed_sessions, 0);
  EXPECT_NE(f.seeds[1], f.seeds[2]);

  FakeCompiler twice = scripted();
  twice.before = [](int64_t n, auto&) -> Status {
    if (n >= 2) return fail(ExitCode::verdict, "the child died");
    return {};
  };
  const Selected ended = *twice.select();
  EXPECT_EQ(twice.asked.size(), 3u);
  EXPECT_EQ(ended.json["tasks"][0]["status"], "undecided");
  EXPECT_EQ(ended.choices.front().number, 0);  // one session shows nothing: lowest hash of all
  EXPECT_THAT(ended.json["tasks"][0]["rule"].get<std::string>(),
              HasSubstr("sessions ended before"));
  EXPECT_EQ(ended.json["sessions"][1]["error"], "the child died");
  EXPECT_EQ(ended.counts.failed_sessions, 1);

  FakeCompiler never = scripted();
  never.before = [](int64_t, auto&) -> Status { return fail(ExitCode::missing, "no compiler"); };
  const Selected none = *never.select();
  EXPECT_EQ(none.counts.undecided, 1);
  EXPECT_EQ(none.choices.front().number, 0);
  EXPECT_THAT(none.json["tasks"][0]["rule"].get<std::string>(), HasSubstr("fastest recorded"));
}

TEST(Select, AnInterruptedSessionEndsAll) {
  FakeCompiler f = scripted();
  f.before = [](int64_t n, auto&) -> Status {
    if (n == 2) return fail(ExitCode::interrupted, "stopped");
    return {};
  };
  const auto r = f.select();
  ASSERT_FALSE(r);
  EXPECT_EQ(r.error().code, ExitCode::interrupted);
  EXPECT_EQ(f.asked.size(), 2u);
}

TEST(Select, TasksWithoutUsableCandidatesKeepTheBuildersChoice) {
  FakeCompiler f;
  f.add("conv", 1, 1e6, 'a');
  f.add("conv", 2, 1e6, 'b');
  for (RecordedCandidate& c : f.recorded) c.ok = false;
  f.add("dense", 3, 1e6, 'a');
  f.add("dense", 4, 1e6, 'b');
  f.before = [](int64_t, std::vector<MeasuredCandidate>& told) -> Status {
    told.clear();
    return {};
  };
  const Selected s = *f.select();
  EXPECT_THAT(s.choices, IsEmpty());
  EXPECT_EQ(s.counts.unchosen, 2);
  EXPECT_EQ(s.counts.undecided, 2);
  EXPECT_EQ(f.asked.size(), 1u);
  EXPECT_EQ(s.json["tasks"][0]["chosen"], nullptr);
  EXPECT_THAT(s.json["tasks"][1]["rule"].get<std::string>(), HasSubstr("every candidate failed"));
  const FakeCompiler nothing;
  EXPECT_THAT((*select_stable({}, {}, FakeCompiler().session())).choices, IsEmpty());
}

TEST(Select, CutCandidatesAreTold) {
  FakeCompiler f;
  for (int64_t i = 0; i < 6; ++i) f.add("conv", i, 1e6 + static_cast<double>(i), 'f');
  const Selected s = *f.select({.candidates = 2});
  EXPECT_EQ(s.json["tasks"][0]["cut"], 4);
  EXPECT_EQ(candidate(s, 0, 5)["outcome"], "cut");
  EXPECT_EQ(f.asked[0].size(), 2u);
}

TEST(Select, BadInputIsRefused) {
  FakeCompiler f = scripted();
  const auto message = [&](const SelectOptions& o) {
    const auto r = f.select(o);
    return r ? std::string("accepted") : r.error().message;
  };
  EXPECT_THAT(message({.rounds = 0}), HasSubstr("rounds 0"));
  EXPECT_THAT(message({.sessions = 1001}), HasSubstr("sessions 1001"));
  EXPECT_THAT(message({.candidates = 0}), HasSubstr("candidates 0"));
  EXPECT_THAT(message({.margin = NAN}), HasSubstr("margin"));
  EXPECT_THAT(message({.alpha = 0}), HasSubstr("alpha"));
  EXPECT_THAT(message({.floor = -1}), HasSubstr("floor"));
  f.recorded.push_back(f.recorded[1]);
  EXPECT_THAT(message({}), HasSubstr("candidate 1 of layer \"conv\" is recorded twice"));
  f.recorded.back().name.number = -1;
  EXPECT_THAT(message({}), HasSubstr("negative"));
  EXPECT_THAT(f.asked, IsEmpty());
}

}  // namespace
}  // namespace assay::audit
