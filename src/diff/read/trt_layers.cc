// SPDX-License-Identifier: Apache-2.0
// The JSON of TensorRT's engine inspector. Its keys: NVIDIA's developer guide, "Engine Inspector",
// and the guide to migrate it from 10.x to 11.x.
#include <algorithm>

#include "diff/read/items.h"
#include "diff/read/read.h"
#include "diff/read/trt_names.h"
#include "diff/read/types.h"

namespace assay::diff {
namespace {

constexpr const char* kFix = "export the layers again: trtexec --exportLayerInfo=FILE";

Status read_extents(const Json& dims, std::string_view where, const std::string& at,
                    TensorRef& out) {
  if (dims.size() > kMostRank)
    return wrong(where, at + ".Dimensions", fmt::format("{} extents", dims.size()),
                 fmt::format("at most {}", kMostRank), kFix);
  for (const Json& d : dims) {
    if (!d.is_number_integer() || d.get<int64_t>() < -1)
      return wrong(where, at + ".Dimensions", shown(d), "extents from 0, or -1 for a dynamic one",
                   kFix);
    out.shape.push_back(d.get<int64_t>());
  }
  return {};
}

Result<TensorRef> read_tensor(const Json& j, std::string_view where, const std::string& at) {
  TensorRef t;
  if (j.is_string()) {
    t.name = without_myelin_counter(j.get_ref<const std::string&>());
    return t;
  }
  if (!j.is_object()) return wrong(where, at, shown(j), "an object with Name and Dimensions", kFix);
  t.name = without_myelin_counter(get_string(j, "Name"));
  ASSAY_CHECK(read_extents(get_array(j, "Dimensions"), where, at, t));
  // 8.x and 10.x tell both in one text; 11.x apart, and spells the second key in two ways.
  const std::string both = get_string(j, "Format/Datatype");
  t.format = both.empty() ? get_string(j, "Format") : both;
  while (t.format.ends_with('.')) t.format.pop_back();
  const std::string type = get_string(j, "DataType", get_string(j, "Datatype"));
  t.dtype = type.empty() ? dtype_in_format(both) : dtype_word(type);
  return t;
}

Status read_tensors(const Json& layer, const char* key, std::string_view where,
                    const std::string& at, std::vector<TensorRef>& out) {
  const auto found = layer.find(key);
  if (found == layer.end() || found->is_null()) return {};
  if (!found->is_array())
    return wrong(where, fmt::format("{}.{}", at, key), shown(*found), "an array of tensors", kFix);
  if (found->size() > kMostTensors)
    return wrong(where, fmt::format("{}.{}", at, key), fmt::format("{} tensors", found->size()),
                 fmt::format("at most {}", kMostTensors), kFix);
  for (size_t i = 0; i < found->size(); ++i) {
    ASSAY_TRY(TensorRef t, read_tensor((*found)[i], where, fmt::format("{}.{}[{}]", at, key, i)));
    out.push_back(std::move(t));
  }
  return {};
}

// Bytes of {"Type": "Half", "Count": 9408}; -1 when it is not told, 0 for none.
int64_t constant_bytes(const Json& layer, const char* key) {
  const Json& c = get_object(layer, key);
  const int64_t count = get_int(c, "Count", -1);
  const int64_t bits = dtype_bits(dtype_word(get_string(c, "Type")));
  if (count == 0) return 0;
  if (count < 0 || bits == 0 || count > (int64_t{1} << 50)) return -1;
  return (count * bits + 7) / 8;
}

// Names of ONNX nodes in "[ONNX Layer: a]\u001e[ONNX Layer: b]", sorted.
std::vector<std::string> origin_of(std::string_view metadata) {
  constexpr std::string_view kOpen = "[ONNX Layer: ";
  std::vector<std::string> out;
  for (size_t at = metadata.find(kOpen); at != std::string_view::npos;) {
    const size_t begin = at + kOpen.size(), next = metadata.find(kOpen, begin);
    // The name ends with the last bracket before the next: it may hold brackets itself.
    const std::string_view part = metadata.substr(begin, next - begin);
    const size_t end = part.rfind(']');
    if (end != std::string_view::npos && end > 0) out.emplace_back(part.substr(0, end));
    at = next;
  }
  std::sort(out.begin(), out.end());
  out.erase(std::unique(out.begin(), out.end()), out.end());
  return out;
}

std::string precision_of(const Json& layer, const Layer& l) {
  const std::string weights = get_string(get_object(layer, "Weights"), "Type");
  if (!weights.empty()) return precision_word(dtype_word(weights));
  for (const auto* tensors : {&l.inputs, &l.outputs})
    if (!tensors->empty() && !tensors->front().dtype.empty())
      return precision_word(tensors->front().dtype);
  return "";
}

class Reader {
 public:
  explicit Reader(std::string_view where) : where_(where) {}

  Status item(std::string_view list, int64_t index, const Json& j) {
    if (list != "Layers") return {};
    const std::string at = fmt::format("Layers[{}]", index);
    if (engine_.layers.size() >= kMostLayers)
      return wrong(where_, at, "another layer", fmt::format("at most {}", kMostLayers), kFix);
    Layer l;
    if (j.is_string()) {
      l.name = without_myelin_counter(j.get_ref<const std::string&>());
      ++bare_;
    } else if (j.is_object()) {
      ASSAY_CHECK(object(j, at, l));
    } else {
      return wrong(where_, at, shown(j), "a layer: an object, or its name", kFix);
    }
    if (l.name.empty()) return wrong(where_, at, "no Name", "the name of the layer", kFix);
    engine_.layers.push_back(std::move(l));
    return {};
  }

  Result<EngineMap> finish(const Json& rest) {
    if (!rest.is_object() || !rest.contains("Layers") || !rest["Layers"].is_array())
      return wrong(where_, "top level", "no array \"Layers\"", "the layers of a TensorRT engine",
                   kFix);
    if (engine_.layers.empty())
      return wrong(where_, "Layers", "an empty array", "the layers of a TensorRT engine", kFix);
    engine_.compiler = "TensorRT";
    engine_.source =
        rest.contains("I/O Tensors") ? "TensorRT inspector JSON, 11.x" : "TensorRT inspector JSON";
    if (bare_ > 0)
      engine_.notes.push_back(
          fmt::format("{} of {} layers are names only, so their kernels are not told: build with "
                      "--profilingVerbosity=detailed",
                      bare_, engine_.layers.size()));
    if (bare_ < engine_.layers.size() && traced_ == 0)
      engine_.notes.emplace_back("no layer tells the ONNX nodes it was made from");
    return std::move(engine_);
  }

 private:
  Status object(const Json& j, const std::string& at, Layer& l) {
    l.name = without_myelin_counter(get_string(j, "Name"));
    l.type = get_string(j, "LayerType");
    ASSAY_CHECK(read_tensors(j, "Inputs", where_, at, l.inputs));
    ASSAY_CHECK(read_tensors(j, "Outputs", where_, at, l.outputs));
    const std::string name = get_string(j, "TacticName"), value = get_string(j, "TacticValue");
    l.kernel = name + (name.empty() || value.empty() ? "" : " ") + value;
    l.origin = origin_of(get_string(j, "Metadata"));
    traced_ += l.origin.empty() ? 0 : 1;
    l.precision = precision_of(j, l);
    const int64_t weights = constant_bytes(j, "Weights"), bias = constant_bytes(j, "Bias");
    if (weights >= 0) l.weight_bytes = weights + std::max<int64_t>(bias, 0);
    return {};
  }

  std::string_view where_;
  EngineMap engine_;
  size_t bare_ = 0, traced_ = 0;
};

}  // namespace

std::string without_myelin_counter(std::string_view name) {
  constexpr std::string_view kMark = "_myl";
  const auto digits = [&](size_t at) {
    while (at < name.size() && name[at] >= '0' && name[at] <= '9') ++at;
    return at;
  };
  const size_t mark = name.rfind(kMark);
  if (mark == std::string_view::npos || mark == 0) return std::string(name);
  size_t end = digits(mark + kMark.size());
  if (end == mark + kMark.size()) return std::string(name);
  if (end < name.size() && name[end] == '_' && digits(end + 1) > end + 1) end = digits(end + 1);
  return std::string(end == name.size() ? name.substr(0, mark) : name);
}

Result<EngineMap> parse_trt_layers(std::string_view text, std::string_view where) {
  Reader r(where);
  ASSAY_TRY(const Json rest, walk_items(text, where, {"Layers"},
                                        [&](std::string_view list, int64_t index, const Json& j) {
                                          return r.item(list, index, j);
                                        }));
  return r.finish(rest);
}

}  // namespace assay::diff
