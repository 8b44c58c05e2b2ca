// SPDX-License-Identifier: Apache-2.0
#include "model/shapes.h"

#include <onnx/shape_inference/implementation.h>

#include <charconv>
#include <set>

#include "base/text.h"
#include "model/walk.h"

namespace assay::model {
namespace {

constexpr int64_t kMaxExtent = (int64_t{1} << 31) - 1;
constexpr int kMaxRank = 8;
using Symbols = std::map<std::string, int64_t>;

Status check_size(const TensorSpec& spec, std::string_view where) {
  int64_t bytes = dtype_size(spec.dtype);
  for (const int64_t d : spec.shape) {
    if (d > 0 && bytes > (int64_t{1} << 40) / d) {
      return bad_input(fmt::format("{}: '{}' of {} is larger than 1 TiB", where, spec.name,
                                   shape_text(spec.shape)),
                       "give smaller extents with --shapes");
    }
    if (d > 0) bytes *= d;
  }
  return {};
}

std::string declared_text(const onnx::TensorShapeProto& shape) {
  std::string text;
  for (const auto& d : shape.dim()) {
    if (!text.empty()) text += "x";
    if (d.has_dim_value() && d.dim_value() >= 0)
      text += std::to_string(d.dim_value());
    else
      text += d.dim_param().empty() ? "?" : one_line(d.dim_param(), 30);
  }
  return text.empty() ? "scalar" : text;
}

// Adds what --shapes says of this input's symbols.
Status learn_symbols(const onnx::ValueInfoProto& value, const std::vector<int64_t>& wanted,
                     std::string_view where, Symbols& symbols) {
  const auto& type = value.type().tensor_type();
  if (!type.has_shape()) return {};
  const std::string name = one_line(value.name(), 80);
  if (type.shape().dim_size() != static_cast<int>(wanted.size())) {
    return bad_input(fmt::format("{}: --shapes gives '{}' the shape {}, the model declares {}",
                                 where, name, shape_text(wanted), declared_text(type.shape())),
                     "give as many extents as the model declares");
  }
  for (int i = 0; i < type.shape().dim_size(); ++i) {
    const auto& d = type.shape().dim(i);
    const bool fixed = d.has_dim_value() && d.dim_value() >= 0;
    if (fixed && d.dim_value() != wanted[i]) {
      return bad_input(fmt::format("{}: --shapes gives '{}' the shape {}, the model fixes {}",
                                   where, name, shape_text(wanted), declared_text(type.shape())),
                       "only symbolic extents can be chosen");
    }
    if (fixed || d.dim_param().empty()) continue;
    const auto [at, fresh] = symbols.emplace(d.dim_param(), wanted[i]);
    if (!fresh && at->second != wanted[i]) {
      return bad_input(fmt::format("{}: --shapes gives the extent '{}' two values, {} and {}",
                                   where, one_line(d.dim_param(), 30), at->second, wanted[i]),
                       "extents of one name must be equal");
    }
  }
  return {};
}

Result<TensorSpec> input_spec(onnx::ValueInfoProto& value, const Shapes& shapes,
                              std::string_view where, Symbols& symbols, bool& leading_symbolic) {
  TensorSpec spec;
  spec.name = value.name();
  const std::string name = one_line(value.name(), 80);
  if (!value.type().has_tensor_type()) {
    return bad_input(
        fmt::format("{}: input '{}' is not a tensor", where, name),
        "only tensors can be fed; export the model without sequences, maps and optionals");
  }
  auto& type = *value.mutable_type()->mutable_tensor_type();
  const auto dtype = dtype_from_onnx(type.elem_type());
  if (!dtype)
    return bad_input(fmt::format("{}: input '{}': {}", where, name, dtype.error().message),
                     dtype.error().fix);
  spec.dtype = *dtype;
  const auto wanted = shapes.find(value.name());
  leading_symbolic = type.has_shape() && type.shape().dim_size() > 0 &&
                     !(type.shape().dim(0).has_dim_value() && type.shape().dim(0).dim_value() >= 0);
  if (wanted != shapes.end()) {
    spec.shape = wanted->second;
  } else {
    if (!type.has_shape()) {
      return bad_input(fmt::format("{}: input '{}' declares no shape", where, name),
                       fmt::format("give one: --shapes {}:1x3x224x224", name));
    }
    for (int i = 0; i < type.shape().dim_size(); ++i) {
      const auto& d = type.shape().dim(i);
      int64_t extent = -1;
      if (d.has_dim_value() && d.dim_value() >= 0)
        extent = d.dim_value();
      else if (const auto known = symbols.find(d.dim_param());
               !d.dim_param().empty() && known != symbols.end())
        extent = known->second;
      else if (i == 0)
        extent = 1;
      if (extent < 0) {
        return bad_input(fmt::format("{}: input '{}' has the symbolic shape {}", where, name,
                                     declared_text(type.shape())),
                         fmt::format("choose its extents with --shapes {}:N1xN2x...", name));
      }
      if (!d.dim_param().empty()) symbols.emplace(d.dim_param(), extent);
      spec.shape.push_back(extent);
    }
  }
  if (spec.shape.size() > kMaxRank) {
    return bad_input(fmt::format("{}: input '{}' has rank {}, at most {} is supported", where, name,
                                 spec.shape.size(), kMaxRank));
  }
  for (const int64_t d : spec.shape) {
    if (d > kMaxExtent)
      return bad_input(fmt::format("{}: input '{}' has the extent {}, too large", where, name, d));
  }
  ASSAY_CHECK(check_size(spec, where));
  auto* shape = type.mutable_shape();
  shape->clear_dim();
  for (const int64_t d : spec.shape) shape->add_dim()->set_dim_value(d);
  return spec;
}

// True when every extent is known; `symbols` replaces names.
bool static_shape(const onnx::ValueInfoProto& value, const Symbols& symbols,
                  std::vector<int64_t>& out) {
  out.clear();
  const auto& type = value.type().tensor_type();
  if (!type.has_shape() || type.shape().dim_size() > kMaxRank) return false;
  for (const auto& d : type.shape().dim()) {
    int64_t extent = d.has_dim_value() ? d.dim_value() : -1;
    if (!d.has_dim_value() && !d.dim_param().empty()) {
      const auto known = symbols.find(d.dim_param());
      if (known != symbols.end()) extent = known->second;
    }
    if (extent < 0 || extent > kMaxExtent) return false;
    out.push_back(extent);
  }
  return true;
}

// Lets the ONNX library complete the outputs' shapes in place. It reports trouble by throwing; then
// nothing is known.
void infer(onnx::ModelProto& model) {
  for (auto& t : *model.mutable_graph()->mutable_initializer()) {
    if (t.raw_data().size() > 65536)
      t.clear_raw_data();  // only shapes are read, and small tensors that hold them
  }
  try {
    onnx::shape_inference::InferShapes(model);
  } catch (...) {  // whatever a hostile graph provokes: the shapes stay unknown, which is said
  }
}

}  // namespace

Status resolve_shapes(onnx::ModelProto& model, const Shapes& shapes, std::string_view where,
                      ModelInfo& info) {
  auto& graph = *model.mutable_graph();
  std::set<std::string> initializers, names;
  for (const auto& t : graph.initializer()) initializers.insert(t.name());
  for (const auto& t : graph.sparse_initializer()) initializers.insert(t.values().name());
  Symbols symbols;
  std::string all_names;
  for (auto& value : *graph.mutable_input()) {
    if (initializers.contains(value.name())) continue;  // a default value, not something to feed
    all_names += (all_names.empty() ? "" : ", ") + value.name();
    if (value.name().empty() || !names.insert(value.name()).second) {
      return bad_input(fmt::format("{}: input name '{}' is empty or used twice", where,
                                   one_line(value.name(), 80)),
                       "export the model again");
    }
    const auto wanted = shapes.find(value.name());
    if (wanted != shapes.end()) ASSAY_CHECK(learn_symbols(value, wanted->second, where, symbols));
  }
  for (const auto& [name, shape] : shapes) {
    if (names.contains(name)) continue;
    return bad_input(
        fmt::format("{}: --shapes names '{}', which is no input", where, one_line(name, 80)),
        fmt::format("inputs are: {}", one_line(all_names, 200)));
  }
  info.dynamic_batch = !names.empty();
  for (auto& value : *graph.mutable_input()) {
    if (!names.contains(value.name())) continue;
    bool leading_symbolic = false;
    ASSAY_TRY(TensorSpec spec, input_spec(value, shapes, where, symbols, leading_symbolic));
    info.dynamic_batch = info.dynamic_batch && leading_symbolic;
    info.inputs.push_back(std::move(spec));
  }
  if (graph.output_size() == 0)
    return bad_input(fmt::format("{}: the graph has no outputs", where), "export the model again");
  bool all_known = true;
  std::vector<int64_t> shape;
  for (const auto& value : graph.output())
    all_known = static_shape(value, symbols, shape) && all_known;
  if (!all_known && info.opset <= known_opset()) infer(model);
  for (const auto& value : graph.output()) {
    TensorSpec spec;
    spec.name = value.name();
    if (value.type().has_tensor_type()) {
      // Outputs of a type assay cannot carry are refused by the runner, which knows what it gives.
      const auto dtype = dtype_from_onnx(value.type().tensor_type().elem_type());
      if (dtype) spec.dtype = *dtype;
    }
    const bool known =
        static_shape(value, symbols, spec.shape) && check_size(spec, where).has_value();
    if (!known) spec.shape.clear();
    info.output_shape_known.push_back(known);
    info.outputs.push_back(std::move(spec));
  }
  return {};
}

Result<Shapes> parse_shapes(std::string_view text) {
  Shapes out;
  while (!text.empty()) {
    const size_t comma = text.find(',');
    const std::string_view part = text.substr(0, comma);
    text = comma == std::string_view::npos ? std::string_view() : text.substr(comma + 1);
    const size_t split = part.find_last_of(":=");  // names may hold colons themselves
    const auto wrong = [&](std::string_view why) {
      return bad_input(fmt::format("--shapes: '{}': {}", one_line(part, 80), why),
                       "write NAME:1x3x224x224, several with commas");
    };
    if (split == std::string_view::npos || split == 0) return wrong("expected NAME:EXTENTS");
    std::vector<int64_t> shape;
    std::string_view extents = part.substr(split + 1);
    if (extents != "scalar") {
      for (;;) {
        int64_t extent = 0;
        const auto [end, error] =
            std::from_chars(extents.data(), extents.data() + extents.size(), extent);
        if (error != std::errc() || extent < 1 || extent > kMaxExtent)
          return wrong("extents are whole numbers from 1 to 2^31-1");
        shape.push_back(extent);
        extents.remove_prefix(static_cast<size_t>(end - extents.data()));
        if (extents.empty()) break;
        if (extents[0] != 'x' || shape.size() >= kMaxRank)
          return wrong("extents are joined by 'x', at most 8");
        extents.remove_prefix(1);
      }
    }
    if (!out.emplace(std::string(part.substr(0, split)), std::move(shape)).second)
      return wrong("named twice");
    if (comma != std::string_view::npos && text.empty())
      return wrong("nothing follows the last comma");
  }
  return out;
}

}  // namespace assay::model
