// SPDX-License-Identifier: Apache-2.0
#include "diff/groups.h"

#include <fmt/format.h>

#include <map>
#include <unordered_set>

#include "base/text.h"

namespace assay::diff {

Groups::Groups(std::span<const EngineMap> engines) : engines_(engines.size()) {
  size_t n = 0;
  for (const EngineMap& e : engines) {
    first_.push_back(n);
    n += e.layers.size();
  }
  first_.push_back(n);
  parent_.resize(n);
  std::iota(parent_.begin(), parent_.end(), size_t{0});
  size_.assign(n, 1);
  how_.assign(n, How::alone);
  held_.assign(n * engines_, false);
  for (size_t i = 0; i < n; ++i) held_[i * engines_ + engine_of(i)] = true;
}

size_t Groups::engine_of(size_t id) const {
  // Engines without layers share their first id with the next: the last that begins there has it.
  return static_cast<size_t>(std::upper_bound(first_.begin(), first_.end(), id) - first_.begin()) -
         1;
}

size_t Groups::root(size_t id) {
  while (parent_[id] != id) id = parent_[id] = parent_[parent_[id]];
  return id;
}

void Groups::join(size_t a, size_t b, How how) {
  a = root(a), b = root(b);
  if (a == b) return;
  if (size_[a] < size_[b]) std::swap(a, b);
  parent_[b] = a;
  size_[a] += size_[b];
  for (size_t e = 0; e < engines_; ++e)
    if (held_[b * engines_ + e]) held_[a * engines_ + e] = true;
  // `alone` is what a set of one has: no evidence yet, neither weak nor strong.
  for (const How h : {how, how_[b]})
    if (h != How::alone) how_[a] = how_[a] == How::alone ? h : std::max(how_[a], h);
}

bool Groups::apart(size_t a, size_t b) {
  for (size_t e = 0; e < engines_; ++e)
    if (has(a, e) && has(b, e)) return false;
  return true;
}

bool Groups::whole(size_t id) {
  for (size_t e = 0; e < engines_; ++e)
    if (!has(id, e)) return false;
  return true;
}

std::vector<size_t> Groups::order(size_t engines) {
  std::vector<size_t> out;                   // one layer of each set
  std::unordered_map<size_t, size_t> place;  // of a root in `out`
  for (size_t e = 0; e < engines; ++e) {
    // Those that are new run after the known one before them: put in there, in order.
    std::vector<std::pair<size_t, size_t>> added;  // after how many of `out`, layer
    size_t after = 0;
    std::unordered_set<size_t> fresh;
    for (size_t i = first_[e]; i < first_[e + 1]; ++i) {
      const size_t r = root(i);
      if (const auto known = place.find(r); known != place.end())
        after = known->second + 1;
      else if (fresh.insert(r).second)
        added.emplace_back(after, i);
    }
    std::stable_sort(added.begin(), added.end(),
                     [](const auto& a, const auto& b) { return a.first < b.first; });
    std::vector<size_t> next;
    next.reserve(out.size() + added.size());
    size_t k = 0;
    for (size_t i = 0; i <= out.size(); ++i) {
      for (; k < added.size() && added[k].first == i; ++k) next.push_back(added[k].second);
      if (i < out.size()) next.push_back(out[i]);
    }
    out = std::move(next);
    place.clear();
    for (size_t i = 0; i < out.size(); ++i) place[root(out[i])] = i;
  }
  return out;
}

std::vector<Row> Groups::rows() {
  const std::vector<size_t> sets = order(engines_);
  std::unordered_map<size_t, size_t> place;
  std::vector<Row> out(sets.size());
  for (size_t i = 0; i < sets.size(); ++i) {
    const size_t r = root(sets[i]);
    place[r] = i;
    out[i].layers.resize(engines_);
    out[i].how = how_[r];
  }
  for (size_t e = 0; e < engines_; ++e)
    for (size_t i = first_[e]; i < first_[e + 1]; ++i)
      out[place[root(i)]].layers[e].push_back(i - first_[e]);
  return out;
}

NodeLayers layers_of_nodes(std::span<const EngineMap> engines, const Groups& groups,
                           std::vector<std::string>& notes) {
  NodeLayers out;
  std::unordered_map<std::string_view, size_t> place;
  for (size_t e = 0; e < engines.size(); ++e) {
    for (size_t l = 0; l < engines[e].layers.size(); ++l) {
      for (const std::string& node : engines[e].layers[l].origin) {
        if (node.empty()) continue;
        const auto [it, fresh] = place.emplace(node, out.size());
        if (fresh) out.emplace_back(node, std::vector<size_t>());
        auto& ids = out[it->second].second;
        if (ids.empty() || ids.back() != groups.id(e, l)) ids.push_back(groups.id(e, l));
      }
    }
  }
  size_t common = 0;
  std::string example;
  std::erase_if(out, [&](const auto& node) {
    std::map<size_t, size_t> count;
    for (size_t id : node.second) {
      if (++count[groups.engine_of(id)] < kCommonNode) continue;
      if (common++ == 0) example = node.first;
      return true;
    }
    return false;
  });
  if (common > 0)
    notes.push_back(fmt::format(
        "{} ONNX node{} (such as {}) {} named by {} or more layers of one engine and not used to "
        "align",
        common, common == 1 ? "" : "s", one_line(example, 60), common == 1 ? "is" : "are",
        kCommonNode));
  return out;
}

}  // namespace assay::diff
