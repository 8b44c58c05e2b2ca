// SPDX-License-Identifier: Apache-2.0
#include "stream/cell.h"

#include <gtest/gtest.h>

#include <functional>
#include <set>

namespace assay::stream {
namespace {

Cell example() {
  Cell c;
  c.recipe = "openvino fp32";
  c.compiler = "openvino";
  c.streams = 4;
  c.cameras = 4;
  c.scenario = Scenario::constant_stream;
  c.period_ns = 33'333'333;
  c.cpus = {0, 1};
  return c;
}

TEST(Cell, RoundTrips) {
  Cell c = example();
  c.id.assign("anything");
  const Json j = to_json(c);
  const auto back = cell_from_json(j, "here");
  ASSERT_TRUE(back) << back.error().message;
  EXPECT_EQ(dump_json(to_json(*back)), dump_json(j));
  EXPECT_EQ(back->id, cell_id(c));
  EXPECT_EQ(back->id.size(), 32u);
  EXPECT_EQ(back->cpus, c.cpus);
}

// A seed of evidence: the id may not change between versions, or old runs would not be found.
TEST(Cell, TheIdIsPinned) { EXPECT_EQ(cell_id(example()), "5fd98e8109cab1b85ae0a73dad412fca"); }

TEST(Cell, EveryMemberIsInTheId) {
  std::set<std::string> ids = {cell_id(example())};
  const std::function<void(Cell&)> changes[] = {
      [](Cell& c) { c.recipe = "x"; },
      [](Cell& c) { c.compiler = "x"; },
      [](Cell& c) { c.build = 1; },
      [](Cell& c) { c.streams = 2; },
      [](Cell& c) { c.cameras = 2; },
      [](Cell& c) { c.mode = "threads"; },
      [](Cell& c) { c.scenario = Scenario::server; },
      [](Cell& c) { c.policy = Policy::drop_oldest; },
      [](Cell& c) { c.period_ns = 1; },
      [](Cell& c) { c.co_runner = "memory"; },
      [](Cell& c) { c.cache = "cold"; },
      [](Cell& c) { c.priority = "fifo:50"; },
      [](Cell& c) { c.cpus = {1}; },
      [](Cell& c) { c.oversubscribed = true; },
  };
  for (const auto& change : changes) {
    Cell c = example();
    change(c);
    EXPECT_TRUE(ids.insert(cell_id(c)).second);
    EXPECT_TRUE(cell_from_json(to_json(c), "here"));
  }
}

TEST(Cell, IsStrict) {
  const Json good = to_json(example());
  for (const auto& [key, value] : good.items()) {
    Json without = good;
    without.erase(key);
    EXPECT_FALSE(cell_from_json(without, "here")) << key;
    Json wrong = good;
    wrong[key] = nullptr;
    EXPECT_FALSE(cell_from_json(wrong, "here")) << key;
  }
  const auto refused = [&](const char* key, const Json& value) {
    Cell c = example();
    Json j = to_json(c);
    j[key] = value;
    const auto got = cell_from_json(j, "here");
    EXPECT_FALSE(got) << key << dump_json(value);
    if (!got) {
      EXPECT_TRUE(got.error().message.starts_with("here: ")) << got.error().message;
    }
  };
  refused("extra", 1);
  refused("recipe", "another");  // the id is then not that of the rest
  refused("mode", "fibres");
  refused("co_runner", "disk");
  refused("cache", "");
  refused("priority", "nice:20");
  refused("priority", "fifo:");
  refused("priority", "fifo:5x");
  refused("streams", 0);
  refused("cpus", Json::array({-1}));
  refused("period_ns", -1);
  EXPECT_FALSE(cell_from_json(Json::array(), "here"));
}

}  // namespace
}  // namespace assay::stream
