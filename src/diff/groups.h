// SPDX-License-Identifier: Apache-2.0
// Disjoint sets of layers that grow together while an alignment is made.
#pragma once

#include <algorithm>
#include <numeric>
#include <span>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "diff/align.h"

namespace assay::diff {

// All layers of all engines in one numbering, and which of them belong together (union by size with
// path halving; the root keeps the weakest evidence of its set).
class Groups {
 public:
  explicit Groups(std::span<const EngineMap> engines);
  size_t id(size_t engine, size_t layer) const { return first_[engine] + layer; }
  size_t size() const { return parent_.size(); }
  size_t engine_of(size_t id) const;
  size_t layer_of(size_t id) const { return id - first_[engine_of(id)]; }
  size_t root(size_t id);
  void join(size_t a, size_t b, How how);
  // Does the set of `id` hold a layer of `engine`?
  bool has(size_t id, size_t engine) { return held_[root(id) * engines_ + engine]; }
  // No engine has layers in both sets: joining them makes no layer share its row with another of
  // its engine.
  bool apart(size_t a, size_t b);
  bool whole(size_t id);  // the set has a layer of every engine
  // One layer of each set that the first `engines` engines have, in order of execution: of the
  // first engine, the others' put in after what runs before them.
  std::vector<size_t> order(size_t engines);
  std::vector<Row> rows();

 private:
  size_t engines_;
  std::vector<size_t> first_;  // id of each engine's first layer, and the end
  std::vector<size_t> parent_, size_;
  std::vector<How> how_;
  std::vector<bool> held_;
};

// ONNX node -> ids of the layers that come from it, in order. Nodes that kCommonNode layers of one
// engine name are left out, with a note.
using NodeLayers = std::vector<std::pair<std::string, std::vector<size_t>>>;
NodeLayers layers_of_nodes(std::span<const EngineMap> engines, const Groups& groups,
                           std::vector<std::string>& notes);

}  // namespace assay::diff
