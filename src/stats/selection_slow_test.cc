// SPDX-License-Identifier: Apache-2.0
// How often repeated tunings agree, with and without stable selection, and what it costs in speed.
// ASSAY_PRINT_TABLES=1 prints docs/results/selection.md's table.
#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>

#include "stats/selection_simulated.h"
#include "stats/simulated.h"

namespace assay::stats {
namespace {

constexpr int kTasks = 40, kRepeats = 50;
constexpr SelectionNoise kNoises[] = {kIid, kSessions, kHeavy, kUneven};

void row(const char* noise, const std::string& task, const SelectionRates& r) {
  static const bool print = [] {
    if (!std::getenv("ASSAY_PRINT_TABLES")) return false;
    std::printf(
        "| noise | task | flips, fastest | flips, stable | loss, fastest: mean, worst | loss, "
        "stable: mean, worst | wrong eliminations | wrong claims | undecided | sessions |\n"
        "|---|---|---|---|---|---|---|---|---|---|\n");
    return true;
  }();
  if (print)
    std::printf(
        "| %s | %s | %.1f %% | %.1f %% | %.2f %%, %.1f %% | %.2f %%, %.1f %% | %.2f %% | %.2f %% | "
        "%.0f %% | %.1f |\n",
        noise, task.c_str(), 100 * r.plain_flips, 100 * r.flips, 100 * r.plain_loss,
        100 * r.plain_worst, 100 * r.loss, 100 * r.worst, 100 * r.wrong, 100 * r.false_claims,
        100 * r.undecided, r.sessions);
}

// `k` candidates, one the best and all others `gap` slower: the most pairs that can err at once.
class SelectionSlow : public testing::TestWithParam<int> {};
INSTANTIATE_TEST_SUITE_P(Candidates, SelectionSlow, testing::Values(2, 8));

TEST_P(SelectionSlow, OneBestAndOthersAGapSlower) {
  const auto k = static_cast<size_t>(GetParam());
  for (const SelectionNoise& noise : kNoises)
    for (const double gap : {0.0, .005, .01, .02, .03, .05, .1}) {
      const SelectionRates r = selection_rates(
          [&](Random&) {
            std::vector<double> truth(k, 1e6 * (1 + gap));
            truth[k / 2] = 1e6;
            return truth;
          },
          kTasks, kRepeats, noise, {}, 17);
      char task[60];
      std::snprintf(task, sizeof task, "%zu, gap %.3g %%", k, 100 * gap);
      row(noise.name, task, r);
      SCOPED_TRACE(std::string(noise.name) + ", " + task);
      EXPECT_LE(r.wrong, most_errors(.05, r.selections));
      EXPECT_LE(r.false_claims, most_errors(.05, r.selections));
      if (gap == 0) {
        EXPECT_GT(r.plain_flips, .4);
      }
      if (gap <= .01) {
        EXPECT_LE(r.flips, .02);
      }
      // On the margin only a wrong elimination of the right one flips.
      if (gap == .02) {
        EXPECT_LE(r.flips, most_errors(.05, r.selections));
      }
      if (gap == .1) {
        EXPECT_LE(r.loss, .005);
      }
    }
}

// The lowest hash lies just above the margin: no selection may call it within.
TEST(SelectionSlow, ClaimsOfTheMarginErrAtMostAlpha) {
  for (const SelectionNoise& noise : kNoises) {
    const SelectionRates r = selection_rates(
        [](Random&) {
          return std::vector<double>{1.0201e6, 1e6};
        },
        200, 25, noise, {}, 18, {}, 0);
    row(noise.name, "2, lowest hash 2.01 % slower", r);
    figure("false_claims", r.false_claims);
    EXPECT_LE(r.false_claims, most_errors(.05, r.selections)) << noise.name;
  }
}

// Spaces of 64 candidates as tuners leave them, log times uniform over a spread, so that one to
// three lie within 2 % of the best.
SelectionRates space(double spread, const SelectionNoise& noise, const SelectionPlan& plan,
                     const NearTieOptions& ties = {}) {
  return selection_rates(
      [&](Random& random) {
        std::vector<double> truth;
        for (int i = 0; i < 64; ++i) truth.push_back(1e6 * std::exp(spread * uniform(random)));
        return truth;
      },
      100, 50, noise, plan, 19, ties);
}

TEST(SelectionSlow, WholeSpaces) {
  for (const SelectionNoise& noise : kNoises)
    for (const double spread : {.5, 1.5}) {
      const SelectionRates r = space(spread, noise, {});
      char task[60];
      std::snprintf(task, sizeof task, "64 over %.0f %%", 100 * std::expm1(spread));
      row(noise.name, task, r);
      SCOPED_TRACE(std::string(noise.name) + ", " + task);
      EXPECT_LE(r.wrong, most_errors(.05, r.selections));
      EXPECT_LT(r.flips, r.plain_flips * (spread < 1 ? .5 : .75));
      EXPECT_LE(r.loss, .02);
    }
}

// What a user can turn: more sessions narrow the border at which selections flip and lose less. A
// wider margin only moves the border to where there are as many candidates or more (and beyond
// those that are measured), and more candidates do nothing for it.
TEST(SelectionSlow, Levers) {
  const SelectionRates as_is = space(.5, kSessions, {});
  const SelectionRates longer = space(.5, kSessions, {.sessions = 12});
  const SelectionRates wider = space(.5, kSessions, {.margin = .05});
  const SelectionRates more = space(.5, kSessions, {}, {.most = 16});
  row(kSessions.name, "64 over 65 %, 12 sessions", longer);
  row(kSessions.name, "64 over 65 %, margin 5 %", wider);
  row(kSessions.name, "64 over 65 %, 16 candidates", more);
  EXPECT_LT(longer.loss, as_is.loss);
  EXPECT_GT(wider.loss, as_is.loss);
  EXPECT_LT(longer.flips, as_is.flips + .01);
}

}  // namespace
}  // namespace assay::stats
