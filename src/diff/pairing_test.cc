// SPDX-License-Identifier: Apache-2.0
#include "diff/pairing.h"

#include <gtest/gtest.h>

namespace assay::diff {
namespace {

using Layers = std::vector<PairingLayer>;

std::string text(const std::vector<LayerPair>& pairs) {
  std::string out;
  for (const LayerPair& p : pairs) {
    for (const size_t i : p.a) out += std::to_string(i) + ",";
    out += p.by_place ? "~" : "-";
    for (const size_t j : p.b) out += std::to_string(j) + ",";
    out += " ";
  }
  return out;
}

TEST(Pairing, EqualNamesArePairedByOccurrence) {
  const Layers a = {{"x", {}}, {"x", {}}, {"y", {}}}, b = {{"x", {}}, {"y", {}}, {"x", {}}};
  EXPECT_EQ(text(pair_layers(a, b)), "0,-0, 1,-2, 2,-1, ");
}

TEST(Pairing, OtherNamesAreJoinedByTheirNodes) {
  // A fuses c and r; B keeps them apart and reorders first.
  const Layers a = {{"a0", {"c", "r"}}, {"a1", {"p"}}};
  const Layers b = {{"reorder", {}}, {"b0", {"c"}}, {"b1", {"r"}}, {"b2", {"p"}}};
  EXPECT_EQ(text(pair_layers(a, b)), "-0, 0,-1,2, 1,-3, ");
}

TEST(Pairing, WhatStandsAloneBetweenPairsIsPairedByPlace) {
  const Layers a = {{"x", {}}, {"dense", {}}, {"z", {}}};
  const Layers b = {{"x", {}}, {"dense_pack", {}}, {"z", {}}};
  EXPECT_EQ(text(pair_layers(a, b)), "0,-0, 1,~1, 2,-2, ");
}

TEST(Pairing, UnequalGapsStayAlone) {
  const Layers a = {{"x", {}}, {"dense", {}}, {"z", {}}};
  const Layers b = {{"x", {}}, {"pack", {}}, {"dense_pack", {}}, {"z", {}}};
  EXPECT_EQ(text(pair_layers(a, b)), "0,-0, 1,- -1, -2, 2,-3, ");
}

TEST(Pairing, ANodeThatManyLayersShareTellsNothing) {
  Layers a, b;
  for (int i = 0; i < 20; ++i) {
    a.push_back({"a" + std::to_string(i), {"whole"}});
    b.push_back({"b" + std::to_string(i), {"whole"}});
  }
  const auto pairs = pair_layers(a, b);
  ASSERT_EQ(pairs.size(), 20u);
  EXPECT_TRUE(pairs[0].by_place);
}

TEST(Pairing, EveryLayerIsInOnePair) {
  const Layers a = {{"p", {"n1"}}, {"q", {"n2"}}, {"p", {"n1", "n2"}}};
  const Layers b = {{"r", {"n2"}}, {"s", {}}, {"p", {"n9"}}};
  std::vector<int> seen_a(3), seen_b(3);
  for (const LayerPair& pair : pair_layers(a, b)) {
    for (const size_t i : pair.a) ++seen_a[i];
    for (const size_t j : pair.b) ++seen_b[j];
  }
  EXPECT_EQ(seen_a, std::vector<int>(3, 1));
  EXPECT_EQ(seen_b, std::vector<int>(3, 1));
  EXPECT_TRUE(pair_layers({}, {}).empty());
}

}  // namespace
}  // namespace assay::diff
