// SPDX-License-Identifier: Apache-2.0
#include "audit/schedule.h"

#include <gtest/gtest.h>

#include <map>
#include <set>
#include <tuple>

namespace assay::audit {
namespace {

const std::vector<std::string> kRecipes = {"a", "b", "c"};
constexpr int64_t kBuilds = 4, kLaunches = 5;

std::vector<std::string> ids(const std::vector<Job>& jobs) {
  std::vector<std::string> out;
  for (const Job& j : jobs) out.push_back(j.job_id);
  return out;
}

TEST(Schedule, IsAFunctionOfItsArguments) {
  const auto a = make_schedule(kRecipes, kBuilds, kLaunches, 7);
  const auto b = make_schedule(kRecipes, kBuilds, kLaunches, 7);
  ASSERT_EQ(a.size(), b.size());
  for (size_t i = 0; i < a.size(); ++i) {
    EXPECT_EQ(std::tie(a[i].job_id, a[i].seed, a[i].block, a[i].position, a[i].recipe),
              std::tie(b[i].job_id, b[i].seed, b[i].block, b[i].position, b[i].recipe));
  }
}

TEST(Schedule, HoldsEveryJobOnce) {
  const auto jobs = make_schedule(kRecipes, kBuilds, kLaunches, 1);
  ASSERT_EQ(jobs.size(), kRecipes.size() * kBuilds * (1 + kLaunches));
  std::set<std::string> unique_ids;
  std::set<std::tuple<JobKind, size_t, int64_t, int64_t>> what;
  std::set<uint64_t> seeds;
  for (size_t i = 0; i < jobs.size(); ++i) {
    const Job& j = jobs[i];
    unique_ids.insert(j.job_id);
    what.emplace(j.kind, j.recipe, j.build_index, j.launch_index);
    seeds.insert(j.seed);
    EXPECT_EQ(j.position, static_cast<int64_t>(i));
    EXPECT_LT(j.seed, uint64_t{1} << 53);
  }
  EXPECT_EQ(unique_ids.size(), jobs.size());
  EXPECT_EQ(what.size(), jobs.size());
  EXPECT_EQ(seeds.size(), jobs.size());
}

// A block holds one build of each recipe, or one launch of each build; all builds come first.
TEST(Schedule, BlocksAreWholeAndInOrder) {
  const auto jobs = make_schedule(kRecipes, kBuilds, kLaunches, 3);
  std::map<int64_t, std::vector<Job>> blocks;
  int64_t last = 0;
  for (const Job& j : jobs) {
    EXPECT_GE(j.block, last);
    last = j.block;
    blocks[j.block].push_back(j);
  }
  ASSERT_EQ(blocks.size(), static_cast<size_t>(kBuilds + kLaunches));
  for (const auto& [number, block] : blocks) {
    const bool build = number < kBuilds;
    ASSERT_EQ(block.size(), kRecipes.size() * (build ? 1 : kBuilds));
    for (const Job& j : block) {
      EXPECT_EQ(j.kind, build ? JobKind::build : JobKind::launch);
      EXPECT_EQ(build ? j.build_index : j.launch_index, build ? number : number - kBuilds);
    }
  }
}

TEST(Schedule, OrderAndIdsFollowTheSeed) {
  const auto a = make_schedule(kRecipes, kBuilds, kLaunches, 1);
  const auto b = make_schedule(kRecipes, kBuilds, kLaunches, 2);
  auto order = [](const std::vector<Job>& jobs) {
    std::vector<std::tuple<size_t, int64_t, int64_t>> out;
    for (const Job& j : jobs) out.emplace_back(j.recipe, j.build_index, j.launch_index);
    return out;
  };
  EXPECT_NE(order(a), order(b));
  EXPECT_NE(ids(a), ids(b));
  // Within one schedule, blocks of the same kind are not all in the same order.
  std::set<std::vector<size_t>> orders;
  for (int64_t block = 0; block < kBuilds; ++block) {
    std::vector<size_t> recipes;
    for (const Job& j : a)
      if (j.block == block) recipes.push_back(j.recipe);
    orders.insert(recipes);
  }
  EXPECT_GT(orders.size(), 1u);
}

TEST(Schedule, AnAddedLaunchKeepsTheIdsOfTheOthers) {
  const auto few = make_schedule(kRecipes, kBuilds, kLaunches, 1);
  const auto many = make_schedule(kRecipes, kBuilds, kLaunches + 1, 1);
  const auto all = ids(many);
  for (const std::string& id : ids(few))
    EXPECT_NE(std::find(all.begin(), all.end(), id), all.end());
}

}  // namespace
}  // namespace assay::audit
