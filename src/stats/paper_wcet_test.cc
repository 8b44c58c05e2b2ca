// SPDX-License-Identifier: Apache-2.0
#include "stats/paper_wcet.h"

#include <gtest/gtest.h>

#include <cmath>

namespace assay::stats {
namespace {

TEST(PaperWcet, OneCamera) {
  const PaperWcet w = paper_wcet_single(1e6, 15e6, .49e6, .5e6);
  EXPECT_TRUE(w.ok);
  EXPECT_EQ(w.cameras, 1);
  EXPECT_DOUBLE_EQ(w.response_ns, 16.99e6);
}

TEST(PaperWcet, SeveralCameras) {
  const std::vector<double> c1 = {1, 2, 3};
  const PaperWcet w = paper_wcet_multi(c1, 10, 100, 5, 20, .5);
  EXPECT_TRUE(w.ok);
  EXPECT_DOUBLE_EQ(w.read_ns, 6);
  EXPECT_DOUBLE_EQ(w.response_ns, 6 + 10.5 + 120 + 5.5);
  // One camera without growth is the first case.
  const std::vector<double> one = {1};
  EXPECT_DOUBLE_EQ(paper_wcet_multi(one, 10, 100, 5, 0, 0).response_ns,
                   paper_wcet_single(1, 10, 100, 5).response_ns);
}

TEST(PaperWcet, FromMaxima) {
  const std::vector<int64_t> r = {1, 2}, p = {10, 9}, i = {100, 90}, q = {5, 4};
  const std::vector<int64_t> r2 = {3}, p2 = {12}, i2 = {130}, q2 = {6};
  const StageSeries alone{r, p, i, q};
  EXPECT_DOUBLE_EQ(paper_wcet_from_max(alone).response_ns, 117);
  const std::vector<StageSeries> cameras = {{r, p, i, q}, {r2, p2, i2, q2}};
  const PaperWcet w = paper_wcet_from_max(alone, cameras);
  EXPECT_TRUE(w.ok);
  EXPECT_DOUBLE_EQ(w.epsilon_ns, 2);
  EXPECT_DOUBLE_EQ(w.delta_inference_ns, 30);
  EXPECT_DOUBLE_EQ(w.response_ns, 5 + 12 + 130 + 7);
}

TEST(PaperWcet, RefusesWhatIsNoTime) {
  EXPECT_FALSE(paper_wcet_single(-1, 1, 1, 1).ok);
  EXPECT_FALSE(paper_wcet_single(1, NAN, 1, 1).ok);
  EXPECT_FALSE(paper_wcet_single(1, 1, INFINITY, 1).ok);
  EXPECT_FALSE(paper_wcet_multi({}, 1, 1, 1, 0, 0).ok);
  EXPECT_FALSE(paper_wcet_from_max(StageSeries{}).ok);
  EXPECT_FALSE(paper_wcet_from_max(StageSeries{}, {}).ok);
}

}  // namespace
}  // namespace assay::stats
