// SPDX-License-Identifier: Apache-2.0
#include "graph.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string_view>

namespace assay::tvm {
namespace {

using Json = nlohmann::json;
constexpr int64_t kMaxFileBytes = int64_t{1} << 32;
constexpr int64_t kMaxTensorBytes = int64_t{1} << 40;

struct TypeRow {
  const char* name;
  assay_dtype dtype;
  DataType type;
};
// One table for both spellings: manifest.json ("bool") and graph.json ("bool" is one bit in a
// byte).
constexpr std::array<TypeRow, 12> kTypes = {{{"float32", ASSAY_F32, {2, 32, 1}},
                                             {"float64", ASSAY_F64, {2, 64, 1}},
                                             {"float16", ASSAY_F16, {2, 16, 1}},
                                             {"int8", ASSAY_I8, {0, 8, 1}},
                                             {"int16", ASSAY_I16, {0, 16, 1}},
                                             {"int32", ASSAY_I32, {0, 32, 1}},
                                             {"int64", ASSAY_I64, {0, 64, 1}},
                                             {"uint8", ASSAY_U8, {1, 8, 1}},
                                             {"uint16", ASSAY_U16, {1, 16, 1}},
                                             {"uint32", ASSAY_U32, {1, 32, 1}},
                                             {"uint64", ASSAY_U64, {1, 64, 1}},
                                             {"bool", ASSAY_BOOL, {1, 1, 1}}}};

// Thrown inside this file only; read_engine and parse_graph turn it into an Expected.
struct Bad {
  std::string message;
};
[[noreturn]] void bad(std::string message) { throw Bad{std::move(message)}; }

std::string read_text(const std::string& path) {
  std::ifstream file(path, std::ios::binary | std::ios::ate);
  if (!file) bad(path + ": cannot be read");
  const int64_t size = file.tellg();
  if (size < 0 || size > kMaxFileBytes) bad(path + ": is too large or no regular file");
  std::string text(static_cast<size_t>(size), '\0');
  file.seekg(0);
  if (!file.read(text.data(), size)) bad(path + ": cannot be read");
  return text;
}

Json parse_json(const std::string& text, const std::string& where) {
  Json json = Json::parse(text, nullptr, false);
  if (json.is_discarded() || !json.is_object()) bad(where + ": is not a JSON object");
  return json;
}

const Json& member(const Json& json, const char* key, Json::value_t type,
                   const std::string& where) {
  const auto found = json.is_object() ? json.find(key) : json.end();
  if (!json.is_object() || found == json.end() || found->type() != type) {
    bad(where + ": `" + key + "` is missing or of the wrong type");
  }
  return *found;
}

int64_t whole(const Json& json, int64_t low, int64_t high, const std::string& where) {
  if (!json.is_number_integer()) bad(where + ": expected a whole number");
  const int64_t value = json.get<int64_t>();
  if (value < low || value > high)
    bad(where + ": number " + std::to_string(value) + " is out of range");
  return value;
}

TensorInfo tensor_info(std::string name, const Json& dtype, const Json& shape,
                       const std::string& where) {
  if (!dtype.is_string()) bad(where + ": element type is no text");
  const std::string type_name = dtype.get<std::string>();
  const auto row = std::find_if(kTypes.begin(), kTypes.end(),
                                [&](const TypeRow& r) { return type_name == r.name; });
  if (row == kTypes.end()) bad(where + ": element type " + type_name + " is not known");
  if (!shape.is_array() || shape.size() > 64) bad(where + ": shape is no list of extents");
  TensorInfo info{std::move(name), row->dtype, row->type, {}, (row->type.bits + 7) / 8};
  for (const Json& extent : shape) {
    info.shape.push_back(whole(extent, 0, int64_t{1} << 31, where));
    info.bytes *= info.shape.back();
    if (info.bytes > kMaxTensorBytes) bad(where + ": tensor is too large");
  }
  return info;
}

Entry entry(const Json& json, const Graph& graph, size_t limit, const std::string& where) {
  if (!json.is_array() || json.size() < 2) bad(where + ": expected [node, index]");
  Entry result;
  result.node = static_cast<int32_t>(whole(json[0], 0, static_cast<int64_t>(limit) - 1, where));
  result.index =
      static_cast<int32_t>(whole(json[1], 0, graph.nodes[result.node].outputs - 1, where));
  return result;
}

Node node(const Json& json, const Graph& graph, const std::string& where) {
  Node result;
  result.name = member(json, "name", Json::value_t::string, where).get<std::string>();
  const std::string op = member(json, "op", Json::value_t::string, where).get<std::string>();
  if (op == "null") return result;
  if (op != "tvm_op") bad(where + ": operator " + op + " is not known");
  const Json& attrs = member(json, "attrs", Json::value_t::object, where);
  result.function = member(attrs, "func_name", Json::value_t::string, where).get<std::string>();
  const std::string outputs =
      member(attrs, "num_outputs", Json::value_t::string, where).get<std::string>();
  if (outputs.empty() || outputs.size() > 6 ||
      outputs.find_first_not_of("0123456789") != std::string::npos) {
    bad(where + ": num_outputs is no number");
  }
  result.outputs = std::stoi(outputs);
  for (const Json& input : member(json, "inputs", Json::value_t::array, where)) {
    result.inputs.push_back(entry(input, graph, graph.nodes.size(), where));
  }
  return result;
}

// graph.json writes lists as ["list_shape", [...]].
const Json& typed_list(const Json& attrs, const char* key, const std::string& where) {
  const Json& pair = member(attrs, key, Json::value_t::array, where);
  if (pair.size() != 2 || !pair[1].is_array()) bad(where + ": `" + key + "` is no typed list");
  return pair[1];
}

// c when `layout` is "NCHW<c>c", else 0.
int64_t block_of(const std::string& layout) {
  const size_t digits = layout.size() < 6 ? 0 : layout.size() - 5;
  if (digits == 0 || digits > 4 || layout.compare(0, 4, "NCHW") != 0 || layout.back() != 'c' ||
      layout.find_first_not_of("0123456789", 4) != layout.size() - 1) {
    return 0;
  }
  return std::stoll(layout.substr(4, digits));
}

// Extents of one shape of the graph, or empty: tensor_info checks them later.
std::vector<int64_t> extents_of(const Json& shapes, size_t entry) {
  std::vector<int64_t> extents;
  if (entry >= shapes.size() || !shapes[entry].is_array()) return extents;
  for (const Json& extent : shapes[entry]) {
    if (extent.is_number_integer()) extents.push_back(extent.get<int64_t>());
  }
  return extents;
}

// The block of each node's output 0. The builder's attributes name the layouts of what was fused; a
// kernel without any (an addition, say) keeps that of an input of its own shape. Kernels that move
// extents about are left alone: their output may have five extents for another reason.
void find_blocks(Graph& graph, const Json& nodes, const Json& shapes) {
  for (size_t i = 0; i < graph.nodes.size(); ++i) {
    Node& node = graph.nodes[i];
    const std::vector<int64_t> shape = extents_of(shapes, static_cast<size_t>(node.first_entry));
    if (node.function.empty() || shape.size() != 5 || node.outputs != 1) continue;
    if (node.function.find("reshape") != std::string::npos ||
        node.function.find("transpose") != std::string::npos) {
      continue;
    }
    bool told = false;
    for (const char* key : {"out_layout", "dst_layout", "layout"}) {
      const auto found = nodes[i]["attrs"].find(key);
      if (found == nodes[i]["attrs"].end() || !found->is_string()) continue;
      const int64_t block = block_of(found->get<std::string>());
      told = told || !found->get<std::string>().empty();
      if (block > 0 && block == shape.back()) node.channel_block = block;
    }
    for (const Entry& input : node.inputs) {
      const Node& from = graph.nodes[static_cast<size_t>(input.node)];
      const auto entry = static_cast<size_t>(from.first_entry + input.index);
      if (!told && from.channel_block > 0 && extents_of(shapes, entry) == shape) {
        node.channel_block = from.channel_block;
      }
    }
  }
}

Graph graph_from_text(const std::string& text, const std::string& where) {
  const Json json = parse_json(text, where);
  Graph graph;
  graph.text = text;
  int64_t entries = 0;
  for (const Json& item : member(json, "nodes", Json::value_t::array, where)) {
    graph.nodes.push_back(
        node(item, graph, where + ": node " + std::to_string(graph.nodes.size())));
    graph.nodes.back().first_entry = static_cast<int32_t>(entries);
    entries += graph.nodes.back().outputs;
    if (entries > (1 << 24)) bad(where + ": too many tensors");
  }
  for (const Json& item : member(json, "arg_nodes", Json::value_t::array, where)) {
    const int64_t last = static_cast<int64_t>(graph.nodes.size()) - 1;
    graph.arguments.push_back(static_cast<int32_t>(whole(item, 0, last, where + ": arg_nodes")));
  }
  for (const Json& item : member(json, "heads", Json::value_t::array, where)) {
    graph.heads.push_back(entry(item, graph, graph.nodes.size(), where + ": heads"));
  }
  const Json& attrs = member(json, "attrs", Json::value_t::object, where);
  const Json& types = typed_list(attrs, "dltype", where);
  const Json& shapes = typed_list(attrs, "shape", where);
  if (types.size() != shapes.size() || static_cast<int64_t>(types.size()) != entries) {
    bad(where + ": has " + std::to_string(entries) + " tensors but " +
        std::to_string(types.size()) + " types and " + std::to_string(shapes.size()) + " shapes");
  }
  for (size_t i = 0; i < types.size(); ++i) {
    graph.tensors.push_back(
        tensor_info("", types[i], shapes[i], where + ": tensor " + std::to_string(i)));
  }
  find_blocks(graph, json["nodes"], shapes);
  return graph;
}

std::vector<TensorInfo> manifest_tensors(const Json& manifest, const char* key,
                                         const std::string& where) {
  std::vector<TensorInfo> result;
  for (const Json& item : member(manifest, key, Json::value_t::array, where)) {
    const std::string here = where + ": " + key;
    const std::string name = member(item, "name", Json::value_t::string, here).get<std::string>();
    if (!item.contains("dtype") || !item.contains("shape"))
      bad(here + ": dtype or shape is missing");
    result.push_back(tensor_info(name, item["dtype"], item["shape"], here + " " + name));
    if (result.back().shape.size() > ASSAY_MAX_RANK) bad(here + " " + name + ": rank is above 8");
  }
  return result;
}

void match(const TensorInfo& declared, const TensorInfo& built, const std::string& where) {
  if (declared.dtype != built.dtype || declared.shape != built.shape) {
    bad(where + " " + declared.name +
        ": manifest.json and graph.json disagree about type or shape");
  }
}

// Names in params.bin: two 64-bit words, then a counted list of counted texts, little endian. TVM
// skips constants that it does not find, and would run with whatever the memory holds.
std::vector<std::string> constant_names(const std::string& blob, const std::string& where) {
  size_t at = 0;
  const auto word = [&] {
    uint64_t value = 0;
    if (blob.size() - at < sizeof value) bad(where + ": is cut off");
    std::memcpy(&value, blob.data() + at, sizeof value);
    at += sizeof value;
    return value;
  };
  if (word() != 0xF7E58D4F05049CB7u) bad(where + ": is no TVM parameter file");
  word();
  std::vector<std::string> names;
  for (uint64_t left = word(); left > 0; --left) {
    const uint64_t size = word();
    if (size > blob.size() - at) bad(where + ": is cut off");
    names.emplace_back(blob, at, size);
    at += size;
  }
  return names;
}

void check_constants(const EngineFiles& engine, const std::string& where) {
  const std::vector<std::string> names = constant_names(engine.params, where);
  for (const int32_t argument : engine.graph.arguments) {
    const std::string& name = engine.graph.nodes[static_cast<size_t>(argument)].name;
    const bool input = std::any_of(engine.inputs.begin(), engine.inputs.end(),
                                   [&](const TensorInfo& info) { return info.name == name; });
    if (!input && std::find(names.begin(), names.end(), name) == names.end()) {
      bad(where + ": lacks the constant " + name + " of graph.json");
    }
  }
}

EngineFiles engine_from_folder(const std::string& folder) {
  EngineFiles engine;
  const std::string where = folder + "/manifest.json";
  const Json manifest = parse_json(read_text(where), where);
  if (whole(member(manifest, "format", Json::value_t::number_unsigned, where), 0, 1 << 20, where) !=
      1) {
    bad(where + ": format is not 1; this runner is too old or too new for it");
  }
  engine.version = member(manifest, "version", Json::value_t::string, where).get<std::string>();
  engine.threads =
      static_cast<int32_t>(whole(member(manifest, "threads", Json::value_t::number_unsigned, where),
                                 1, 4096, where + ": threads"));
  engine.inputs = manifest_tensors(manifest, "inputs", where);
  engine.outputs = manifest_tensors(manifest, "outputs", where);
  engine.library = folder + "/model.so";
  engine.params = read_text(folder + "/params.bin");
  engine.graph = graph_from_text(read_text(folder + "/graph.json"), folder + "/graph.json");
  const Graph& graph = engine.graph;
  for (const TensorInfo& input : engine.inputs) {
    const int32_t number = graph.argument_index(input.name);
    if (number < 0) {
      // The compiler removed an input that nothing reads: there is nothing to bind.
      engine.input_numbers.push_back(-1);
      engine.input_direct.push_back(true);
      continue;
    }
    const Entry source{graph.arguments[static_cast<size_t>(number)], 0};
    match(input, graph.tensor(source), where + ": input");
    engine.input_numbers.push_back(number);
    engine.input_direct.push_back(!graph.renamed(source));
  }
  check_constants(engine, folder + "/params.bin");
  if (graph.heads.size() != engine.outputs.size()) {
    bad(where + ": names " + std::to_string(engine.outputs.size()) + " outputs, graph.json has " +
        std::to_string(graph.heads.size()));
  }
  for (size_t i = 0; i < graph.heads.size(); ++i) {
    const Entry head = graph.heads[i];
    match(engine.outputs[i], graph.tensor(head), where + ": output");
    const std::string& function = graph.nodes[head.node].function;
    const auto same = std::count_if(
        graph.heads.begin(), graph.heads.end(),
        [&](const Entry& other) { return other.node == head.node && other.index == head.index; });
    engine.output_paths.push_back(function.empty() ? OutputPath::kCopyArgument
                                  : function == "__nop" || graph.renamed(head) || same > 1
                                      ? OutputPath::kCopy
                                      : OutputPath::kDirect);
  }
  return engine;
}

}  // namespace

int32_t Graph::argument_index(const std::string& name) const {
  for (size_t i = 0; i < arguments.size(); ++i) {
    if (nodes[static_cast<size_t>(arguments[i])].name == name) return static_cast<int32_t>(i);
  }
  return -1;
}

bool Graph::renamed(Entry entry) const {
  for (const Node& node : nodes) {
    if (node.function != "__nop") continue;
    for (const Entry& input : node.inputs) {
      if (input.node == entry.node && input.index == entry.index) return true;
    }
  }
  return false;
}

TensorInfo plain_layout(const TensorInfo& info) {
  TensorInfo plain = info;
  plain.shape = {info.shape[0], info.shape[1] * info.shape[4], info.shape[2], info.shape[3]};
  return plain;
}

void copy_plain(const TensorInfo& blocked, const char* from, char* to) {
  const int64_t groups = blocked.shape[0] * blocked.shape[1];
  const int64_t area = blocked.shape[2] * blocked.shape[3];
  const int64_t block = blocked.shape[4];
  const auto size = static_cast<int64_t>(blocked.type.bits + 7) / 8;
  for (int64_t g = 0; g < groups; ++g) {
    for (int64_t at = 0; at < area; ++at) {
      for (int64_t c = 0; c < block; ++c) {
        std::memcpy(to + ((g * block + c) * area + at) * size,
                    from + ((g * area + at) * block + c) * size, static_cast<size_t>(size));
      }
    }
  }
}

Expected<Graph> parse_graph(const std::string& text, const std::string& where) {
  try {
    return graph_from_text(text, where);
  } catch (const Bad& error) {
    return fail(ASSAY_INVALID, error.message);
  } catch (const std::exception& error) {
    return fail(ASSAY_INVALID, where + ": " + error.what());
  }
}

Expected<EngineFiles> read_engine(const std::string& folder) {
  try {
    return engine_from_folder(folder);
  } catch (const Bad& error) {
    return fail(ASSAY_INVALID, error.message);
  } catch (const std::exception& error) {
    return fail(ASSAY_INVALID, folder + ": " + error.what());
  }
}

}  // namespace assay::tvm
