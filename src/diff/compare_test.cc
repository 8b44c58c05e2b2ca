// SPDX-License-Identifier: Apache-2.0
#include "diff/compare.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "diff/made_engines.h"
#include "diff/read/read.h"

namespace assay::diff {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::vector<EngineMap> pair_of(size_t layers = 4) {
  return {made_engine("a", layers), made_engine("b", layers)};
}

TEST(Compare, EqualEnginesDoNotDiffer) {
  const auto engines = pair_of();
  const Comparison c = compare(engines);
  EXPECT_FALSE(c.differs());
  EXPECT_EQ(c.rows_differ + c.rows_renamed, 0u);
  EXPECT_TRUE(c.notes.empty());
  EXPECT_FALSE(c.names_only);
}

TEST(Compare, CodeCountsNotItsName) {
  auto engines = pair_of();
  engines[1].layers[0] = made_layer(0, 1);         // equal names, other code
  engines[1].layers[1].kernel = "renamed_kernel";  // equal code, other name
  const Comparison c = compare(engines);
  EXPECT_THAT(c.rows[0].changes, ElementsAre(Change::code));
  EXPECT_THAT(c.rows[1].changes, ElementsAre(Change::name));
  EXPECT_FALSE(c.rows[1].differs);
  EXPECT_EQ(c.rows[1].sides[0].variant, c.rows[1].sides[1].variant);
  EXPECT_NE(c.rows[0].sides[0].variant, c.rows[0].sides[1].variant);
  EXPECT_EQ(c.rows_differ, 1u);
  EXPECT_EQ(c.rows_renamed, 1u);
}

TEST(Compare, NamesAloneAreSaidToBeNames) {
  auto engines = pair_of();
  for (Layer& l : engines[1].layers) l.source_sha256.clear();
  engines[1].layers[2].kernel = "other";
  const Comparison c = compare(engines);
  EXPECT_THAT(c.rows[2].changes, ElementsAre(Change::kernel));
  EXPECT_EQ(c.rows_differ, 1u);
  EXPECT_TRUE(c.names_only);
  ASSERT_EQ(c.notes.size(), 1u);
  EXPECT_THAT(c.notes[0], HasSubstr("equal names may hide unequal code"));
}

TEST(Compare, PrecisionFormatShapePresenceOrderAndFusion) {
  auto engines = pair_of(8);
  auto& b = engines[1].layers;
  b[0].precision = "fp16";
  b[1].inputs[0].format = "nchwc16";
  b[2].outputs[0].shape = {1, 8, 8, 8};
  b[3].outputs[0].shape.clear();  // not told is no difference
  b[3].precision.clear();
  b[4].origin = {"Conv_4"};
  std::swap(b[5], b[6]);
  b.pop_back();
  const Comparison c = compare(engines);
  ASSERT_EQ(c.rows.size(), 8u);
  EXPECT_THAT(c.rows[0].changes, ElementsAre(Change::precision));
  EXPECT_THAT(c.rows[1].changes, ElementsAre(Change::format));
  EXPECT_THAT(c.rows[2].changes, ElementsAre(Change::shape));
  EXPECT_TRUE(c.rows[3].changes.empty());
  EXPECT_THAT(c.rows[4].changes, ElementsAre(Change::fusion));
  EXPECT_EQ(c.counts[static_cast<size_t>(Change::order)], 1u);
  EXPECT_THAT(c.rows[7].changes, ElementsAre(Change::absent));
}

TEST(Compare, ALateLayerOfALongGroupIsSeen) {
  auto engines = pair_of(12);
  engines[1].compiler = "other";
  for (EngineMap& e : engines)
    for (size_t i = 0; i < e.layers.size(); ++i) {
      e.layers[i].source_sha256.clear();
      e.layers[i].origin = {fmt::format("n{}", i), fmt::format("n{}", i + 1)};
    }
  engines[1].layers[9].kernel = "other";
  const Comparison c = compare(engines);
  ASSERT_EQ(c.rows.size(), 1u);
  EXPECT_THAT(c.rows[0].changes, ElementsAre(Change::kernel));
  EXPECT_THAT(c.rows[0].sides[0].kernel, HasSubstr("+ 8 more"));
}

TEST(Compare, TimesOfAGroupAreSummedRunByRunAndSharesAddUp) {
  auto engines = pair_of(2);
  engines[0].layers[0].time_ns = {100, 300};
  engines[0].layers[1].time_ns = {50, 10};
  engines[1].layers[0].name = "both";
  engines[1].layers[0].origin = {"Conv_0", "Conv_1"};
  engines[1].layers.pop_back();
  const Comparison c = compare(engines);
  ASSERT_EQ(c.rows.size(), 1u);
  const Side& a = c.rows[0].sides[0];
  ASSERT_TRUE(a.time);
  EXPECT_EQ(a.time->low, 150);
  EXPECT_EQ(a.time->high, 310);
  EXPECT_DOUBLE_EQ(*a.share, 1);
  engines[0].layers[1].time_ns.clear();
  EXPECT_FALSE(compare(engines).rows[0].sides[0].time);
  EXPECT_FALSE(compare(engines).rows[0].sides[0].share);
}

TEST(Compare, SizesThatDoNotFitStayWithinBounds) {
  auto engines = pair_of(2);
  for (Layer& l : engines[0].layers) l.weight_bytes = INT64_MAX, l.origin = {"n"};
  engines[1].layers = {engines[0].layers[0]};
  EXPECT_EQ(compare(engines).rows[0].sides[0].weight_bytes, INT64_MAX);
}

TEST(Decisions, AFlipBetweenOverlappingTimesIsANearTie) {
  auto engines = pair_of();
  engines[0].decisions = {made_decision(
      "conv0", "tile 4",
      {{"tile 4", {100, 110}}, {"tile 8", {105, 120}}, {"tile 16", {}}, {"tile 2", {300, 330}}})};
  engines[1].decisions = {
      made_decision("conv0", "tile 8", {{"tile 4", {104, 106}}, {"tile 8", {99, 105}}})};
  const Comparison c = compare(engines);
  ASSERT_EQ(c.tasks.size(), 1u);
  const TaskDiff& t = c.tasks[0];
  EXPECT_TRUE(t.differs);
  EXPECT_EQ(t.tie, Tie::near);
  EXPECT_EQ(c.near_ties, 1u);
  EXPECT_THAT(c.rows[0].changes, ElementsAre(Change::decision));
  const TaskSide& a = t.sides[0];
  EXPECT_EQ(a.candidates, 4u);
  EXPECT_EQ(a.failed, 1u);
  ASSERT_EQ(a.losers.size(), 2u);
  EXPECT_TRUE(a.losers[0].near_tie);
  EXPECT_NEAR(a.losers[0].gap, 112.5 / 105 - 1, 1e-12);
  EXPECT_NEAR(a.losers[0].gap_low, 105.0 / 110 - 1, 1e-12);
  EXPECT_FALSE(a.losers[1].near_tie);
}

// Two layers a side for the same nodes, but the kernels exchanged.
TEST(Compare, AnotherCutOrOrderOfTheSameNodesIsAFusion) {
  auto engines = pair_of();
  engines[0].layers.resize(2);
  engines[1].layers.resize(2);
  const auto set = [&](size_t e, size_t i, const char* name, const char* origin,
                       const char* kernel) {
    Layer& l = engines[e].layers[i];
    l = Layer();
    l.name = name;
    l.origin = {origin};
    l.kernel = kernel;
  };
  set(0, 0, "x", "C0", "k1");
  set(0, 1, "z", "C5", "k2");
  set(1, 0, "x", "C5", "k1");
  set(1, 1, "y", "C0", "k2");
  EXPECT_TRUE(compare(engines).differs());
}

TEST(Decisions, AClearFlipSingleTimesAndChoicesNeverTried) {
  auto engines = pair_of();
  engines[0].decisions = {made_decision("t", "x", {{"x", {100, 101}}, {"y", {200, 201}}}),
                          made_decision("u", "x", {{"x", {100}}, {"y", {100}}}),
                          made_decision("v", "x", {{"x", {100, 101}}}), made_decision("w", "x", {}),
                          made_decision("w", "y", {})};
  engines[1].decisions = {made_decision("t", "y", {}), made_decision("u", "y", {}),
                          made_decision("v", "y", {{"y", {1, 2}}}), made_decision("w", "x", {})};
  const Comparison c = compare(engines);
  ASSERT_EQ(c.tasks.size(), 5u);
  EXPECT_EQ(c.tasks[0].tie, Tie::clear);
  EXPECT_EQ(c.tasks[1].tie, Tie::not_told);
  EXPECT_THAT(c.tasks[1].why, HasSubstr("once only"));
  EXPECT_THAT(c.tasks[2].why, HasSubstr("no engine timed"));
  EXPECT_FALSE(c.tasks[3].differs);
  EXPECT_EQ(c.tasks[4].occurrence, 1u);
  EXPECT_TRUE(c.tasks[4].differs);  // in one engine only
  EXPECT_EQ(c.tasks_differ, 4u);
  EXPECT_TRUE(c.differs());
}

TEST(Decisions, TimesThatAreNoneAreNotUsed) {
  EXPECT_FALSE(times_of({}));
  EXPECT_FALSE(times_of({HUGE_VAL, -1}));
  EXPECT_EQ(times_of({3, 1, HUGE_VAL, 2})->median, 2);
}

TEST(ReadEngine, AFolderIsReadAndItsDamageIsSeen) {
  const TempDir dir = TempDir::create(fs::temp_directory_path(), "assay-diff-").value();
  const EngineMap e = made_engine("folder", 3);
  ASSERT_TRUE(write_made_folder(e, dir.path() / "folder"));
  const auto read = read_engine(dir.path() / "folder", "auto");
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->label, "folder");
  ASSERT_EQ(read->layers.size(), 3u);
  EXPECT_EQ(read->layers[1].source_text, e.layers[1].source_text);
  EXPECT_EQ(read->layers[1].origin, e.layers[1].origin);
  ASSERT_TRUE(write_file_atomic(dir.path() / "folder/sources/001.ll", "other"));
  EXPECT_FALSE(read_engine(dir.path() / "folder", "auto"));
  EXPECT_FALSE(read_engine(dir.path() / "absent", "auto"));
}

}  // namespace
}  // namespace assay::diff
