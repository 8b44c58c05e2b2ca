// SPDX-License-Identifier: Apache-2.0
#include "diff/align.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <set>

#include "diff/edit_script.h"
#include "diff/groups.h"

namespace assay::diff {
namespace {

using Engines = std::span<const EngineMap>;

// A number for every distinct text.
class Numbers {
 public:
  uint32_t operator()(std::string text) {
    return seen_.emplace(std::move(text), static_cast<uint32_t>(seen_.size())).first->second;
  }

 private:
  std::unordered_map<std::string, uint32_t> seen_;
};

std::string origin_text(const Layer& l) {
  std::string out;
  for (const std::string& o : l.origin) out += fmt::format("{}:{}", o.size(), o);
  return out;
}

// Joins the layers of equal key, the n-th of one engine with the n-th of another; what has a
// partner in every engine takes no part. Layers with an empty key have none.
template <class Key>
void by_occurrence(Engines engines, Groups& groups, How how, Key key_of) {
  std::unordered_map<std::string, std::vector<size_t>> known;  // ids, one an occurrence
  for (size_t e = 0; e < engines.size(); ++e) {
    std::unordered_map<std::string, size_t> occurrence;
    for (size_t l = 0; l < engines[e].layers.size(); ++l) {
      const size_t id = groups.id(e, l);
      const std::string key = key_of(engines[e].layers[l]);
      if (key.empty() || groups.whole(id)) continue;
      auto& ids = known[key];
      size_t& n = occurrence[key];
      // Sets that hold a layer of an engine in common stay apart.
      while (n < ids.size() && groups.root(ids[n]) != groups.root(id) && !groups.apart(ids[n], id))
        ++n;
      if (n == ids.size())
        ids.push_back(id);
      else
        groups.join(ids[n], id, how);
      ++n;
    }
  }
}

// Pass 1: equal names. Among several of one name those of equal origin belong together; the rest
// goes by occurrence. So a layer more at the front does not shift all that follow it.
void by_name(Engines engines, Groups& groups) {
  const auto name = [](const Layer& l) {
    return l.name.empty() ? std::string() : fmt::format("{}:{}", l.name.size(), l.name);
  };
  by_occurrence(engines, groups, How::name, [&](const Layer& l) {
    return l.origin.empty() || l.name.empty() ? std::string() : name(l) + origin_text(l);
  });
  by_occurrence(engines, groups, How::name, name);
}

// Pass 2: what has no partner in every engine yet joins those it shares ONNX nodes with. First
// equal sets of nodes, one to one; then overlaps, which is how fused and split layers are found.
void by_origin(Engines engines, Groups& groups, std::vector<std::string>& notes) {
  by_occurrence(engines, groups, How::origin, origin_text);
  // Judged before any joining, so that the order of nodes does not matter.
  std::vector<bool> whole(groups.size());
  for (size_t id = 0; id < groups.size(); ++id) whole[id] = groups.whole(id);
  for (const auto& [node, ids] : layers_of_nodes(engines, groups, notes)) {
    // Layers of one engine that share a node with each other only are no fusion of another's.
    bool open = false, several = false;
    for (size_t id : ids) {
      open = open || !whole[id];
      several = several || groups.engine_of(id) != groups.engine_of(ids.front());
    }
    if (!open || !several) continue;
    for (size_t id : ids) groups.join(ids.front(), id, How::origin);
  }
}

// May these two be the same work, if they run at the same place? Not when both tell nodes (they
// would have met by those) or both tell outputs of unlike shape.
bool may_replace(const Layer& a, const Layer& b) {
  if (!a.origin.empty() && !b.origin.empty()) return false;
  if (a.outputs.empty() || b.outputs.empty()) return true;
  return std::equal(a.outputs.begin(), a.outputs.end(), b.outputs.begin(), b.outputs.end(),
                    [](const TensorRef& x, const TensorRef& y) { return x.shape == y.shape; });
}

// Pass 3: the layers of engine `e` that still miss in the sets of those before it, in order and
// between those that are matched: by type and shape; then, where one stands alone on either side,
// by its place.
void by_shape(Engines engines, size_t e, Groups& groups) {
  Numbers number;
  const auto layer_of = [&](size_t id) -> const Layer& {
    return engines[groups.engine_of(id)].layers[groups.layer_of(id)];
  };
  // One sequence a side: sets in common have a number of their own and hold the order together.
  const auto element = [&](size_t id, bool common) {
    return number(common ? fmt::format("={}", groups.root(id)) : "~" + signature(layer_of(id)));
  };
  const std::vector<size_t> before = groups.order(e);
  std::vector<uint32_t> a, b;
  std::vector<bool> common_a, common_b;
  for (size_t id : before) {
    common_a.push_back(groups.has(id, e));
    a.push_back(element(id, common_a.back()));
  }
  for (size_t l = 0; l < engines[e].layers.size(); ++l) {
    bool common = false;
    for (size_t f = 0; f < e; ++f) common = common || groups.has(groups.id(e, l), f);
    common_b.push_back(common);
    b.push_back(element(groups.id(e, l), common));
  }
  std::vector<Match> matches = edit_script(a, b).matches;
  const auto join = [&](size_t at_a, size_t at_b, How how) {
    const size_t x = before[at_a], y = groups.id(e, at_b);
    if (groups.apart(x, y)) groups.join(x, y, how);
  };
  for (const Match& m : matches) join(m.a, m.b, How::shape);
  matches.push_back({a.size(), b.size()});
  size_t next_a = 0, next_b = 0;
  for (const Match& m : matches) {
    if (m.a == next_a + 1 && m.b == next_b + 1 && !common_a[next_a] && !common_b[next_b] &&
        may_replace(layer_of(before[next_a]), engines[e].layers[next_b]))
      join(next_a, next_b, How::place);
    next_a = m.a + 1, next_b = m.b + 1;
  }
}

// Rows that run at another place: those outside a longest ascending run of places.
void mark_moved(Engines engines, std::vector<Row>& rows) {
  for (size_t e = 0; e < engines.size(); ++e) {
    std::vector<std::pair<size_t, size_t>> places;  // row, first layer in this engine
    for (size_t r = 0; r < rows.size(); ++r)
      if (!rows[r].layers[e].empty()) places.emplace_back(r, rows[r].layers[e].front());
    std::vector<size_t> tails, before(places.size(), SIZE_MAX);  // patience sorting
    for (size_t i = 0; i < places.size(); ++i) {
      const auto it = std::lower_bound(tails.begin(), tails.end(), places[i].second,
                                       [&](size_t t, size_t v) { return places[t].second < v; });
      if (it != tails.begin()) before[i] = *(it - 1);
      if (it == tails.end())
        tails.push_back(i);
      else
        *it = i;
    }
    std::vector<bool> kept(places.size(), false);
    for (size_t i = tails.empty() ? SIZE_MAX : tails.back(); i != SIZE_MAX; i = before[i])
      kept[i] = true;
    for (size_t i = 0; i < places.size(); ++i)
      if (!kept[i]) {
        auto& moved = rows[places[i].first].moved;
        moved.resize(engines.size(), false);
        moved[e] = true;
      }
  }
}

// Layers that tell no ONNX node go to the end: nothing can be said of their partners.
void list_apart(Engines engines, Alignment& a) {
  const auto told = [&](const Row& r) {
    for (size_t e = 0; e < engines.size(); ++e)
      for (size_t l : r.layers[e])
        if (!engines[e].layers[l].origin.empty()) return true;
    return false;
  };
  const auto end = std::stable_partition(a.rows.begin(), a.rows.end(), told);
  if (const auto n = a.rows.end() - end; n > 0)
    a.notes.push_back(
        fmt::format("{} layer{} no ONNX node: listed apart, at the end, as absent elsewhere", n,
                    n == 1 ? " tells" : "s tell"));
}

bool tells_origin(const EngineMap& e) {
  return std::any_of(e.layers.begin(), e.layers.end(),
                     [](const Layer& l) { return !l.origin.empty(); });
}

}  // namespace

std::string_view word(Level level) { return level == Level::layers ? "layers" : "nodes"; }
std::string_view word(How how) {
  constexpr std::string_view kWords[] = {"name", "origin", "shape", "place", "alone"};
  return kWords[static_cast<size_t>(how)];
}

std::string signature(const Layer& layer) {
  std::string out = layer.type;
  if (out.empty())
    for (char c : layer.name)
      if (c < '0' || c > '9') out += c;
  for (const TensorRef& t : layer.outputs) out += fmt::format("|{}", fmt::join(t.shape, "x"));
  return out;
}

namespace {

// "ONNX Runtime" of a foreign file and "onnxruntime" of ours are one compiler.
std::string compiler_id(const std::string& name) {
  std::string out;
  for (unsigned char c : name)
    if (std::isalnum(c)) out += static_cast<char>(std::tolower(c));
  return out;
}

}  // namespace

Alignment align(Engines engines) {
  Alignment out;
  std::set<std::string> compilers;
  for (const EngineMap& e : engines)
    if (!e.compiler.empty()) compilers.insert(compiler_id(e.compiler));
  out.level = compilers.size() > 1 ? Level::nodes : Level::layers;
  Groups groups(engines);
  if (out.level == Level::layers) {
    by_name(engines, groups);
    by_origin(engines, groups, out.notes);
    for (size_t e = 1; e < engines.size(); ++e) by_shape(engines, e, groups);
  } else {
    for (const EngineMap& e : engines)
      if (!tells_origin(e))
        out.notes.push_back(
            fmt::format("{} does not tell which ONNX nodes its layers come from", e.label));
    for (const auto& [node, ids] : layers_of_nodes(engines, groups, out.notes))
      for (size_t id : ids) groups.join(ids.front(), id, How::origin);
  }
  out.rows = groups.rows();
  if (out.level == Level::nodes) list_apart(engines, out);
  if (out.level == Level::layers) mark_moved(engines, out.rows);
  return out;
}

}  // namespace assay::diff
