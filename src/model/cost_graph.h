// SPDX-License-Identifier: Apache-2.0
// The graph as its cost is counted: which tensors are constant, which nodes run, every shape.
// Internal to the cost.
#pragma once

#include <onnx/onnx_pb.h>

#include <optional>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

namespace assay::model {

struct Tensor {
  int type = 0;                               // TensorProto.DataType
  std::optional<std::vector<int64_t>> shape;  // absent: unknown
  double elements() const;
  double bytes() const;
};
double element_bytes(int type);  // 0: unknown or of no fixed size

class Graph {
 public:
  // Keeps references into `graph`, whose shapes are inferred.
  explicit Graph(const onnx::GraphProto& graph);
  const Tensor* find(const std::string& name) const;
  const std::vector<int64_t>* shape(const std::string& name) const;  // null: unknown
  // An initializer, or computed from nothing else, so that a compiler may fold it.
  bool constant(const std::string& name) const { return constant_.contains(name); }
  // Bytes that must be read for a constant: its own, or of what it is computed from if that is
  // less.
  double source_bytes(const std::string& name) const;
  bool integer() const { return integer_; }  // some of its tensors are dequantised
  bool is_output(const std::string& name) const { return outputs_.contains(name); }
  // Nodes that outputs depend on and that are not constant, in order.
  const std::vector<const onnx::NodeProto*>& executed() const { return executed_; }

 private:
  void value(const onnx::ValueInfoProto& v);
  std::unordered_map<std::string, Tensor> tensors_;
  std::unordered_set<std::string> constant_, outputs_;
  std::unordered_map<std::string, double> folded_;  // computed constant -> bytes of its sources
  bool integer_ = false;
  std::vector<const onnx::NodeProto*> executed_;
};

}  // namespace assay::model
