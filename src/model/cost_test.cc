// SPDX-License-Identifier: Apache-2.0
#include "model/cost.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "model/onnx_model.h"
#include "model/parse.h"
#include "model/published_models.h"

namespace assay::model {
namespace {

using testing::HasSubstr;

Cost cost_of(onnx::ModelProto model) { return count_cost(model); }

TEST(Cost, PublishedNetworks) {
  // 15.47 G multiply-adds: 15.35 of the convolutions and 0.12 of the dense layers.
  const Cost vgg = cost_of(vgg16());
  ASSERT_TRUE(vgg.known && vgg.complete) << cost_text(vgg);
  EXPECT_EQ(vgg.weight_elements, 138357544);
  EXPECT_EQ(vgg.weight_bytes, 138357544 * 4);
  EXPECT_DOUBLE_EQ(vgg.multiply_adds, 15470264320.0);
  EXPECT_DOUBLE_EQ(vgg.weight_bytes_at(2), 138357544 * 2.0);
  EXPECT_EQ(vgg.input_output_bytes, (3 * 224 * 224 + 1000) * 4);
  // 3x3, stride 1: a quarter; the dense layers whole.
  EXPECT_DOUBLE_EQ(vgg.irreducible_operations, 2 * (15346630656.0 / 4 + 123633664.0));

  const Cost r18 = cost_of(resnet({2, 2, 2, 2}, false));
  ASSERT_TRUE(r18.complete) << cost_text(r18);
  EXPECT_NEAR(r18.multiply_adds, 1.814e9, 0.001e9);  // published as 1.8 (1.82 with the biases)
  // 11 689 512 learned, and a mean and a variance of each normalised channel.
  EXPECT_EQ(r18.weight_elements, 11689512 + 2 * 4800);

  const Cost r50 = cost_of(resnet({3, 4, 6, 3}, true));
  ASSERT_TRUE(r50.complete);
  EXPECT_NEAR(r50.multiply_adds, 4.089e9, 0.001e9);  // published as 4.1
  EXPECT_EQ(r50.weight_elements, 25557032 + 2 * 26560);
  EXPECT_LT(r50.irreducible_operations, 2 * r50.multiply_adds);
  EXPECT_GT(r50.irreducible_operations, r50.multiply_adds);  // half of it are 1x1: whole
}

// One node by hand: 1x8x10x10 -> 16 channels.
TEST(Cost, ConvolutionsByHand) {
  const auto conv = [](int64_t kernel, int64_t stride, int64_t group) {
    NetworkBuilder b({1, 8, 10, 10});
    b.conv(16, kernel, stride, false, group);
    return cost_of(b.finish());
  };
  EXPECT_EQ(conv(3, 1, 1).multiply_adds, 16 * 100 * 8 * 9);
  EXPECT_EQ(conv(3, 1, 1).irreducible_operations, 2 * 16 * 100 * 8 * 9 / 4.0);
  EXPECT_EQ(conv(3, 1, 8).multiply_adds, 16 * 100 * 9);  // depthwise with multiplier 2
  EXPECT_EQ(conv(1, 1, 1).irreducible_operations, 2 * 16 * 100 * 8);
  EXPECT_EQ(conv(3, 2, 1).multiply_adds, 16 * 25 * 8 * 9);
  EXPECT_NEAR(conv(3, 2, 1).irreducible_operations, 2 * 16 * 25 * 8 * 9 * 4 / 9.0, 1e-6);
  EXPECT_NEAR(conv(5, 1, 1).irreducible_operations, 2 * 16 * 100 * 8, 1e-6);
  EXPECT_EQ(conv(3, 1, 1).weight_elements, 16 * 8 * 9);
  EXPECT_EQ(conv(3, 1, 1).intermediate_bytes, 0);
}

TEST(Cost, DilatedAndTransposed) {
  NetworkBuilder b({1, 8, 10, 10});
  auto* n = b.node("Conv", {b.weight({4, 8, 3, 3})});
  NetworkBuilder::ints(n, "dilations", {2, 2});
  EXPECT_EQ(cost_of(b.finish()).multiply_adds, 4 * 36 * 8 * 9);  // output 6x6
  NetworkBuilder t({1, 8, 10, 10});
  NetworkBuilder::ints(t.node("ConvTranspose", {t.weight({8, 4, 2, 2})}), "strides", {2, 2});
  const Cost up = cost_of(t.finish());
  EXPECT_EQ(up.multiply_adds, 800 * 4 * 4);
  EXPECT_EQ(up.irreducible_operations, 2 * up.multiply_adds);  // its taps never overlap
}

TEST(Cost, ProductsAndElements) {
  NetworkBuilder b({2, 3, 5, 7});
  b.node("MatMul", {b.weight({7, 11})});  // 2x3x5x11
  b.node("Softmax");
  const Cost c = cost_of(b.finish());
  EXPECT_EQ(c.multiply_adds, 2 * 3 * 5 * 11 * 7);
  EXPECT_EQ(c.operations, 2 * c.multiply_adds + 5 * 2 * 3 * 5 * 11);
  EXPECT_EQ(c.irreducible_operations, 2 * c.multiply_adds);
  EXPECT_EQ(c.intermediate_bytes, 2 * 3 * 5 * 11 * 4);
  NetworkBuilder l({6, 2, 3});
  auto* n = l.node("LSTM", {l.weight({1, 16, 3}), l.weight({1, 16, 4})});
  NetworkBuilder::number(n, "hidden_size", 4);
  EXPECT_EQ(cost_of(l.finish()).multiply_adds, 6 * 2 * 16 * (3 + 4));
}

TEST(Cost, OnlyWhatRuns) {
  NetworkBuilder b({1, 4});
  const std::string w = b.weight({4, 4});
  // Two products with one weight read it once; a product of constants is folded; what no output
  // needs does not run.
  b.node("MatMul", {w});
  b.node("MatMul", {w});
  const std::string here = b.at();
  add_node(b.graph(), "MatMul", {w, b.weight({4, 400})}, "folded");
  add_node(b.graph(), "MatMul", {"x", b.weight({4, 9000})}, "dead");
  b.go_to(here, 4);
  const Cost c = cost_of(b.finish());
  EXPECT_EQ(c.nodes, 2);
  EXPECT_EQ(c.multiply_adds, 2 * 16);
  EXPECT_EQ(c.weight_bytes, 64);
}

TEST(Cost, LookupsReadARow) {
  NetworkBuilder b({3}, 13);
  const std::string table = b.weight({1000, 8});
  b.graph()->mutable_input(0)->mutable_type()->mutable_tensor_type()->set_elem_type(
      onnx::TensorProto::INT64);
  add_node(b.graph(), "Gather", {table, "x"}, "rows");
  b.go_to("rows", 8);
  const Cost c = cost_of(b.finish());
  EXPECT_TRUE(c.complete);
  EXPECT_EQ(c.weight_bytes, 8 * 4);
}

TEST(Cost, DequantisedWeightsAreReadAsIntegers) {
  NetworkBuilder b({1, 64});
  add_node(b.graph(), "DequantizeLinear",
           {b.weight({64, 32}, onnx::TensorProto::INT8), b.weight({})}, "w");
  b.node("MatMul", {"w"});
  const Cost c = cost_of(b.finish());
  EXPECT_EQ(c.weight_bytes, 64 * 32 + 4);
  EXPECT_EQ(c.weight_elements, 0);
  EXPECT_TRUE(c.integer);
  EXPECT_DOUBLE_EQ(c.weight_bytes_at(2), 64 * 32 + 4);
}

TEST(Cost, UnknownIsSaid) {
  NetworkBuilder b({1, 4});
  b.node("MatMul", {b.weight({4, 4})});
  b.node("Einsum");
  const Cost c = cost_of(b.finish());
  EXPECT_TRUE(c.known);
  EXPECT_FALSE(c.complete);
  EXPECT_EQ(c.uncounted.at("Einsum"), 1);
  EXPECT_THAT(cost_text(c), HasSubstr("at least 32 operations"));
  EXPECT_THAT(cost_text(c), HasSubstr("1 of 2 nodes counted; not counted: 1 Einsum"));
  // Without a static shape nothing is counted.
  auto model = small_model({"?", "4"}, {"?", "3"});
  const Cost dynamic = count_cost(model);
  EXPECT_FALSE(dynamic.known);
  EXPECT_THAT(cost_text(dynamic), HasSubstr("unknown"));
  EXPECT_FALSE(cost_from_json(to_json(dynamic)).known);
}

TEST(Cost, InfoCarriesIt) {
  const std::string bytes = small_model({"N", "4"}, {"N", "3"}).SerializeAsString();
  const auto span = std::as_bytes(std::span(bytes.data(), bytes.size()));
  const auto info = inspect_bytes(span, ".", {{"x", {8, 4}}}, "m");
  ASSERT_TRUE(info) << info.error().message;
  EXPECT_EQ(info->cost.multiply_adds, 8 * 4 * 3);
  const Cost again = cost_from_json(to_json(*info)["cost"]);
  EXPECT_EQ(dump_json(to_json(again)), dump_json(to_json(info->cost)));
}

TEST(Cost, HostileJson) {
  const Json good = to_json(cost_of(vgg16()));
  ASSERT_TRUE(cost_from_json(good).known);
  for (const auto& [key, value] : {std::pair<const char*, Json>{"operations", -1},
                                   {"operations", "many"},
                                   {"operations", 1e300},
                                   {"weight_bytes", -4},
                                   {"weight_elements", 1e18},
                                   {"irreducible_operations", 1e15},
                                   {"counted", 1000000},
                                   {"nodes", nullptr}}) {
    Json bad = good;
    bad[key] = value;
    EXPECT_FALSE(cost_from_json(bad).known) << key << " " << value;
  }
  EXPECT_FALSE(cost_from_json(Json()).known);
  EXPECT_FALSE(cost_from_json(Json::array({1})).known);
}

}  // namespace
}  // namespace assay::model
