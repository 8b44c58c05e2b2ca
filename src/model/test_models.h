// SPDX-License-Identifier: Apache-2.0
// Small models for the tests and the fuzzer.
#pragma once

#include <onnx/onnx_pb.h>

#include <string>
#include <vector>

namespace assay::model {

inline void add_value(onnx::ValueInfoProto* value, const std::string& name,
                      const std::vector<std::string>& dims, int type = onnx::TensorProto::FLOAT) {
  value->set_name(name);
  auto* tensor = value->mutable_type()->mutable_tensor_type();
  tensor->set_elem_type(type);
  auto* shape = tensor->mutable_shape();
  for (const auto& d : dims) {
    auto* dim = shape->add_dim();
    if (d == "?") continue;
    if (d.find_first_not_of("-0123456789") == std::string::npos)
      dim->set_dim_value(std::stoll(d));
    else
      dim->set_dim_param(d);
  }
}

inline onnx::NodeProto* add_node(onnx::GraphProto* graph, const std::string& op,
                                 const std::vector<std::string>& in, const std::string& out) {
  auto* node = graph->add_node();
  node->set_op_type(op);
  node->set_name("node_" + out);
  for (const auto& i : in) node->add_input(i);
  node->add_output(out);
  return node;
}

inline onnx::TensorProto* add_weight(onnx::GraphProto* graph, const std::string& name,
                                     const std::vector<int64_t>& dims) {
  auto* t = graph->add_initializer();
  t->set_name(name);
  t->set_data_type(onnx::TensorProto::FLOAT);
  int64_t count = 1;
  for (const int64_t d : dims) {
    t->add_dims(d);
    count *= d;
  }
  t->set_raw_data(std::string(static_cast<size_t>(count * 4), '\x01'));
  return t;
}

// y = relu(x W), x: [input_dims], W: 4x3.
inline onnx::ModelProto small_model(const std::vector<std::string>& input_dims,
                                    const std::vector<std::string>& output_dims) {
  onnx::ModelProto model;
  model.set_ir_version(8);
  model.add_opset_import()->set_version(13);
  auto* graph = model.mutable_graph();
  graph->set_name("g");
  add_value(graph->add_input(), "x", input_dims);
  add_weight(graph, "W", {4, 3});
  add_node(graph, "MatMul", {"x", "W"}, "h");
  add_node(graph, "Relu", {"h"}, "y");
  add_value(graph->add_output(), "y", output_dims);
  return model;
}

inline void make_external(onnx::TensorProto* t, const std::string& location,
                          const std::string& offset = "", const std::string& length = "") {
  t->clear_raw_data();
  t->set_data_location(onnx::TensorProto::EXTERNAL);
  const auto add = [&](const char* key, const std::string& value) {
    if (value.empty()) return;
    auto* e = t->add_external_data();
    e->set_key(key);
    e->set_value(value);
  };
  add("location", location);
  add("offset", offset);
  add("length", length);
}

}  // namespace assay::model
