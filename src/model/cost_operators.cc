// SPDX-License-Identifier: Apache-2.0
#include "model/cost_operators.h"

#include <algorithm>
#include <map>
#include <string_view>

namespace assay::model {
namespace {

using Shape = std::vector<int64_t>;

const onnx::AttributeProto* attribute(const onnx::NodeProto& n, std::string_view name) {
  for (const auto& a : n.attribute())
    if (a.name() == name) return &a;
  return nullptr;
}
int64_t integer(const onnx::NodeProto& n, std::string_view name, int64_t fallback) {
  const auto* a = attribute(n, name);
  return a ? a->i() : fallback;
}
std::string text(const onnx::NodeProto& n, std::string_view name, std::string fallback) {
  const auto* a = attribute(n, name);
  return a ? a->s() : fallback;
}
int64_t extent(const onnx::NodeProto& n, std::string_view name, int axis, int64_t fallback) {
  const auto* a = attribute(n, name);
  return a && axis < a->ints_size() ? a->ints(axis) : fallback;
}

double product(const Shape& s, size_t from = 0) {
  double n = 1;
  for (size_t i = from; i < s.size(); ++i) n *= static_cast<double>(s[i]);
  return n;
}

const Shape* input(const onnx::NodeProto& n, const Graph& g, int i) {
  return i < n.input_size() ? g.shape(n.input(i)) : nullptr;
}
const Shape* output(const onnx::NodeProto& n, const Graph& g) {
  return n.output_size() > 0 ? g.shape(n.output(0)) : nullptr;
}

// Of the multiply-adds along one axis of a kernel (cost.h). With a stride each phase is a kernel of
// k/s taps, which a transform brings to one multiplication.
double share(int64_t k, int64_t stride) {
  if (k <= 1) return 1;
  const auto s = static_cast<double>(std::max<int64_t>(stride, 1)), taps = static_cast<double>(k);
  return stride <= 1 && k <= 3 ? 0.5 : std::min(1.0, s / taps);
}

Operations unknown_shape() {
  Operations o;
  o.shape_unknown = true;
  return o;
}

Operations products(double multiply_adds, bool integer) {
  Operations o;
  o.counted = true;
  o.multiply_adds = multiply_adds;
  o.integer = integer;
  return o;
}

Operations others(double count) {
  Operations o;
  o.counted = true;
  o.others = count;
  return o;
}

// Weight at input `at`: M x C/group x kernel; each output element takes C/group x kernel products.
Operations convolution(const onnx::NodeProto& n, const Graph& g, int at, bool integer) {
  const Shape *w = input(n, g, at), *y = output(n, g);
  if (!w || !y || w->size() < 3) return unknown_shape();
  Operations o = products(product(*y) * product(*w, 1), integer);
  for (size_t i = 2; i < w->size(); ++i)
    o.irreducible *= share((*w)[i], extent(n, "strides", static_cast<int>(i) - 2, 1));
  return o;
}

// Weight C x M/group x kernel; each input element is multiplied with M/group x kernel weights.
Operations transposed_convolution(const onnx::NodeProto& n, const Graph& g) {
  const Shape *w = input(n, g, 1), *x = input(n, g, 0);
  if (!w || !x || w->size() < 3) return unknown_shape();
  Operations o = products(product(*x) * product(*w, 1), false);
  for (size_t i = 2; i < w->size(); ++i)
    o.irreducible *= share((*w)[i], extent(n, "strides", static_cast<int>(i) - 2, 1));
  return o;
}

Operations matrix_product(const onnx::NodeProto& n, const Graph& g, bool integer) {
  const Shape *a = input(n, g, 0), *y = output(n, g);
  if (!a || !y || a->empty()) return unknown_shape();
  return products(product(*y) * static_cast<double>(a->back()), integer);
}

Operations gemm(const onnx::NodeProto& n, const Graph& g) {
  const Shape *a = input(n, g, 0), *y = output(n, g);
  if (!a || !y || a->size() != 2) return unknown_shape();
  const int64_t inner = (*a)[integer(n, "transA", 0) != 0 ? 0 : 1];
  return products(product(*y) * static_cast<double>(inner), false);
}

// Gates of a recurrent layer: X is sequence x batch x I, W directions x gates H x I, R directions x
// gates H x H.
Operations recurrent(const onnx::NodeProto& n, const Graph& g) {
  const Shape *x = input(n, g, 0), *w = input(n, g, 1), *r = input(n, g, 2);
  if (!x || !w || !r || x->size() != 3) return unknown_shape();
  const double steps = static_cast<double>((*x)[0]) * static_cast<double>((*x)[1]);
  Operations o = products(steps * (product(*w) + product(*r)), false);
  o.others = steps * static_cast<double>((*w)[0]) *
             static_cast<double>(w->size() > 1 ? (*w)[1] : 0);  // an activation a gate
  return o;
}

Operations pooling(const onnx::NodeProto& n, const Graph& g) {
  const Shape* y = output(n, g);
  const auto* kernel = attribute(n, "kernel_shape");
  if (!y || !kernel) return unknown_shape();
  double window = 1;
  for (const int64_t k : kernel->ints()) window *= static_cast<double>(std::max<int64_t>(k, 1));
  return others(product(*y) * window);
}

Operations resize(const onnx::NodeProto& n, const Graph& g) {
  const Shape* y = output(n, g);
  if (!y) return unknown_shape();
  const std::string mode = text(n, "mode", "nearest");
  // Two axes: 4 products and 3 sums; cubic: 16 and 15.
  return others(product(*y) * (mode == "linear" ? 7 : mode == "cubic" ? 31 : 0));
}

struct PerElement {
  double count;
  bool of_input;  // else of the output
};
// Operators with so many operations an element; those that only move data have none.
const PerElement* per_element(std::string_view op) {
  static const auto* const table = [] {
    auto* t = new std::map<std::string, PerElement, std::less<>>;
    for (const char* name : {"Reshape",
                             "Flatten",
                             "Squeeze",
                             "Unsqueeze",
                             "Transpose",
                             "Concat",
                             "Split",
                             "Slice",
                             "Gather",
                             "GatherElements",
                             "GatherND",
                             "Identity",
                             "Dropout",
                             "Shape",
                             "Size",
                             "Constant",
                             "ConstantOfShape",
                             "Cast",
                             "CastLike",
                             "Pad",
                             "Expand",
                             "Tile",
                             "Range",
                             "SpaceToDepth",
                             "DepthToSpace",
                             "Scatter",
                             "ScatterElements",
                             "ScatterND",
                             "OneHot",
                             "EyeLike",
                             "Trilu",
                             "ReverseSequence",
                             "Compress",
                             "NonZero",
                             "BitShift",
                             "OptionalHasElement"})
      (*t)[name] = {0, false};
    for (const char* name : {"Add",
                             "Sub",
                             "Mul",
                             "Div",
                             "Pow",
                             "Mod",
                             "Abs",
                             "Neg",
                             "Exp",
                             "Log",
                             "Sqrt",
                             "Reciprocal",
                             "Erf",
                             "Relu",
                             "LeakyRelu",
                             "PRelu",
                             "Elu",
                             "Selu",
                             "Celu",
                             "Sigmoid",
                             "Tanh",
                             "Softplus",
                             "Softsign",
                             "HardSigmoid",
                             "HardSwish",
                             "Mish",
                             "Gelu",
                             "Swish",
                             "ThresholdedRelu",
                             "Clip",
                             "Floor",
                             "Ceil",
                             "Round",
                             "Sign",
                             "Sin",
                             "Cos",
                             "Tan",
                             "Asin",
                             "Acos",
                             "Atan",
                             "Sinh",
                             "Cosh",
                             "Asinh",
                             "Acosh",
                             "Atanh",
                             "And",
                             "Or",
                             "Xor",
                             "Not",
                             "Equal",
                             "Greater",
                             "GreaterOrEqual",
                             "Less",
                             "LessOrEqual",
                             "Where",
                             "IsNaN",
                             "IsInf",
                             "Shrink",
                             "BitwiseAnd",
                             "BitwiseOr",
                             "BitwiseXor",
                             "BitwiseNot",
                             "QLinearAdd",
                             "QLinearMul"})
      (*t)[name] = {1, false};
    for (const char* name : {"BatchNormalization", "QuantizeLinear", "DequantizeLinear"})
      (*t)[name] = {2, false};
    for (const char* name :
         {"Softmax", "LogSoftmax", "Hardmax", "InstanceNormalization", "LayerNormalization",
          "GroupNormalization", "RMSNormalization", "MeanVarianceNormalization", "LpNormalization"})
      (*t)[name] = {5, false};
    for (const char* name :
         {"ReduceSum", "ReduceMean", "ReduceMax", "ReduceMin", "ReduceProd", "ReduceL1", "ReduceL2",
          "ReduceLogSum", "ReduceLogSumExp", "ReduceSumSquare", "ArgMax", "ArgMin", "CumSum",
          "TopK", "GlobalAveragePool", "GlobalMaxPool", "GlobalLpPool", "DynamicQuantizeLinear"})
      (*t)[name] = {1, true};
    return t;
  }();
  const auto at = table->find(op);
  return at == table->end() ? nullptr : &at->second;
}

}  // namespace

bool looks_up(const onnx::NodeProto& n) {
  return n.op_type() == "Gather" || n.op_type() == "GatherElements" || n.op_type() == "GatherND" ||
         n.op_type() == "Slice";
}

Operations operations_of(const onnx::NodeProto& n, const Graph& g) {
  if (!n.domain().empty() && n.domain() != "ai.onnx") return {};
  const std::string& op = n.op_type();
  if (op == "Conv") return convolution(n, g, 1, false);
  if (op == "ConvInteger") return convolution(n, g, 1, true);
  if (op == "QLinearConv") return convolution(n, g, 3, true);
  if (op == "ConvTranspose") return transposed_convolution(n, g);
  if (op == "MatMul") return matrix_product(n, g, false);
  if (op == "MatMulInteger" || op == "QLinearMatMul") return matrix_product(n, g, true);
  if (op == "Gemm") return gemm(n, g);
  if (op == "LSTM" || op == "GRU" || op == "RNN") return recurrent(n, g);
  if (op == "MaxPool" || op == "AveragePool" || op == "LpPool") return pooling(n, g);
  if (op == "Resize" || op == "Upsample") return resize(n, g);
  if (op == "LRN") {
    const Shape* y = output(n, g);
    if (!y) return unknown_shape();
    return others(product(*y) * static_cast<double>(std::max<int64_t>(integer(n, "size", 1), 1)));
  }
  if (op == "Sum" || op == "Mean" || op == "Max" || op == "Min") {
    const Shape* y = output(n, g);
    if (!y) return unknown_shape();
    return others(product(*y) * std::max(1, n.input_size() - 1));
  }
  const PerElement* each = per_element(op);
  if (!each) return {};
  if (each->count == 0) return others(0);
  const Shape* s = each->of_input ? input(n, g, 0) : output(n, g);
  if (!s) return unknown_shape();
  return others(product(*s) * each->count);
}

}  // namespace assay::model
