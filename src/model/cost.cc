// SPDX-License-Identifier: Apache-2.0
#include "model/cost.h"

#include <fmt/format.h>
#include <onnx/onnx_pb.h>
#include <onnx/shape_inference/implementation.h>

#include <algorithm>
#include <cmath>
#include <unordered_map>
#include <unordered_set>

#include "base/text.h"
#include "model/cost_graph.h"
#include "model/cost_operators.h"

namespace assay::model {
namespace {

constexpr double kMost = 9e15;  // no count above this is believed; doubles are exact below

int64_t whole(double v) { return static_cast<int64_t>(std::min(v, kMost)); }

bool is_float(int type) {
  return type == 1 || type == 10 || type == 11 || type == 16 || (type >= 17 && type <= 20);
}

// Shapes of every tensor, as far as the ONNX library can infer them.
void infer(onnx::ModelProto& model) {
  auto& graph = *model.mutable_graph();
  graph.clear_value_info();  // an exporter's shapes may be those of another batch
  for (auto& t : *graph.mutable_initializer())
    if (t.raw_data().size() > 65536) t.clear_raw_data();
  try {
    onnx::shape_inference::InferShapes(model, onnx::OpSchemaRegistry::Instance(),
                                       onnx::ShapeInferenceOptions(false, 0, true));
  } catch (...) {  // what was inferred before stays; the rest is not counted
  }
}

struct Counter {
  Graph graph;
  Cost cost;
  std::unordered_set<std::string> weights_seen;

  // A constant that a node reads: `rows` > 1, one of so many.
  void weight(const std::string& name, double rows = 1) {
    if (name.empty() || !weights_seen.insert(name).second) return;
    const Tensor* t = graph.find(name);
    if (!t || !t->shape) return;
    const double bytes = graph.source_bytes(name) / rows, own = t->bytes() / rows;
    if (bytes < own) {  // from something smaller, as a dequantised weight is
      cost.weight_bytes = whole(static_cast<double>(cost.weight_bytes) + bytes);
      cost.weight_fixed_bytes = whole(static_cast<double>(cost.weight_fixed_bytes) + bytes);
    } else {
      add_weight(*t, t->elements() / rows);
    }
  }
  void add_weight(const Tensor& t, double elements) {
    const double bytes = elements * element_bytes(t.type);
    cost.weight_bytes = whole(static_cast<double>(cost.weight_bytes) + bytes);
    if (is_float(t.type))
      cost.weight_elements = whole(static_cast<double>(cost.weight_elements) + elements);
    else
      cost.weight_fixed_bytes = whole(static_cast<double>(cost.weight_fixed_bytes) + bytes);
  }

  void node(const onnx::NodeProto& n) {
    ++cost.nodes;
    const Operations o = operations_of(n, graph);
    if (!o.counted) {
      ++cost.uncounted[one_line(n.domain().empty() || n.domain() == "ai.onnx"
                                    ? n.op_type()
                                    : n.domain() + "::" + n.op_type(),
                                80) +
                       (o.shape_unknown ? " (shape unknown)" : "")];
    } else {
      ++cost.counted;
      cost.multiply_adds += o.multiply_adds;
      cost.irreducible_operations += 2 * o.multiply_adds * o.irreducible;
      cost.operations += 2 * o.multiply_adds + o.others;
      cost.integer = cost.integer || (o.integer && o.multiply_adds > 0);
    }
    const bool lookup = looks_up(n);
    for (int i = 0; i < n.input_size(); ++i) {
      if (!graph.constant(n.input(i))) continue;
      const auto* shape = graph.shape(n.input(i));
      const bool rows = lookup && i == 0 && shape && !shape->empty();
      weight(n.input(i), rows ? static_cast<double>(std::max<int64_t>((*shape)[0], 1)) : 1);
    }
    for (const std::string& out : n.output()) {
      const Tensor* t = graph.find(out);
      if (!t || !t->shape || graph.is_output(out)) continue;
      cost.intermediate_bytes = whole(static_cast<double>(cost.intermediate_bytes) + t->bytes());
    }
  }
};

std::string scaled(double v, const char* unit) { return scaled_text(v, unit, 3); }

}  // namespace

Cost count_cost(onnx::ModelProto& model) {
  Cost failed;
  failed.why = "the shapes of its graph are not known";
  try {
    infer(model);
    Counter c{Graph(model.graph()), {}, {}};
    for (const onnx::NodeProto* n : c.graph.executed()) c.node(*n);
    for (const auto* list : {&model.graph().input(), &model.graph().output()})
      for (const auto& v : *list) {
        const Tensor* t = c.graph.find(v.name());
        if (!t || !t->shape || c.graph.constant(v.name())) continue;
        c.cost.input_output_bytes =
            whole(static_cast<double>(c.cost.input_output_bytes) + t->bytes());
      }
    Cost& cost = c.cost;
    if (!(cost.operations < kMost)) {
      failed.why = "its counts are beyond belief";
      return failed;
    }
    cost.integer = cost.multiply_adds > 0 && (cost.integer || c.graph.integer());
    cost.known = cost.counted > 0;
    cost.complete = cost.known && cost.counted == cost.nodes;
    if (!cost.known) cost.why = failed.why;
    return cost;
  } catch (...) {
    return failed;
  }
}

Json to_json(const Cost& c) {
  Json uncounted = Json::object();
  for (const auto& [name, count] : c.uncounted) uncounted[name] = count;
  return {{"known", c.known},
          {"complete", c.complete},
          {"why", c.why},
          {"multiply_adds", c.multiply_adds},
          {"operations", c.operations},
          {"irreducible_operations", c.irreducible_operations},
          {"weight_elements", c.weight_elements},
          {"weight_bytes", c.weight_bytes},
          {"weight_fixed_bytes", c.weight_fixed_bytes},
          {"input_output_bytes", c.input_output_bytes},
          {"intermediate_bytes", c.intermediate_bytes},
          {"integer", c.integer},
          {"nodes", c.nodes},
          {"counted", c.counted},
          {"uncounted", std::move(uncounted)}};
}

Cost cost_from_json(const Json& j) {
  Cost c, nothing;
  nothing.why = "the evidence tells no cost";
  if (!get_bool(j, "known")) {
    nothing.why = one_line(get_string(j, "why", nothing.why), 200);
    return nothing;
  }
  c.known = true;
  c.complete = get_bool(j, "complete");
  c.integer = get_bool(j, "integer");
  for (const auto& [key, to] : {std::pair{"multiply_adds", &c.multiply_adds},
                                {"operations", &c.operations},
                                {"irreducible_operations", &c.irreducible_operations}}) {
    *to = get_double(j, key, -1);
    if (!(*to >= 0 && *to <= kMost)) return nothing;
  }
  for (const auto& [key, to] : {std::pair{"weight_elements", &c.weight_elements},
                                {"weight_bytes", &c.weight_bytes},
                                {"weight_fixed_bytes", &c.weight_fixed_bytes},
                                {"input_output_bytes", &c.input_output_bytes},
                                {"intermediate_bytes", &c.intermediate_bytes},
                                {"nodes", &c.nodes},
                                {"counted", &c.counted}}) {
    *to = get_int(j, key, -1);
    if (*to < 0 || static_cast<double>(*to) > kMost) return nothing;
  }
  if (c.irreducible_operations > c.operations || c.counted > c.nodes) return nothing;
  for (const auto& [name, count] : get_object(j, "uncounted").items())
    if (count.is_number_integer()) c.uncounted[one_line(name, 100)] = count.get<int64_t>();
  return c;
}

std::string cost_text(const Cost& c) {
  if (!c.known) return "unknown: " + c.why;
  std::string text = fmt::format(
      "{}{} ({}), {} weights ({}), {} of {} nodes counted", c.complete ? "" : "at least ",
      scaled(c.operations, "operations"), scaled(c.multiply_adds, "multiply-adds"),
      scaled(static_cast<double>(c.weight_elements), ""),
      scaled(static_cast<double>(c.weight_bytes), "B"), c.counted, c.nodes);
  if (c.uncounted.empty()) return text;
  text += "; not counted: ";
  size_t shown = 0;
  for (const auto& [name, count] : c.uncounted) {
    if (shown++ == 6) {
      text += ", ...";
      break;
    }
    text += fmt::format("{}{} {}", shown > 1 ? ", " : "", count, name);
  }
  return text;
}

}  // namespace assay::model
