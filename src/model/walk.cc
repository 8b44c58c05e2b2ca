// SPDX-License-Identifier: Apache-2.0
#include "model/walk.h"

#include <onnx/defs/schema.h>

#include <charconv>
#include <limits>

#include "base/text.h"

namespace assay::model {
namespace {

constexpr int kMaxDepth = 32;  // of graphs within graphs; deeper ones are hostile

// Bits of an element by TensorProto.DataType; 0 where the size is not fixed (strings) or not known.
int64_t element_bits(int type) {
  switch (type) {
    case 1:
    case 6:
    case 12:
      return 32;
    case 2:
    case 3:
    case 9:
      return 8;
    case 4:
    case 5:
    case 10:
    case 16:
      return 16;
    case 7:
    case 11:
    case 13:
    case 14:
      return 64;
    case 15:
      return 128;
    case 17:
    case 18:
    case 19:
    case 20:
      return 8;  // 8-bit floats
    default:
      return 0;
  }
}

struct Walker {
  const fs::path& folder;
  std::string_view where;
  ModelInfo& info;
  std::set<std::string> functions;  // "domain::name" defined by the model itself
  std::set<std::string> external;   // locations
  int64_t opset = 1;

  Result<int64_t> elements(const onnx::TensorProto& tensor) const {
    int64_t count = 1;
    for (const int64_t d : tensor.dims()) {
      if (d < 0 || (d > 0 && count > (int64_t{1} << 45) / d)) {
        return bad_input(fmt::format("{}: tensor '{}' has an impossible extent {}", where,
                                     one_line(tensor.name(), 80), d),
                         "export the model again");
      }
      count *= d;
    }
    return count;
  }

  Status external_data(const onnx::TensorProto& tensor, int64_t needed) {
    std::string location;
    int64_t offset = 0, length = -1;
    bool numbers = true;
    const auto number = [&](const std::string& text, int64_t& out) {
      const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
      numbers = numbers && error == std::errc() && end == text.data() + text.size() && out >= 0;
    };
    for (const auto& entry : tensor.external_data()) {
      if (entry.key() == "location")
        location = entry.value();
      else if (entry.key() == "offset")
        number(entry.value(), offset);
      else if (entry.key() == "length")
        number(entry.value(), length);
    }
    const std::string name = one_line(tensor.name(), 80), shown = one_line(location, 120);
    if (location.empty() || !numbers) {
      return bad_input(
          fmt::format("{}: tensor '{}': external data without a valid location, offset and length",
                      where, name),
          "export the model again");
    }
    std::string_view relative = location;
    while (relative.starts_with("./")) relative.remove_prefix(2);
    const auto path = path_inside(folder, relative);
    if (!path) {
      return bad_input(
          fmt::format(
              "{}: tensor '{}': external data '{}' is not a file inside the model's folder ({})",
              where, name, shown, path.error().message),
          "put the data file beside the model, without links, and export with a relative location");
    }
    std::error_code error;
    if (!fs::is_regular_file(*path, error)) {
      return bad_input(
          fmt::format("{}: tensor '{}': external data file '{}' is missing", where, name, shown),
          "copy it next to the model file");
    }
    const auto size = static_cast<int64_t>(fs::file_size(*path, error));
    if (error)
      return bad_input(fmt::format("{}: external data '{}': {}", where, shown, error.message()));
    if (length >= 0 && needed >= 0 && length != needed) {
      return bad_input(fmt::format("{}: tensor '{}': external length {}, its shape needs {} bytes",
                                   where, name, length, needed),
                       "export the model again");
    }
    const int64_t wanted = length >= 0 ? length : std::max<int64_t>(needed, 0);
    if (offset > size || wanted > size - offset) {
      return bad_input(
          fmt::format("{}: tensor '{}': external data '{}' has {} bytes, needed {} from offset {}",
                      where, name, shown, size, wanted, offset),
          "the data file is cut off or belongs to another model; copy it again");
    }
    if (external.insert(std::string(relative)).second) {
      info.bytes += size;
      info.external_files.push_back(*path);
    }
    return {};
  }

  Status tensor(const onnx::TensorProto& t, bool parameter) {
    ASSAY_TRY(const int64_t count, elements(t));
    if (parameter) info.parameters += count;
    const int64_t bits = element_bits(t.data_type());
    const int64_t needed = bits > 0 ? count * bits / 8 : -1;
    if (t.data_location() == onnx::TensorProto::EXTERNAL || t.external_data_size() > 0) {
      return external_data(t, needed);
    }
    if (t.has_raw_data() && needed >= 0 && static_cast<int64_t>(t.raw_data().size()) != needed) {
      return bad_input(fmt::format("{}: tensor '{}' holds {} bytes, its shape needs {}", where,
                                   one_line(t.name(), 80), t.raw_data().size(), needed),
                       "the file is damaged; export the model again");
    }
    return {};
  }

  Status sparse(const onnx::SparseTensorProto& t, bool parameter) {
    ASSAY_CHECK(tensor(t.values(), parameter));
    return tensor(t.indices(), false);
  }

  Status node(const onnx::NodeProto& n, int depth, bool count) {
    const bool standard = n.domain().empty() || n.domain() == "ai.onnx";
    if (count) {
      ++info.nodes;
      ++info.operators[one_line(standard ? n.op_type() : n.domain() + "::" + n.op_type(), 200)];
    }
    if (standard && opset <= known_opset() && !functions.contains("::" + n.op_type()) &&
        onnx::OpSchemaRegistry::Schema(n.op_type(), static_cast<int>(opset), "") == nullptr) {
      return bad_input(fmt::format("{}: node '{}': operator '{}' is unknown in ONNX opset {}",
                                   where, one_line(n.name(), 80), one_line(n.op_type(), 80), opset),
                       "export with standard operators, or with the operator's own domain");
    }
    for (const auto& a : n.attribute()) {
      if (a.has_t()) ASSAY_CHECK(tensor(a.t(), false));
      for (const auto& t : a.tensors()) ASSAY_CHECK(tensor(t, false));
      if (a.has_sparse_tensor()) ASSAY_CHECK(sparse(a.sparse_tensor(), false));
      for (const auto& t : a.sparse_tensors()) ASSAY_CHECK(sparse(t, false));
      if (a.has_g()) ASSAY_CHECK(graph(a.g(), depth + 1, count));
      for (const auto& g : a.graphs()) ASSAY_CHECK(graph(g, depth + 1, count));
    }
    return {};
  }

  Status graph(const onnx::GraphProto& g, int depth, bool count) {
    if (depth > kMaxDepth) {
      return bad_input(fmt::format("{}: graphs nested deeper than {}", where, kMaxDepth),
                       "simplify the model");
    }
    for (const auto& t : g.initializer()) ASSAY_CHECK(tensor(t, count));
    for (const auto& t : g.sparse_initializer()) ASSAY_CHECK(sparse(t, count));
    for (const auto& n : g.node()) ASSAY_CHECK(node(n, depth, count));
    return {};
  }
};

}  // namespace

int64_t known_opset() {
  static const int64_t newest = [] {
    const auto& map = onnx::OpSchemaRegistry::DomainToVersionRange::Instance().Map();
    const auto found = map.find("");
    return found == map.end() ? 0 : found->second.second;
  }();
  return newest;
}

Status walk_model(const onnx::ModelProto& model, const fs::path& folder, std::string_view where,
                  ModelInfo& info) {
  Walker walker{folder, where, info, {}, {}, 1};
  const auto opset_of = [](const auto& imports, int64_t fallback) {
    for (const auto& o : imports)
      if (o.domain().empty() || o.domain() == "ai.onnx") return o.version();
    return fallback;
  };
  info.opset = opset_of(model.opset_import(), 1);
  if (info.opset < 1 || info.opset > 10000) {
    return bad_input(fmt::format("{}: impossible opset version {}", where, info.opset),
                     "export the model again");
  }
  walker.opset = info.opset;
  for (const auto& f : model.functions()) {
    walker.functions.insert((f.domain() == "ai.onnx" ? "" : f.domain()) + "::" + f.name());
  }
  ASSAY_CHECK(walker.graph(model.graph(), 0, true));
  for (const auto& t : model.training_info()) {
    ASSAY_CHECK(walker.graph(t.initialization(), 0, false));
    ASSAY_CHECK(walker.graph(t.algorithm(), 0, false));
  }
  for (const auto& f : model.functions()) {
    // A function may import another opset, or none where it uses no standard operator: then nothing
    // is judged.
    walker.opset = opset_of(f.opset_import(), std::numeric_limits<int64_t>::max());
    for (const auto& n : f.node()) ASSAY_CHECK(walker.node(n, 1, false));
  }
  return {};
}

}  // namespace assay::model
