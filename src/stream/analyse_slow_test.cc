// SPDX-License-Identifier: Apache-2.0
// How often the statements of the analysis are wrong, by simulation: at most their nominal rate
// and three standard deviations of the count.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <iostream>

#include "stats/random.h"
#include "stream/composition.h"
#include "stream/concurrency.h"
#include "stream/made_logs.h"

namespace assay::stream {
namespace {

double allowed(double nominal, int trials) {
  return nominal * trials + 3 * std::sqrt(nominal * (1 - nominal) * trials);
}

MadeCell cell(int streams, const char* compiler, uint64_t seed) {
  MadeCell m;
  m.cell.recipe.assign(compiler);
  m.cell.compiler.assign(compiler);
  m.cell.streams = streams;
  m.frames = 100;
  m.seed = seed;
  return m;
}

TEST(AnalyseSlow, SlowdownIntervalsCoverAndEqualityHoldsItsLevel) {
  const int trials = 1000;
  int uncovered = 0, false_equal = 0;
  AnalyseOptions options;
  options.pwcet = false;
  for (int t = 0; t < trials; ++t) {
    const auto seed = static_cast<uint64_t>(t);
    MadeCell one = cell(1, "a", 3 * seed + 1), two = cell(2, "a", 3 * seed + 2),
             other = cell(1, "b", 3 * seed + 3);
    other.decode.median_ns *= 1.05;  // just not equal within 5 %
    const std::vector<CellLog> logs = {made_log(one), made_log(two), made_log(other)};
    std::vector<CellResult> cells(3);  // trust alone is asked of them: all stages trusted
    for (size_t i = 0; i < 3; ++i) {
      TaskResult& task = cells[i].tasks.emplace_back();
      task.task = "classify";
      for (const Stage s : kStages) {
        task.stages.emplace_back().stage = s;
        task.stages.back().gate.trust = Trust::trusted;
      }
      task.stages.emplace_back().gate.trust = Trust::trusted;
    }
    const std::vector<CellView> views = views_of(logs, cells);
    for (const Slowdown& s : slowdowns_of(views, options))
      if (s.stage == Stage::infer && s.q == .5)
        uncovered += s.ratio.lower > 1.1 || s.ratio.upper < 1.1;
    for (const StageEquality& e : equalities_of(views, options))
      if (e.stage == Stage::decode) false_equal += e.all.equality == stats::Equality::equivalent;
  }
  std::cout << "not covered " << uncovered << ", falsely equal " << false_equal << " of " << trials
            << "\n";
  EXPECT_LE(uncovered, allowed(.05, trials));
  EXPECT_LE(false_equal, allowed(.05, trials));
  EXPECT_GT(uncovered, 0);  // an interval that never errs is not one of 95 %
}

// Four independent exponential stages: R is a gamma law, P(R > x) = e^-x (1 + x + x^2/2 + x^3/6).
TEST(AnalyseSlow, JointAndBooleBoundsHoldTheirLevel) {
  const double q99 = 10.045118;  // the .99 quantile of that law
  ASSERT_NEAR(std::exp(-q99) * (1 + q99 + q99 * q99 / 2 + q99 * q99 * q99 / 6), .01, 1e-6);
  const int trials = 600;
  int joint = 0, boole = 0, off = 0, refused = 0;
  for (int t = 0; t < trials; ++t) {
    stats::Random random(stats::derived_seed(77, static_cast<uint64_t>(t)));
    std::vector<StageColumn> four = {
        {Stage::read, {}}, {Stage::pre, {}}, {Stage::infer, {}}, {Stage::post, {}}};
    for (int i = 0; i < 8000; ++i)
      for (StageColumn& s : four)
        s.values.push_back(std::llround(1e6 * stats::exponential(random)));
    ComposeOptions options;
    options.draws = 40'000;
    const Composition c = compose(four, .99, options);
    ASSERT_TRUE(c.joint_upper);
    refused += !c.boole_upper;  // tau came out high by chance
    joint += *c.joint_upper < 1e6 * q99;
    boole += c.boole_upper && *c.boole_upper < 1e6 * q99;
    off += !c.boole_holds;
  }
  std::cout << "joint bound below the truth " << joint << ", Boole " << boole
            << ", joint above Boole " << off << " of " << trials << "\n";
  EXPECT_LE(joint, allowed(.05, trials));
  EXPECT_EQ(boole, 0);  // four stages of this law: far above
  EXPECT_EQ(off, 0);
  EXPECT_LT(refused, trials / 5);
}

}  // namespace
}  // namespace assay::stream
