// SPDX-License-Identifier: Apache-2.0
#include "stream/analyse.h"

#include <gtest/gtest.h>

#include "stream/made_logs.h"

namespace assay::stream {
namespace {

AnalyseOptions quick() {
  AnalyseOptions o;
  o.pwcet = false;
  return o;
}

TEST(Analyse, StagesAddUpToTheResponse) {
  MadeCell m;
  m.cell.streams = 2;
  m.dependence = .4;
  const CellResult c = analyse_cell(made_log(m), quick());
  ASSERT_EQ(c.tasks.size(), 1);
  const TaskResult& t = c.tasks[0];
  ASSERT_EQ(t.stages.size(), 8);
  double mean = 0, share = 0, variance = 0, tail = 0;
  for (size_t i = 0; i < 7; ++i) {
    mean += t.stages[i].mean;
    share += t.stages[i].share_mean;
    variance += t.stages[i].share_variance;
    tail += t.stages[i].share_tail;
  }
  EXPECT_NEAR(mean, t.stages[7].mean, 1e-3);
  EXPECT_NEAR(share, 1, 1e-9);
  EXPECT_NEAR(variance, 1, 1e-9);
  EXPECT_NEAR(tail, 1, 1e-9);
  EXPECT_EQ(t.stages[7].n, 2 * 5 * 1000);
}

}  // namespace
}  // namespace assay::stream
