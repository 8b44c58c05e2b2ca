// SPDX-License-Identifier: Apache-2.0
// Which layers of several engines do the same work. Engines of one compiler are aligned layer by
// layer: by name and occurrence, then by the ONNX nodes they come from, then by type and shape in
// order. Engines of several compilers share no layers: theirs are grouped by ONNX nodes.
// Near-linear in the layers: 3 engines of 200 layers take about a millisecond.
#pragma once

#include <span>
#include <string_view>

#include "diff/engine_map.h"

namespace assay::diff {

enum class Level { layers, nodes };
// place: the only unmatched ones between the same neighbours. alone: in one engine, no partner.
enum class How { name, origin, shape, place, alone };
std::string_view word(Level level);  // "layers" "nodes"
std::string_view word(How how);      // "name" "origin" "shape" "place" "alone"

struct Row {
  std::vector<std::vector<size_t>> layers;  // one entry an engine: of EngineMap::layers, ascending
  How how = How::alone;                     // the weakest evidence that joined its layers
  // Of each engine: runs there at another place than the rows around it say. Empty: nowhere.
  std::vector<bool> moved;
  bool moves() const { return !moved.empty(); }
};
struct Alignment {
  Level level = Level::layers;
  std::vector<Row> rows;  // each layer of each engine is in exactly one; in order of execution
  std::vector<std::string> notes;
};
Alignment align(std::span<const EngineMap> engines);

// What a layer is when its name says nothing: type (else the name without its numbers) and the
// shapes of its outputs.
std::string signature(const Layer& layer);
// Node names that so many layers of one engine share that they tell nothing.
constexpr size_t kCommonNode = 16;

}  // namespace assay::diff
