// SPDX-License-Identifier: Apache-2.0
#include "audit/schedule.h"

#include <fmt/format.h>

#include <algorithm>
#include <random>

#include "base/text.h"

namespace assay::audit {
namespace {

void shuffle(std::vector<Job>& block, std::mt19937_64& rng) {
  for (size_t i = block.size(); i > 1; --i) std::swap(block[i - 1], block[rng() % i]);
}

}  // namespace

std::vector<Job> make_schedule(const std::vector<std::string>& recipe_ids, int64_t builds,
                               int64_t launches, uint64_t seed) {
  return make_schedule(recipe_ids, std::vector<int64_t>(recipe_ids.size(), builds), launches, seed);
}

std::vector<Job> make_schedule(const std::vector<std::string>& recipe_ids,
                               const std::vector<int64_t>& builds, int64_t launches,
                               uint64_t seed) {
  std::mt19937_64 rng(seed);
  std::vector<Job> jobs;
  int64_t block_number = 0;
  auto finish_block = [&](std::vector<Job> block) {
    shuffle(block, rng);
    for (Job& job : block) {
      job.block = block_number;
      job.position = static_cast<int64_t>(jobs.size());
      job.seed = rng() >> 11;
      jobs.push_back(std::move(job));
    }
    ++block_number;
  };
  auto id = [&](const char* kind, size_t r, int64_t b, int64_t l) {
    return content_id(fmt::format("{} {} {} {} {}", kind, recipe_ids[r], b, l, seed));
  };
  const int64_t most = builds.empty() ? 0 : *std::max_element(builds.begin(), builds.end());
  for (int64_t b = 0; b < most; ++b) {
    std::vector<Job> block;
    for (size_t r = 0; r < recipe_ids.size(); ++r)
      if (b < builds[r]) block.push_back({id("build", r, b, 0), JobKind::build, r, b, 0});
    finish_block(std::move(block));
  }
  for (int64_t l = 0; l < launches; ++l) {
    std::vector<Job> block;
    for (int64_t b = 0; b < most; ++b)
      for (size_t r = 0; r < recipe_ids.size(); ++r)
        if (b < builds[r]) block.push_back({id("launch", r, b, l), JobKind::launch, r, b, l});
    finish_block(std::move(block));
  }
  return jobs;
}

}  // namespace assay::audit
