// SPDX-License-Identifier: Apache-2.0
#include "stats/selection.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "stats/selection_simulated.h"
#include "stats/simulated.h"

namespace assay::stats {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using Outcome = SelectionCandidate::Outcome;

// ---- near_ties ----

TEST(NearTies, OverlapWithTheFastestMergeAndUnusable) {
  const std::vector<RecordedTimes> recorded = {
      {{104, 180}, "a"}, {{100, 101}, "b"}, {{130, 131}, "c"}, {{}, "d"},
      {{99, 99.5}, "b"}, {{0, 90}, "e"},    {{NAN}, "f"}};
  const NearTies n = near_ties(recorded);
  EXPECT_THAT(n.kept, ElementsAre(1, 0));  // one disturbed time does not hide the candidate
  EXPECT_EQ(n.candidates[1].time_ns, 99);
  EXPECT_EQ(n.candidates[2].outcome, TieOutcome::slower);
  EXPECT_EQ(n.candidates[4].outcome, TieOutcome::merged);
  EXPECT_EQ(n.candidates[4].merged_into, 1);
  for (const size_t unusable : {3, 5, 6})
    EXPECT_EQ(n.candidates[unusable].outcome, TieOutcome::unusable) << unusable;
}

TEST(NearTies, TheSlowestBeyondTheMostAreCut) {
  std::vector<RecordedTimes> recorded;
  for (int i = 0; i < 12; ++i) recorded.push_back({{1000.0 + (i * 5) % 12}, ""});
  const NearTies n = near_ties(recorded, {.most = 3});
  EXPECT_EQ(n.kept.size(), 3u);
  EXPECT_EQ(n.cut, 9);
  for (size_t i = 1; i < n.kept.size(); ++i)
    EXPECT_LE(n.candidates[n.kept[i - 1]].time_ns, n.candidates[n.kept[i]].time_ns);
  EXPECT_EQ(n.candidates[n.kept[0]].time_ns, 1000);
  EXPECT_EQ(near_ties(recorded, {.most = 0}).kept.size(), 1u);
}

TEST(NearTies, SpreadOfTheTaskWidensButADisturbedCandidateDoesNot) {
  std::vector<RecordedTimes> quiet = {{{100, 101}, ""}, {{118, 119}, ""}, {{150, 151}, ""}};
  EXPECT_EQ(near_ties(quiet).kept.size(), 1u);
  quiet[2].times_ns = {150, 400};
  EXPECT_EQ(near_ties(quiet).kept.size(), 1u);
  const std::vector<RecordedTimes> wide = {{{100, 115}, ""}, {{118, 135}, ""}, {{150, 175}, ""}};
  EXPECT_EQ(near_ties(wide).kept.size(), 2u);
  EXPECT_TRUE(near_ties({}).kept.empty());
}

// ---- decide ----

// Times truth * (1 +- about one part in a thousand), the same on every platform.
std::vector<SessionTimes> quiet(const std::vector<double>& truth, int sessions) {
  Random random(5);
  std::vector<SessionTimes> out;
  for (int s = 0; s < sessions; ++s)
    out.push_back(simulated_session(truth, std::vector<bool>(truth.size(), true), 5,
                                    {.name = "", .round = .001, .machine = .05}, random));
  return out;
}
const std::vector<std::string> kHashes = {"cc", "bb", "aa", "dd"};

TEST(Selection, LooksDouble) {
  EXPECT_THAT(selection_looks(1), ElementsAre());
  EXPECT_THAT(selection_looks(2), ElementsAre(2));
  EXPECT_THAT(selection_looks(3), ElementsAre(3));
  EXPECT_THAT(selection_looks(6), ElementsAre(3, 6));
  EXPECT_THAT(selection_looks(20), ElementsAre(3, 6, 12, 20));
}

TEST(Selection, SlowerOnesGoAndTheLowestHashOfTheRestIsChosen) {
  const auto sessions = quiet({1e6, 1.005e6, 1.1e6, 1.004e6}, 3);
  const Selection s = *decide(sessions, kHashes, {}, false);
  EXPECT_EQ(s.status, SelectionStatus::equivalent);
  EXPECT_EQ(s.chosen, 1);  // "bb": "aa" is 10 % slower
  const SelectionCandidate& out = s.candidates[2];
  EXPECT_EQ(out.outcome, Outcome::eliminated);
  EXPECT_EQ(out.eliminated_at, 3);
  EXPECT_EQ(out.against, 0u);
  EXPECT_GT(out.lower, 1.02);
  EXPECT_LT(out.lower, 1.1);
  EXPECT_NEAR(out.ratio, 1.1, .003);
  EXPECT_NEAR(s.candidates[1].ratio, 1.005, .003);
  EXPECT_LT(s.candidates[1].lower, s.candidates[1].ratio);
  EXPECT_GT(s.candidates[1].upper, s.candidates[1].ratio);
  ASSERT_EQ(s.looks.size(), 1u);
  EXPECT_DOUBLE_EQ(s.looks[0].alpha, .05 / 4);
  EXPECT_DOUBLE_EQ(s.looks[0].level, .05 / 4 / 3);
  EXPECT_EQ(s.looks[0].left_after, 3);
}

TEST(Selection, DecidedWhenOneIsLeftOrTheChosenOneIsFastEnough) {
  const std::vector<std::string> hashes = {"aa", "bb"};
  EXPECT_EQ(decide(quiet({1.1e6, 1e6}, 3), hashes, {}, false)->chosen, 1);
  // The lowest hash is 2 % faster: the other lies on the margin, but nothing can change the choice.
  const Selection s = *decide(quiet({1e6, 1.02e6}, 3), hashes, {}, false);
  EXPECT_EQ(s.status, SelectionStatus::decided);
  EXPECT_EQ(s.chosen, 0);
  EXPECT_TRUE(s.left(1));
}

TEST(Selection, UndecidedOnTheMarginAndOpenBefore) {
  const std::vector<std::string> hashes = {"bb", "aa"};
  const Selection early = *decide(quiet({1e6, 1.02e6}, 3), hashes, {}, false);
  EXPECT_EQ(early.status, SelectionStatus::open);
  EXPECT_EQ(early.chosen, -1);
  const Selection spent = *decide(quiet({1e6, 1.02e6}, 6), hashes, {}, false);
  EXPECT_EQ(spent.status, SelectionStatus::undecided);
  EXPECT_EQ(spent.chosen, 1);
  // Four sessions are no planned look; as the last ones they get what is left of the spending.
  EXPECT_EQ(decide(quiet({1e6, 1.02e6}, 4), hashes, {}, false)->looks.size(), 1u);
  const Selection cut = *decide(quiet({1e6, 1.02e6}, 4), hashes, {}, true);
  ASSERT_EQ(cut.looks.size(), 2u);
  EXPECT_NEAR(cut.looks[1].alpha, .05 * (16 - 9) / 36, 1e-12);
  EXPECT_EQ(cut.status, SelectionStatus::undecided);
}

TEST(Selection, OneSessionShowsNothing) {
  const Selection s =
      *decide(quiet({1e6, 1.5e6}, 1), std::vector<std::string>{"bb", "aa"}, {}, true);
  EXPECT_EQ(s.status, SelectionStatus::undecided);
  EXPECT_EQ(s.chosen, 1);
  EXPECT_TRUE(s.looks.empty());
  EXPECT_EQ(to_json(s.candidates[1])["upper"], nullptr);
}

TEST(Selection, AFailedCandidateIsDroppedAndTheReplayKeepsEliminations) {
  auto sessions = quiet({1e6, 1.019e6, 1.2e6}, 6);
  for (size_t s = 3; s < 6; ++s) sessions[s][2].clear();  // eliminated after three
  for (size_t s = 4; s < 6; ++s) sessions[s][1].clear();  // failed in the fifth
  const Selection s =
      *decide(sessions, std::vector<std::string>{"cc", "bb", "aa"}, {.margin = .019}, false);
  EXPECT_EQ(s.candidates[2].outcome, Outcome::eliminated);
  EXPECT_EQ(s.candidates[1].outcome, Outcome::dropped);
  EXPECT_EQ(s.candidates[1].sessions, 4);
  EXPECT_EQ(s.status, SelectionStatus::decided);
  EXPECT_EQ(s.chosen, 0);
  for (auto& session : sessions) session = {{}, {}, {}};
  EXPECT_EQ(decide(sessions, std::vector<std::string>{"a", "b", "c"}, {}, true)->chosen, -1);
}

// Machine noise of 5 % between processes cancels; noise of each candidate's own in a process does
// not.
TEST(Selection, TheSessionIsTheUnit) {
  Random random(9);
  std::vector<SessionTimes> sessions;
  for (int s = 0; s < 3; ++s)
    sessions.push_back(simulated_session({1e6, 1.05e6}, {true, true}, 200,
                                         {.name = "", .round = .001, .process = .03}, random));
  const Selection s = *decide(sessions, std::vector<std::string>{"bb", "aa"}, {}, false);
  EXPECT_EQ(s.status, SelectionStatus::open);  // 600 rounds are three observations
}

// A clock of 10 us: equal readings are no proof, whatever their number.
TEST(Selection, ACoarseClockDecidesNothingBelowItsStep) {
  const std::vector<std::string> hashes = {"bb", "aa"};
  const SessionTimes s = {{100000, 100000, 100000}, {110000, 110000, 110000}};
  EXPECT_EQ(decide(std::vector<SessionTimes>(6, s), hashes, {}, false)->status,
            SelectionStatus::undecided);
  const SessionTimes fine = {{100001, 100001, 100001}, {110000, 110000, 110000}};
  EXPECT_EQ(decide(std::vector<SessionTimes>(3, fine), hashes, {}, false)->chosen, 0);
}

TEST(Selection, OrderOfCandidatesDoesNotMatter) {
  const auto a = quiet({1e6, 1.005e6, 1.1e6, 1.004e6}, 6);
  auto b = a;
  for (auto& s : b) std::reverse(s.begin(), s.end());
  const std::vector<std::string> reversed(kHashes.rbegin(), kHashes.rend());
  const Selection x = *decide(a, kHashes, {}, true), y = *decide(b, reversed, {}, true);
  EXPECT_EQ(kHashes[static_cast<size_t>(x.chosen)], reversed[static_cast<size_t>(y.chosen)]);
  EXPECT_EQ(x.status, y.status);
}

TEST(Selection, BadShapesAreRefused) {
  const auto good = quiet({1e6, 1e6}, 3);
  const std::vector<std::string> hashes = {"a", "b"};
  const auto refused = [&](std::vector<SessionTimes> sessions, const SelectionPlan& plan = {}) {
    const auto r = decide(sessions, hashes, plan, false);
    return r ? std::string("accepted") : r.error().message;
  };
  EXPECT_THAT(refused({}), HasSubstr("no session"));
  EXPECT_THAT(refused(good, {.margin = -1}), HasSubstr("margin"));
  EXPECT_THAT(refused(good, {.margin = NAN}), HasSubstr("margin"));
  EXPECT_THAT(refused(good, {.alpha = .5}), HasSubstr("alpha"));
  EXPECT_THAT(refused(good, {.sessions = 0}), HasSubstr("sessions"));
  auto bad = good;
  bad[1].pop_back();
  EXPECT_THAT(refused(bad), HasSubstr("session 1 has 1 candidates, expected 2"));
  bad = good;
  bad[1][1].pop_back();
  EXPECT_THAT(refused(bad), HasSubstr("candidate 1 of session 1 has 4 rounds"));
  bad = good;
  bad[1][0].clear();
  EXPECT_THAT(refused(bad), HasSubstr("candidate 0 is measured in session 2 but not"));
  bad = good;
  bad[2][0][3] = 0;
  EXPECT_THAT(refused(bad), HasSubstr("the time 0 ns"));
}

// ---- simulated, in short (selection_slow_test.cc at length) ----

TEST(Selection, FlipsFarLessThanTheSmallestTimeAndErrsAtMostAlpha) {
  constexpr int kTasks = 20, kRepeats = 25;
  for (const SelectionNoise& noise : {kIid, kSessions, kHeavy}) {
    const SelectionRates tie = selection_rates(
        [](Random&) {
          return std::vector<double>{1e6, 1e6, 1e6};
        },
        kTasks, kRepeats, noise, {}, 1);
    EXPECT_GT(tie.plain_flips, .4) << noise.name;
    EXPECT_LT(tie.flips, .03) << noise.name;
    const SelectionRates edge = selection_rates(
        [](Random&) {
          return std::vector<double>{1.02e6, 1e6, 1.02e6};
        },
        kTasks, kRepeats, noise, {}, 2);
    EXPECT_LE(edge.wrong, most_errors(.05, edge.selections)) << noise.name;
    const SelectionRates far = selection_rates(
        [](Random&) {
          return std::vector<double>{1.1e6, 1e6, 1.1e6};
        },
        kTasks, kRepeats, noise, {}, 3);
    EXPECT_LT(far.loss, .005) << noise.name;
  }
}

}  // namespace
}  // namespace assay::stats
