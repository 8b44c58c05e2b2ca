// SPDX-License-Identifier: Apache-2.0
#include "model/onnx_model.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "model/test_models.h"

namespace assay::model {
namespace {

using testing::HasSubstr;

class InspectTest : public testing::Test {
 protected:
  TempDir dir_ = std::move(*TempDir::create(fs::temp_directory_path(), "assay-model"));

  fs::path write(const std::string& content, const std::string& name = "m.onnx") {
    fs::create_directories((dir_.path() / name).parent_path());
    std::ofstream(dir_.path() / name, std::ios::binary) << content;
    return dir_.path() / name;
  }
  fs::path write(const onnx::ModelProto& model) { return write(model.SerializeAsString()); }
  void refuses(const onnx::ModelProto& model, const std::string& text, const Shapes& shapes = {}) {
    refuses_file(write(model), text, shapes);
  }
  void refuses_file(const fs::path& path, const std::string& text, const Shapes& shapes = {}) {
    const auto info = inspect(path, shapes);
    ASSERT_FALSE(info) << "expected: " << text;
    EXPECT_EQ(info.error().code, ExitCode::usage);
    EXPECT_THAT(info.error().message, HasSubstr(text));
    EXPECT_THAT(info.error().message, HasSubstr(path.filename().string()));
    EXPECT_FALSE(info.error().fix.empty()) << info.error().message;
    EXPECT_EQ(info.error().message.find('\n'), std::string::npos);
  }
};

TEST_F(InspectTest, ReadsAModel) {
  const fs::path path = write(small_model({"2", "4"}, {"2", "3"}));
  const auto info = inspect(path, {});
  ASSERT_TRUE(info) << info.error().message;
  EXPECT_EQ(info->name, "m");
  EXPECT_EQ(info->path, fs::canonical(path));
  EXPECT_EQ(info->sha256, *sha256_file(path));
  EXPECT_EQ(info->bytes, static_cast<int64_t>(fs::file_size(path)));
  EXPECT_EQ(info->opset, 13);
  EXPECT_EQ(info->nodes, 2);
  EXPECT_EQ(info->parameters, 12);
  EXPECT_EQ(info->operators, (std::map<std::string, int64_t>{{"MatMul", 1}, {"Relu", 1}}));
  EXPECT_EQ(info->inputs, (std::vector<TensorSpec>{{"x", DType::f32, {2, 4}}}));
  EXPECT_EQ(info->outputs, (std::vector<TensorSpec>{{"y", DType::f32, {2, 3}}}));
  EXPECT_TRUE(info->output_shape_known[0]);
  EXPECT_FALSE(info->dynamic_batch);
  EXPECT_EQ(to_json(*info)["operators"]["Relu"], 1);
}

TEST_F(InspectTest, DynamicBatch) {
  const auto model = small_model({"N", "4"}, {"N", "3"});
  auto info = inspect(write(model), {});
  ASSERT_TRUE(info) << info.error().message;
  EXPECT_TRUE(info->dynamic_batch);
  EXPECT_EQ(info->inputs[0].shape, (std::vector<int64_t>{1, 4}));
  EXPECT_EQ(info->outputs[0].shape, (std::vector<int64_t>{1, 3}));
  info = inspect(write(model), {{"x", {7, 4}}});
  EXPECT_EQ(info->outputs[0].shape, (std::vector<int64_t>{7, 3}));
  refuses(model, "2x5", {{"x", {2, 5}}});
  refuses(model, "fixes", {{"x", {2, 5}}});
  refuses(model, "declares", {{"x", {2}}});
  refuses(model, "no input", {{"q", {2, 4}}});
  refuses(small_model({"N", "C"}, {"N", "3"}), "symbolic shape NxC");
  EXPECT_TRUE(inspect(write(small_model({"-1", "4"}, {"-1", "3"})), {})->dynamic_batch);
}

TEST_F(InspectTest, InfersOutputsThatAreNotDeclared) {
  auto model = small_model({"?", "4"}, {"?", "3"});
  auto info = inspect(write(model), {{"x", {5, 4}}});
  EXPECT_TRUE(info->output_shape_known[0]);
  EXPECT_EQ(info->outputs[0].shape, (std::vector<int64_t>{5, 3}));
  model.mutable_graph()->mutable_output(0)->mutable_type()->mutable_tensor_type()->clear_shape();
  EXPECT_EQ(inspect(write(model), {{"x", {5, 4}}})->outputs[0].shape, (std::vector<int64_t>{5, 3}));
  model.mutable_opset_import(0)->set_version(9999);  // newer than the library: not guessed
  info = inspect(write(model), {});
  ASSERT_TRUE(info) << info.error().message;
  EXPECT_FALSE(info->output_shape_known[0]);
  EXPECT_TRUE(info->outputs[0].shape.empty());
}

TEST_F(InspectTest, SeveralInputsShareSymbols) {
  auto model = small_model({"N", "4"}, {"N", "3"});
  add_value(model.mutable_graph()->add_input(), "mask", {"N", "10"}, onnx::TensorProto::INT64);
  add_value(model.mutable_graph()->add_input(), "W", {"4", "3"});  // an initializer: not fed
  add_value(model.mutable_graph()->add_output(), "m2", {"N", "10"}, onnx::TensorProto::INT64);
  add_node(model.mutable_graph(), "Identity", {"mask"}, "m2");
  const auto info = inspect(write(model), {{"mask", {6, 10}}});
  ASSERT_TRUE(info) << info.error().message;
  ASSERT_EQ(info->inputs.size(), 2u);
  EXPECT_EQ(info->inputs[0].shape, (std::vector<int64_t>{6, 4}));
  EXPECT_EQ(info->inputs[1].dtype, DType::i64);
  EXPECT_EQ(info->outputs[1].shape, (std::vector<int64_t>{6, 10}));
  refuses(model, "two values", {{"x", {2, 4}}, {"mask", {6, 10}}});
}

TEST_F(InspectTest, ScalarAndEmptyExtents) {
  auto info = inspect(write(small_model({}, {})), {});
  ASSERT_TRUE(info) << info.error().message;
  EXPECT_TRUE(info->inputs[0].shape.empty());
  EXPECT_TRUE(info->output_shape_known[0]);
  info = inspect(write(small_model({"0", "4"}, {"0", "3"})), {});
  ASSERT_TRUE(info) << info.error().message;
  EXPECT_EQ(info->inputs[0].elements(), 0);
}

TEST_F(InspectTest, BrokenFiles) {
  refuses_file(dir_.path() / "absent.onnx", "no such model file");
  refuses_file(write("", "empty.onnx"), "empty");
  refuses_file(write("this is no model at all, but some text", "text.onnx"), "not an ONNX model");
  const std::string whole = small_model({"1", "4"}, {"1", "3"}).SerializeAsString();
  for (size_t cut = 1; cut < whole.size(); cut += 3) {
    const auto info = inspect(write(whole.substr(0, cut), "cut.onnx"), {});
    EXPECT_FALSE(info) << cut;
  }
  EXPECT_FALSE(inspect(dir_.path(), {}));  // a folder
  onnx::ModelProto no_graph;
  no_graph.set_ir_version(8);
  refuses(no_graph, "no graph");
  auto empty = small_model({"1", "4"}, {"1", "3"});
  empty.mutable_graph()->clear_node();
  refuses(empty, "no nodes");
  auto no_output = small_model({"1", "4"}, {"1", "3"});
  no_output.mutable_graph()->clear_output();
  refuses(no_output, "no outputs");
  auto damaged = small_model({"1", "4"}, {"1", "3"});
  damaged.mutable_graph()->mutable_initializer(0)->mutable_raw_data()->resize(40);
  refuses(damaged, "holds 40 bytes");
  damaged.mutable_graph()->mutable_initializer(0)->set_dims(0, -4);
  refuses(damaged, "impossible extent");
}

TEST_F(InspectTest, Operators) {
  auto model = small_model({"1", "4"}, {"1", "3"});
  auto* node = add_node(model.mutable_graph(), "Frobnicate", {"h"}, "f");
  refuses(model, "operator 'Frobnicate' is unknown in ONNX opset 13");
  node->set_domain("com.example");
  EXPECT_EQ(inspect(write(model), {})->operators["com.example::Frobnicate"], 1);
  node->set_domain("");
  model.mutable_opset_import(0)->set_version(9999);
  EXPECT_TRUE(inspect(write(model), {}));  // newer than what is known here: the compilers decide
  model.mutable_opset_import(0)->set_version(13);
  auto* function = model.add_functions();
  function->set_name("Frobnicate");
  EXPECT_TRUE(inspect(write(model), {}));
  node->set_op_type("If");
  auto* attribute = node->add_attribute();
  attribute->set_name("then_branch");
  attribute->set_type(onnx::AttributeProto::GRAPH);
  add_node(attribute->mutable_g(), "Wrong", {"h"}, "w");
  refuses(model, "'Wrong'");
}

TEST_F(InspectTest, DeepNestingIsRefused) {
  auto model = small_model({"1", "4"}, {"1", "3"});
  onnx::GraphProto* graph = model.mutable_graph();
  for (int depth = 0; depth < 40; ++depth) {
    auto* attribute = add_node(graph, "If", {"c"}, "z")->add_attribute();
    attribute->set_name("then_branch");
    attribute->set_type(onnx::AttributeProto::GRAPH);
    graph = attribute->mutable_g();
  }
  const auto info = inspect(write(model), {});
  ASSERT_FALSE(info);
  EXPECT_EQ(info.error().code, ExitCode::usage);
}

TEST_F(InspectTest, InputTypes) {
  auto model = small_model({"1", "4"}, {"1", "3"});
  model.mutable_graph()->mutable_input(0)->mutable_type()->mutable_tensor_type()->set_elem_type(
      onnx::TensorProto::STRING);
  refuses(model, "input 'x'");
  model.mutable_graph()->mutable_input(0)->mutable_type()->mutable_sequence_type();
  refuses(model, "not a tensor");
  model = small_model({"1", "4"}, {"1", "3"});
  model.mutable_graph()->mutable_input(0)->mutable_type()->mutable_tensor_type()->clear_shape();
  refuses(model, "declares no shape");
  EXPECT_TRUE(inspect(write(model), {{"x", {1, 4}}}));
  refuses(small_model({"2000000000", "2000000000"}, {"1"}), "larger than");
  auto twice = small_model({"1", "4"}, {"1", "3"});
  *twice.mutable_graph()->add_input() = twice.graph().input(0);
  refuses(twice, "used twice");
}

TEST_F(InspectTest, ExternalData) {
  auto model = small_model({"1", "4"}, {"1", "3"});
  auto* weight = model.mutable_graph()->mutable_initializer(0);
  make_external(weight, "w.bin", "16", "48");
  refuses(model, "w.bin");
  write(std::string(63, 'a'), "w.bin");
  refuses(model, "has 63 bytes, needed 48 from offset 16");
  write(std::string(64, 'a'), "w.bin");
  const auto first = inspect(write(model), {});
  ASSERT_TRUE(first) << first.error().message;
  EXPECT_EQ(first->external_files.size(), 1u);
  EXPECT_EQ(first->bytes, static_cast<int64_t>(fs::file_size(first->path)) + 64);
  EXPECT_NE(first->sha256, *sha256_file(first->path));
  write(std::string(64, 'b'), "w.bin");
  EXPECT_NE(inspect(first->path, {})->sha256, first->sha256);  // other weights, other model
  for (const auto& [offset, length] :
       std::vector<std::pair<std::string, std::string>>{{"-1", "48"},
                                                        {"x", "48"},
                                                        {"9223372036854775807", ""},
                                                        {"99999999999999999999", ""},
                                                        {"0", "47"},
                                                        {"17", ""}}) {
    weight->clear_external_data();
    make_external(weight, "w.bin", offset, length);
    EXPECT_FALSE(inspect(write(model), {})) << offset << " " << length;
  }
}

TEST_F(InspectTest, ExternalDataOutsideTheFolder) {
  write(std::string(64, 'a'), "outside.bin");
  auto model = small_model({"1", "4"}, {"1", "3"});
  auto* weight = model.mutable_graph()->mutable_initializer(0);
  fs::create_directories(dir_.path() / "in");
  fs::create_symlink(dir_.path() / "outside.bin", dir_.path() / "in" / "link.bin");
  for (const std::string& location :
       {std::string("../outside.bin"), (dir_.path() / "outside.bin").string(),
        std::string("link.bin"), std::string("a/../../outside.bin"), std::string("")}) {
    weight->clear_external_data();
    make_external(weight, location);
    refuses_file(write(model.SerializeAsString(), "in/m.onnx"), "external data");
  }
  write(std::string(64, 'a'), "in/sub/w.bin");
  weight->clear_external_data();
  make_external(weight, "./sub/w.bin");
  EXPECT_TRUE(inspect(write(model.SerializeAsString(), "in/m.onnx"), {}));
  // Tensors in attributes of nodes in sub-graphs can point outside as well.
  model = small_model({"1", "4"}, {"1", "3"});
  auto* attribute = add_node(model.mutable_graph(), "If", {"c"}, "z")->add_attribute();
  attribute->set_type(onnx::AttributeProto::GRAPH);
  auto* constant = add_node(attribute->mutable_g(), "Constant", {}, "k")->add_attribute();
  constant->set_type(onnx::AttributeProto::TENSOR);
  constant->mutable_t()->set_data_type(1);
  make_external(constant->mutable_t(), "../outside.bin");
  refuses_file(write(model.SerializeAsString(), "in/m.onnx"), "external data");
}

TEST(ParseShapes, Spellings) {
  const auto got = parse_shapes("input:1x3x224x224,mask=1x10,a:0:7,s:scalar");
  ASSERT_TRUE(got) << got.error().message;
  EXPECT_EQ(*got,
            (Shapes{{"input", {1, 3, 224, 224}}, {"mask", {1, 10}}, {"a:0", {7}}, {"s", {}}}));
  EXPECT_TRUE(parse_shapes("")->empty());
  for (const char* bad :
       {"x", "x:", ":1", "x:1x", "x:x1", "x:0", "x:-1", "x:1.5", "x:1,x:2", "x:1,", ",x:1", "x:1y2",
        "x:1x2x3x4x5x6x7x8x9", "x:99999999999", "x:3000000000"}) {
    const auto wrong = parse_shapes(bad);
    EXPECT_FALSE(wrong) << bad;
    if (!wrong) {
      EXPECT_EQ(wrong.error().code, ExitCode::usage);
    }
  }
}

}  // namespace
}  // namespace assay::model
