// SPDX-License-Identifier: Apache-2.0
// OpenVINO's execution graph: the runtime model of a compiled model, serialised as XML. Facts of a
// layer are attributes of its <data>, or of <rt_info>. pugixml expands no entities of a document's
// own and loads nothing; a document type is passed over.
#include <algorithm>
#include <charconv>
#include <cstring>
#include <map>
#include <pugixml.hpp>
#include <set>

#include "base/text.h"
#include "diff/read/items.h"
#include "diff/read/read.h"
#include "diff/read/types.h"

namespace assay::diff {
namespace {

constexpr const char* kFix = "serialise it again: ov.serialize(compiled.get_runtime_model(), FILE)";
constexpr int64_t kLongestUs = int64_t{1} << 50;

std::optional<int64_t> whole_number(std::string_view text) {
  int64_t v = 0;
  const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), v);
  if (ec != std::errc() || end != text.data() + text.size() || text.empty()) return std::nullopt;
  return v;
}

std::vector<std::string> split(std::string_view list) {
  std::vector<std::string> out;
  for (size_t at = 0; at < list.size();) {
    const size_t end = std::min(list.find(',', at), list.size());
    if (end > at) out.emplace_back(list.substr(at, end - at));
    at = end + 1;
  }
  return out;
}

// A fact of a layer, "" when absent: <data NAME="v"/>, or <rt_info><attribute name="NAME"
// value="v"/></rt_info>, or <rt_info><NAME value="v"/></rt_info>.
std::string_view fact(pugi::xml_node layer, const char* name) {
  if (const auto a = layer.child("data").attribute(name)) return a.value();
  const pugi::xml_node info = layer.child("rt_info");
  for (pugi::xml_node n : info.children())
    if (std::strcmp(n.name(), name) == 0 || std::strcmp(n.attribute("name").value(), name) == 0)
      return n.attribute("value").value();
  return "";
}

struct Port {
  std::string id;
  TensorRef tensor;
};
struct Node {
  std::string id;
  int64_t order = -1;
  Layer layer;
  std::vector<Port> in, out;
  bool executed = true;
};

class Reader {
 public:
  explicit Reader(std::string_view where) : where_(where) {}

  Result<EngineMap> read(std::string_view text) {
    if (static_cast<int64_t>(text.size()) > kMostXmlBytes)
      return bad_input(fmt::format("{}: {} bytes of XML, expected at most {}", where_, text.size(),
                                   kMostXmlBytes),
                       kFix);
    pugi::xml_document doc;
    const pugi::xml_parse_result parsed =
        doc.load_buffer(text.data(), text.size(), pugi::parse_default, pugi::encoding_utf8);
    if (!parsed)
      return bad_input(fmt::format("{}: not XML at byte {}: {}", where_, parsed.offset,
                                   one_line(parsed.description(), 100)),
                       kFix);
    const pugi::xml_node net = doc.child("net"), layers = net.child("layers");
    if (!layers)
      return wrong(where_, "top level", "no <net> with <layers>", "an execution graph", kFix);
    for (pugi::xml_node l : layers.children("layer")) ASSAY_CHECK(layer(l));
    if (nodes_.empty()) return wrong(where_, "<layers>", "no <layer>", "an execution graph", kFix);
    edges(net.child("edges"));
    return finish();
  }

 private:
  Status layer(pugi::xml_node xml) {
    const std::string at = fmt::format("layer {}", nodes_.size());
    if (nodes_.size() >= kMostLayers)
      return wrong(where_, at, "another layer", fmt::format("at most {}", kMostLayers), kFix);
    Node n;
    n.id = xml.attribute("id").value();
    n.layer.name = xml.attribute("name").value();
    if (n.layer.name.empty()) return wrong(where_, at, "no name", "the name of the layer", kFix);
    const std::string_view order = fact(xml, "execOrder");
    if (order.empty())
      return wrong(where_, fmt::format("{} ({})", at, one_line(n.layer.name, 60)), "no execOrder",
                   "the layer of an execution graph",
                   "a model is not yet compiled: serialise compiled.get_runtime_model() instead");
    const auto number = whole_number(order);
    if (!number || *number < 0)
      return wrong(where_, at + ".execOrder", fmt::format("'{}'", one_line(order, 40)),
                   "a number from 0", kFix);
    n.order = *number;
    facts(xml, n);
    ASSAY_CHECK(time(xml, at, n.layer));
    ASSAY_CHECK(ports(xml.child("input"), at, n.in));
    ASSAY_CHECK(ports(xml.child("output"), at, n.out));
    const auto layouts = split(fact(xml, "outputLayouts"));
    for (size_t i = 0; i < n.out.size(); ++i) {
      n.out[i].tensor.name = n.layer.name + (i == 0 ? "" : fmt::format(":{}", i));
      if (i < layouts.size()) n.out[i].tensor.format = layouts[i];
    }
    if (!ids_.insert(n.id).second)
      return wrong(where_, at, fmt::format("the id '{}' a second time", one_line(n.id, 40)),
                   "one layer an id", kFix);
    nodes_.push_back(std::move(n));
    return {};
  }

  static void facts(pugi::xml_node xml, Node& n) {
    Layer& l = n.layer;
    l.type = xml.attribute("type").value();
    if (const std::string_view told = fact(xml, "layerType"); !told.empty()) l.type = told;
    n.executed = l.type != "Const" && l.type != "Input" && l.type != "Output";
    const std::string primitive(fact(xml, "primitiveType"));
    // As the kernel maps of assay's own builds spell it.
    l.kernel = primitive.empty() ? "" : l.type + ":" + primitive;
    l.precision = precision_word(dtype_word(fact(xml, "runtimePrecision")));
    l.origin = split(fact(xml, "originalLayersNames"));
    std::sort(l.origin.begin(), l.origin.end());
    l.origin.erase(std::unique(l.origin.begin(), l.origin.end()), l.origin.end());
  }

  Status time(pugi::xml_node xml, const std::string& at, Layer& l) {
    const std::string_view text = fact(xml, "execTimeMcs");
    if (text.empty() || text == "not_executed") return {};
    const auto us = whole_number(text);
    if (!us || *us < 0 || *us > kLongestUs)
      return wrong(where_, at + ".execTimeMcs", fmt::format("'{}'", one_line(text, 40)),
                   "whole us, or not_executed", kFix);
    l.time_ns.push_back(static_cast<double>(*us) * 1e3);
    return {};
  }

  Status ports(pugi::xml_node list, const std::string& at, std::vector<Port>& out) {
    for (pugi::xml_node p : list.children("port")) {
      if (out.size() >= kMostTensors)
        return wrong(where_, at, "another port", fmt::format("at most {}", kMostTensors), kFix);
      Port port;
      port.id = p.attribute("id").value();
      port.tensor.dtype = dtype_word(p.attribute("precision").value());
      for (pugi::xml_node d : p.children("dim")) {
        const auto extent = whole_number(d.text().get());
        if (!extent || *extent < -1 || port.tensor.shape.size() >= kMostRank)
          return wrong(
              where_, at, fmt::format("<dim>{}", one_line(d.text().get(), 40)),
              fmt::format("extents from 0, or -1 for a dynamic one, at most {}", kMostRank), kFix);
        port.tensor.shape.push_back(*extent);
      }
      out.push_back(std::move(port));
    }
    return {};
  }

  // An input has the name and layout of the output it is tied to. Edges to nowhere say nothing.
  void edges(pugi::xml_node list) {
    using Place = std::pair<std::string_view, std::string_view>;  // layer, port
    std::map<Place, Port*> in, out;
    for (Node& n : nodes_) {
      for (Port& p : n.in) in.emplace(Place(n.id, p.id), &p);
      for (Port& p : n.out) out.emplace(Place(n.id, p.id), &p);
    }
    for (pugi::xml_node e : list.children("edge")) {
      const auto from =
          out.find({e.attribute("from-layer").value(), e.attribute("from-port").value()});
      const auto to = in.find({e.attribute("to-layer").value(), e.attribute("to-port").value()});
      if (from == out.end() || to == in.end()) continue;
      to->second->tensor.name = from->second->tensor.name;
      to->second->tensor.format = from->second->tensor.format;
    }
  }

  Result<EngineMap> finish() {
    std::stable_sort(nodes_.begin(), nodes_.end(),
                     [](const Node& a, const Node& b) { return a.order < b.order; });
    EngineMap engine;
    size_t timed = 0;
    for (Node& n : nodes_) {
      if (!n.executed) continue;
      for (Port& p : n.in) n.layer.inputs.push_back(std::move(p.tensor));
      for (Port& p : n.out) n.layer.outputs.push_back(std::move(p.tensor));
      timed += n.layer.time_ns.empty() ? 0 : 1;
      engine.layers.push_back(std::move(n.layer));
    }
    if (engine.layers.empty())
      return wrong(where_, "<layers>", "only constants, inputs and outputs", "executed layers",
                   kFix);
    engine.compiler = "OpenVINO";
    engine.source = "OpenVINO execution graph";
    engine.notes.emplace_back(
        timed > 0 ? "times are means in whole us, without the layers that were not executed"
                  : "no layer has a time: compile with PERF_COUNT, and infer before serialising");
    return engine;
  }

  std::string_view where_;
  std::vector<Node> nodes_;
  std::set<std::string> ids_;
};

}  // namespace

Result<EngineMap> parse_openvino_graph(std::string_view text, std::string_view where) {
  return Reader(where).read(text);
}

}  // namespace assay::diff
