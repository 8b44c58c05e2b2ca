// SPDX-License-Identifier: Apache-2.0
// Operations of one node. Internal to the cost.
#pragma once

#include "model/cost_graph.h"

namespace assay::model {

struct Operations {
  bool counted = false, shape_unknown = false, integer = false;
  double multiply_adds = 0, others = 0;
  double irreducible = 1;  // share of the multiply-adds that no algorithm saves
};
Operations operations_of(const onnx::NodeProto& node, const Graph& graph);

// Reads only some rows of its first input.
bool looks_up(const onnx::NodeProto& node);

}  // namespace assay::model
