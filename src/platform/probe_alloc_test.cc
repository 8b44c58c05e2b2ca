// SPDX-License-Identifier: Apache-2.0
// A round takes no memory: counted by operators that replace the program's own.
#include <gtest/gtest.h>
#include <unistd.h>

#include "platform/count_new.h"
#include "platform/made_tree.h"
#include "platform/probe.h"

namespace assay::platform {
namespace {

int64_t taken_by_rounds(Probe& probe) {
  std::vector<int64_t> values(probe.channels().size());
  const int64_t before = news_of_this_thread();
  for (int64_t k = 0; k < 3; ++k) probe.read(k * 1'000'000'000, values);
  return news_of_this_thread() - before;
}

class Greedy : public Source {
 public:
  std::vector<Channel> channels() const override { return {{"g", Kind::gauge, 0, 0, 0}}; }
  void read(int64_t, int64_t* out) noexcept override {
    const std::vector<int64_t> some(100, 5);
    *out = some[static_cast<size_t>(::getpid()) % 100];
  }
};

TEST(ProbeAllocation, APlantedOneIsSeen) {
  std::vector<std::unique_ptr<Source>> sources;
  sources.push_back(std::make_unique<Greedy>());
  Probe probe(std::move(sources), {});
  EXPECT_GE(taken_by_rounds(probe), 3);
}

TEST(ProbeAllocation, ARoundOfThisMachineTakesNone) {
  Probe probe = Probe::open({{}, {}, true, static_cast<int>(::getpid())});
  ASSERT_FALSE(probe.channels().empty());
  EXPECT_EQ(taken_by_rounds(probe), 0);
}

TEST(ProbeAllocation, ARoundOfMadeMachinesTakesNone) {
  for (const auto* machine : {"desktop-intel", "desktop-amd", "jetson-agx-xavier-jetpack4",
                              "jetson-agx-orin-jetpack6", "container"}) {
    const auto tree = MadeTree::of(machine).value();
    Probe probe = Probe::open({tree.roots(), {}, false, 0});
    ASSERT_FALSE(probe.channels().empty()) << machine;
    EXPECT_EQ(taken_by_rounds(probe), 0) << machine;
  }
}

}  // namespace
}  // namespace assay::platform
