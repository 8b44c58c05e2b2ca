// SPDX-License-Identifier: Apache-2.0
#include "model/cost_graph.h"

#include <algorithm>

namespace assay::model {
namespace {

// Draws numbers: constant inputs give no constant.
bool random(const std::string& op) { return op.starts_with("Random") || op == "Bernoulli"; }

// Names that a node reads, those of its inner graphs included.
void reads(const onnx::NodeProto& n, std::unordered_set<std::string>& out, int depth = 0) {
  for (const auto& name : n.input())
    if (!name.empty()) out.insert(name);
  if (depth > 32) return;
  for (const auto& a : n.attribute()) {
    const auto inner = [&](const onnx::GraphProto& g) {
      for (const auto& m : g.node()) reads(m, out, depth + 1);
      for (const auto& o : g.output()) out.insert(o.name());
    };
    if (a.has_g()) inner(a.g());
    for (const auto& g : a.graphs()) inner(g);
  }
}

bool holds_graphs(const onnx::NodeProto& n) {
  return std::any_of(n.attribute().begin(), n.attribute().end(),
                     [](const auto& a) { return a.has_g() || a.graphs_size() > 0; });
}

}  // namespace

double element_bytes(int type) {
  switch (type) {
    case 1:
    case 6:
    case 12:
      return 4;
    case 2:
    case 3:
    case 9:
    case 17:
    case 18:
    case 19:
    case 20:
      return 1;
    case 4:
    case 5:
    case 10:
    case 16:
      return 2;
    case 7:
    case 11:
    case 13:
    case 14:
      return 8;
    case 15:
      return 16;
    default:
      return 0;
  }
}

double Tensor::elements() const {
  double n = 1;
  if (shape)
    for (const int64_t d : *shape) n *= static_cast<double>(d);
  return shape ? n : 0;
}

double Tensor::bytes() const { return elements() * element_bytes(type); }

void Graph::value(const onnx::ValueInfoProto& v) {
  if (!v.type().has_tensor_type()) return;
  const auto& type = v.type().tensor_type();
  Tensor& t = tensors_[v.name()];
  t.type = type.elem_type();
  if (!type.has_shape()) return;
  std::vector<int64_t> shape;
  for (const auto& d : type.shape().dim()) {
    if (!d.has_dim_value() || d.dim_value() < 0) return;
    shape.push_back(d.dim_value());
  }
  t.shape = std::move(shape);
}

Graph::Graph(const onnx::GraphProto& graph) {
  for (const auto& v : graph.value_info()) value(v);
  for (const auto& v : graph.input()) value(v);
  for (const auto& v : graph.output()) value(v), outputs_.insert(v.name());
  for (const auto& t : graph.initializer()) {
    tensors_[t.name()] = {t.data_type(), std::vector<int64_t>(t.dims().begin(), t.dims().end())};
    constant_.insert(t.name());
  }
  // What is multiplied with a sparse one can be saved: without a shape nothing is counted.
  for (const auto& t : graph.sparse_initializer()) {
    tensors_[t.values().name()] = {t.values().data_type(), std::nullopt};
    constant_.insert(t.values().name());
  }
  for (const auto& n : graph.node()) {  // the order of a graph is topological
    const bool folds = !random(n.op_type()) && !holds_graphs(n) &&
                       std::all_of(n.input().begin(), n.input().end(), [&](const auto& name) {
                         return name.empty() || constant_.contains(name);
                       });
    integer_ = integer_ || n.op_type() == "DequantizeLinear";
    if (!folds) continue;
    double from = 0;
    for (const auto& in : n.input()) from += source_bytes(in);
    for (const auto& out : n.output()) {
      constant_.insert(out);
      if (n.input_size() > 0) folded_[out] = from;
    }
  }
  std::unordered_set<std::string> needed = outputs_;
  for (int i = graph.node_size() - 1; i >= 0; --i) {
    const auto& n = graph.node(i);
    const bool runs = std::any_of(n.output().begin(), n.output().end(), [&](const auto& out) {
      return needed.contains(out) && !constant_.contains(out);
    });
    if (!runs) continue;
    executed_.push_back(&n);
    reads(n, needed);
  }
  std::reverse(executed_.begin(), executed_.end());
}

double Graph::source_bytes(const std::string& name) const {
  const Tensor* t = find(name);
  const double own = t ? t->bytes() : 0;
  const auto at = folded_.find(name);
  if (at == folded_.end()) return own;
  return t && t->shape ? std::min(own, at->second) : at->second;
}

const Tensor* Graph::find(const std::string& name) const {
  const auto at = tensors_.find(name);
  return at == tensors_.end() ? nullptr : &at->second;
}

const std::vector<int64_t>* Graph::shape(const std::string& name) const {
  const Tensor* t = name.empty() ? nullptr : find(name);
  return t && t->shape ? &*t->shape : nullptr;
}

}  // namespace assay::model
