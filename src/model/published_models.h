// SPDX-License-Identifier: Apache-2.0
// Graphs of published networks from their layer tables, for the tests: shapes only, the weights
// have no data. VGG-16: Simonyan & Zisserman 2015, table 1 D. ResNet: He et al. 2016, table 1.
#pragma once

#include "model/test_models.h"

namespace assay::model {

class NetworkBuilder {
 public:
  explicit NetworkBuilder(const std::vector<int64_t>& input, int64_t opset = 13) {
    model_.set_ir_version(8);
    model_.add_opset_import()->set_version(opset);
    model_.mutable_graph()->set_name("g");
    std::vector<std::string> dims;
    for (const int64_t d : input) dims.push_back(std::to_string(d));
    add_value(model_.mutable_graph()->add_input(), "x", dims);
    channels_ = input.size() > 1 ? input[1] : 1;
  }
  onnx::GraphProto* graph() { return model_.mutable_graph(); }
  const std::string& at() const { return at_; }
  int64_t channels() const { return channels_; }
  void go_to(const std::string& name, int64_t channels) { at_ = name, channels_ = channels; }

  std::string weight(const std::vector<int64_t>& dims, int type = onnx::TensorProto::FLOAT) {
    auto* t = graph()->add_initializer();
    t->set_name(fmt::format("w{}", count_++));
    t->set_data_type(type);
    for (const int64_t d : dims) t->add_dims(d);
    return t->name();
  }
  onnx::NodeProto* node(const std::string& op, std::vector<std::string> more = {}) {
    more.insert(more.begin(), at_);
    at_ = fmt::format("t{}", count_++);
    return add_node(graph(), op, more, at_);
  }
  static void ints(onnx::NodeProto* n, const std::string& name, const std::vector<int64_t>& v) {
    auto* a = n->add_attribute();
    a->set_name(name);
    a->set_type(onnx::AttributeProto::INTS);
    for (const int64_t i : v) a->add_ints(i);
  }
  static void number(onnx::NodeProto* n, const std::string& name, int64_t v) {
    auto* a = n->add_attribute();
    a->set_name(name);
    a->set_type(onnx::AttributeProto::INT);
    a->set_i(v);
  }
  void conv(int64_t out, int64_t kernel, int64_t stride = 1, bool bias = true, int64_t group = 1) {
    std::vector<std::string> in{weight({out, channels_ / group, kernel, kernel})};
    if (bias) in.push_back(weight({out}));
    auto* n = node("Conv", in);
    ints(n, "kernel_shape", {kernel, kernel});
    ints(n, "strides", {stride, stride});
    ints(n, "pads", {kernel / 2, kernel / 2, kernel / 2, kernel / 2});
    number(n, "group", group);
    channels_ = out;
  }
  void pool(int64_t kernel, int64_t stride, int64_t pad = 0) {
    auto* n = node("MaxPool");
    ints(n, "kernel_shape", {kernel, kernel});
    ints(n, "strides", {stride, stride});
    ints(n, "pads", {pad, pad, pad, pad});
  }
  void normalise() {
    node("BatchNormalization",
         {weight({channels_}), weight({channels_}), weight({channels_}), weight({channels_})});
  }
  void dense(int64_t in, int64_t out) {
    number(node("Gemm", {weight({out, in}), weight({out})}), "transB", 1);
    channels_ = out;
  }
  onnx::ModelProto finish() {
    auto* out = graph()->add_output();
    out->set_name(at_);
    out->mutable_type()->mutable_tensor_type()->set_elem_type(onnx::TensorProto::FLOAT);
    return model_;
  }

 private:
  onnx::ModelProto model_;
  std::string at_ = "x";
  int64_t channels_ = 1;
  int count_ = 0;
};

inline onnx::ModelProto vgg16() {
  NetworkBuilder b({1, 3, 224, 224});
  for (const auto& [convs, channels] :
       {std::pair<int, int64_t>{2, 64}, {2, 128}, {3, 256}, {3, 512}, {3, 512}}) {
    for (int i = 0; i < convs; ++i) {
      b.conv(channels, 3);
      b.node("Relu");
    }
    b.pool(2, 2);
  }
  b.node("Flatten");
  b.dense(512 * 7 * 7, 4096);
  b.node("Relu");
  b.dense(4096, 4096);
  b.node("Relu");
  b.dense(4096, 1000);
  return b.finish();
}

// Convolutions without bias, each followed by a normalisation. The stride of a bottleneck is that
// of its 3x3 convolution, as in the usual implementations.
inline onnx::ModelProto resnet(const std::vector<int>& blocks, bool bottleneck) {
  NetworkBuilder b({1, 3, 224, 224});
  const auto layer = [&](int64_t out, int64_t kernel, int64_t stride) {
    b.conv(out, kernel, stride, false);
    b.normalise();
  };
  layer(64, 7, 2);
  b.node("Relu");
  b.pool(3, 2, 1);
  for (size_t stage = 0; stage < blocks.size(); ++stage) {
    const int64_t width = int64_t{64} << stage, out = bottleneck ? 4 * width : width;
    for (int i = 0; i < blocks[stage]; ++i) {
      const int64_t stride = stage > 0 && i == 0 ? 2 : 1, before = b.channels();
      const std::string from = b.at();
      if (bottleneck) layer(width, 1, 1), b.node("Relu");
      layer(width, 3, stride);
      b.node("Relu");
      bottleneck ? layer(out, 1, 1) : layer(out, 3, 1);
      const std::string deep = b.at();
      b.go_to(from, before);
      if (stride != 1 || before != out) layer(out, 1, stride);
      b.node("Add", {deep});
      b.go_to(b.at(), out);
      b.node("Relu");
    }
  }
  const int64_t features = b.channels();
  b.node("GlobalAveragePool");
  b.node("Flatten");
  b.dense(features, 1000);
  return b.finish();
}

}  // namespace assay::model
