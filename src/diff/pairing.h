// SPDX-License-Identifier: Apache-2.0
// What "the same layers of two engines" means to divergence.h and layer_delta.h, and the simplest
// way to find them. A better alignment can be handed to both in its place.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

namespace assay::diff {

// Layers of A and B, by number in execution order, that do the same work together; one side may be
// empty. The value of a side is the output of its last layer, its time the sum over all of them.
struct LayerPair {
  std::vector<size_t> a, b;  // ascending
  bool by_place = false;     // nothing but their place says that they belong together
};

struct PairingLayer {
  std::string name;
  std::vector<std::string> origin;  // ONNX nodes; empty when not told
};

// By name and occurrence. With other names: by ONNX nodes that both sides tell (layers that share a
// node, directly or through others, are together). What stands alone between two paired layers is
// paired in order when both sides have equally many there. Every layer is in exactly one pair; in
// execution order of A, those of B alone where they run.
std::vector<LayerPair> pair_layers(std::span<const PairingLayer> a,
                                   std::span<const PairingLayer> b);

}  // namespace assay::diff
