// SPDX-License-Identifier: Apache-2.0
#include "onnx_wire.h"

#include <cstdint>
#include <optional>
#include <vector>

namespace assay::ort {
namespace {

constexpr int kMaxDepth = 64;

// One field of a message. `bytes` is set for length-delimited fields, `value` for varints.
struct Field {
  uint32_t number = 0;
  std::string_view bytes;
  uint64_t value = 0;
  bool is_bytes = false;
};

// Walks the fields of one message; every read is bounds-checked.
class Fields {
 public:
  explicit Fields(std::string_view data) : data_(data) {}

  // The next field; nullopt at the end or when the message is malformed (then ok() is false).
  std::optional<Field> next() {
    if (data_.empty() || !ok_) return std::nullopt;
    Field field;
    uint64_t key = varint();
    field.number = static_cast<uint32_t>(key >> 3);
    uint64_t length = 0;
    switch (key & 7) {
      case 0:
        field.value = varint();
        break;
      case 1:
        length = 8;
        break;
      case 2:
        length = varint();
        field.is_bytes = true;
        break;
      case 5:
        length = 4;
        break;
      default:  // groups: no ONNX version has any
        ok_ = false;
    }
    if (length > data_.size()) ok_ = false;
    if (!ok_) return std::nullopt;
    field.bytes = data_.substr(0, length);
    data_.remove_prefix(length);
    return field;
  }
  bool ok() const { return ok_; }

 private:
  uint64_t varint() {
    uint64_t value = 0;
    for (int shift = 0; shift < 70 && !data_.empty(); shift += 7) {
      auto byte = static_cast<uint8_t>(data_.front());
      data_.remove_prefix(1);
      if (shift < 64) value |= static_cast<uint64_t>(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
    ok_ = false;
    return 0;
  }

  std::string_view data_;
  bool ok_ = true;
};

enum class Message { model, training, function, graph, node, attribute, sparse, tensor };

// The message type of field `number` of `parent`, for the fields that can hold a tensor in the end.
std::optional<Message> child(Message parent, uint32_t number) {
  struct Edge {
    Message parent;
    uint32_t number;
    Message child;
  };
  static constexpr Edge kEdges[] = {
      {Message::model, 7, Message::graph},         {Message::model, 20, Message::training},
      {Message::model, 25, Message::function},     {Message::training, 1, Message::graph},
      {Message::training, 2, Message::graph},      {Message::function, 7, Message::node},
      {Message::function, 11, Message::attribute}, {Message::graph, 1, Message::node},
      {Message::graph, 5, Message::tensor},        {Message::graph, 15, Message::sparse},
      {Message::node, 5, Message::attribute},      {Message::attribute, 5, Message::tensor},
      {Message::attribute, 6, Message::graph},     {Message::attribute, 10, Message::tensor},
      {Message::attribute, 11, Message::graph},    {Message::attribute, 22, Message::sparse},
      {Message::attribute, 23, Message::sparse},   {Message::sparse, 1, Message::tensor},
      {Message::sparse, 2, Message::tensor},
  };
  for (const Edge& edge : kEdges) {
    if (edge.parent == parent && edge.number == number) return edge.child;
  }
  return std::nullopt;
}

struct Node {
  std::string name, op, domain, activation;
  std::vector<std::string> inputs, outputs;
};

class Scanner {
 public:
  explicit Scanner(OnnxFacts* facts) : facts_(facts) {}

  // False when `data` is no message of this kind. `node` is the node a message belongs to, `index`
  // counts the nodes of the graph around it.
  bool scan(Message kind, std::string_view data, int depth, bool main_graph, Node* node,
            size_t* index) {
    if (depth > kMaxDepth) return false;
    Node own;
    size_t own_index = 0;
    // Functions and training graphs do not run under their own names: their nodes are not listed.
    if (kind == Message::function || kind == Message::training) index = nullptr;
    if (kind == Message::graph && !main_graph && index != nullptr) index = &own_index;
    if (kind == Message::node) node = &own;
    std::string name;  // of an attribute or a tensor
    std::string text;  // of an attribute
    bool external = false;
    Fields fields(data);
    while (std::optional<Field> field = fields.next()) {
      if (auto next = child(kind, field->number)) {
        if (!field->is_bytes) return false;
        bool main = kind == Message::model && *next == Message::graph;
        main = main || (main_graph && kind == Message::graph && *next == Message::node);
        if (!scan(*next, field->bytes, depth + 1, main, node, index)) return false;
        continue;
      }
      if (kind == Message::node) read_node(*field, &own);
      if (kind == Message::graph && main_graph && field->number == 12) read_output(field->bytes);
      if (kind == Message::attribute && field->number == 1) name = field->bytes;
      if (kind == Message::attribute && field->number == 4) text = field->bytes;
      if (kind == Message::tensor && field->number == 8) name = field->bytes;
      if (kind == Message::tensor && field->number == 13) external = true;
      if (kind == Message::tensor && field->number == 14 && field->value == 1) external = true;
    }
    if (kind == Message::attribute && node != nullptr && name == "activation") {
      node->activation = text;
    }
    if (external && !facts_->external_data) {
      facts_->external_data = true;
      facts_->external_tensor = name;
    }
    if (kind == Message::node && index != nullptr) add_node(own, (*index)++, main_graph);
    return fields.ok();
  }

 private:
  static void read_node(const Field& field, Node* node) {
    if (field.number == 1) node->inputs.emplace_back(field.bytes);
    if (field.number == 2) node->outputs.emplace_back(field.bytes);
    if (field.number == 3) node->name = field.bytes;
    if (field.number == 4) node->op = field.bytes;
    if (field.number == 7) node->domain = field.bytes;
  }

  void read_output(std::string_view value_info) {
    Fields fields(value_info);
    while (std::optional<Field> field = fields.next()) {
      if (field->number == 1) facts_->outputs.emplace(field->bytes);
    }
  }

  void add_node(const Node& node, size_t index, bool main_graph) {
    std::string layer = node.name.empty() ? node.op + "_" + std::to_string(index) : node.name;
    std::string text = node.domain.empty() ? node.op : node.domain + "." + node.op;
    if (!node.activation.empty()) text += "+" + node.activation;
    auto [at, fresh] = facts_->operators.try_emplace({layer, node.op}, text);
    if (!fresh && at->second != text) at->second = node.op;
    if (!main_graph) return;
    facts_->tensors.insert(node.outputs.begin(), node.outputs.end());
    if (!node.outputs.empty() && !node.outputs[0].empty()) {
      facts_->layer_outputs.try_emplace(layer, node.outputs[0]);
    }
    if (is_blocked(node)) facts_->blocked.insert(node.outputs.begin(), node.outputs.end());
  }

  // Nodes stand in topological order. Operators of ONNX that ONNX Runtime leaves among blocked ones
  // (sums, activations, concatenation of channels) give the layout that they are given.
  bool is_blocked(const Node& node) const {
    if (node.domain == "com.microsoft.nchwc") return node.op != "ReorderOutput";
    for (const std::string& input : node.inputs) {
      if (facts_->blocked.count(input) > 0) return true;
    }
    return false;
  }

  OnnxFacts* facts_;
};

void append_varint(std::string* out, uint64_t value) {
  for (; value >= 0x80; value >>= 7) out->push_back(static_cast<char>(value | 0x80));
  out->push_back(static_cast<char>(value));
}

void append_bytes(std::string* out, int number, std::string_view bytes) {
  append_varint(out, static_cast<uint64_t>(number) << 3 | 2);
  append_varint(out, bytes.size());
  out->append(bytes);
}

void append_number(std::string* out, int number, uint64_t value) {
  append_varint(out, static_cast<uint64_t>(number) << 3);
  append_varint(out, value);
}

}  // namespace

Result<OnnxFacts> scan_model(std::string_view bytes) {
  OnnxFacts facts;
  size_t index = 0;
  if (!Scanner(&facts).scan(Message::model, bytes, 0, false, nullptr, &index)) {
    return fail(ASSAY_INVALID, "not a whole ONNX model: its protobuf bytes are malformed");
  }
  facts.tensors.erase("");
  facts.blocked.erase("");
  return facts;
}

std::string output_fragment(std::string_view name) {
  std::string value_info, graph, model;
  append_bytes(&value_info, 1, name);
  append_bytes(&graph, 12, value_info);
  append_bytes(&model, 7, graph);
  return model;
}

std::string reorder_fragment(std::string_view name, std::string_view plain, int64_t channels) {
  std::string attribute, node, value_info, graph, model;
  append_bytes(&attribute, 1, "channels");
  append_number(&attribute, 3, static_cast<uint64_t>(channels));
  append_number(&attribute, 20, 2);  // AttributeProto.INT
  append_bytes(&node, 1, name);
  append_bytes(&node, 2, plain);
  append_bytes(&node, 3, plain);
  append_bytes(&node, 4, "ReorderOutput");
  append_bytes(&node, 5, attribute);
  append_bytes(&node, 7, "com.microsoft.nchwc");
  append_bytes(&value_info, 1, plain);
  append_bytes(&graph, 1, node);
  append_bytes(&graph, 12, value_info);
  append_bytes(&model, 7, graph);
  return model;
}

}  // namespace assay::ort
