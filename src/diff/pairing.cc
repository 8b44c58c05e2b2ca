// SPDX-License-Identifier: Apache-2.0
#include "diff/pairing.h"

#include <algorithm>
#include <map>
#include <numeric>

namespace assay::diff {
namespace {

constexpr size_t common_node = 16;  // layers of one engine that share a node: then it tells nothing

// Layers of both engines (B's behind A's) as sets that grow together.
class Sets {
 public:
  explicit Sets(size_t n) : parent_(n) { std::iota(parent_.begin(), parent_.end(), size_t{0}); }
  size_t root(size_t i) {
    while (parent_[i] != i) i = parent_[i] = parent_[parent_[i]];
    return i;
  }
  void join(size_t i, size_t j) {
    parent_[std::max(root(i), root(j))] = std::min(root(i), root(j));
  }

 private:
  std::vector<size_t> parent_;
};

using Key = std::pair<std::string, size_t>;  // name, occurrence

std::map<Key, size_t> by_name(std::span<const PairingLayer> layers) {
  std::map<std::string, size_t> seen;
  std::map<Key, size_t> out;
  for (size_t i = 0; i < layers.size(); ++i) out[{layers[i].name, seen[layers[i].name]++}] = i;
  return out;
}

std::map<std::string, std::vector<size_t>> by_node(std::span<const PairingLayer> layers) {
  std::map<std::string, std::vector<size_t>> out;
  for (size_t i = 0; i < layers.size(); ++i)
    for (const std::string& node : layers[i].origin) out[node].push_back(i);
  return out;
}

void join_by_node(Sets& sets, std::span<const PairingLayer> a, std::span<const PairingLayer> b,
                  const std::vector<bool>& named) {
  const auto nodes_b = by_node(b);
  for (const auto& [node, in_a] : by_node(a)) {
    const auto found = nodes_b.find(node);
    if (found == nodes_b.end()) continue;
    const auto& in_b = found->second;
    if (in_a.size() > common_node || in_b.size() > common_node) continue;
    std::vector<size_t> together;
    for (const size_t i : in_a)
      if (!named[i]) together.push_back(i);
    for (const size_t j : in_b)
      if (!named[a.size() + j]) together.push_back(a.size() + j);
    for (const size_t i : together) sets.join(i, together[0]);
  }
}

// Sets in the order of A; those of B alone go before the next set of B that A knows.
std::vector<LayerPair> in_order(Sets& sets, size_t n_a, size_t n_b) {
  std::map<size_t, LayerPair> groups;
  for (size_t i = 0; i < n_a; ++i) groups[sets.root(i)].a.push_back(i);
  for (size_t j = 0; j < n_b; ++j) groups[sets.root(n_a + j)].b.push_back(j);
  std::vector<LayerPair> out, of_b;
  for (auto& [root, group] : groups) (group.a.empty() ? of_b : out).push_back(std::move(group));
  for (LayerPair& alone : of_b) {
    const auto next = std::find_if(out.begin(), out.end(), [&](const LayerPair& p) {
      return !p.b.empty() && p.b[0] > alone.b[0];
    });
    out.insert(next, std::move(alone));
  }
  return out;
}

// Between two pairs that both sides know: as many of A alone as of B alone are paired in order.
void pair_gaps(std::vector<LayerPair>& pairs) {
  std::vector<LayerPair> out;
  for (size_t begin = 0; begin < pairs.size();) {
    size_t end = begin;
    while (end < pairs.size() && (pairs[end].a.empty() || pairs[end].b.empty())) ++end;
    std::vector<LayerPair> of_a, of_b;
    for (size_t i = begin; i < end; ++i) (pairs[i].b.empty() ? of_a : of_b).push_back(pairs[i]);
    if (of_a.size() == of_b.size()) {
      for (size_t i = 0; i < of_a.size(); ++i) out.push_back({of_a[i].a, of_b[i].b, true});
    } else {
      out.insert(out.end(), pairs.begin() + static_cast<std::ptrdiff_t>(begin),
                 pairs.begin() + static_cast<std::ptrdiff_t>(end));
    }
    if (end < pairs.size()) out.push_back(std::move(pairs[end]));
    begin = end + 1;
  }
  pairs = std::move(out);
}

}  // namespace

std::vector<LayerPair> pair_layers(std::span<const PairingLayer> a,
                                   std::span<const PairingLayer> b) {
  Sets sets(a.size() + b.size());
  std::vector<bool> named(a.size() + b.size(), false);
  const auto names_b = by_name(b);
  for (const auto& [key, i] : by_name(a)) {
    const auto found = names_b.find(key);
    if (found == names_b.end()) continue;
    sets.join(i, a.size() + found->second);
    named[i] = named[a.size() + found->second] = true;
  }
  join_by_node(sets, a, b, named);
  std::vector<LayerPair> pairs = in_order(sets, a.size(), b.size());
  pair_gaps(pairs);
  return pairs;
}

}  // namespace assay::diff
