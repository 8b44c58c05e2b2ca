// SPDX-License-Identifier: Apache-2.0
#include "diff/align.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <random>
#include <set>

#include "diff/edit_script.h"
#include "diff/made_engines.h"

namespace assay::diff {
namespace {

using Rows = std::vector<std::vector<std::vector<size_t>>>;

Rows rows_of(const Alignment& a) {
  Rows out;
  for (const Row& r : a.rows) out.push_back(r.layers);
  return out;
}

// Every layer of every engine stands in exactly one row: "" or what is wrong.
std::string fault(const std::vector<EngineMap>& engines, const Alignment& a) {
  std::set<std::pair<size_t, size_t>> seen;
  size_t total = 0;
  for (const EngineMap& e : engines) total += e.layers.size();
  for (const Row& r : a.rows) {
    if (r.layers.size() != engines.size()) return "a row has not one side an engine";
    for (size_t e = 0; e < r.layers.size(); ++e)
      for (size_t l : r.layers[e])
        if (l >= engines[e].layers.size() || !seen.emplace(e, l).second)
          return "a layer is in two rows";
  }
  return seen.size() == total ? "" : "a layer is lost";
}

// Layers of few names, nodes, types and shapes, so that everything collides.
EngineMap random_engine(std::mt19937_64& g, const std::string& compiler) {
  EngineMap e;
  e.label = "e";
  e.compiler = compiler;
  const auto below = [&](uint64_t n) { return g() % n; };
  const size_t n = below(24);
  for (size_t i = 0; i < n; ++i) {
    Layer l;
    if (below(8)) l.name = fmt::format("layer{}", below(6));
    if (below(3)) l.type = fmt::format("type{}", below(3));
    std::set<std::string> origin;
    for (size_t k = below(4); k > 0; --k) origin.insert(fmt::format("node{}", below(12)));
    l.origin.assign(origin.begin(), origin.end());
    if (below(2)) l.outputs = {{"t", "float32", "", {static_cast<int64_t>(below(3))}}};
    e.layers.push_back(std::move(l));
  }
  return e;
}

TEST(EditScript, FindsTheShortest) {
  const std::vector<uint32_t> a{1, 2, 3, 1, 2, 2, 1},
      b{3, 2, 1, 2, 1, 3};  // the paper's ABCABBA, CBABAC
  EXPECT_EQ(edit_script(a, b).matches.size(), 4u);
  EXPECT_TRUE(edit_script(a, {}).matches.empty());
  EXPECT_EQ(edit_script(a, a).matches.size(), a.size());
}

TEST(EditScript, IsRightForAnySequencesAndAnyLimit) {
  EXPECT_TRUE(rc::check([] {
    const auto ids = rc::gen::container<std::vector<uint32_t>>(rc::gen::inRange<uint32_t>(0, 5));
    const auto a = *ids, b = *ids;
    const int limit = *rc::gen::inRange(0, 40);
    const EditScript s = edit_script(a, b, limit);
    for (size_t i = 0; i < s.matches.size(); ++i) {
      RC_ASSERT(a.at(s.matches[i].a) == b.at(s.matches[i].b));
      if (i) {
        RC_ASSERT(s.matches[i - 1].a < s.matches[i].a);
        RC_ASSERT(s.matches[i - 1].b < s.matches[i].b);
      }
    }
    // Against the longest common subsequence by dynamic programming.
    std::vector<std::vector<size_t>> best(a.size() + 1, std::vector<size_t>(b.size() + 1, 0));
    for (size_t i = 1; i <= a.size(); ++i)
      for (size_t j = 1; j <= b.size(); ++j)
        best[i][j] = a[i - 1] == b[j - 1] ? best[i - 1][j - 1] + 1
                                          : std::max(best[i - 1][j], best[i][j - 1]);
    if (s.exact)
      RC_ASSERT(s.matches.size() == best[a.size()][b.size()]);
    else
      RC_ASSERT(s.matches.size() <= best[a.size()][b.size()]);
  }));
}

TEST(Align, AnEngineWithItselfIsIdentity) {
  EXPECT_TRUE(rc::check([](uint64_t seed) {
    std::mt19937_64 g(seed);
    const EngineMap e = random_engine(g, "one");
    const std::vector<EngineMap> engines{e, e, e};
    const Alignment a = align(engines);
    RC_ASSERT(a.rows.size() == e.layers.size());
    for (size_t i = 0; i < a.rows.size(); ++i) {
      RC_ASSERT(a.rows[i].layers == (std::vector<std::vector<size_t>>{{i}, {i}, {i}}));
      RC_ASSERT(!a.rows[i].moves());
    }
  }));
}

TEST(Align, LosesAndDoublesNoLayerOfAnyEngines) {
  EXPECT_TRUE(rc::check([](uint64_t seed) {
    std::mt19937_64 g(seed);
    std::vector<EngineMap> engines;
    for (size_t i = 0; i < 2 + g() % 3; ++i)
      engines.push_back(random_engine(g, g() % 2 ? "one" : "two"));
    const std::string wrong = fault(engines, align(engines));
    if (!wrong.empty()) RC_FAIL(wrong);
  }));
}

TEST(Align, APermutationWithUniqueNamesIsFoundWhole) {
  EXPECT_TRUE(rc::check([](uint64_t seed) {
    std::mt19937_64 g(seed);
    const EngineMap a = made_engine("a", 12);
    EngineMap b = a;
    std::shuffle(b.layers.begin(), b.layers.end(), g);
    const std::vector<EngineMap> engines{a, b};
    for (const Row& r : align(engines).rows) {
      RC_ASSERT(r.layers[0].size() == 1u && r.layers[1].size() == 1u);
      RC_ASSERT(a.layers[r.layers[0][0]].name == b.layers[r.layers[1][0]].name);
      RC_ASSERT(r.how == How::name);
    }
  }));
}

TEST(Align, MarksOnlyTheLayerThatMoved) {
  std::vector<EngineMap> engines{made_engine("a", 6), made_engine("b", 6)};
  std::rotate(engines[1].layers.begin() + 1, engines[1].layers.begin() + 2,
              engines[1].layers.begin() + 5);  // conv1 runs after conv4
  const Alignment a = align(engines);
  ASSERT_EQ(a.rows.size(), 6u);
  for (size_t i = 0; i < 6; ++i) EXPECT_EQ(a.rows[i].moves(), i == 1) << i;
  EXPECT_EQ(a.rows[1].moved, (std::vector<bool>{false, true}));
}

TEST(Align, OccurrencesOfOneNameGoByOriginFirst) {
  std::vector<EngineMap> engines{made_engine("a", 5), made_engine("b", 5)};
  for (EngineMap& e : engines)
    for (Layer& l : e.layers) l.name = "fused_conv";
  engines[1].layers.erase(engines[1].layers.begin());  // by occurrence alone all would shift
  const Rows rows = rows_of(align(engines));
  EXPECT_EQ(rows, (Rows{{{0}, {}}, {{1}, {0}}, {{2}, {1}}, {{3}, {2}}, {{4}, {3}}}));
}

TEST(Align, FusedAndSplitLayersAreOneRow) {
  std::vector<EngineMap> engines{made_engine("a", 3), made_engine("b", 3), made_engine("c", 3)};
  Layer relu = made_layer(1);
  relu.name = "relu1";
  relu.origin = {"Relu_1"};
  engines[0].layers[1].origin = {"Conv_1"};
  engines[0].layers.insert(engines[0].layers.begin() + 2, relu);  // split in a
  engines[2].layers[0].name = "renamed";                          // another name, fused too
  engines[2].layers[0].origin = {"Conv_0", "Conv_1", "Relu_0", "Relu_1"};
  engines[2].layers.erase(engines[2].layers.begin() + 1);
  const Alignment a = align(engines);
  EXPECT_EQ(rows_of(a), (Rows{{{0, 1, 2}, {0, 1}, {0}}, {{3}, {2}, {1}}}));
  EXPECT_EQ(a.rows[0].how, How::origin);
  EXPECT_EQ(a.rows[1].how, How::name);
}

TEST(Align, WithoutNamesAndNodesGoesByTypeAndShapeInOrder) {
  std::vector<EngineMap> engines{made_engine("a", 6), made_engine("b", 6)};
  for (size_t e = 0; e < 2; ++e)
    for (size_t i = 0; i < 6; ++i) {
      Layer& l = engines[e].layers[i];
      l.origin.clear();
      l.type.clear();
      l.name = fmt::format("__myl_{}_{}", i % 2 ? "Fc" : "Conv", 10 * e + i);
      l.outputs[0].shape = {1, static_cast<int64_t>(i)};
    }
  engines[1].layers.erase(engines[1].layers.begin() + 2);
  const Alignment a = align(engines);
  EXPECT_EQ(rows_of(a),
            (Rows{{{0}, {0}}, {{1}, {1}}, {{2}, {}}, {{3}, {2}}, {{4}, {3}}, {{5}, {4}}}));
  EXPECT_EQ(a.rows[0].how, How::shape);
  EXPECT_EQ(a.rows[2].how, How::alone);
}

TEST(Align, ALayerAloneBetweenTheSameNeighboursIsTheSameWork) {
  std::vector<EngineMap> engines{made_engine("a", 4), made_engine("b", 4), made_engine("c", 4)};
  for (EngineMap& e : engines)
    for (Layer& l : e.layers) l.origin.clear();
  engines[1].layers[2].name = "dense_pack";
  engines[1].layers[2].type = "Pack";
  engines[2].layers[2].name = "gemm";
  engines[2].layers[2].type = "Gemm";
  const Alignment a = align(engines);
  ASSERT_EQ(a.rows.size(), 4u);
  EXPECT_EQ(a.rows[2].how, How::place);
  engines[1].layers[2].outputs[0].shape = {7};  // other work after all
  EXPECT_EQ(align(engines).rows.size(), 6u);    // and c's could be either's
  engines[1].layers.insert(engines[1].layers.begin() + 2, engines[1].layers[2]);  // two for one
  engines[1].layers[2].name = "more";
  EXPECT_EQ(align(engines).rows.size(), 7u);
}

TEST(Align, TwoCompilersMeetAtNodes) {
  std::vector<EngineMap> engines{made_engine("a", 4), made_engine("b", 2)};
  engines[1].compiler = "other";
  engines[1].layers[0].name = "x";
  engines[1].layers[0].origin = {"Relu_0", "Conv_1"};  // joins conv0 and conv1 of a
  engines[1].layers[1].name = "conv3";                 // a name that says nothing here
  engines[1].layers[1].origin.clear();
  const Alignment a = align(engines);
  EXPECT_EQ(a.level, Level::nodes);
  EXPECT_EQ(rows_of(a), (Rows{{{0, 1}, {0}}, {{2}, {}}, {{3}, {}}, {{}, {1}}}));
  engines[1].layers[0].origin.clear();
  const Alignment without = align(engines);
  EXPECT_EQ(without.rows.size(), 6u);
  EXPECT_FALSE(without.notes.empty());
}

TEST(Align, ANodeThatEveryLayerNamesJoinsNothing) {
  std::vector<EngineMap> engines{made_engine("a", 40), made_engine("b", 40)};
  engines[1].compiler = "other";
  for (EngineMap& e : engines)
    for (Layer& l : e.layers) l.origin.emplace_back("Shared");
  const Alignment a = align(engines);
  EXPECT_EQ(a.rows.size(), 40u);
  ASSERT_EQ(a.notes.size(), 1u);
  EXPECT_NE(a.notes[0].find("Shared"), std::string::npos);
}

TEST(Align, EmptyEnginesAndManyLayers) {
  EXPECT_TRUE(align(std::vector<EngineMap>{}).rows.empty());
  EXPECT_TRUE(align(std::vector<EngineMap>(3)).rows.empty());
  std::vector<EngineMap> engines{made_engine("a", 0), made_engine("b", 3)};
  EXPECT_EQ(align(engines).rows.size(), 3u);
  // Equal names in the thousands: linear, or this test would take minutes.
  for (EngineMap& e : engines) {
    e.layers.assign(20'000, Layer{});
    for (size_t i = 0; i < e.layers.size(); ++i) {
      e.layers[i].name = "same";
      e.layers[i].origin = {fmt::format("n{}", &e == &engines[0] ? i : i + 20'000)};
    }
  }
  EXPECT_EQ(align(engines).rows.size(), 20'000u);
}

}  // namespace
}  // namespace assay::diff
