// SPDX-License-Identifier: Apache-2.0
#include "diff/divergence.h"

#include <gtest/gtest.h>

#include <cmath>
#include <deque>

namespace assay::diff {
namespace {

// Pairs of layers of four floats for two inputs, with storage of their own.
class Net {
 public:
  TensorPair& add(const std::string& name, float shift = 0) {
    TensorPair p;
    p.a = side(name, 0);
    p.b = side(name, shift);
    pairs.push_back(p);
    return pairs.back();
  }
  TensorSide side(const std::string& name, float shift) {
    std::vector<float>& v = values_.emplace_back(std::vector<float>{1, 2, 3, 4, 5, 6, 7, 8});
    v[6] += shift;  // of the second input
    TensorSide s;
    s.layer = name;
    s.kernel = "k_" + name;
    s.bytes = std::as_bytes(std::span(v));
    s.shape = {1, 4};
    s.n = 2;
    return s;
  }
  std::vector<float>& last() { return values_.back(); }
  Divergence found() const { return find_divergence(pairs); }
  std::vector<TensorPair> pairs;

 private:
  std::deque<std::vector<float>> values_;
};

TEST(Divergence, TheFirstLayerThatDiffersIsToBlameWhenAllBeforeItIsEqual) {
  Net net;
  net.add("conv1");
  net.add("conv2", 0.5f);
  net.add("dense", 2);
  const Divergence d = net.found();
  ASSERT_TRUE(d.first);
  EXPECT_EQ(*d.first, 1u);
  EXPECT_EQ(d.blame, Blame::kernel);
  EXPECT_TRUE(d.unknown.empty());
  EXPECT_EQ(d.layers[0].match, Match::equal);
  EXPECT_EQ(d.layers[1].inputs_differing, 1);
  EXPECT_EQ(d.layers[1].inputs, 2);
  EXPECT_DOUBLE_EQ(d.layers[1].max_abs, 0.5);
  EXPECT_NEAR(d.layers[1].max_rel, 0.5 / 7.5, 1e-6);
  const std::string text = sentence(d, net.pairs);
  EXPECT_NE(text.find("layer conv2"), std::string::npos) << text;
  EXPECT_NE(text.find("to blame"), std::string::npos) << text;
}

TEST(Divergence, WhatWasNotReadBeforeItTakesTheBlameAway) {
  Net net;
  net.add("conv1").b.error = "fused away";
  net.add("conv2", 0.5f);
  net.add("later").a.error = "not read either";
  const Divergence d = net.found();
  EXPECT_EQ(*d.first, 1u);
  EXPECT_EQ(d.blame, Blame::first_seen);
  EXPECT_EQ(d.unknown, std::vector<size_t>{0});
  EXPECT_EQ(d.layers[0].match, Match::not_read);
  EXPECT_EQ(d.layers[0].why, "fused away");
  EXPECT_EQ(sentence(d, net.pairs).find("to blame"), std::string::npos);
}

TEST(Divergence, ALayerOfOneEngineAloneIsNotCompared) {
  Net net;
  net.add("reorder").b = {};
  net.add("conv", 0.5f);
  const Divergence d = net.found();
  EXPECT_EQ(d.layers[0].match, Match::not_read);
  EXPECT_EQ(d.blame, Blame::first_seen);
}

TEST(Divergence, OtherLayoutsTypesAndShapesAreNeverEqual) {
  Net net;
  net.add("layout").b.format = "nchwc";
  net.add("shape").b.shape = {4, 1};
  net.add("type").b.dtype = DType::i32;
  net.add("count").b.n = 1;
  const Divergence d = net.found();
  for (const LayerMatch& layer : d.layers) {
    EXPECT_EQ(layer.match, Match::not_comparable);
    EXPECT_NE(layer.why, "");
  }
  EXPECT_FALSE(d.first);
  EXPECT_EQ(d.unknown.size(), 4u);
  EXPECT_NE(sentence(d, net.pairs).find("4 not compared"), std::string::npos);
}

TEST(Divergence, TornBytesAreNotRead) {
  Net net;
  TensorPair& p = net.add("conv");
  p.b.bytes = p.b.bytes.subspan(4);
  EXPECT_EQ(net.found().layers[0].match, Match::not_read);
}

TEST(Divergence, BitsCountNotValues) {
  Net net;
  net.add("zero");
  net.last()[0] = 0.0f;
  net.pairs[0].a = net.side("zero", 0);
  net.last()[0] = -0.0f;
  Divergence d = net.found();
  EXPECT_EQ(d.layers[0].match, Match::differs);
  EXPECT_EQ(d.layers[0].max_abs, 0);
  // Equal NaN bits are equal; NaN against a number differs without a distance.
  Net nan;
  nan.add("n");
  nan.last()[3] = std::nanf("");
  d = nan.found();
  EXPECT_EQ(d.layers[0].match, Match::differs);
  EXPECT_EQ(d.layers[0].non_finite_differs, 1);
  nan.pairs[0].a = nan.pairs[0].b;
  EXPECT_EQ(nan.found().layers[0].match, Match::equal);
}

TEST(Divergence, APairByPlaceIsBelievedOnlyWhenEqual) {
  Net net;
  net.add("equal").by_place = true;
  net.add("other", 1).by_place = true;
  net.add("conv", 1);
  const Divergence d = net.found();
  EXPECT_EQ(d.layers[0].match, Match::equal);
  EXPECT_EQ(d.layers[1].match, Match::not_comparable);
  EXPECT_EQ(*d.first, 2u);
  EXPECT_EQ(d.blame, Blame::first_seen);
}

TEST(Divergence, AnEngineThatDoesNotRepeatItselfBlamesNoKernel) {
  Net net;
  net.add("conv", 1).b.repeatable = false;
  const Divergence d = net.found();
  EXPECT_EQ(d.blame, Blame::unstable);
  EXPECT_NE(sentence(d, net.pairs).find("the second engine"), std::string::npos);
}

TEST(Divergence, AnOutputAloneNamesNoKernel) {
  Net net;
  net.add("conv");
  net.add("y", 1).output = true;
  const Divergence d = net.found();
  EXPECT_TRUE(d.outputs_differ);
  EXPECT_EQ(d.blame, Blame::first_seen);
}

TEST(Divergence, NothingGivenNothingFound) {
  const Divergence d = find_divergence({});
  EXPECT_FALSE(d.first);
  EXPECT_EQ(d.blame, Blame::none);
}

TEST(Divergence, JsonCarriesEveryLayerAndEscapesNames) {
  Net net;
  net.add("con\nv\x1b[31m", 0.5f);
  net.add("skipped").a.error = "why";
  const Divergence d = net.found();
  const Json j = to_json(d, net.pairs);
  EXPECT_EQ(j["first"], 0);
  EXPECT_EQ(j["layers"].size(), 2u);
  EXPECT_EQ(j["layers"][1]["why"], "why");
  EXPECT_FALSE(j["layers"][1].contains("max_abs"));
  EXPECT_EQ(get_string(j, "sentence").find('\n'), std::string::npos);
  EXPECT_EQ(get_string(j, "sentence").find('\x1b'), std::string::npos);
}

}  // namespace
}  // namespace assay::diff
