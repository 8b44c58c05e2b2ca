// SPDX-License-Identifier: Apache-2.0
#include "onnx_wire.h"

#include <gtest/gtest.h>

#include <string>

namespace assay::ort {
namespace {

// A length-delimited field; short payloads only.
std::string field(int number, const std::string& bytes) {
  std::string out;
  int key = number << 3 | 2;
  if (key >= 0x80) {
    out.push_back(static_cast<char>(key | 0x80));
    key >>= 7;
  }
  out.push_back(static_cast<char>(key));
  EXPECT_LT(bytes.size(), 128u);
  out.push_back(static_cast<char>(bytes.size()));
  return out + bytes;
}

std::string node(const std::string& name, const std::string& op, const std::string& output,
                 const std::string& more = "") {
  return field(1, field(2, output) + (name.empty() ? "" : field(3, name)) + field(4, op) + more);
}

TEST(OnnxWire, ListsNodesDomainsAndActivations) {
  std::string activation = field(5, field(1, "activation") + field(4, "Relu"));
  std::string graph = node("c1", "Conv", "t1", field(7, "my.domain") + activation) +
                      node("", "Add", "t2") + field(12, field(1, "t2"));
  auto facts = scan_model(field(7, graph));
  ASSERT_TRUE(facts) << facts.error().text;
  EXPECT_EQ(facts->operators.at({"c1", "Conv"}), "my.domain.Conv+Relu");
  EXPECT_EQ(facts->operators.at({"Add_1", "Add"}), "Add");
  EXPECT_EQ(facts->tensors, (std::set<std::string>{"t1", "t2"}));
  EXPECT_EQ(facts->outputs, (std::set<std::string>{"t2"}));
  EXPECT_FALSE(facts->external_data);
}

TEST(OnnxWire, AnAmbiguousNameKeepsThePlainOperator) {
  std::string graph = node("a", "Conv", "t1", field(7, "one")) + node("a", "Conv", "t2");
  auto facts = scan_model(field(7, graph));
  ASSERT_TRUE(facts);
  EXPECT_EQ(facts->operators.at({"a", "Conv"}), "Conv");
}

TEST(OnnxWire, SubGraphNodesAreListedButAreNotMainTensors) {
  std::string inner = node("", "Mul", "inner");
  std::string graph = node("if", "If", "t1", field(5, field(1, "then_branch") + field(6, inner)));
  auto facts = scan_model(field(7, graph));
  ASSERT_TRUE(facts);
  EXPECT_EQ(facts->operators.count({"Mul_0", "Mul"}), 1u);
  EXPECT_EQ(facts->tensors, (std::set<std::string>{"t1"}));
}

TEST(OnnxWire, FindsExternalDataWhereverATensorCanBe) {
  std::string location("\x70\x01", 2);  // field 14 varint 1: data_location = EXTERNAL
  std::string tensor = field(8, "weights") + location;
  std::string attribute = field(1, "value") + field(5, tensor);
  std::string sparse = field(1, tensor);
  for (const std::string& model :
       {field(7, field(5, tensor)), field(7, field(15, sparse)),
        field(7, field(1, field(4, "Constant") + field(5, attribute))),
        field(25, field(7, field(5, attribute))), field(20, field(1, field(5, tensor))),
        field(7, field(5, field(8, "weights") + field(13, field(1, "location"))))}) {
    auto facts = scan_model(model);
    ASSERT_TRUE(facts);
    EXPECT_TRUE(facts->external_data);
    EXPECT_EQ(facts->external_tensor, "weights");
  }
}

TEST(OnnxWire, AppendedFragmentMergesIntoTheGraph) {
  std::string model = field(7, node("", "Add", "t1") + field(12, field(1, "t1")));
  auto facts = scan_model(model + output_fragment("inner tensor"));
  ASSERT_TRUE(facts);
  EXPECT_EQ(facts->outputs, (std::set<std::string>{"t1", "inner tensor"}));
  EXPECT_EQ(facts->tensors, (std::set<std::string>{"t1"}));
  auto long_name = scan_model(model + output_fragment(std::string(300, 'x')));
  ASSERT_TRUE(long_name);
  EXPECT_EQ(long_name->outputs.count(std::string(300, 'x')), 1u);
}

TEST(OnnxWire, FollowsTheBlockedLayoutThroughTheGraph) {
  const std::string blocked = field(7, "com.microsoft.nchwc");
  const std::string graph = node("c", "Conv", "t1", field(1, "x") + blocked) +
                            node("a", "Add", "t2", field(1, "t1") + field(1, "t1")) +
                            node("r", "ReorderOutput", "t3", field(1, "t2") + blocked) +
                            node("", "Relu", "t4", field(1, "t3"));
  auto facts = scan_model(field(7, graph));
  ASSERT_TRUE(facts) << facts.error().text;
  EXPECT_EQ(facts->blocked, (std::set<std::string>{"t1", "t2"}));
  EXPECT_EQ(facts->layer_outputs.at("c"), "t1");
  EXPECT_EQ(facts->layer_outputs.at("Relu_3"), "t4");
}

TEST(OnnxWire, ReorderFragmentAddsANodeAndItsOutput) {
  const std::string conv = node("c", "Conv", "t1", field(1, "x") + field(7, "com.microsoft.nchwc"));
  auto facts = scan_model(field(7, conv) + reorder_fragment("t1", "t1:plain", 320));
  ASSERT_TRUE(facts) << facts.error().text;
  EXPECT_EQ(facts->outputs, (std::set<std::string>{"t1:plain"}));
  EXPECT_EQ(facts->layer_outputs.at("t1:plain"), "t1:plain");
  EXPECT_EQ(facts->blocked, (std::set<std::string>{"t1"}));
  EXPECT_EQ(facts->operators.count({"t1:plain", "ReorderOutput"}), 1u);
}

TEST(OnnxWire, EveryCutOffModelIsRefused) {
  std::string model = field(7, node("c1", "Conv", "t1") + field(12, field(1, "t1")));
  for (size_t length = 1; length < model.size(); ++length) {
    EXPECT_FALSE(scan_model(model.substr(0, length))) << length;
  }
}

TEST(OnnxWire, RefusesMalformedBytes) {
  EXPECT_FALSE(scan_model(std::string(11, '\xff')));                     // a varint without an end
  EXPECT_FALSE(scan_model(std::string("\x3b", 1)));                      // a group
  EXPECT_FALSE(scan_model(std::string("\x38\x01", 2)));                  // the graph as a number
  EXPECT_FALSE(scan_model("\x3a\xff\xff\xff\xff\xff\xff\xff\xff\x7f"));  // longer than the file
}

TEST(OnnxWire, RefusesDeepNesting) {
  std::string graph = node("", "Add", "t");
  std::string bytes;
  auto wrap = [](int number, const std::string& inner) {
    std::string out(1, static_cast<char>(number << 3 | 2));
    size_t length = inner.size();
    for (; length >= 0x80; length >>= 7) out.push_back(static_cast<char>(length | 0x80));
    out.push_back(static_cast<char>(length));
    return out + inner;
  };
  for (int depth = 0; depth < 100; ++depth) graph = wrap(1, wrap(5, wrap(6, graph)));
  EXPECT_FALSE(scan_model(wrap(7, graph)));
}

}  // namespace
}  // namespace assay::ort
